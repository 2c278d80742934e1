/**
 * One received message and the decision about it (domus-api, TabernaRequest). The decision counts once; what is never
 * decided is answered as rejected when its owner ends.
 */
import type { InboundBlob, RequestOrigin, Sender } from '@flaminia/delivery-a1/internal';
import type { Caller } from '@flaminia/services-a2';
import { ERROR_IDS } from '@flaminia/transport-a0';
import type { BlobReceiver, BlobRequest } from './blob-receiver.ts';

const ACCEPTED = 0;
const REJECTED = ERROR_IDS['remote-taberna-rejected'];

/** What is needed to answer a request, without the request: for the ends that must not keep it alive. */
export interface OpenRequest {
  readonly origin: RequestOrigin;
  readonly epoch: number;
  readonly id: number;
}

/** What a request needs of the inlet that it came through. */
export interface RequestHost {
  now(): number;
  /** `sender`: whoever was there when the request came; undefined for this domus itself. */
  callerOf(origin: RequestOrigin, sender: Sender | undefined): Caller;
  /** A watched request was decided. */
  unwatch(request: TabernaRequest<unknown, unknown>): void;
  /** The reading end of the stream that a request offers. */
  receiverFor(stream: InboundBlob, request: BlobRequest): BlobReceiver;
}

/**
 * A received message that waits for `accept` or `reject`. `Blob` is {@link BlobReceiver} on a blob endpoint, and undefined on
 * any other.
 */
export class TabernaRequest<T, Blob = undefined> implements Disposable {
  // Declared, and set once by the constructor: fields are otherwise defined first and set then, for every request.
  /** What was sent, decoded and checked. */
  declare readonly message: T;
  /** @internal Set while the inlet watches over a request that was handed out, so that a forgotten one is answered. */
  declare watched: OpenRequest | undefined;
  declare private readonly inlet: RequestHost;
  declare private readonly origin: RequestOrigin;
  declare private readonly sender: Sender | undefined;
  declare private readonly epoch: number;
  declare private readonly id: number;
  declare private decided: boolean;
  declare private readonly receiver: BlobReceiver | undefined;
  declare private isBlobTaken: boolean;

  /** @internal */
  constructor(
    message: T,
    inlet: RequestHost,
    origin: RequestOrigin,
    epoch: number,
    id: number,
    stream: InboundBlob | undefined,
    sender: Sender | undefined,
  ) {
    this.message = message;
    this.receiver = stream === undefined ? undefined : inlet.receiverFor(stream, this);
    this.isBlobTaken = false;
    this.watched = undefined;
    this.decided = false;
    this.inlet = inlet;
    this.origin = origin;
    this.sender = sender;
    this.epoch = epoch;
    this.id = id;
  }

  /** Who sent it, as its certificate says. */
  get from(): Caller {
    return this.inlet.callerOf(this.origin, this.sender);
  }

  /** The bytes that come with the message; the first read accepts it. */
  get blob(): Blob {
    this.isBlobTaken = true;
    return this.receiver as Blob;
  }

  /** True once it was accepted or rejected. */
  get isDecided(): boolean {
    return this.decided;
  }

  /**
   * Accepts: the sender's `send` resolves. Returns false if it was decided before, or if the answer can no longer count
   * because the session with the sender has ended.
   */
  accept(): boolean {
    return this.decide(ACCEPTED);
  }

  /** Rejects: the sender's `send` fails with `remote-taberna-rejected`. Returns false as `accept` does. */
  reject(): boolean {
    return this.decide(REJECTED);
  }

  /** The message, its bytes and the right to answer it, apart, for programs that decide elsewhere. */
  split(): SplitRequest<T, Blob> {
    return { message: this.message, blob: this.blob, completion: new Completion(this) };
  }

  /** Rejects unless it was decided. */
  [Symbol.dispose](): void {
    if (!this.decided) this.reject();
  }

  /** @internal */
  toOpenRequest(): OpenRequest {
    return { origin: this.origin, epoch: this.epoch, id: this.id };
  }

  /** @internal Its handler has returned, which accepts; where it has not so much as looked at the stream, nobody will read that. */
  returned(): void {
    if (this.decided) return;
    this.accept();
    if (!this.isBlobTaken) this.receiver?.forsake();
  }

  /** @internal Its handler has thrown: nobody reads on, and the sender would wait for ever. */
  threw(): void {
    if (!this.decided) this.reject();
    this.receiver?.destroy();
  }

  private decide(errorId: number): boolean {
    if (this.decided) return false;
    this.decided = true;
    if (this.watched !== undefined) this.inlet.unwatch(this);
    this.receiver?.attach();
    return this.origin.decide(this.epoch, this.id, errorId, '', this.inlet.now());
  }
}

/** What {@link TabernaRequest.split} gives. */
export interface SplitRequest<T, Blob = undefined> {
  /** What was sent. */
  readonly message: T;
  /** Its bytes on a blob endpoint, as `request.blob`. */
  readonly blob: Blob;
  /** The right to answer. */
  readonly completion: Completion;
}

/** The right to answer one request, apart from its message. */
export class Completion implements Disposable {
  private readonly request: TabernaRequest<unknown, unknown>;

  /** @internal */
  constructor(request: TabernaRequest<unknown, unknown>) {
    this.request = request;
  }

  /** As {@link TabernaRequest.accept}. */
  accept(): boolean {
    return this.request.accept();
  }

  /** As {@link TabernaRequest.reject}. */
  reject(): boolean {
    return this.request.reject();
  }

  /** Rejects unless it was decided. */
  [Symbol.dispose](): void {
    this.request[Symbol.dispose]();
  }
}
