/** The providers of a service beside a clock and a port: who is asked when, and what is left of those who waited. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { type TestContext, test } from 'node:test';
import { type MemoryImperium, memoryImperium } from '@flaminia/domus/testing';
import { watchedEnd } from '@flaminia/testkit/internal';
import type { DomusAddr } from '@flaminia/transport-a0';
import { ClientProviders, ServiceTable } from './client-providers.ts';
import type { DiscoveredPeer } from './discovery/discovery.ts';
import { resolveClientOptions } from './imperium-options.ts';
import type { Port } from './port.ts';
import type { CallContext } from './procedures/call-types.ts';
import { Calls } from './procedures/calls.ts';
import { clientOf } from './procedures/client.ts';
import { ProcedureError } from './procedures/procedure-error.ts';
import { service, unary } from './procedures/service.ts';
import { providerSettings } from './providers/core/provider-settings.ts';

const SERVICE = 'hello/v1';
const EJECTION_MS = 30_000;

interface Rig {
  readonly world: MemoryImperium;
  readonly port: Port;
  readonly table: ServiceTable;
  /** Who was asked whether it is there. */
  readonly asked: DomusAddr[];
  /** Ejects a provider. */
  eject(address: DomusAddr): void;
}

async function rig(t: TestContext, probe: (address: DomusAddr) => Promise<unknown> = async () => {}): Promise<Rig> {
  const world = memoryImperium();
  const end = watchedEnd(world);
  const { port } = await world.domus('caller-1');
  const asked: DomusAddr[] = [];
  const settings = providerSettings({ ejectionTime: EJECTION_MS });
  const ask = (address: DomusAddr): Promise<unknown> => {
    asked.push(address);
    return probe(address);
  };
  const table = new ServiceTable(SERVICE, settings, port, () => {}, ask);
  t.after(async () => {
    table.close();
    await end();
  });
  const eject = (address: DomusAddr): void => {
    const provider = table.table.known().find((each) => each.address === address)!;
    table.table.begin(provider, port.now()).end('unreachable', port.now());
  };
  return { world, port, table, asked, eject };
}

const ONE: DomusAddr = 'tcp://10.0.0.1:7000';

function peerOf(address: DomusAddr, health: DiscoveredPeer['health'] = 'healthy'): DiscoveredPeer {
  return { address, nodeId: undefined, nodeType: undefined, services: [SERVICE], health, metadata: {} };
}

test('[case-45] an ejected provider whose connection comes up is asked at once, and who waits for it goes on', async (t) => {
  const { world, table, asked, eject } = await rig(t);
  table.update([peerOf(ONE)]);
  eject(ONE);
  const ready = table.wait(1, 10_000, undefined);
  await world.advance(1_000);
  assert.deepEqual(asked, []);
  table.seen(ONE);
  table.seen(ONE);
  await world.advance(0);
  assert.deepEqual(asked, [ONE]);
  await ready;
});

test('[case-45] an ejected provider that says that it is well again is asked at once', async (t) => {
  const { world, table, asked, eject } = await rig(t);
  table.update([peerOf(ONE)]);
  eject(ONE);
  table.update([peerOf(ONE, 'unhealthy')]);
  const ready = table.wait(1, 10_000, undefined);
  await world.advance(1_000);
  assert.deepEqual(asked, []);
  table.update([peerOf(ONE)]);
  await world.advance(0);
  assert.deepEqual(asked, [ONE]);
  await ready;
});

test('[case-45] a trial that has become due while its provider was unwell is made once that is well', async (t) => {
  const { world, table, asked, eject } = await rig(t);
  table.update([peerOf(ONE)]);
  eject(ONE);
  table.update([peerOf(ONE, 'unhealthy')]);
  await world.advance(EJECTION_MS);
  assert.deepEqual(asked, []);
  const ready = table.wait(1, 10_000, undefined);
  table.update([peerOf(ONE)]);
  await world.advance(0);
  assert.deepEqual(asked, [ONE]);
  await ready;
});

test('a question that throws is a provider that cannot be reached; this node is there without one', async (t) => {
  const { world, port, table, asked, eject } = await rig(t, () => {
    throw new Error('not now');
  });
  table.update([peerOf(ONE), peerOf(port.address)]);
  eject(ONE);
  eject(port.address);
  await world.advance(EJECTION_MS);
  assert.deepEqual(asked, [ONE]);
  const offered = table.table.offered(port.now());
  assert.deepEqual(
    offered.map(({ address }) => address),
    [port.address],
  );
  await world.advance(EJECTION_MS);
  assert.deepEqual(asked, [ONE, ONE]);
});

/** Timers that have not rung, of the one clock in this world. */
const timersOf = ({ clock }: Port): number => (clock as { readonly pending?: number }).pending!;

test('a wait that is given up leaves no timer, and those that go on have theirs', async (t) => {
  const { world, port, table } = await rig(t);
  const before = timersOf(port);
  const [first, second] = [table.wait(1, 1_000), table.wait(1, 2_000)];
  const controller = new AbortController();
  const third = assert.rejects(table.wait(1, 3_000, controller.signal), { code: 'cancelled' });
  assert.equal(timersOf(port), before + 1);
  first.cancel?.();
  controller.abort();
  await third;
  const told = assert.rejects(second, { code: 'no-providers' });
  await world.advance(2_000);
  await told;
  second.cancel?.();
  const last = table.wait(1, 1_000);
  last.cancel?.();
  last.cancel?.();
  assert.deepEqual([table.table.waiting, timersOf(port)], [0, before]);
});

test('a call that has ended, however, waits for no provider, and all calls of a signal have one listener at it', async (t) => {
  const { world, port, table } = await rig(t);
  const Hello = service('hello', 'v1', { greet: unary<string, string>() });
  const calls = new Calls(port);
  t.after(() => calls.close(new ProcedureError('unavailable', 'the test is over')));
  const settings = resolveClientOptions({ discoverTimeout: 60_000 });
  const parts = { calls, providers: new ClientProviders(table, settings, port), settings: settings.call };
  const client = clientOf(Hello, parts, () => true);
  const [own, parent] = [new AbortController(), new AbortController()];
  const context = { signal: parent.signal, deadline: undefined, metadata: {}, callId: 1 } as unknown as CallContext;
  const before = timersOf(port);
  const ends = (code: string, options: Parameters<typeof client.greet>[1]): Promise<unknown> =>
    Promise.all(Array.from({ length: 20 }, () => assert.rejects(client.greet('x', options), { code })));
  const ownAborted = ends('cancelled', { signal: own.signal, parent: context });
  const parentAborted = ends('cancelled', { parent: context });
  const late = ends('deadline-exceeded', { timeout: 1_000 });
  assert.equal(table.table.waiting, 60);
  for (const { signal } of [own, parent]) assert.equal(getEventListeners(signal, 'abort').length, 1);
  own.abort();
  assert.equal(table.table.waiting, 40);
  await ownAborted;
  parent.abort();
  assert.equal(table.table.waiting, 20);
  await parentAborted;
  await world.advance(1_000);
  await late;
  for (const { signal } of [own, parent]) assert.equal(getEventListeners(signal, 'abort').length, 0);
  assert.deepEqual([table.table.waiting, timersOf(port)], [0, before]);
});
