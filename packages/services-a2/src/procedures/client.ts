/** A client of a service: one method for each procedure, and nothing else (a2-services). */
import { DomusError } from '@flaminia/transport-a0';
import type { CallOptions, Client } from './call-types.ts';
import type { CallParts } from './client-options.ts';
import { ProcedureError } from './procedure-error.ts';
import type { Procedure, ServiceHead } from './service.ts';
import { StreamCall } from './stream-call.ts';
import { UnaryCall } from './unary-call.ts';

type Method = (input: unknown, options?: CallOptions) => unknown;

/** Whether calls may still be made; `isPart`: as part of a call that this node serves. */
type IsOpen = (isPart: boolean) => boolean;

export function clientOf<S extends ServiceHead>(service: S, parts: CallParts, isOpen: IsOpen): Client<S> {
  const methods = Object.create(null) as Record<string, Method>;
  for (const name of Object.keys(service.procedures)) {
    const procedure = (service as unknown as Record<string, Procedure>)[name]!;
    methods[name] = methodOf(procedure, parts, isOpen);
  }
  return Object.freeze(methods) as unknown as Client<S>;
}

type Resolve = (value: unknown) => void;
type Reject = (error: ProcedureError) => void;

const nothing = (): void => {};

// One executor for all promises: a closure for each costs as much as the promise.
let capturedResolve: Resolve = nothing;
let capturedReject: Reject = nothing;
const capture = (resolve: Resolve, reject: Reject): void => {
  capturedResolve = resolve;
  capturedReject = reject;
};

function methodOf(procedure: Procedure, parts: CallParts, isOpen: IsOpen): Method {
  switch (procedure.definition.kind) {
    case 'unary':
    case 'one-way':
      return (input, options) => {
        const promise = new Promise(capture);
        const resolve = capturedResolve;
        const reject = capturedReject;
        try {
          mustBeAbleTo(procedure, parts, isOpen(options?.parent !== undefined));
          new UnaryCall(procedure, input, options, parts, resolve, reject).start();
        } catch (error) {
          reject(errorOfCall(error));
        }
        return promise;
      };
    case 'client-stream':
      return (input, options) =>
        new Promise((resolve, reject) => {
          try {
            mustBeAbleTo(procedure, parts, isOpen(options?.parent !== undefined));
            new StreamCall(procedure, input, options, parts, { resolve, reject }).start();
          } catch (error) {
            reject(errorOfCall(error));
          }
        });
    default:
      return (input, options) => {
        try {
          mustBeAbleTo(procedure, parts, isOpen(options?.parent !== undefined));
          const call = new StreamCall(procedure, input, options, parts, undefined);
          call.start();
          return call.outputs;
        } catch (error) {
          return failedStream(errorOfCall(error));
        }
      };
  }
}

function mustBeAbleTo(procedure: Procedure, { calls, settings }: CallParts, isOpen: boolean): void {
  if (!isOpen) {
    const cause = new DomusError('domus-closed', 'the imperium was left', { endpoint: procedure.fullName });
    throw new ProcedureError('unavailable', 'the imperium (fabric) was left here', { cause });
  }
  if (calls.underWay >= settings.maxPending) {
    throw new ProcedureError('resource-exhausted', `${settings.maxPending} calls are under way already`);
  }
}

/** What the caller did wrong is an error of the call too: calls reject with nothing else. */
export function errorOfCall(error: unknown): ProcedureError {
  if (ProcedureError.is(error)) return error;
  const text = error instanceof Error ? error.message : 'the call could not be made';
  return new ProcedureError('invalid-argument', text, { cause: error });
}

function failedStream(error: ProcedureError): AsyncIterable<never> {
  return {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }),
  };
}
