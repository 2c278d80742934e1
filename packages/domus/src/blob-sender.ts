/** The writing end of a blob stream, as a program has it: a Node `Writable` (domus-api, BlobSender). */
import { Writable } from 'node:stream';
import type { WritableStream } from 'node:stream/web';
import type { Delivery, OutboundBlob } from '@flaminia/delivery-a1/internal';
import { type Abortable, inspectAsJson, watchedSignals } from '@flaminia/services-a2/internal';
import { blobError, dropUnheard, GIVEN_UP } from './blob-error.ts';
import { ProgressPulse } from './blob-progress.ts';
import type { AnyEndpoint } from './endpoint.ts';
import { endpointText } from './endpoint-text.ts';
import type { ShownBlob } from './shown-blob.ts';
import { webWritable } from './web-writable.ts';

type Done = (error?: Error | null) => void;

/** Bytes that `write` takes on before it says that it is full, beyond those in the stream's window. */
const BUFFER_BYTES = 16 * 1024;

/** What a sender stands on. */
export interface BlobSenderParts {
  readonly delivery: Delivery;
  readonly endpoint: AnyEndpoint;
  readonly blob: OutboundBlob;
}

/**
 * A stream of bytes to a far handler, opened by `sendBlob`. Everything that a Node `Writable` does: `write` returns false
 * when the far side is slower, `pipeline(source, blob)` honours that and reports errors.
 *
 * - `finish`, and so the end of a `pipeline`, means that every byte has arrived at the far domus, not that its program used it.
 * - Errors are {@link DomusError}s: `peer-unavailable` with the detail `stream-aborted` where the far side gave the stream up,
 *   `peer-restarted`, `blob-stream-idle-timeout` and the others of docs/errors.md. One that nobody listens for is dropped, and
 *   the next use of the stream fails with it.
 * - `destroy` before the end gives the stream up, and the far side's reader fails.
 * - `'progress'` is emitted at most ten times a second while bytes are acknowledged.
 */
export class BlobSender extends Writable {
  private readonly parts: BlobSenderParts;
  private readonly pulse: ProgressPulse;
  /** A write that does not fit yet, and how much of it was taken. */
  private waiting: { readonly chunk: Uint8Array; readonly done: Done } | undefined = undefined;
  private taken = 0;
  private finishing: Done | undefined = undefined;
  private readonly signal: AbortSignal | undefined;
  // Node's own way would tell an AbortError in place of the reason.
  private readonly onAbort: Abortable = { aborted: (reason) => this.giveUp(reason) };

  /** @internal Applications call `domus.sendBlob`. */
  constructor(parts: BlobSenderParts, signal: AbortSignal | undefined) {
    super({ highWaterMark: BUFFER_BYTES, decodeStrings: true });
    this.parts = parts;
    this.pulse = new ProgressPulse(this, parts.delivery.clock);
    this.signal = signal;
    if (signal !== undefined) watchedSignals.add(signal, this.onAbort);
    dropUnheard(this);
  }

  /** Bytes that have arrived at the far domus. */
  get bytesAcknowledged(): number {
    return this.parts.blob.bytesAcknowledged;
  }

  /** Sends what was written so far without waiting for more, even if it fills no chunk. */
  flush(): void {
    const { blob, delivery } = this.parts;
    blob.flush(delivery.now());
    delivery.lookAgain();
  }

  /** The same stream in the form of the web. */
  toWeb(): WritableStream<Uint8Array> {
    return webWritable(this, (reason) => this.giveUp(reason));
  }

  /** For JSON, and for `console.log`: no byte of the stream. */
  toJSON(): ShownBlob {
    const { blob, endpoint } = this.parts;
    const { bytesAcknowledged: bytes, peer, state } = blob;
    return {
      endpoint: endpointText(endpoint),
      peer,
      bytes,
      state: state === 'failed' || state === 'ended' ? state : 'open',
    };
  }

  /** @internal The machine has moved the stream on. */
  moved(): void {
    const { blob } = this.parts;
    if (blob.state === 'failed') {
      this.destroy(blobError(blob.failure!, this.parts.endpoint, blob.peer));
    } else if (blob.state === 'ended') {
      const done = this.finishing;
      this.finishing = undefined;
      done?.();
    } else if (this.waiting !== undefined) {
      this.place();
    }
    this.pulse.beat();
  }

  /** @internal */
  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    this.waiting = { chunk, done };
    this.taken = 0;
    this.place();
  }

  /** @internal */
  override _final(done: Done): void {
    this.finishing = done;
    const { blob, delivery } = this.parts;
    blob.end(delivery.now());
    delivery.lookAgain();
  }

  /** @internal */
  override _destroy(error: Error | null, done: Done): void {
    this.pulse.stop();
    if (this.signal !== undefined) watchedSignals.delete(this.signal, this.onAbort);
    const { waiting } = this;
    this.waiting = undefined;
    this.finishing = undefined;
    const { blob, delivery, endpoint } = this.parts;
    blob.abort(GIVEN_UP, delivery.now());
    delivery.lookAgain();
    done(error);
    // Node tells the callbacks of writes that wait, and leaves the one that is under way to the stream.
    waiting?.done(error ?? blobError(GIVEN_UP, endpoint, blob.peer));
  }

  private giveUp(reason: unknown): void {
    const { blob, endpoint } = this.parts;
    // Node takes a falsy reason for none, and tells of a premature close.
    this.destroy((reason || blobError({ ...GIVEN_UP, cause: reason }, endpoint, blob.peer)) as Error);
  }

  /** Gives the stream as much of the waiting write as it takes. */
  private place(): void {
    const { chunk, done } = this.waiting!;
    const { blob, delivery } = this.parts;
    this.taken += blob.write(chunk, this.taken, chunk.length - this.taken, delivery.now());
    delivery.lookAgain();
    if (this.taken < chunk.length) return;
    this.waiting = undefined;
    done();
  }
}

inspectAsJson(BlobSender);
