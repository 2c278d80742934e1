/** What a node makes of handlers and options when it offers a service. */
import { outOfRange } from '@flaminia/transport-a0';
import type { Caller } from '../authorization/caller.ts';
import { isAllowed, type PeerVerifier } from '../authorization/peer-verifier.ts';
import type { Handlers } from './call-types.ts';
import type { Calls } from './calls.ts';
import { type ProvideOptions, resolveProvideOptions } from './provide-options.ts';
import { ProvidedService, type ProvisionEvent } from './provided-service.ts';
import { requireServiceHead, type ServiceHead } from './service.ts';

/**
 * Offers a service at the port of `calls`, whose timer is that of its deadlines too. Throws `taberna-already-registered`, and
 * `invalid-config` for a missing handler or verifier.
 */
export function offer<S extends ServiceHead>(
  service: S,
  handlers: Handlers<S>,
  options: ProvideOptions,
  calls: Calls,
  report: (event: ProvisionEvent) => void,
): ProvidedService {
  requireServiceHead(service);
  const { verifier, ...limits } = resolveProvideOptions(options);
  return new ProvidedService({
    port: calls.port,
    service,
    handlers: checkedHandlers(service, handlers),
    refusal: (caller, procedure) => refusalOf(verifier, caller, procedure),
    watch: (timed) => calls.watch(timed),
    unwatch: (timed) => calls.unwatch(timed),
    report,
    ...limits,
  });
}

/** Why a caller may not call; undefined where it may. */
function refusalOf(verifier: PeerVerifier, caller: Caller, procedure: string): string | undefined {
  if (caller.nodeId === null || caller.nodeId === '') return 'no-identity';
  const permission = isAllowed(verifier, caller, procedure);
  return permission.allowed ? undefined : permission.reason;
}

type Handler = (input: unknown, context: unknown) => unknown;

function checkedHandlers(service: ServiceHead, handlers: unknown): Readonly<Record<string, Handler>> {
  const given = (handlers ?? {}) as Record<string, unknown>;
  const checked: Record<string, Handler> = {};
  for (const name of Object.keys(service.procedures)) {
    const handler = given[name];
    const field = `handler of ${service.taberna.name}/${name}`;
    if (typeof handler !== 'function') throw outOfRange(field, 'a function', handler);
    checked[name] = (input, context) => (handler as Handler).call(given, input, context);
  }
  return checked;
}
