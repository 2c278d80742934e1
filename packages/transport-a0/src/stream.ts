/**
 * The seam between A0 and A1: an authenticated byte stream, whoever made it (TCP with mutual TLS, Unix socket,
 * memory). It owns its socket; it does not know frames.
 *
 * 1. A stream exists only after A0 has ended with success, so `peer` is verified.
 * 2. Bytes that arrived behind the last A0 message are not lost: they are the first that the receiver gets.
 * 3. `closed` is told exactly once, last, and after it nothing more is told; not before `start` was called.
 * 4. `destroy` and `end` are idempotent and never throw.
 */
import type { PeerIdentity } from './identity.ts';

/** What a stream tells its one reader. All calls come from the event loop, never from inside a call of the reader. */
export interface StreamReceiver {
  /**
   * Bytes in order. `chunk` is valid during the call only when `reused` is true (the stream reads into one buffer
   * again and again); otherwise the receiver may keep it.
   */
  bytes(chunk: Buffer, reused: boolean): void;
  /** The peer ended its direction. */
  ended(): void;
  /** What was written has left the queue of the stream: `writableLength` is small again. */
  drained(): void;
  /** The end of everything; `error` tells why, where it was not an orderly end. */
  closed(error: Error | undefined): void;
}

/** An authenticated connection (callis) to one peer. */
export interface AuthenticatedStream {
  readonly kind: 'tcp' | 'unix' | 'memory';
  /** Who dialled: this domus (`dialled`) or the peer (`accepted`). */
  readonly direction: 'dialled' | 'accepted';
  readonly peer: PeerIdentity;
  /**
   * For accepted streams: the number that the domus-wide sequence gave when AUTH_CHALLENGE was sent
   * (a1-delivery, primary callis: tells simultaneous dials from restarts). 0 for dialled ones.
   */
  readonly challengeSequence: number;
  /** Bytes given to `write` that have not reached the operating system. */
  readonly writableLength: number;
  /** Begins to hand bytes to `receiver`. Called once, soon after the stream was handed over. */
  start(receiver: StreamReceiver): void;
  /**
   * Writes bytes; the stream may keep a reference until `flushed` is called (also on failure). Returns false when more
   * should wait for `drained`. A write after `end` or `destroy` is ignored, and `flushed` is called all the same.
   */
  write(chunk: Uint8Array, flushed?: () => void): boolean;
  /** Writes between `cork` and `uncork` go out as one. */
  cork(): void;
  uncork(): void;
  /** Reads no more until `resume`; what was read already may still be told. */
  pause(): void;
  resume(): void;
  /** Ends the own direction after what was written; the peer's direction stays open until it ends or `destroy`. */
  end(): void;
  /** Ends both directions at once; what was not flushed is dropped. */
  destroy(): void;
}
