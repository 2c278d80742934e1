/**
 * One end of an authenticated stream in the hands of the contract suite: it reads all that comes, counts what is told,
 * and watches that the stream keeps the rules of its seam while it does.
 */
import type { AuthenticatedStream, StreamReceiver } from '@flaminia/transport-a0/internal';

/** What a stream may tell its reader. */
export type Told = 'bytes' | 'ended' | 'drained' | 'closed';

export class StreamEnd implements StreamReceiver {
  readonly stream: AuthenticatedStream;
  /** Each thing told, in order; a row of `bytes` is one. */
  readonly told: Told[] = [];
  /** With what `closed` was told. */
  readonly closes: (Error | undefined)[] = [];
  /** Breaches of the seam, in words; empty for a backend that keeps it. */
  readonly breaches: string[] = [];
  /** Writes, and how many of them were reported as flushed. */
  writes = 0;
  flushes = 0;
  receivedBytes = 0;
  /** Runs inside each call of the stream. */
  onTold: (what: Told) => void = () => {};
  private readonly chunks: Buffer[] = [];
  private inCall = false;
  private destroyed = false;
  private isStarted = false;

  constructor(stream: AuthenticatedStream) {
    this.stream = stream;
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return this.received.toString();
  }

  get isEnded(): boolean {
    return this.told.includes('ended');
  }

  get isClosed(): boolean {
    return this.closes.length > 0;
  }

  get drains(): number {
    return this.told.filter((what) => what === 'drained').length;
  }

  start(): this {
    this.isStarted = true;
    this.call(() => this.stream.start(this));
    return this;
  }

  write(bytes: Uint8Array | string, flushed?: () => void): boolean {
    this.writes++;
    let told = false;
    const once = (): void => {
      if (told) this.breaches.push('flushed was told twice');
      told = true;
      this.flushes++;
      flushed?.();
    };
    return this.call(() => this.stream.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, once));
  }

  cork(): void {
    this.call(() => this.stream.cork());
  }

  uncork(): void {
    this.call(() => this.stream.uncork());
  }

  end(): void {
    this.call(() => this.stream.end());
  }

  destroy(): void {
    this.destroyed = true;
    this.call(() => this.stream.destroy());
  }

  /** Is all told that a test has to wait for? What nobody reads tells nothing. */
  get isOver(): boolean {
    return this.flushes === this.writes && (this.isClosed || !this.isStarted);
  }

  bytes(chunk: Buffer, reused: boolean): void {
    this.chunks.push(reused ? Buffer.from(chunk) : chunk);
    this.receivedBytes += chunk.length;
    this.note('bytes');
  }

  ended(): void {
    if (this.isEnded) this.breaches.push('ended was told twice');
    this.note('ended');
  }

  drained(): void {
    this.note('drained');
  }

  closed(error: Error | undefined): void {
    this.note('closed');
    this.closes.push(error);
  }

  private note(what: Told): void {
    if (this.inCall) this.breaches.push(`${what} was told from inside a call`);
    if (this.isClosed) this.breaches.push(`${what} was told behind closed`);
    if (this.destroyed && what !== 'closed') this.breaches.push(`${what} was told behind destroy`);
    if (what === 'bytes' && this.isEnded) this.breaches.push('bytes were told behind ended');
    if (what !== 'bytes' || this.told.at(-1) !== 'bytes') this.told.push(what);
    this.onTold(what);
  }

  private call<Result>(action: () => Result): Result {
    const outer = this.inCall;
    this.inCall = true;
    try {
      return action();
    } finally {
      this.inCall = outer;
    }
  }
}
