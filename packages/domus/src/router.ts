/**
 * Where a message goes (a1-delivery, what a send means): the own tabernae first, then `to`, then the resolver. Messages
 * that wait for an asynchronous answer wait here, in order, within `sendQueueSize` and `sendQueueBytes` per taberna and
 * within their deadlines.
 */
import type { Delivery, SendFailure } from '@flaminia/delivery-a1/internal';
import { type DomusAddr, DomusError, parseAddress } from '@flaminia/transport-a0';
import type { EncodedMessage } from './codec.ts';
import type { AnyEndpoint } from './endpoint.ts';
import type { PendingSend } from './pending-send.ts';
import type { RouteResolver } from './resolver.ts';

/** Addresses whose canonical form is remembered; a resolver that answers with ever new ones starts the memory anew. */
const REMEMBERED_ADDRESSES = 4096;

/** A message that waits for its route. */
interface Outgoing {
  readonly endpoint: AnyEndpoint;
  readonly message: EncodedMessage;
  readonly deadline: number;
  readonly wait: boolean;
  readonly pending: PendingSend;
}

/** The messages of one taberna that wait for its route. */
interface Waiting {
  readonly queue: Outgoing[];
  bytes: number;
  /** Ends the sends whose deadline comes first. */
  timer: ReturnType<Delivery['clock']['startTimer']> | undefined;
}

export class Router {
  private readonly delivery: Delivery;
  private readonly resolver: RouteResolver | undefined;
  private readonly lifetime = new AbortController();
  /** Given to resolvers: its signal ends with the domus. */
  private readonly asking: { readonly signal: AbortSignal } = { signal: this.lifetime.signal };
  private readonly canonical = new Map<string, DomusAddr | DomusError>();
  private readonly waiting = new Map<AnyEndpoint['id'], Waiting>();

  constructor(delivery: Delivery, resolver: RouteResolver | undefined) {
    this.delivery = delivery;
    this.resolver = resolver;
  }

  /** True while a message waits for its route. */
  get isBusy(): boolean {
    return this.waiting.size > 0;
  }

  /** Routes a message and gives it to A1, now or once its route is known. `to`, where given, is canonical. */
  route(
    endpoint: AnyEndpoint,
    message: EncodedMessage,
    deadline: number,
    wait: boolean,
    pending: PendingSend,
    to: DomusAddr | undefined,
    now: number,
  ): void {
    const address = to ?? this.ownAddress(endpoint);
    if (address !== undefined) {
      this.dispatch(endpoint, message, deadline, wait, pending, address, now);
      return;
    }
    const ahead = this.waiting.size > 0 ? this.waiting.get(endpoint.id) : undefined;
    if (ahead !== undefined) {
      this.enqueue(ahead, { endpoint, message, deadline, wait, pending }, now);
      return;
    }
    this.resolve(endpoint, message, deadline, wait, pending, now);
  }

  /** The canonical form of an address of this imperium's kind; throws `invalid-config` or `address-mismatch`. */
  canonicalAddress(text: string): DomusAddr {
    let known = this.canonical.get(text);
    if (known === undefined) {
      if (this.canonical.size >= REMEMBERED_ADDRESSES) this.canonical.clear();
      known = canonicalise(text, this.delivery.core.address);
      this.canonical.set(text, known);
    }
    if (typeof known !== 'string') throw known;
    return known;
  }

  /** Fails everything that waits, and tells resolvers under way that nobody listens any more. */
  close(): void {
    this.lifetime.abort();
    for (const [id, waiting] of [...this.waiting]) {
      this.end(id, waiting);
      for (const out of waiting.queue)
        out.pending.failed(failure('domus-closed', 'the domus was shut down', undefined));
    }
  }

  /** The own address, if the taberna is one of this domus and nothing waits for its route. */
  private ownAddress(endpoint: AnyEndpoint): DomusAddr | undefined {
    const { registry, address } = this.delivery.core;
    return registry.find(endpoint.idHi, endpoint.idLo) === undefined ? undefined : (address as DomusAddr);
  }

  private dispatch(
    endpoint: AnyEndpoint,
    message: EncodedMessage,
    deadline: number,
    wait: boolean,
    pending: PendingSend,
    address: DomusAddr,
    now: number,
  ): void {
    const { idHi, idLo } = endpoint;
    pending.peer = address;
    this.delivery.send(address, 'a3', idHi, idLo, message.type, message.payload, deadline, wait, pending, now);
  }

