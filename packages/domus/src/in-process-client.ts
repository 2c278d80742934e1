/**
 * A client of handlers in the same process, for unit tests: no node, no port, no certificate. Everything else is that of a
 * real call: schemas, CBOR, verifier, limits, streams with credit, deadlines, and the errors of all of them.
 */
import {
  anyAuthenticatedPeer,
  type Caller,
  type Client,
  type ClientOptions,
  type Handlers,
  ProcedureError,
  type ProvideOptions,
  type ServiceHead,
  type ServicesEvent,
} from '@flaminia/services-a2';
import { callerFrom } from '@flaminia/services-a2/internal';
import { Calls, clientOf, offer, type ProviderSource, resolveClientOptions } from '@flaminia/services-a2/testing';
import { type DomusAddr, type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { LoopbackPort } from './loopback-port.ts';

/** Options of {@link inProcessClient}. */
export interface InProcessOptions
  extends Partial<Pick<ProvideOptions, 'verifier' | 'concurrency' | 'maxWaiting'>>,
    Pick<ClientOptions, 'callTimeout' | 'windowBytes'> {
  /** Whom handlers and verifier see. A `nodeId` of null is a caller whose certificate has none: it is refused, as always. */
  readonly caller: Pick<Caller, 'nodeId'> & Partial<Caller>;
  /** Is told what a node would report, such as what a handler threw that its caller does not learn. */
  readonly report?: (event: ServicesEvent) => void;
}

const NAMES: OptionNames<InProcessOptions> = {
  caller: true,
  verifier: true,
  concurrency: true,
  maxWaiting: true,
  callTimeout: true,
  windowBytes: true,
  report: true,
};

const ADDRESS: DomusAddr = 'tcp://127.0.0.1:1';

/**
 * Makes a client whose calls reach these handlers. Without a `verifier` every caller may call everything. There is nothing to
 * close: a call that is over leaves nothing behind. Throws `invalid-config` for a missing handler or caller, and for an option
 * out of its range.
 */
export function inProcessClient<S extends ServiceHead>(
  service: S,
  handlers: Handlers<S>,
  options: InProcessOptions,
): Client<S> {
  const {
    caller,
    verifier = anyAuthenticatedPeer(),
    report = () => {},
    callTimeout,
    windowBytes,
    ...limits
  } = optionsOf('inProcessClient', options, NAMES);
  if (typeof report !== 'function') throw outOfRange('report', 'a function', report);
  const port = new LoopbackPort(checkedCaller(caller), report);
  const calls = new Calls(port);
  const { call: settings } = resolveClientOptions({
    ...(callTimeout !== undefined && { callTimeout }),
    ...(windowBytes !== undefined && { windowBytes }),
  });
  offer(service, handlers, { ...limits, verifier }, calls, (event) => {
    const { procedure } = event;
    const { address: peer, nodeId } = event.caller;
    if (event.kind === 'handler-failed') report({ kind: 'procedure-failed', peer, procedure, error: event.error });
    else report({ kind: 'call-refused', peer, nodeId, procedure, reason: event.reason });
  });
  return clientOf(service, { calls, providers: onlyProvider(port.address), settings }, () => true);
}

function checkedCaller(given: InProcessOptions['caller'] | undefined): Caller {
  if (typeof given?.nodeId !== 'string' && given?.nodeId !== null)
    throw outOfRange('caller.nodeId', 'a text or null', given?.nodeId);
  const { nodeId, nodeType = null, address = ADDRESS, certificate } = given;
  return Object.freeze({ ...callerFrom({ nodeId, nodeType, address, certificate }), ...given });
}

/** Calls have nowhere else to go: no other provider is tried, and this one is never ejected. */
function onlyProvider(address: DomusAddr): ProviderSource {
  const provider = Object.freeze({ address, nodeId: undefined, health: 'healthy', metadata: {} } as const);
  return {
    pick: ({ exclude }) => (exclude?.has(address) === true ? undefined : provider),
    wait: () => Promise.reject(new ProcedureError('no-providers', 'the only provider was tried')),
    begin: () => ({ provider, taken: () => {}, end: () => {} }),
    called: () => {},
    hasOffer: () => true,
    mayRetry: () => false,
  };
}
