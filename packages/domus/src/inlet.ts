/**
 * The way in of one endpoint: takes waiting requests from the taberna (inbox) of the machine, decodes them, and watches
 * over those that were handed out by hand. `Serving` and `Taberna` stand on it.
 *
 * 1. A message that cannot be decoded is answered `decode-failure` and never seen by the program.
 * 2. A codec that does not promise to copy gets a private copy of the payload.
 * 3. Requests handed out by hand and never decided are rejected when the inlet closes, or, as a best effort, when the
 *    garbage collector finds them forgotten.
 */
import type {
  Arrival,
  Delivery,
  InboundBlob,
  Taberna as Ingress,
  RequestOrigin,
  Sender,
} from '@flaminia/delivery-a1/internal';
import type { Caller } from '@flaminia/services-a2';
import {
  type Abortable,
  decodeFailure,
  isAllowed,
  type PeerVerifier,
  watchedSignals,
} from '@flaminia/services-a2/internal';
import { DomusError, ERROR_IDS } from '@flaminia/transport-a0';
import { dropPromise } from '@flaminia/transport-a0/internal';
import { BlobReceiver, type BlobRequest } from './blob-receiver.ts';
import type { AnyEndpoint, BlobEndpoint, Endpoint } from './endpoint.ts';
import { endpointText } from './endpoint-text.ts';
import { ownBytes } from './own-bytes.ts';
import { callerOfSender } from './sender.ts';
import { type OpenRequest, type RequestHost, TabernaRequest } from './taberna-request.ts';

const DECODE_FAILURE = ERROR_IDS['decode-failure'];
const REJECTED = ERROR_IDS['remote-taberna-rejected'];
const TABERNA_SHUTDOWN = ERROR_IDS['taberna-shutdown'];
const WRONG_KIND = {
  message: 'the endpoint takes messages without a stream',
  blob: 'the endpoint takes messages with a stream',
} as const;
const REFUSED = 'unauthorized: the caller may not send to this taberna (inbox)';
const ASYNCHRONOUS = 'the codec is asynchronous, and messages are decoded at once';
const FORGOTTEN = 'the program forgot the request';

/** An endpoint of either kind. */
export type InletEndpoint<T> = Endpoint<never, T> | BlobEndpoint<never, T>;

/** What an inlet needs of its domus. */
export interface InletHost {
  readonly delivery: Delivery;
  callerOf(origin: RequestOrigin): Caller;
  /** A verifier did not let a message in. */
  messageRefused(endpoint: AnyEndpoint, caller: Caller, reason: string): void;
  /** A request was collected undecided. */
  requestForgotten(endpoint: AnyEndpoint): void;
  /** The inlet has opened; it is told of the end of the domus. */
  inletOpened(inlet: Inlet<unknown, unknown>): void;
  /** The inlet has closed. */
  inletClosed(inlet: Inlet<unknown, unknown>): void;
}

/** Who takes the requests out of an inlet. */
export interface InletConsumer {
  /** Requests are waiting. */
  arrivals(): void;
  /** No request will come any more; `domus` tells that the whole domus has closed. */
  closed(domus: boolean): void;
}

export class Inlet<T, Blob = undefined> implements RequestHost, Abortable {
  readonly endpoint: InletEndpoint<T>;
  private readonly host: InletHost;
  private readonly consumer: InletConsumer;
  private readonly ingress: Ingress;
  private readonly open = new Set<OpenRequest>();
  private readonly forgotten = new FinalizationRegistry<OpenRequest>((request) => this.rejectForgotten(request));
  private readonly signal: AbortSignal | undefined;
  private readonly verifier: PeerVerifier | undefined;
  private isOpen = true;

  /** Registers the endpoint; `taberna-already-registered` if its id is in use. The signal closes it. */
  constructor(
    endpoint: InletEndpoint<T>,
    host: InletHost,
    consumer: InletConsumer,
    signal: AbortSignal | undefined,
    verifier: PeerVerifier | undefined = undefined,
  ) {
    this.endpoint = endpoint;
    this.verifier = verifier;
    this.host = host;
    this.consumer = consumer;
    this.signal = signal;
    this.ingress = this.register();
    host.inletOpened(this as Inlet<unknown, unknown>);
    if (signal !== undefined) watchedSignals.add(signal, this);
  }

  now(): number {
    return this.host.delivery.now();
  }

  callerOf(origin: RequestOrigin, sender: Sender | undefined): Caller {
    return sender === undefined ? this.host.callerOf(origin) : callerOfSender(sender);
  }