  private resolve(
    endpoint: AnyEndpoint,
    message: EncodedMessage,
    deadline: number,
    wait: boolean,
    pending: PendingSend,
    now: number,
  ): void {
    let answer: ReturnType<RouteResolver['resolve']>;
    try {
      answer = this.resolver?.resolve(endpoint.id, this.asking);
    } catch (error) {
      pending.failed(resolverFailed(error));
      return;
    }
    if (typeof answer === 'object') {
      const waiting: Waiting = { queue: [], bytes: 0, timer: undefined };
      this.waiting.set(endpoint.id, waiting);
      this.enqueue(waiting, { endpoint, message, deadline, wait, pending }, now);
      void this.awaitRoute(endpoint.id, waiting, answer);
      return;
    }
    const address = this.usable(answer, pending);
    if (address !== undefined) this.dispatch(endpoint, message, deadline, wait, pending, address, now);
  }

  /** The canonical form of what the resolver said; fails the send where there is none. */
  private usable(answer: string | undefined, pending: PendingSend): DomusAddr | undefined {
    if (answer === undefined) {
      pending.failed(failure('unknown-taberna', 'no route: the resolver knows no domus for this taberna', undefined));
      return undefined;
    }
    try {
      return this.canonicalAddress(answer);
    } catch (error) {
      const kind = DomusError.is(error) && error.kind === 'address-mismatch' ? 'address-mismatch' : 'peer-unavailable';
      pending.failed(failure(kind, 'the resolver answered with an address that cannot be used', error));
      return undefined;
    }
  }

  private async awaitRoute(
    id: AnyEndpoint['id'],
    waiting: Waiting,
    answer: PromiseLike<DomusAddr | undefined>,
  ): Promise<void> {
    try {
      const address = await answer;
      this.end(id, waiting);
      const now = this.delivery.clock.now();
      for (const out of waiting.queue.splice(0)) this.follow(out, address, now);
    } catch (error) {
      this.end(id, waiting);
      for (const out of waiting.queue.splice(0)) out.pending.failed(resolverFailed(error));
    }
  }

  private follow(out: Outgoing, answer: string | undefined, now: number): void {
    const { endpoint, message, deadline, wait, pending } = out;
    const address = this.usable(answer, pending);
    if (address !== undefined) this.dispatch(endpoint, message, deadline, wait, pending, address, now);
  }

  private enqueue(waiting: Waiting, out: Outgoing, now: number): void {
    const { sendQueueSize, sendQueueBytes } = this.delivery.core.settings;
    const { queue } = waiting;
    const fits =
      queue.length === 0 ||
      (queue.length < sendQueueSize && waiting.bytes + out.message.payload.length <= sendQueueBytes);
    if (!fits && !out.wait) {
      const text = `${queue.length} messages wait for the route of this taberna`;
      out.pending.failed(failure('local-queue-full', text, undefined));
      return;
    }
    queue.push(out);
    waiting.bytes += out.message.payload.length;
    if (waiting.timer === undefined) this.arm(waiting, now);
  }

  private arm(waiting: Waiting, now: number): void {
    const first = Math.min(...waiting.queue.map((out) => out.deadline));
    waiting.timer = this.delivery.clock.startTimer(Math.max(1, Math.ceil(first - now)), () => this.expire(waiting));
  }

  private expire(waiting: Waiting): void {
    const now = this.delivery.clock.now();
    waiting.timer = undefined;
    for (const out of waiting.queue.filter((entry) => entry.deadline <= now)) {
      waiting.queue.splice(waiting.queue.indexOf(out), 1);
      waiting.bytes -= out.message.payload.length;
      out.pending.failed(failure('send-timeout', 'the route was not resolved before the deadline', undefined));
    }
    if (waiting.queue.length > 0) this.arm(waiting, now);
  }

  private end(id: AnyEndpoint['id'], waiting: Waiting): void {
    if (waiting.timer !== undefined) this.delivery.clock.stopTimer(waiting.timer);
    waiting.timer = undefined;
    if (this.waiting.get(id) === waiting) this.waiting.delete(id);
  }
}

function canonicalise(text: string, own: string): DomusAddr | DomusError {
  try {
    const parsed = parseAddress(text);
    if (own.startsWith(`${parsed.kind}:`)) return parsed.text;
    return new DomusError('address-mismatch', `${parsed.text} is not of the transport of this imperium (${own})`);
  } catch (error) {
    if (DomusError.is(error)) return error as DomusError;
    throw error;
  }
}

function resolverFailed(cause: unknown): SendFailure {
  return failure('peer-unavailable', 'the route resolver failed', cause);
}

function failure(kind: SendFailure['kind'], text: string, cause: unknown): SendFailure {
  return { kind, text, delivery: 'not-sent', cause };
}
