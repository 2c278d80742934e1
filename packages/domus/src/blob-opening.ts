/** A `sendBlob` that waits: for the far handler to accept, and for the stream to be ready. */
import type { BlobOwner, Delivery, OutboundBlob } from '@flaminia/delivery-a1/internal';
import { type Abortable, watchedSignals } from '@flaminia/services-a2/internal';
import { blobError, GIVEN_UP } from './blob-error.ts';
import { BlobSender } from './blob-sender.ts';
import type { AnyEndpoint } from './endpoint.ts';
import type { PendingSends } from './pending-send.ts';

export class BlobOpening implements BlobOwner, Abortable {
  readonly blob: OutboundBlob;
  readonly opened: Promise<BlobSender>;
  private readonly delivery: Delivery;
  private readonly endpoint: AnyEndpoint;
  private readonly sends: PendingSends;
  private readonly signal: AbortSignal | undefined;
  private sender: BlobSender | undefined = undefined;
  private resolve!: (sender: BlobSender) => void;
  private reject!: (error: unknown) => void;

  constructor(delivery: Delivery, endpoint: AnyEndpoint, sends: PendingSends, signal: AbortSignal | undefined) {
    this.delivery = delivery;
    this.endpoint = endpoint;
    this.sends = sends;
    this.signal = signal;
    this.blob = delivery.core.newBlob(this);
    this.opened = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    if (signal !== undefined) watchedSignals.add(signal, this);
  }

  moved(): void {
    const { blob, delivery, endpoint, signal } = this;
    if (this.sender !== undefined) {
      this.sender.moved();
    } else if (blob.state === 'failed') {
      this.sends.countFailure(blob.failure!.kind);
      this.end();
      this.reject(blobError(blob.failure!, endpoint, blob.peer));
    } else if (blob.state === 'open') {
      this.end();
      this.sender = new BlobSender({ delivery, endpoint, blob }, signal);
      this.resolve(this.sender);
    }
    if (blob.isOver) this.sends.onOutcome?.();
  }

  /** Nobody waits any more. The message cannot be recalled; should it be accepted, the far side learns that no bytes come. */
  aborted(reason: unknown): void {
    this.end();
    this.reject(reason);
    this.blob.abort(GIVEN_UP, this.delivery.now());
    this.delivery.lookAgain();
  }

  private end(): void {
    if (this.signal !== undefined) watchedSignals.delete(this.signal, this);
  }
}
