/**
 * The promise of one `send` and who waits for it. Made anew for each message on purpose: young objects that refer to each
 * other are the cheapest that an engine has, while a pool of old ones makes it note every reference to a young promise.
 *
 * 1. A pending send is told its outcome once, by the machine or by the router.
 * 2. An abort only ends the waiting: the promise is rejected, the outcome still comes and is nobody's news.
 * 3. Sends that share a signal share one listener on it: programs have one signal for thousands of sends.
 */
import type { SendFailure, SendWaiter } from '@flaminia/delivery-a1/internal';
import { type Abortable, watchedSignals } from '@flaminia/services-a2/internal';
import { DomusError, type ErrorKind } from '@flaminia/transport-a0';
import type { AnyEndpoint } from './endpoint.ts';
import { endpointText } from './endpoint-text.ts';
import type { LatencyHistogram } from './latency-histogram.ts';

type Resolve = (outcome?: Promise<never>) => void;

const nothing = (): void => {};

// One executor for all promises: a closure for each would cost as much as the promise.
let promised: PendingSend | undefined;
const executor = (resolve: Resolve): void => promised!.settleBy(resolve);

export class PendingSend implements SendWaiter, Abortable {
  // Declared, and set once by the constructor: fields are otherwise defined first and set then, for every send.
  /** Rejects as well, by a promise that is rejected: a second function for each send would be kept until it is answered. */
  declare private resolve: Resolve;
  declare private readonly sends: PendingSends;
  declare private readonly endpoint: AnyEndpoint;
  declare private readonly signal: AbortSignal | undefined;
  /** In whole milliseconds: a fraction would be an object of its own. */
  declare private readonly startedAt: number;

  constructor(sends: PendingSends, endpoint: AnyEndpoint, startedAt: number, signal: AbortSignal | undefined) {
    this.resolve = nothing;
    this.sends = sends;
    this.endpoint = endpoint;
    this.signal = signal;
    this.startedAt = startedAt | 0;
    if (signal !== undefined) watchedSignals.add(signal, this);
  }

  /** The promise for the caller; made once. */
  promise(): Promise<void> {
    promised = this;
    const promise = new Promise<void>(executor);
    // It would keep the domus of the last send, with all that this had, after its shutdown.
    promised = undefined;
    return promise;
  }

  /** @internal */
  settleBy(resolve: Resolve): void {
    this.resolve = resolve;
  }

  accepted(): void {
    this.resolve();
    this.sends.latency.record(this.elapsedMs());
    this.end();
  }

  /** `peer`: where the message was for, as far as the route was known. */
  failed(failure: SendFailure, peer = ''): void {
    this.sends.countFailure(failure.kind);
    this.reject(
      new DomusError(failure.kind, failure.text === '' ? refusalText(failure.kind) : failure.text, {
        delivery: failure.delivery,
        endpoint: endpointText(this.endpoint),
        elapsedMs: this.elapsedMs(),
        ...(peer === '' ? {} : { peer }),
        ...(failure.cause === undefined ? {} : { cause: failure.cause }),
      }),
    );
    this.end();
  }

  /** The signal was aborted. */
  aborted(reason: unknown): void {
    this.reject(reason);
  }

  private reject(reason: unknown): void {
    const rejected = Promise.reject(reason);
    // The caller's promise takes it over, unless an abort has settled that before: then nobody asks for it.
    rejected.catch(nothing);
    this.resolve(rejected);
  }

  private elapsedMs(): number {
    return ((this.sends.now() | 0) - this.startedAt) | 0;
  }

  private end(): void {
    if (this.signal !== undefined) watchedSignals.delete(this.signal, this);
    this.sends.onOutcome?.();
  }
}

/** The sends of one domus that have not settled. */
export class PendingSends {
  readonly now: () => number;
  /** How long accepted sends took. */
  readonly latency: LatencyHistogram;
  /** Failed sends by kind. */
  readonly failures: Map<ErrorKind, number> = new Map();
  /** Told of every outcome; a shutdown waits for them. */
  onOutcome: (() => void) | undefined = undefined;

  /** `now`: asked at the end of every send, so it must cost next to nothing. */
  constructor(now: () => number, latency: LatencyHistogram) {
    this.now = now;
    this.latency = latency;
  }

  countFailure(kind: ErrorKind): void {
    this.failures.set(kind, (this.failures.get(kind) ?? 0) + 1);
  }
}

/** What answers mean that come without a text. */
function refusalText(kind: ErrorKind): string {
  switch (kind) {
    case 'unknown-taberna':
      return 'the peer refused the message: it has no such taberna (inbox)';
    case 'remote-taberna-rejected':
      return 'the peer refused the message: its handler has rejected it, or failed';
    case 'taberna-busy':
      return 'the peer refused the message: its taberna (inbox) is full, or nobody took it in time';
    default:
      return 'the peer refused the message';
  }
}
