/**
 * The blob streams within one domus, whose ends call each other without a socket in between: a writer with bytes at hand and a quick reader
 * would keep the event loop for as long as their stream is. So all of them together have one share of a round, like a blob callis. What
 * has moved beyond that is told in the next round, in its order.
 */
import type { InboundBlob } from '../core/inbound-blob.ts';
import type { LocalSession } from '../core/local-session.ts';
import type { OutboundBlob } from '../core/outbound-blob.ts';
import { Share, type ShareHost } from './share.ts';

/** There is no connection to pause. */
const NO_STREAM = { pause(): void {}, resume(): void {} };

export class LocalMoves {
  private readonly local: LocalSession;
  private readonly share: Share;
  /** Streams that have moved, and whose programs do not know. */
  private readonly moved: (OutboundBlob | InboundBlob)[] = [];
  /** How many of them have been told meanwhile. */
  private told = 0;
  /** Bytes of chunks that the share has been told of. */
  private noted = 0;
  /** The share is used up. To ask for it reads the clock, which plans a flush, which leads here. */
  private isSpent = false;

  /** `goOn` is called when `tell` may do more. */
  constructor(local: LocalSession, rounds: ShareHost, goOn: () => void) {
    this.local = local;
    this.share = new Share(NO_STREAM, rounds, () => {
      this.isSpent = false;
      goOn();
    });
  }

  add(blob: OutboundBlob | InboundBlob): void {
    this.moved.push(blob);
  }

  /** Tells programs that their streams have moved, as far as the share reaches. */
  tell(told: (blob: OutboundBlob | InboundBlob) => void): void {
    const { moved } = this;
    while (this.told < moved.length && this.mayTell()) {
      told(moved[this.told++]!);
      const { chunkBytesMoved } = this.local;
      this.share.noteWritten(chunkBytesMoved - this.noted);
      this.noted = chunkBytesMoved;
    }
    // Once, since with thousands of streams each step would move them all.
    moved.splice(0, this.told);
    this.told = 0;
  }

  private mayTell(): boolean {
    this.isSpent ||= !this.share.mayWrite();
    return !this.isSpent;
  }
}
