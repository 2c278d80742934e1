/** The topology as an application sees it, over A1 in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import type { NodeRecord } from '../../src/topology/core/record.ts';
import { Topology } from '../../src/topology/topology.ts';
import type { TopologyChange } from '../../src/topology/topology-changes.ts';
import { unsignedRecords } from '../../src/topology/unsigned-records.ts';
import { ids, members } from './members.ts';

test('[case-28] a fresh node lists itself with its services', async (t) => {
  const { add } = members(t);
  const { topology, domus } = await add('a', { node: { services: ['identity/v1'], health: 'healthy' } });
  const [node] = topology.nodes();
  assert.deepEqual(ids(topology), ['a']);
  assert.deepEqual(
    [node!.services, node!.address, node!.nodeType, node!.isSelf],
    [['identity/v1'], domus.address, 'worker', true],
  );
});

test('[case-29] after one sync both list both', async (t) => {
  const { add, wait } = members(t);
  const [a, b] = [await add('a'), await add('b')];
  a.topology.start();
  b.topology.start();
  assert.equal(await wait(a.topology.sync(b.domus.address)), true);
  assert.deepEqual(
    [ids(a.topology), ids(b.topology)],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
  );
});

test('[case-30] a consumer that syncs with a provider of a higher version still lists itself', async (t) => {
  const { add, wait } = members(t);
  const [consumer, provider] = [await add('consumer'), await add('provider')];
  consumer.topology.start();
  provider.topology.start();
  for (let change = 0; change < 20; change++) provider.topology.setMetadata({ change: String(change) });
  assert.ok(provider.topology.version > consumer.topology.version);
  await wait(consumer.topology.sync(provider.domus.address));
  assert.deepEqual(ids(consumer.topology), ['consumer', 'provider']);
});

test('[topo-rec-1] [case-36] a record is what its owner wrote, in every field', async (t) => {
  const { add, wait } = members(t);
  const node = {
    services: ['users/v2', 'identity/v1', 'größe/β'],
    tabernae: [{ id: 0xffff_ffff_ffff_ffffn, name: 'orders' }, { id: 7n }],
    health: 'draining',
    metadata: { zone: 'b', __proto__x: 'odd', '7': 'number', größe: '🛶' },
  } as const;
  const [owner, reader] = [await add('owner', { node }), await add('reader')];
  owner.topology.start();
  reader.topology.start();
  await wait(reader.topology.sync(owner.domus.address));
  const { isSelf: _, ...held } = reader.topology.node('owner')!;
  const { isSelf: __, ...own } = owner.topology.node('owner')!;
  assert.deepEqual(held, own);
  assert.deepEqual(held.services, ['größe/β', 'identity/v1', 'users/v2'].sort());
  assert.deepEqual(
    held.tabernae.map(({ id }) => id),
    ['0000000000000007', 'ffffffffffffffff'],
  );
  assert.equal(held.metadata.größe, '🛶');
});

test('[case-37] misuse is a typed error, and the version rises only with a real change', async (t) => {
  const { add } = members(t);
  const { topology } = await add('a', { node: { services: ['a/v1', 'b/v1'] } });
  topology.start();
  const { version } = topology;
  const { incarnation } = topology.node('a')!;
  topology.setServices(['b/v1', 'a/v1']);
  topology.setHealth('unknown');
  topology.setMetadata({});
  topology.update({});
  assert.equal(topology.version, version);
  assert.equal(topology.node('a')!.incarnation, incarnation);
  const misuses: (() => void)[] = [
    () => topology.setServices(['no-version']),
    () => topology.setServices(['a/v1', 'a/v1']),
    () => topology.setServices('a/v1' as never),
    () => topology.setServices(Array.from({ length: 129 }, (_, index) => `s${index}/v1`)),
    () => topology.setServices([`${'x'.repeat(300)}/v1`]),
    () => topology.setServices(['\ud800/v1']),
    () => topology.setTabernae([{ id: -1n }]),
    () => topology.setTabernae([{ id: 1n }, { id: 1n }]),
    () => topology.setHealth('fine' as never),
    () => topology.setMetadata({ a: 1 } as never),
    () => topology.setMetadata(Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, '']))),
    () =>
      topology.setMetadata(
        Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`k${index}`, 'x'.repeat(1024)])),
      ),
    () => topology.start({ seeds: ['nowhere'] }),
  ];
  for (const misuse of misuses) assert.throws(misuse, DomusError.is, misuse.toString());
  // Whoever asks is answered by a promise in any case: timers ask too.
  const questions = [
    () => topology.ping('unknown-node'),
    () => topology.ping('tcp://localhost:7000'),
    () => topology.sync(topology.nodes()[0]!.address),
    () => topology.nodeInfo(7 as never),
    () => topology.ping('tcp://127.0.0.1:9', { timeout: 0 }),
  ];
  for (const question of questions) await assert.rejects(question(), DomusError.is, question.toString());
  assert.equal(topology.version, version);
  topology.setHealth('healthy');
  assert.equal(topology.version, version + 1);
  assert.equal(topology.node('a')!.health, 'healthy');
});

test('[topo-rec-1] a domus whose certificate has no CN takes no part', async (t) => {
  const { world } = members(t);
  const { port } = await world.domus('a');
  const nameless = Object.create(port, { self: { value: () => ({ ...port.self(), nodeId: null }) } });
  assert.throws(() => new Topology({ port: nameless, ...unsignedRecords }), { kind: 'invalid-config' });
});

test('[topo-rec-3] in memory a record has neither signature nor chain', () => {
  const { signer, verifier } = unsignedRecords;
  assert.deepEqual([signer.sign(new Uint8Array(9)).length, signer.chain], [0, []]);
  const parts = { record: {} as NodeRecord, bytes: new Uint8Array(0), body: new Uint8Array(0), chain: [] };
  assert.equal(verifier.verify({ ...parts, signature: new Uint8Array(0) }, 0).kind, 'valid');
  assert.equal(verifier.verify({ ...parts, signature: new Uint8Array(1) }, 0).kind, 'refused');
});

test('[case-39] providers of exactly one version, and of any', async (t) => {
  const { add, wait } = members(t);
  const a = await add('a', { node: { services: ['users/v1', 'users/extra/v1'] } });
  const b = await add('b', { node: { services: ['users/v2'] } });
  a.topology.start();
  b.topology.start();
  await wait(a.topology.sync(b.domus.address));
  const names = (nodes: readonly { nodeId: string }[]): string[] => nodes.map(({ nodeId }) => nodeId);
  assert.deepEqual(names(a.topology.providers('users', 'v1')), ['a']);
  assert.deepEqual(names(a.topology.providers('users', 'v2')), ['b']);
  assert.deepEqual(names(a.topology.providers('users', 'v3')), []);
  assert.deepEqual(names(a.topology.byService('users')), ['a', 'b']);
  assert.deepEqual(names(a.topology.byService('users/extra')), ['a']);
});

test('[topo-det-7, topo-rec-10] [case-40] nodes find each other by one seed, and one that leaves is gone at once', async (t) => {
  const { add, wait, until, world } = members(t);
  const all = [await add('a'), await add('b'), await add('c'), await add('d')];
  const seeds = [all[0]!.domus.address];
  for (const { topology } of all) topology.start({ seeds });
  await until(() => all.every(({ topology }) => topology.nodes().length === 4));
  await world.advance(2_000);
  const changes: TopologyChange[] = [];
  const reading = (async () => {
    for await (const change of all[0]!.topology.changes()) changes.push(change);
  })();
  await wait(all[3]!.topology.leave());
  await until(() => all.slice(0, 3).every(({ topology }) => topology.nodes().length === 3));
  assert.equal(all[0]!.topology.node('d'), undefined);
  assert.throws(() => all[3]!.topology.setHealth('healthy'), { kind: 'domus-closed' });
  all[0]!.topology.stop();
  await reading;
  assert.deepEqual(
    changes.map(({ kind }) => kind),
    ['left'],
  );
});

test('[case-34] a node whose domus is gone is suspect, then gone', async (t) => {
  const { add, until, wait } = members(t);
  const all = [await add('a'), await add('b'), await add('c')];
  const seeds = [all[0]!.domus.address];
  for (const { topology } of all) topology.start({ seeds });
  await until(() => all.every(({ topology }) => topology.nodes().length === 3 && topology.links.length === 2));
  all[2]!.topology.stop();
  await wait(all[2]!.domus.shutdown({ drainTimeout: 0 }));
  await until(() => all[0]!.topology.node('c')?.isSuspect === true);
  await until(() => all.slice(0, 2).every(({ topology }) => topology.node('c') === undefined));
});

test('[case-23] [case-27] ping, nodeInfo and health ask the peer itself; a dead peer is a typed timeout', async (t) => {
  const { add, wait } = members(t);
  const [a, b] = [await add('a'), await add('b', { node: { services: ['users/v1'] } })];
  a.topology.start();
  b.topology.start();
  assert.ok((await wait(a.topology.ping(b.domus.address))) >= 0);
  b.topology.setHealth('unhealthy');
  const info = await wait(a.topology.nodeInfo(b.domus.address));
  assert.deepEqual([info?.nodeId, info?.services, info?.health], ['b', ['users/v1'], 'unhealthy']);
  assert.equal(await wait(a.topology.health(b.domus.address)), 'unhealthy');
  const nobody = 'tcp://127.0.0.1:999';
  const isTimeout = (error: unknown): boolean =>
    DomusError.is(error) && ['send-timeout', 'peer-unavailable'].includes(error.kind);
  await assert.rejects(wait(a.topology.ping(nobody, { timeout: 1_000 })), isTimeout);
  await assert.rejects(wait(a.topology.nodeInfo(nobody, { timeout: 1_000 })), isTimeout);
  await assert.rejects(wait(a.topology.sync(nobody, { timeout: 1_000 })), isTimeout);
});

test('[topo-rec-8, topo-rec-9] who follows the changes sees what nodes() shows, also where the own id is used twice', async (t) => {
  const { add, wait, world, until } = members(t);
  const [a, reader] = [await add('a'), await add('reader')];
  const shown = new Map(a.topology.nodes().map(({ nodeId, address }) => [nodeId, address]));
  const kinds: string[] = [];
  a.topology.onChange((event) => {
    if (!('node' in event)) return;
    const { kind, node } = event;
    if (node.nodeId === 'a') kinds.push(kind);
    if (['joined', 'changed', 'trusted'].includes(kind)) shown.set(node.nodeId, node.address);
    else if (kind === 'dead' || kind === 'left') shown.delete(node.nodeId);
  });
  const isSame = (): boolean =>
    a.topology.nodes().length === shown.size &&
    a.topology.nodes().every(({ nodeId, address }) => shown.get(nodeId) === address);
  a.topology.start();
  reader.topology.start({ seeds: [a.domus.address] });
  await until(() => shown.size === 2);
  const twin = await add('a', { wallNow: () => Date.now() + 60_000 });
  twin.topology.start({ seeds: [reader.domus.address] });
  const seenAt = (): string | undefined => reader.topology.node('a')?.address;
  await until(() => seenAt() === twin.domus.address && kinds.length > 0);
  assert.ok(isSame());
  await wait(twin.topology.leave());
  await until(() => seenAt() === a.domus.address);
  await world.advance(5_000);
  assert.ok(isSame());
  assert.deepEqual([...new Set(kinds)], ['clash']);
});

test('[topo-msg-5] a domus without a topology is outside, and no error', async (t) => {
  const { add, wait, world, until } = members(t);
  const rust = await world.domus('rust');
  const [a, b] = [await add('a'), await add('b')];
  a.topology.start({ seeds: [rust.address] });
  b.topology.start({ seeds: [rust.address, a.domus.address] });
  await until(() => a.topology.nodes().length === 2);
  assert.ok((await wait(a.topology.ping(rust.address))) >= 0);
  assert.equal(await wait(a.topology.sync(rust.address)), false);
  assert.equal(await wait(a.topology.nodeInfo(rust.address)), undefined);
  assert.equal(await wait(a.topology.health(rust.address)), 'unknown');
  assert.deepEqual(ids(a.topology), ['a', 'b']);
});

test('[case-58] questions before the start and after the end, a second start, a signal', async (t) => {
  const { add, world } = members(t);
  const [a, b] = [await add('a'), await add('b')];
  await assert.rejects(a.topology.ping(b.domus.address), { kind: 'invalid-state' });
  a.topology.start();
  assert.throws(() => a.topology.start(), { kind: 'invalid-state' });
  const signal = AbortSignal.abort(new Error('enough'));
  await assert.rejects(a.topology.ping(b.domus.address, { signal }), /enough/);
  const controller = new AbortController();
  const asked = a.topology.nodeInfo('tcp://127.0.0.1:999', { signal: controller.signal });
  controller.abort(new Error('too long'));
  await assert.rejects(asked, /too long/);
  const open = a.topology.nodeInfo('tcp://127.0.0.1:999');
  a.topology.stop();
  await assert.rejects(open, { kind: 'domus-closed' });
  a.topology.stop();
  assert.throws(() => a.topology.start(), { kind: 'invalid-state' });
  await assert.rejects(a.topology.ping(b.domus.address), { kind: 'domus-closed' });
  assert.deepEqual(await a.topology.changes().next(), { done: true, value: undefined });
  await world.advance(10_000);
});

test('a slow reader of changes is told how many it has missed', async (t) => {
  const { add, wait } = members(t);
  const { topology } = await add('a');
  topology.start();
  const changes = topology.changes();
  for (let change = 0; change < 1_500; change++) topology.setMetadata({ change: String(change) });
  assert.deepEqual(await wait(changes.next()), { done: false, value: { kind: 'missed', count: 1_025 } });
  assert.equal((await wait(changes.next())).value.kind, 'changed');
  await changes.return?.();
  assert.equal((await changes.next()).done, true);
});

test('sessions that are not needed are let go', async (t) => {
  const released: string[] = [];
  const { add, wait, world } = members(t);
  const [a, b] = [await add('a', { releasePeer: (peer) => released.push(peer) }), await add('b')];
  a.topology.start();
  b.topology.start();
  await wait(a.topology.sync(b.domus.address));
  await world.advance(60_000);
  assert.ok(a.topology.links.includes(b.domus.address));
  await wait(b.topology.leave());
  await world.advance(10_000);
  assert.ok(released.includes(b.domus.address));
});
