/**
 * The active view: the few nodes with which news is exchanged and whom this node probes (topology, links). The table is the
 * passive view: whoever lives in it may become a link.
 *
 * 1. A node below `links` asks others; one at or below `links` takes whoever asks, so nobody is left over.
 * 2. One with a link too many takes whoever has at least two fewer, and lets go of the link that has most: the sum of the
 *    squares of the numbers of links falls, so this comes to an end.
 * 3. A link has at most one message under way, and what it has accepted is not told again.
 */
import type { NewsItem, NewsLog } from './news-log.ts';

export interface Link {
  readonly address: string;
  /** All news up to this number has been told, or need not be. */
  toldUpTo: number;
  /** A message is under way. */
  isBusy: boolean;
  /** The number of links of the other side, as it last said. */
  degree: number;
  /** For how many of its messages in a row the digests differed although no news was under way. */
  mismatches: number;
  /** No comparison of tables before then; the pause doubles while comparing brings nothing. */
  compareFrom: number;
  comparePauseMs: number;
}

export class Links {
  private readonly byAddress: Map<string, Link> = new Map();

  get size(): number {
    return this.byAddress.size;
  }

  get(address: string): Link | undefined {
    return this.byAddress.get(address);
  }

  has(address: string): boolean {
    return this.byAddress.has(address);
  }

  all(): Link[] {
    return [...this.byAddress.values()];
  }

  /** Adds a link, or makes an old one new: nothing is known of what the other side has heard. */
  add(address: string, degree: number, news: NewsLog): Link {
    const link: Link = {
      address,
      toldUpTo: news.last,
      isBusy: false,
      degree,
      mismatches: 0,
      compareFrom: Number.NEGATIVE_INFINITY,
      comparePauseMs: 0,
    };
    this.byAddress.set(address, link);
    return link;
  }

  remove(address: string): boolean {
    return this.byAddress.delete(address);
  }

  /** Whether to take a link with a node that has `degree` links. */
  admits(degree: number, most: number): 'yes' | 'instead-of-another' | 'no' {
    if (this.size < most) return 'yes';
    return degree + 2 <= this.size ? 'instead-of-another' : 'no';
  }

  /** The link that can be spared best: its other side has most. `random` decides between equals. */
  richest(except: string, random: () => number): Link | undefined {
    let best: Link | undefined;
    let ties = 0;
    for (const link of this.byAddress.values()) {
      if (link.address === except || (best !== undefined && link.degree < best.degree)) continue;
      ties = best !== undefined && link.degree === best.degree ? ties + 1 : 1;
      if (ties === 1 || random() % ties === 0) best = link;
    }
    return best;
  }
}

/** Whether a link has news to hear. Moves it past what it told itself and what has been overtaken. */
export function hasNews(link: Link, news: NewsLog, isCurrent: (item: NewsItem) => boolean): boolean {
  while (link.toldUpTo < news.last) {
    const item = news.at(link.toldUpTo + 1);
    if (item !== undefined && item.origin !== link.address && isCurrent(item)) return true;
    link.toldUpTo += 1;
  }
  return false;
}
