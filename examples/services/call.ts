// Calling a service: a client finds providers by the name of the service, and every failure is a `ProcedureError`.
import { type Imperium, ProcedureError } from '@flaminia/domus/services';
import { Stock } from './stock.ts';

export async function takeOne(imperium: Imperium, item: string, signal: AbortSignal): Promise<string> {
  const stock = imperium.client(Stock, { discoverTimeout: 500 }); // dials nobody; a call waits so long for a first provider
  try {
    const { count } = await stock.take({ item, count: 1 }, { signal, timeout: 1_000, metadata: { reason: 'order' } });
    return `${count} left`;
  } catch (error) {
    if (!ProcedureError.is(error)) throw error;
    if (error.code === 'failed-precondition') return 'sold out'; // what the handler has thrown
    if (error.code === 'no-providers') return 'nobody offers it';
    if (error.code === 'unavailable') return 'perhaps taken: the provider was lost'; // as `take` is not idempotent
    throw error;
  }
}
