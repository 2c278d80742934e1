/** Two nodes in memory, one of which provides a service that the other calls, without discovery between them. */
import type { TestContext } from 'node:test';
import type { Domus } from '@flaminia/domus';
import { type MemoryImperium, memoryImperium } from '@flaminia/domus/testing';
import { watchedEnd } from '@flaminia/testkit/internal';
import type { Client, Handlers } from '../../src/procedures/call-types.ts';
import { Calls } from '../../src/procedures/calls.ts';
import { clientOf } from '../../src/procedures/client.ts';
import { type CallSettings, DEFAULT_CALL_SETTINGS } from '../../src/procedures/client-options.ts';
import { ProcedureError } from '../../src/procedures/procedure-error.ts';
import {
  ProvidedService,
  type ProvidedServiceOptions,
  type ProvisionEvent,
} from '../../src/procedures/provided-service.ts';
import type { ProviderSource } from '../../src/procedures/provider-source.ts';
import type { ServiceHead } from '../../src/procedures/service.ts';

export interface TwoNodes<S extends ServiceHead> {
  readonly world: MemoryImperium;
  readonly caller: Domus;
  readonly provider: Domus;
  readonly client: Client<S>;
  readonly calls: Calls;
  /** Those that the provider makes. */
  readonly providerCalls: Calls;
  readonly provided: ProvidedService;
  readonly events: ProvisionEvent[];
}

export interface TwoNodesOptions {
  readonly settings?: Partial<CallSettings>;
  readonly provided?: Partial<ProvidedServiceOptions>;
}

/** The provider that is always the same. */
export function oneProvider(domus: Domus): ProviderSource {
  return {
    pick: ({ exclude }) =>
      exclude?.has(domus.address) === true
        ? undefined
        : { address: domus.address, nodeId: undefined, health: 'healthy', metadata: {} },
    wait: () => Promise.reject(new ProcedureError('no-providers', 'nobody')),
    called: () => {},
    begin: (provider) => ({ provider, taken: () => {}, end: () => {} }),
    hasOffer: () => true,
    mayRetry: () => true,
  };
}

export async function twoNodes<S extends ServiceHead>(
  t: TestContext,
  service: S,
  handlers: Handlers<S>,
  options: TwoNodesOptions = {},
): Promise<TwoNodes<S>> {
  const world = memoryImperium();
  const end = watchedEnd(world);
  const [caller, provider] = [await world.domus('caller-1'), await world.domus('provider-1')];
  const calls = new Calls(caller.port);
  const events: ProvisionEvent[] = [];
  const providerCalls = new Calls(provider.port);
  const provided = new ProvidedService({
    port: provider.port,
    service,
    handlers: handlers as never,
    refusal: () => undefined,
    concurrency: 64,
    maxWaiting: 1024,
    windowBytes: 256 * 1024,
    watch: (timed) => providerCalls.watch(timed),
    unwatch: (timed) => providerCalls.unwatch(timed),
    report: (event) => events.push(event),
    ...options.provided,
  });
  const settings = { ...DEFAULT_CALL_SETTINGS, ...options.settings };
  const client = clientOf(service, { calls, providers: oneProvider(provider), settings }, () => true);
  t.after(async () => {
    calls.close(new ProcedureError('unavailable', 'the test is over'));
    providerCalls.close(new ProcedureError('unavailable', 'the test is over'));
    provided.close();
    await end();
  });
  return { world, caller, provider, client, calls, providerCalls, provided, events };
}
