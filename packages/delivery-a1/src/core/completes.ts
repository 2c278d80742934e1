/** The completes that a session owes: each stream's goes out once, and once more if its callis is lost before the answer. */
import type { InboundBlob } from './inbound-blob.ts';

const MOST_COMPLETES = 2;

export class Completes {
  private readonly waiting: InboundBlob[] = [];
  /**
   * The stream whose complete was said again and is unanswered. A Rust sender that knows that stream no more closes the callis,
   * and another repeat on it would be lost for good.
   */
  private repeating: InboundBlob | undefined = undefined;

  add(blob: InboundBlob): void {
    blob.completeDue = true;
    this.waiting.push(blob);
  }

  /** The stream whose complete is next. */
  get next(): InboundBlob | undefined {
    if (this.repeating === undefined) return this.waiting[0];
    return this.waiting.find((blob) => blob.completes === 0);
  }

  /** It is written on a callis, under this id. */
  written(blob: InboundBlob, carrier: number, id: number): void {
    this.waiting.splice(this.waiting.indexOf(blob), 1);
    if (blob.completes > 0) this.repeating = blob;
    blob.completeDue = false;
    blob.completes++;
    blob.completeCarrier = carrier;
    blob.completeId = id;
  }

  /** Its callis is lost before the answer. True where it goes out once more. */
  lost(blob: InboundBlob): boolean {
    this.drop(blob);
    if (blob.completes >= MOST_COMPLETES) return false;
    this.add(blob);
    return true;
  }

  /** Nothing of the stream is awaited or to be written any more. True where another one may go out in its place. */
  drop(blob: InboundBlob): boolean {
    const at = this.waiting.indexOf(blob);
    if (at >= 0) this.waiting.splice(at, 1);
    blob.completeCarrier = -1;
    const wasRepeating = this.repeating === blob;
    if (wasRepeating) this.repeating = undefined;
    return wasRepeating;
  }
}
