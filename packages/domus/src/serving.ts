/**
 * An endpoint served by a handler (domus-api, serve): at most `concurrency` handlers at once, started in order. A
 * handler that returns accepts, one that throws rejects and gives its stream up.
 */
import { inspectAsJson, type PeerVerifier } from '@flaminia/services-a2/internal';
import type { AnyEndpoint } from './endpoint.ts';
import { endpointText } from './endpoint-text.ts';
import { Inlet, type InletConsumer, type InletEndpoint, type InletHost } from './inlet.ts';
import type { TabernaRequest } from './taberna-request.ts';

/** Handles one message; may decide through `request`, else its return accepts and its throw rejects. */
export type MessageHandler<T, Blob = undefined> = (message: T, request: TabernaRequest<T, Blob>) => unknown;

/** A running handler loop. */
export interface Serving extends AsyncDisposable {
  /**
   * Stops taking requests; resolves when the handlers under way have ended, and at the latest with the shutdown of the domus.
   * Idempotent.
   */
  close(): Promise<void>;
}

/** What a serving tells its domus. */
export interface ServingHost extends InletHost {
  handlerFailed(endpoint: AnyEndpoint, error: unknown): void;
  /** A handler goes on beyond its call, or has ended: a shutdown gives it time, whether it has decided or not. */
  handlerGoesOn(): void;
  handlerEnded(): void;
  /** Has the listener told of the end of the shutdown, at once where that is over; what it gives ends that. */
  onEnd(listener: () => void): () => void;
}

export class ServingLoop<T, Blob> implements Serving, InletConsumer {
  private readonly inlet: Inlet<T, Blob>;
  private readonly host: ServingHost;
  private readonly handler: MessageHandler<T, Blob>;
  private readonly concurrency: number;
  private running = 0;
  private idle: (() => void)[] = [];

  constructor(
    endpoint: InletEndpoint<T>,
    handler: MessageHandler<T, Blob>,
    concurrency: number,
    host: ServingHost,
    signal: AbortSignal | undefined,
    verifier: PeerVerifier | undefined = undefined,
  ) {
    this.host = host;
    this.handler = handler;
    this.concurrency = concurrency;
    this.inlet = new Inlet(endpoint, host, this, signal, verifier);
  }

  arrivals(): void {
    while (this.running < this.concurrency) {
      const request = this.inlet.take();
      if (request === undefined) return;
      this.handle(request);
    }
  }

  closed(): void {}

  async close(): Promise<void> {
    this.inlet.close();
    if (this.running === 0) return;
    let forget: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      this.idle.push(resolve);
      // A handler may never end.
      forget = this.host.onEnd(resolve);
    });
    forget?.();
  }

  /** For JSON, and for `console.log`: what it serves. */
  toJSON(): { readonly endpoint: string } {
    return { endpoint: endpointText(this.inlet.endpoint) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private handle(request: TabernaRequest<T, Blob>): void {
    let pending: Promise<unknown> | undefined;
    try {
      pending = promised(this.handler(request.message, request));
    } catch (error) {
      this.threw(request, error);
      return;
    }
    // Decided in this turn, so that the ack leaves in the same write as what the handler sent.
    if (pending === undefined) {
      request.returned();
      return;
    }
    this.running++;
    this.host.handlerGoesOn();
    this.host.delivery.programGoesOn();
    pending.then(
      () => {
        request.returned();
        this.ended();
      },
      (error: unknown) => {
        this.threw(request, error);
        this.ended();
      },
    );
  }

  private threw(request: TabernaRequest<T, Blob>, error: unknown): void {
    request.threw();
    this.host.handlerFailed(this.inlet.endpoint, error);
  }

  private ended(): void {
    this.running--;
    this.host.handlerEnded();
    if (this.running === 0) for (const resolve of this.idle.splice(0)) resolve();
    this.arrivals();
  }
}

inspectAsJson({ name: 'Serving', prototype: ServingLoop.prototype });

/** What a handler returned as a promise, thenables of other libraries included; undefined where it is none. */
function promised(value: unknown): Promise<unknown> | undefined {
  if (value === undefined) return undefined;
  if (value instanceof Promise) return value;
  const isThenable =
    typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
  return isThenable ? Promise.resolve(value) : undefined;
}
