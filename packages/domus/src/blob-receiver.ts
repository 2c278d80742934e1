/** The reading end of a blob stream, as a handler has it: a Node `Readable` (domus-api, BlobReceiver). */
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { Delivery, InboundBlob } from '@flaminia/delivery-a1/internal';
import { inspectAsJson } from '@flaminia/services-a2/internal';
import { blobError, dropUnheard, GIVEN_UP, UNREAD } from './blob-error.ts';
import { ProgressPulse } from './blob-progress.ts';
import type { AnyEndpoint } from './endpoint.ts';
import { endpointText } from './endpoint-text.ts';
import type { ShownBlob } from './shown-blob.ts';

/** One piece waits in the stream at a time; all others wait in the window, where they hold the sender back. */
const ONE_PIECE = 1;

/** What a receiver needs of its request: reading accepts that, giving up rejects it. */
export interface BlobRequest {
  readonly isDecided: boolean;
  accept(): boolean;
  reject(): boolean;
}

/** What a receiver stands on. */
export interface BlobReceiverParts {
  readonly delivery: Delivery;
  readonly endpoint: AnyEndpoint;
  readonly blob: InboundBlob;
  readonly request: BlobRequest;
}

/**
 * The bytes of a request on a blob endpoint. Everything that a Node `Readable` does: `pipeline(request.blob, target)`,
 * `for await`, `pipe`.
 *
 * - The first read, pipe or iteration accepts the request; after `reject` reading fails.
 * - A reader that is slow slows the sender; nothing is lost and no memory grows.
 * - It ends when every byte was read. It fails with a {@link DomusError}: `peer-unavailable` with the detail `stream-aborted`
 *   where the sender gave the stream up, `blob-stream-idle-timeout` where it fell silent, and the others of docs/errors.md.
 *   An error that nobody listens for is dropped, and the next use of the stream fails with it.
 * - `destroy` before the end gives the stream up, and the sender fails. So does a handler of `serve` that returns without having
 *   decided or looked at `request.blob`.
 * - `'progress'` is emitted at most ten times a second while bytes arrive.
 */
export class BlobReceiver extends Readable {
  private readonly parts: BlobReceiverParts;
  private readonly pulse: ProgressPulse;
  private isWanted = false;
  /** Nobody reads, and its sender is told once it is open. */
  private isForsaken = false;

  /** @internal */
  constructor(parts: BlobReceiverParts) {
    super({ highWaterMark: ONE_PIECE });
    this.parts = parts;
    this.pulse = new ProgressPulse(this, parts.delivery.clock);
    dropUnheard(this);
  }

  /** @internal From now on it is told what happens. Before, the machine would keep a request that its program has forgotten. */
  attach(): void {
    this.parts.blob.owner = this;
  }

  /** Bytes that have arrived, read or not. */
  get bytesReceived(): number {
    return this.parts.blob.bytesReceived;
  }

  /** The same stream in the form of the web. */
  toWeb(): ReadableStream<Uint8Array> {
    return Readable.toWeb(this) as ReadableStream<Uint8Array>;
  }

  /** For JSON, and for `console.log`: no byte of the stream. */
  toJSON(): ShownBlob {
    const { blob, endpoint } = this.parts;
    const { bytesReceived: bytes, isReadOut, peer, state } = blob;
    return {
      endpoint: endpointText(endpoint),
      peer,
      bytes,
      state: state === 'failed' ? state : isReadOut ? 'ended' : 'open',
    };
  }

  /** @internal Nobody will read it, and the sender would wait for ever. */
  forsake(): void {
    this.checkFailed();
    if (this.destroyed) return;
    const { blob, endpoint } = this.parts;
    this.isForsaken = true;
    this.destroy(blobError(UNREAD, endpoint, blob.peer));
  }

  /** @internal The machine has moved the stream on. */
  moved(): void {
    if (this.isForsaken) {
      this.leave();
      this.parts.delivery.lookAgain();
    }
    if (this.isWanted) this.give();
    this.checkFailed();
    this.pulse.beat();
  }

  /** @internal */
  override _read(): void {
    const { request } = this.parts;
    this.attach();
    if (!request.isDecided) request.accept();
    this.isWanted = true;
    this.give();
    this.checkFailed();
  }

  /** @internal */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.pulse.stop();
    const { delivery, request } = this.parts;
    if (request.isDecided) this.leave();
    else request.reject();
    delivery.lookAgain();
    done(error);
  }

  private leave(): void {
    const { blob, delivery } = this.parts;
    // Before the stream is open that would refuse the message, which the handler has handled: `moved` comes back.
    if (this.isForsaken && blob.state === 'accepted') return;
    blob.leave(GIVEN_UP, delivery.now());
  }

  /** Hands on what lies ready, as long as it is wanted, and tells the sender that there is room again. */
  private give(): void {
    const { blob, delivery } = this.parts;
    const now = delivery.now();
    for (let bytes = blob.read(now); bytes !== undefined; bytes = blob.read(now)) {
      // A peer may send chunks without bytes, which are nothing to hand on.
      if (bytes.length > 0) this.isWanted = this.push(bytes);
      if (blob.isReadOut) this.isWanted = this.push(null);
      if (!this.isWanted) break;
    }
    delivery.lookAgain();
  }

  private checkFailed(): void {
    const { blob, endpoint } = this.parts;
    if (blob.state === 'failed') this.destroy(blobError(blob.failure!, endpoint, blob.peer));
  }
}

inspectAsJson(BlobReceiver);
