/**
 * What has changed in the table lately, in order, so that each link can be told what it has not heard (topology, gossip).
 *
 * 1. Numbers rise by one. An item that has fallen out of the log is found by comparing tables.
 * 2. Nothing is told to the one it was heard from.
 */

/** One change. What it says of its node is read from the table when it is told, and not told if that has moved on. */
export interface NewsItem {
  readonly nodeId: string;
  readonly incarnation: number;
  readonly news: 'record' | 'suspect' | 'dead';
  /** Who suspects, or has declared the node dead; empty for a record. */
  readonly claimer: string;
  /** The address of the peer that told it; empty where it arose here. */
  readonly origin: string;
}

/** Items kept: a link that falls behind further compares tables. */
const KEPT = 4096;

export class NewsLog {
  private readonly items: NewsItem[] = [];
  /** The number of the first item kept. */
  private first = 1;

  /** The number of the latest item; 0 before there is one. */
  get last(): number {
    return this.first + this.items.length - 1;
  }

  append(item: NewsItem): void {
    this.items.push(item);
    if (this.items.length < KEPT * 2) return;
    this.items.splice(0, KEPT);
    this.first += KEPT;
  }

  /** The item of a number; undefined for one that is not kept. */
  at(number: number): NewsItem | undefined {
    return this.items[number - this.first];
  }

  /** Whether everything behind `number` is still kept. */
  covers(number: number): boolean {
    return number + 1 >= this.first;
  }
}
