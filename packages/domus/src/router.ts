/**
 * Where a message goes (a1-delivery, what a send means): where the caller says (`to`), else to the own tabernae, else
 * where the resolver says. Messages that wait for an asynchronous answer wait here, in order, within `sendQueueSize` and
 * `sendQueueBytes` per taberna and within their deadlines.
 *
 * 1. A resolver is asked once for all messages of a taberna that wait, and again when none of them was left waiting.
 * 2. No message overtakes one that waits for the route of the same taberna, though it may have become an own one.
 */
import type { Delivery, OutboundBlob, SendFailure, SendWaiter } from '@flaminia/delivery-a1/internal';
import { type DomusAddr, DomusError, parseDestination } from '@flaminia/transport-a0';
import type { EncodedMessage } from './codec.ts';
import type { AnyEndpoint } from './endpoint.ts';
import { LayeredResolver } from './layered-resolver.ts';
import type { RouteResolver } from './resolver.ts';

/** Addresses whose canonical form is remembered; a resolver that answers with ever new ones starts the memory anew. */
const REMEMBERED_ADDRESSES = 4096;
const NEVER = Number.POSITIVE_INFINITY;

/** A message that waits for its route. */
interface Outgoing {
  readonly endpoint: AnyEndpoint;
  readonly message: EncodedMessage;
  readonly deadline: number;
  readonly wait: boolean;
  readonly pending: SendWaiter;
}

/** The messages of one taberna that wait for its route. */
interface Waiting {
  readonly id: AnyEndpoint['id'];
  readonly question: Question;
  queue: Outgoing[];
  bytes: number;
  /** Ends the sends whose deadline comes first, at `due`. */
  timer: ReturnType<Delivery['clock']['startTimer']> | undefined;
  due: number;
}

/** The last route that the resolver gave, with the versions of what it follows from. */
interface LastRoute {
  endpoint: AnyEndpoint | undefined;
  address: DomusAddr | undefined;
  routes: number;
  tabernae: number;
}

export class Router {
  private readonly delivery: Delivery;
  private readonly resolver: LayeredResolver;
  /** For the next resolver that is asked; used again as long as nobody has looked at its signal. */
  private spare = new Question();
  private readonly last: LastRoute = { endpoint: undefined, address: undefined, routes: 0, tabernae: 0 };
  private readonly canonical = new Map<string, DomusAddr | DomusError>();
  private readonly waiting = new Map<AnyEndpoint['id'], Waiting>();

  constructor(delivery: Delivery, resolver: RouteResolver | undefined) {
    this.delivery = delivery;
    this.resolver = new LayeredResolver(resolver);
  }

  /** Asks this resolver where the application's own knows no route; the result ends that. */
  useLast(resolver: RouteResolver): () => void {
    return this.resolver.useLast(resolver);
  }

  /** True while a message waits for its route. */
  get isBusy(): boolean {
    return this.waiting.size > 0;
  }

