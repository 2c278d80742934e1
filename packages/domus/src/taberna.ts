/**
 * A taberna (inbox) read by hand: one request at a time, by `receive` or by iteration (domus-api, taberna).
 */
import type { Delivery } from '@flaminia/delivery-a1/internal';
import {
  type Abortable,
  inspectAsJson,
  type PeerVerifier,
  requireSignal,
  watchedSignals,
} from '@flaminia/services-a2/internal';
import { DomusError, type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { endpointText } from './endpoint-text.ts';
import { Inlet, type InletConsumer, type InletEndpoint, type InletHost } from './inlet.ts';
import type { TabernaRequest } from './taberna-request.ts';

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Options of {@link Taberna.receive}. */
export interface ReceiveOptions {
  /** Milliseconds to wait, 0 to 2^31 − 1; then `receive-timeout`. Waits for ever by default. */
  readonly timeout?: number;
  /** Ends the waiting; rejects with its reason. */
  readonly signal?: AbortSignal;
}

const RECEIVE_OPTIONS: OptionNames<ReceiveOptions> = { timeout: true, signal: true };

/** An inbox; async-iterable by one consumer at a time. */
export interface Taberna<T, Blob = undefined> extends AsyncDisposable, AsyncIterable<TabernaRequest<T, Blob>> {
  /**
   * Takes one request. Rejects with `receive-timeout`, with the signal's reason, or, once the inbox is closed, with
   * `taberna-shutdown` or `domus-closed`.
   */
  receive(options?: ReceiveOptions): Promise<TabernaRequest<T, Blob>>;
  /** Closes the inbox: waiting and undecided requests are answered. Idempotent. */
  close(): Promise<void>;
}

/** One `receive` that waits. */
interface Receiver<T, Blob> extends Abortable {
  take(request: TabernaRequest<T, Blob>): void;
  fail(error: unknown): void;
}

export class HandTaberna<T, Blob> implements Taberna<T, Blob>, InletConsumer {
  private readonly inlet: Inlet<T, Blob>;
  private readonly delivery: Delivery;
  private readonly receivers = new Set<Receiver<T, Blob>>();
  private end: 'domus-closed' | 'taberna-shutdown' | undefined = undefined;
  private iterated = false;

  constructor(
    endpoint: InletEndpoint<T>,
    host: InletHost,
    signal: AbortSignal | undefined,
    verifier: PeerVerifier | undefined = undefined,
  ) {
    this.delivery = host.delivery;
    this.inlet = new Inlet(endpoint, host, this, signal, verifier);
  }

  /** For JSON, and for `console.log`: what it is for. */
  toJSON(): { readonly endpoint: string } {
    return { endpoint: endpointText(this.inlet.endpoint) };
  }

  receive(options: ReceiveOptions = {}): Promise<TabernaRequest<T, Blob>> {
    try {
      checkReceiving(options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    const { timeout, signal } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    if (this.end !== undefined) return Promise.reject(this.closedError());
    const request = this.receivers.size === 0 ? this.inlet.take() : undefined;
    if (request !== undefined) return Promise.resolve(this.handOut(request));
    return this.wait(timeout, signal);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TabernaRequest<T, Blob>, void, undefined> {
    if (this.iterated) throw new DomusError('invalid-state', 'this taberna (inbox) is being iterated already');
    this.iterated = true;
    try {
      while (this.end === undefined) yield await this.receive();
    } catch (error) {
      if (this.end === undefined) throw error;
    } finally {
      this.iterated = false;
    }
  }

  close(): Promise<void> {
    this.inlet.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  arrivals(): void {
    for (const receiver of this.receivers) {
      const request = this.inlet.take();
      if (request === undefined) return;
      receiver.take(this.handOut(request));
    }
  }

  closed(domus: boolean): void {
    this.end = domus ? 'domus-closed' : 'taberna-shutdown';
    for (const receiver of this.receivers) receiver.fail(this.closedError());
  }

  private handOut(request: TabernaRequest<T, Blob>): TabernaRequest<T, Blob> {
    this.delivery.programGoesOn();
    this.inlet.watch(request);
    return request;
  }

  private wait(timeout: number | undefined, signal: AbortSignal | undefined): Promise<TabernaRequest<T, Blob>> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        this.receivers.delete(receiver);
        if (timer !== undefined) this.delivery.clock.stopTimer(timer);
        if (signal !== undefined) watchedSignals.delete(signal, receiver);
      };
      const receiver: Receiver<T, Blob> = {
        take: (request) => {
          finish();
          resolve(request);
        },
        fail: (error) => {
          finish();
          reject(error as Error);
        },
        aborted: (reason) => receiver.fail(reason),
      };
      const timedOut = (): void => receiver.fail(this.timeoutError(timeout!));
      const timer = timeout === undefined ? undefined : this.delivery.clock.startTimer(timeout, timedOut);
      if (signal !== undefined) watchedSignals.add(signal, receiver);
      this.receivers.add(receiver);
    });
  }

  private timeoutError(timeout: number): DomusError {
    return new DomusError('receive-timeout', `no request came within ${timeout} ms`, {
      endpoint: endpointText(this.inlet.endpoint),
    });
  }

  private closedError(): DomusError {
    const kind = this.end!;
    const text = kind === 'domus-closed' ? 'the domus was shut down' : 'the taberna (inbox) was closed';
    return new DomusError(kind, text, { endpoint: endpointText(this.inlet.endpoint) });
  }
}

inspectAsJson({ name: 'Taberna', prototype: HandTaberna.prototype });

function checkReceiving(options: ReceiveOptions): void {
  const { timeout, signal } = optionsOf('receive', options, RECEIVE_OPTIONS);
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0 && timeout <= MAX_TIMEOUT_MS)) {
    throw outOfRange('timeout', `0 to ${MAX_TIMEOUT_MS} ms`, timeout);
  }
  requireSignal(signal);
}
