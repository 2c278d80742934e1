/** A client of a service: one method for each procedure, and nothing else (a2-services). */
import { DomusError } from '@flaminia/transport-a0';
import type { CallOptions, Client } from './call-types.ts';
import type { CallParts } from './client-options.ts';
import { ProcedureError } from './procedure-error.ts';
import type { Procedure, ServiceHead } from './service.ts';
import { StreamCall } from './stream-call.ts';
import { UnaryCall } from './unary-call.ts';

type Method = (input: unknown, options?: CallOptions) => unknown;

/** `isOpen` says whether calls may still be made. */
export function clientOf<S extends ServiceHead>(service: S, parts: CallParts, isOpen: () => boolean): Client<S> {
  const methods = Object.create(null) as Record<string, Method>;
  for (const name of Object.keys(service.procedures)) {
    const procedure = (service as unknown as Record<string, Procedure>)[name]!;
    methods[name] = methodOf(procedure, parts, isOpen);
  }
  return Object.freeze(methods) as unknown as Client<S>;
}

function methodOf(procedure: Procedure, parts: CallParts, isOpen: () => boolean): Method {
  switch (procedure.definition.kind) {
    case 'unary':
    case 'one-way':
      return (input, options) =>
        new Promise((resolve, reject) => {
          begun(procedure, parts, isOpen, reject, () => {
            new UnaryCall(procedure, input, options, parts, resolve, reject).start();
          });
        });
    case 'client-stream':
      return (input, options) =>
        new Promise((resolve, reject) => {
          begun(procedure, parts, isOpen, reject, () => {
            new StreamCall(procedure, input, options, parts, { resolve, reject }).start();
          });
        });
    default:
      return (input, options) => {
        let failure: unknown;
        let call: StreamCall | undefined;
        begun(
          procedure,
          parts,
          isOpen,
          (error) => {
            failure = error;
          },
          () => {
            call = new StreamCall(procedure, input, options, parts, undefined);
            call.start();
          },
        );
        return call?.outputs ?? failedStream(failure);
      };
  }
}

/** Begins a call, or says why it cannot begin; what the caller did wrong is an error of the call too. */
function begun(
  procedure: Procedure,
  { calls, settings }: CallParts,
  isOpen: () => boolean,
  reject: (error: ProcedureError) => void,
  begin: () => void,
): void {
  if (!isOpen()) {
    const cause = new DomusError('domus-closed', 'the imperium was left', { endpoint: procedure.fullName });
    reject(new ProcedureError('unavailable', 'the imperium (fabric) was left here', { cause }));
    return;
  }
  if (calls.size >= settings.maxPending) {
    reject(new ProcedureError('resource-exhausted', `${settings.maxPending} calls are under way already`));
    return;
  }
  try {
    begin();
  } catch (error) {
    const text = error instanceof Error ? error.message : 'the call could not be made';
    reject(ProcedureError.is(error) ? error : new ProcedureError('invalid-argument', text, { cause: error }));
  }
}

function failedStream(error: unknown): AsyncIterable<never> {
  return {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error as Error) }),
  };
}
