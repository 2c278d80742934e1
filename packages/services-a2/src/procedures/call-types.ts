/** What handlers are given and return, and what clients offer: types that follow from a service (a2-services, procedures). */
import type { Caller } from '../authorization/caller.ts';
import type { ProcedureDefinition, ServiceHead } from './service.ts';

/** What a handler knows of the call that it serves. */
export interface CallContext {
  /** Who calls, as its certificate says. */
  readonly caller: Caller;
  /** Ends when the caller gives up, when the time is over, or when the caller or this imperium is lost. */
  readonly signal: AbortSignal;
  /** When the time of the call is over, in epoch milliseconds by the wall clock as it stands; undefined where it has no limit. */
  readonly deadline: number | undefined;
  /** What the caller sent along, W3C trace context (`traceparent`, `tracestate`) included. Claims of the caller. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Unique among the calls of this caller that are under way. */
  readonly callId: number;
}

/** Options of one call. */
export interface CallOptions {
  /** Its abort gives the call up: the handler's signal ends, and the call rejects with `cancelled`. */
  readonly signal?: AbortSignal;
  /** Milliseconds for the whole call, tries again included; the client's `callTimeout` by default for what is not a stream of outputs. */
  readonly timeout?: number;
  /** Texts for the handler, at most 8 KiB; it sees them as claims. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The call that this one is part of: its deadline and its signal bound this one, and its trace context goes on. */
  readonly parent?: CallContext;
  /** For sticky pickers: calls of one key go to one provider. */
  readonly key?: string;
}

/** The handler of a procedure, by its kind. */
export type HandlerOf<D> =
  D extends ProcedureDefinition<infer Kind, infer _InSent, infer In, infer Out, infer _OutReceived>
    ? {
        unary: (input: In, context: CallContext) => Out | Promise<Out>;
        'one-way': (input: In, context: CallContext) => void | Promise<void>;
        'server-stream': (input: In, context: CallContext) => AsyncIterable<Out>;
        'client-stream': (inputs: AsyncIterable<In>, context: CallContext) => Out | Promise<Out>;
        'bidi-stream': (inputs: AsyncIterable<In>, context: CallContext) => AsyncIterable<Out>;
      }[Kind]
    : never;

/** The handlers of a service: one for each procedure. */
export type Handlers<S extends ServiceHead> = {
  readonly [Name in keyof S['procedures']]: HandlerOf<S['procedures'][Name]>;
};

/** Inputs of a stream: any iterable. */
export type Inputs<T> = AsyncIterable<T> | Iterable<T>;

/** The method of a client, by the kind of its procedure. */
export type MethodOf<D> =
  D extends ProcedureDefinition<infer Kind, infer In, infer _InReceived, infer _OutSent, infer Out>
    ? {
        unary: (input: In, options?: CallOptions) => Promise<Out>;
        'one-way': (input: In, options?: CallOptions) => Promise<void>;
        'server-stream': (input: In, options?: CallOptions) => AsyncIterable<Out>;
        'client-stream': (inputs: Inputs<In>, options?: CallOptions) => Promise<Out>;
        'bidi-stream': (inputs: Inputs<In>, options?: CallOptions) => AsyncIterable<Out>;
      }[Kind]
    : never;

/** A client of a service: its procedures and nothing else. Every rejection is a `ProcedureError`. */
export type Client<S extends ServiceHead> = {
  readonly [Name in keyof S['procedures']]: MethodOf<S['procedures'][Name]>;
};