  /**
   * Routes a message and gives it to A1, now or once its route is known. `to`, where given, is canonical; `pending` is the
   * stream itself where the message opens one.
   */
  route(
    endpoint: AnyEndpoint,
    message: EncodedMessage,
    deadline: number,
    wait: boolean,
    pending: SendWaiter,
    to: DomusAddr | undefined,
    now: number,
  ): void {
    const ahead = to === undefined && this.waiting.size > 0 ? this.waiting.get(endpoint.id) : undefined;
    if (ahead !== undefined) {
      this.enqueue(ahead, { endpoint, message, deadline, wait, pending }, now);
      return;
    }
    const address = to ?? this.rememberedAddress(endpoint) ?? this.ownAddress(endpoint);
    if (address !== undefined) {
      this.dispatch(endpoint, message, deadline, wait, pending, address, now);
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
    for (const waiting of [...this.waiting.values()]) {
      waiting.question.giveUp();
      for (const out of this.end(waiting)) {
        out.pending.failed(failure('domus-closed', 'the domus was shut down', undefined), '');
      }
    }
  }

  /** The route of the last message, where this one is for the same endpoint and nothing has changed since. */
  private rememberedAddress(endpoint: AnyEndpoint): DomusAddr | undefined {
    const { last } = this;
    if (last.endpoint !== endpoint || last.routes !== this.resolver.version) return undefined;
    return last.tabernae === this.delivery.core.registry.version ? last.address : undefined;
  }

  /** Only a resolver that tells its changes may be remembered. */
  private remember(endpoint: AnyEndpoint, address: DomusAddr): void {
    const routes = this.resolver.version;
    if (routes === undefined) return;
    this.last.endpoint = endpoint;
    this.last.address = address;
    this.last.routes = routes;
    this.last.tabernae = this.delivery.core.registry.version;
  }

  /** The own address, if the taberna is one of this domus. */
  private ownAddress(endpoint: AnyEndpoint): DomusAddr | undefined {
    const { registry, address } = this.delivery.core;
    return registry.find(endpoint.idHi, endpoint.idLo) === undefined ? undefined : (address as DomusAddr);
  }

  private dispatch(
    endpoint: AnyEndpoint,
    message: EncodedMessage,
    deadline: number,
    wait: boolean,
    pending: SendWaiter,
    address: DomusAddr,
    now: number,
  ): void {
    const { idHi, idLo, kind } = endpoint;
    if (kind === 'blob') {
      const blob = pending as OutboundBlob;
      // Given up while it waited for its route.
      if (blob.isOver) return;
      this.delivery.sendBlob(address, idHi, idLo, message.type, message.payload, deadline, blob, now);
      return;
    }
    this.delivery.send(address, 'a3', idHi, idLo, message.type, message.payload, deadline, wait, pending, now);
  }

  private resolve(
    endpoint: AnyEndpoint,
    message: EncodedMessage,
    deadline: number,
    wait: boolean,
    pending: SendWaiter,
    now: number,
  ): void {
    const question = this.spare;
    let answer: ReturnType<RouteResolver['resolve']>;
    try {
      answer = this.resolver.resolve(endpoint.id, question);
    } catch (error) {
      pending.failed(resolverFailed(error), '');
      return;
    } finally {
      if (question.isTaken) this.spare = new Question();
    }
    if (typeof answer === 'object' && answer !== null) {
      if (question === this.spare) this.spare = new Question();
      const queue: Outgoing[] = [];
      const waiting: Waiting = { id: endpoint.id, question, queue, bytes: 0, timer: undefined, due: NEVER };
      this.waiting.set(endpoint.id, waiting);
      this.enqueue(waiting, { endpoint, message, deadline, wait, pending }, now);
      void this.awaitRoute(waiting, answer);
      return;
    }
    const address = this.usable(answer, pending);
    if (address === undefined) return;
    this.remember(endpoint, address);
    this.dispatch(endpoint, message, deadline, wait, pending, address, now);
  }

  /** The canonical form of what the resolver said; fails the send where there is none. */
  private usable(answer: string | undefined, pending: SendWaiter): DomusAddr | undefined {
    if (answer === undefined || answer === null) {
      pending.failed(
        failure('unknown-taberna', 'no route: the resolver knows no domus for this taberna', undefined),
        '',
      );
      return undefined;
    }
    try {
      return this.canonicalAddress(answer);
    } catch (error) {
      const kind = DomusError.is(error) && error.kind === 'address-mismatch' ? 'address-mismatch' : 'peer-unavailable';
      pending.failed(failure(kind, 'the resolver answered with an address that cannot be used', error), '');
      return undefined;
    }
  }

  private async awaitRoute(waiting: Waiting, answer: PromiseLike<DomusAddr | undefined>): Promise<void> {
    try {
      const address = await answer;
      const now = this.delivery.clock.now();
      for (const out of this.end(waiting)) this.follow(out, address, now);
    } catch (error) {
      for (const out of this.end(waiting)) out.pending.failed(resolverFailed(error), '');
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
      out.pending.failed(failure('local-queue-full', text, undefined), '');
      return;
    }
    queue.push(out);
    waiting.bytes += out.message.payload.length;
    // The first message, or one that came after a lower `sendTimeout`.
    if (out.deadline < waiting.due) this.arm(waiting, now);
  }

  private arm(waiting: Waiting, now: number): void {
    const { clock } = this.delivery;
    if (waiting.timer !== undefined) clock.stopTimer(waiting.timer);
    waiting.due = waiting.queue.reduce((least, out) => Math.min(least, out.deadline), NEVER);
    waiting.timer = clock.startTimer(Math.max(1, Math.ceil(waiting.due - now)), () => this.expire(waiting));
  }

  private expire(waiting: Waiting): void {
    const now = this.delivery.clock.now();
    waiting.timer = undefined;
    const due = waiting.queue.filter((out) => out.deadline <= now);
    waiting.queue = waiting.queue.filter((out) => out.deadline > now);
    for (const out of due) {
      waiting.bytes -= out.message.payload.length;
      out.pending.failed(failure('send-timeout', 'the route was not resolved before the deadline', undefined), '');
    }
    if (waiting.queue.length > 0) {
      this.arm(waiting, now);
      return;
    }
    waiting.question.giveUp();
    this.end(waiting);
  }

  /** Ends the waiting; gives the messages, which are in nobody else's hands then. */
  private end(waiting: Waiting): Outgoing[] {
    if (waiting.timer !== undefined) this.delivery.clock.stopTimer(waiting.timer);
    waiting.timer = undefined;
    if (this.waiting.get(waiting.id) === waiting) this.waiting.delete(waiting.id);
    return waiting.queue.splice(0);
  }
}

/** What a resolver is given with an id. The signal is made only for a resolver that looks at it: most answer from a table. */
class Question {
  private controller: AbortController | undefined = undefined;

  /** Ends when nobody waits for the answer any more. */
  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    return this.controller.signal;
  }

  /** True once a resolver has looked at the signal, and may have kept it. */
  get isTaken(): boolean {
    return this.controller !== undefined;
  }

  /** Nobody waits for the answer any more. */
  giveUp(): void {
    this.controller?.abort();
  }
}

function canonicalise(text: string, own: string): DomusAddr | DomusError {
  try {
    const parsed = parseDestination(text);
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
