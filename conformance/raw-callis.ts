/** One authenticated connection in the hands of a case: it writes bytes as they are, and cuts what comes into frames. */
import type { AuthenticatedStream, StreamReceiver } from '@flaminia/transport-a0/internal';
import { CLOSE, ERROR, encodeFrame, HELLO, KEEPALIVE } from './frames.ts';
import { FrameCutter, faultOf, type ReceivedFrame } from './received-frame.ts';

/** Time for the implementation to end its side behind a close frame, in milliseconds. */
const PARTING_MS = 2_000;

/** What a callis tells: a frame, with what is wrong about it wherever it stands, or its end, once. */
export type CallisEvent =
  | {
      readonly kind: 'frame';
      readonly callis: RawCallis;
      readonly frame: ReceivedFrame;
      readonly fault: string | undefined;
    }
  | { readonly kind: 'end'; readonly callis: RawCallis };

export class RawCallis implements StreamReceiver {
  readonly name: string;
  /** Keepalives that have come. */
  keepalives = 0;
  readonly #stream: AuthenticatedStream;
  readonly #tell: (event: CallisEvent) => void;
  readonly #cutter = new FrameCutter();
  #hasEnded = false;
  /** A hello exchange has succeeded, as far as is seen here. */
  #isActive = false;
  /** The own direction has ended: a close would not leave any more. */
  #hasLeft = false;
  #isClosed = false;
  #parted: (() => void) | undefined;

  constructor(name: string, stream: AuthenticatedStream, tell: (event: CallisEvent) => void) {
    this.name = name;
    this.#stream = stream;
    this.#tell = tell;
    stream.start(this);
  }

  write(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  /** Resolves when the bytes have left this process. */
  writeOut(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#stream.write(bytes, resolve);
    });
  }

  /** Reads nothing more until `readOn`: what the implementation writes fills the buffers between, and then waits. */
  stopReading(): void {
    this.#stream.pause();
  }

  readOn(): void {
    this.#stream.resume();
  }

  /** Ends the own direction. */
  finish(): void {
    this.#hasLeft = true;
    this.#stream.end();
  }

  /** Ends both directions without a word. */
  hangUp(): void {
    this.#hasLeft = true;
    this.#stream.destroy();
  }

  /** Leaves the session, so that the implementation forgets this peer. True if it has surely heard that. */
  async part(): Promise<boolean> {
    const isSession = this.#isActive && !this.#hasLeft && !this.#hasEnded && !this.#isClosed;
    if (!this.#hasEnded && !this.#isClosed) {
      this.readOn();
      this.write(encodeFrame({ type: CLOSE }));
      this.finish();
      const timer = setTimeout(() => this.#parted?.(), PARTING_MS);
      await new Promise<void>((resolve) => {
        this.#parted = resolve;
      });
      clearTimeout(timer);
    }
    const isHeard = isSession && this.#hasEnded;
    this.hangUp();
    return isHeard;
  }

  // --- what the stream tells ---

  bytes(chunk: Buffer, reused: boolean): void {
    for (const frame of this.#cutter.cut(reused ? Buffer.from(chunk) : chunk)) {
      if (frame.type === KEEPALIVE) this.keepalives++;
      if (frame.type !== HELLO && frame.type !== ERROR) this.#isActive = true;
      this.#tell({ kind: 'frame', callis: this, frame, fault: faultOf(frame) });
    }
  }

  ended(): void {
    this.#end();
  }

  drained(): void {}

  closed(): void {
    this.#isClosed = true;
    this.#end();
  }

  #end(): void {
    if (!this.#hasEnded) this.#tell({ kind: 'end', callis: this });
    this.#hasEnded = true;
    this.#parted?.();
  }
}