  /** The next request that decodes and is of the right kind, or undefined. */
  take(): TabernaRequest<T, Blob> | undefined {
    const { ingress } = this;
    const { codec, kind } = this.endpoint;
    for (let arrival = ingress.peek(); arrival !== undefined; arrival = ingress.peek()) {
      const { epoch, id, msgType, blob } = arrival;
      const origin = arrival.origin!;
      const sender = arrival.sender as Sender | undefined;
      const payload = codec.copies === true ? arrival.payload : ownPayload(arrival);
      ingress.drop();
      if (this.verifier !== undefined && !this.admits(this.verifier, this.callerOf(origin, sender))) {
        origin.decide(epoch, id, REJECTED, REFUSED, this.now());
        continue;
      }
      if ((blob !== undefined) !== (kind === 'blob')) {
        origin.decide(epoch, id, REJECTED, WRONG_KIND[kind], this.now());
        continue;
      }
      try {
        const message = codec.decode({ type: msgType, payload });
        if (dropPromise(message)) throw decodeFailure('codec-asynchronous', ASYNCHRONOUS);
        return new TabernaRequest<T, Blob>(message, this, origin, epoch, id, blob, sender);
      } catch (error) {
        origin.decide(epoch, id, DECODE_FAILURE, decodeText(error), this.now());
      }
    }
    return undefined;
  }

  /** Watches over a request that is handed out. */
  watch(request: TabernaRequest<T, Blob>): void {
    const open = request.toOpenRequest();
    request.watched = open;
    this.open.add(open);
    this.forgotten.register(request, open, open);
  }

  /** The request was decided. */
  unwatch(request: TabernaRequest<unknown, unknown>): void {
    const open = request.watched!;
    request.watched = undefined;
    this.open.delete(open);
    this.forgotten.unregister(open);
  }

  receiverFor(blob: InboundBlob, request: BlobRequest): BlobReceiver {
    return new BlobReceiver({ delivery: this.host.delivery, endpoint: this.endpoint, blob, request });
  }

  /** Closes the endpoint: waiting requests are answered, handed-out ones rejected. Idempotent. */
  close(): void {
    if (!this.isOpen) return;
    this.host.delivery.core.unregister(this.ingress, TABERNA_SHUTDOWN, this.now());
    this.end(false);
    for (const request of this.open) request.origin.decide(request.epoch, request.id, REJECTED, '', this.now());
    this.open.clear();
  }

  /** The signal was aborted. */
  aborted(): void {
    this.close();
  }

  /** The domus has closed every taberna. Requests that were handed out may still be answered for a while. */
  domusClosed(): void {
    if (this.isOpen) this.end(true);
  }

  private admits(verifier: PeerVerifier, caller: Caller): boolean {
    const permission = isAllowed(verifier, caller, guardName(this.endpoint));
    if (!permission.allowed) this.host.messageRefused(this.endpoint, caller, permission.reason);
    return permission.allowed;
  }

  private register(): Ingress {
    const { endpoint } = this;
    try {
      // Reports name the endpoint of a taberna.
      const owner = { endpoint, arrivals: () => this.consumer.arrivals() };
      return this.host.delivery.core.register(endpoint.idHi, endpoint.idLo, owner);
    } catch (error) {
      if (!DomusError.is(error)) throw error;
      const name = endpointText(this.endpoint);
      throw new DomusError(error.kind, `the taberna (inbox) ${name} is registered already`, { endpoint: name });
    }
  }

  private end(domus: boolean): void {
    this.isOpen = false;
    if (this.signal !== undefined) watchedSignals.delete(this.signal, this);
    this.host.inletClosed(this as Inlet<unknown, unknown>);
    this.consumer.closed(domus);
  }

  private rejectForgotten(request: OpenRequest): void {
    if (!this.open.delete(request)) return;
    if (request.origin.decide(request.epoch, request.id, REJECTED, FORGOTTEN, this.now())) {
      this.host.requestForgotten(this.endpoint);
    }
  }
}

/** What a verifier knows a taberna by. */
export function guardName(endpoint: AnyEndpoint): string {
  return `taberna/${endpoint.name ?? endpointText(endpoint)}`;
}

/** The payload in memory that is nobody else's; most often it has to be copied there. */
function ownPayload({ bytes, start, length, borrowed }: Arrival): Uint8Array {
  if (borrowed) return ownBytes(bytes, start, length);
  return length === bytes.length ? bytes : bytes.subarray(start, start + length);
}

/** Texts of DomusErrors are ours and carry no payload; those of a user's codec might. */
function decodeText(error: unknown): string {
  return DomusError.is(error) ? error.message.replace(/^decode-failure: /, '') : 'the codec refused the message';
}
