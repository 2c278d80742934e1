/**
 * The share of one round of the event loop that a blob callis takes. A stream that is read and written as fast as it goes
 * would keep the loop for milliseconds, and messages on other connections would wait behind it.
 *
 * 1. Beyond its share it reads and writes no more until the loop has looked at every connection.
 * 2. Acks of chunks, which nobody waits for while a window is open, leave together at the end of a round.
 */
import type { AuthenticatedStream } from '@flaminia/transport-a0/internal';

/** What is read no more once the share is used up. */
export type Pausable = Pick<AuthenticatedStream, 'pause' | 'resume'>;

/** Where a share comes from (`rounds.ts`). */
export interface ShareHost {
  /** Bytes that a blob callis may read, and write, in one round. */
  readonly shareBytes: number;
  /** Calls `renew` when the event loop has looked at every connection. */
  renewLater(share: Share): void;
}

export class Share {
  private readonly stream: Pausable;
  private readonly rounds: ShareHost;
  private readonly goOn: () => void;
  private read = 0;
  private written = 0;
  private isPaused = false;
  private isAwaited = false;
  private acksMayLeave = false;

  /** `goOn` is called when a share that was awaited is there. */
  constructor(stream: Pausable, rounds: ShareHost, goOn: () => void) {
    this.stream = stream;
    this.rounds = rounds;
    this.goOn = goOn;
  }

  noteRead(bytes: number): void {
    this.read += bytes;
    if (this.isPaused || this.read < this.rounds.shareBytes) return;
    this.isPaused = true;
    this.stream.pause();
    this.await();
  }

  noteWritten(bytes: number): void {
    this.written += bytes;
    this.acksMayLeave = false;
  }

  /** May more be written in this round? If not, the next one is awaited. */
  mayWrite(): boolean {
    if (this.written < this.rounds.shareBytes) return true;
    this.await();
    return false;
  }

  /** May acks leave that nothing else would leave with? If not, the end of the round is awaited. */
  mayWriteAcksAlone(): boolean {
    if (this.acksMayLeave) return true;
    this.await();
    return false;
  }

  private await(): void {
    if (this.isAwaited) return;
    this.isAwaited = true;
    this.rounds.renewLater(this);
  }

  /** The event loop has looked at every connection. */
  renew(): void {
    this.isAwaited = false;
    this.read = 0;
    this.written = 0;
    this.acksMayLeave = true;
    if (this.isPaused) {
      this.isPaused = false;
      this.stream.resume();
    }
    this.goOn();
  }
}
