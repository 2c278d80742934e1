/**
 * The promise of one `send`, and the pool that its bookkeeping comes from. Per message only the promise itself is
 * allocated; an object of this file serves many sends, one after the other.
 *
 * 1. A pending send is told its outcome once, by the machine or by the router, and returns to the pool then.
 * 2. An abort only ends the waiting: the promise is rejected, the object stays in use until the outcome comes.
 * 3. Sends that share a signal share one listener on it: programs have one signal for thousands of sends.
 */
import type { SendFailure, SendWaiter } from '@flaminia/delivery-a1/internal';
import { DomusError, type ErrorKind } from '@flaminia/transport-a0';
import type { AnyEndpoint } from './endpoint.ts';
import { endpointText } from './endpoint-text.ts';

type Resolve = () => void;
type Reject = (reason: unknown) => void;

const nothing = (): void => {};

// One executor for all promises: a closure for each would cost as much as the promise.
let capturedResolve: Resolve = nothing;
let capturedReject: Reject = nothing;
const capture = (resolve: Resolve, reject: Reject): void => {
  capturedResolve = resolve;
  capturedReject = reject;
};

export class PendingSend implements SendWaiter {
  private resolve: Resolve = nothing;
  private reject: Reject = nothing;
  private endpoint: AnyEndpoint | undefined = undefined;
  /** Where it goes, for errors; empty until the route is known. */
  peer = '';
  private startedAt = 0;
  private signal: AbortSignal | undefined = undefined;
  private readonly pool: PendingSendPool;

  constructor(pool: PendingSendPool) {
    this.pool = pool;
  }

  /** Begins a send; the promise is the caller's. */
  begin(endpoint: AnyEndpoint, startedAt: number, signal: AbortSignal | undefined): Promise<void> {
    const promise = new Promise<void>(capture);
    this.resolve = capturedResolve;
    this.reject = capturedReject;
    this.endpoint = endpoint;
    this.startedAt = startedAt;
    if (signal !== undefined) {
      this.signal = signal;
      this.pool.watch(signal, this);
    }
    return promise;
  }

  accepted(): void {
    this.resolve();
    this.end();
  }

  failed(failure: SendFailure): void {
    this.pool.countFailure(failure.kind);
    this.reject(
      new DomusError(failure.kind, failure.text === '' ? 'the peer refused the message' : failure.text, {
        delivery: failure.delivery,
        endpoint: endpointText(this.endpoint!),
        elapsedMs: Math.round(this.pool.now() - this.startedAt),
        ...(this.peer === '' ? {} : { peer: this.peer }),
        ...(failure.cause === undefined ? {} : { cause: failure.cause }),
      }),
    );
    this.end();
  }

  /** The signal was aborted. */
  stopWaiting(reason: unknown): void {
    this.reject(reason);
  }

  private end(): void {
    if (this.signal !== undefined) this.pool.unwatch(this.signal, this);
    this.signal = undefined;
    this.resolve = nothing;
    this.reject = nothing;
    this.endpoint = undefined;
    this.peer = '';
    this.pool.put(this);
  }
}

/** Objects kept for reuse; more than the largest lane are of no use. */
const KEPT = 4096;

/** The sends of one signal, and the one listener that they share. */
interface Watch {
  readonly sends: Set<PendingSend>;
  readonly listener: () => void;
}

export class PendingSendPool {
  readonly now: () => number;
  /** Failed sends by kind. */
  readonly failures: Map<ErrorKind, number> = new Map();
  /** Told of every outcome; a shutdown waits for them. */
  onOutcome: (() => void) | undefined = undefined;
  private readonly free: PendingSend[] = [];
  private readonly watches = new Map<AbortSignal, Watch>();

  constructor(now: () => number) {
    this.now = now;
  }

  countFailure(kind: ErrorKind): void {
    this.failures.set(kind, (this.failures.get(kind) ?? 0) + 1);
  }

  /** The abort of this signal shall end the waiting of a send. */
  watch(signal: AbortSignal, pending: PendingSend): void {
    let watch = this.watches.get(signal);
    if (watch === undefined) {
      const sends = new Set<PendingSend>();
      const listener = (): void => {
        for (const each of sends) each.stopWaiting(signal.reason);
      };
      watch = { sends, listener };
      this.watches.set(signal, watch);
      signal.addEventListener('abort', listener, { once: true });
    }
    watch.sends.add(pending);
  }

  unwatch(signal: AbortSignal, pending: PendingSend): void {
    const watch = this.watches.get(signal);
    if (watch === undefined) return;
    watch.sends.delete(pending);
    if (watch.sends.size > 0) return;
    this.watches.delete(signal);
    signal.removeEventListener('abort', watch.listener);
  }

  get(): PendingSend {
    return this.free.pop() ?? new PendingSend(this);
  }

  put(pending: PendingSend): void {
    this.onOutcome?.();
    if (this.free.length < KEPT) this.free.push(pending);
  }
}
