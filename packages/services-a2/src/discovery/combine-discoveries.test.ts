import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@flaminia/testkit';
import { testHost, testPeer, watched } from '../../test/discovery/discovery-host.ts';
import { ManualClock } from '../../test/manual-clock.ts';
import { combineDiscoveries, mergePeers } from './combine-discoveries.ts';
import type { DiscoveredPeer, Discovery, DiscoveryChange, DiscoveryHost } from './discovery.ts';
import { PeerBook } from './peer-book.ts';
import { CLAIM_LIMITS } from './peer-claim.ts';
import { staticDiscovery } from './static-discovery.ts';

const [A, B, C, OWN] = ['tcp://10.0.0.1:1', 'tcp://10.0.0.2:1', 'tcp://10.0.0.3:1', 'tcp://10.0.0.9:1'] as const;

/** An application's own discovery, which can fail in every way. */
class CustomDiscovery implements Discovery {
  readonly serviceType = 'custom';
  readonly book = new PeerBook();
  announced = 0;
  fails: 'start' | 'peers' | 'stop' | 'announce' | undefined = undefined;

  get peerCount(): number {
    return this.book.count;
  }

  peers(): readonly DiscoveredPeer[] {
    this.failIf('peers');
    return this.book.peers();
  }

  async start(host: DiscoveryHost): Promise<void> {
    this.failIf('start');
    this.book.open(host);
  }

  announce(): void {
    this.announced++;
    this.failIf('announce');
  }

  async stop(): Promise<void> {
    this.book.close();
    this.failIf('stop');
  }

  changes(options?: { readonly signal?: AbortSignal }): AsyncIterable<DiscoveryChange> {
    return this.book.changes(options);
  }

  private failIf(what: string): void {
    if (this.fails === what) throw new Error(`no ${what}`);
  }
}

test('[invariants 1, 2] the union by address, then by node id; later sources fill what earlier do not tell', () => {
  const merged = mergePeers([
    [testPeer(A, { nodeId: 'a', metadata: { zone: 'eu' } }), testPeer(B, { services: ['b/v1'], health: 'healthy' })],
    [
      testPeer(C, { nodeId: 'a', services: ['a/v1'], metadata: { zone: 'us', rack: '1' } }),
      testPeer(B, { nodeId: 'b', nodeType: 't', services: ['x/v1'], health: 'draining' }),
    ],
    [testPeer(OWN, { nodeId: 'b', health: 'unhealthy' }), testPeer(C)],
  ]);
  assert.deepEqual(merged, [
    testPeer(A, { nodeId: 'a', services: ['a/v1'], metadata: { zone: 'eu', rack: '1' } }),
    testPeer(B, { nodeId: 'b', nodeType: 't', services: ['b/v1'], health: 'healthy' }),
    testPeer(C),
  ]);
});

test('within one source two addresses with one node id are two peers', () => {
  const two = [testPeer(A, { nodeId: 'n' }), testPeer(B, { nodeId: 'n' })];
  assert.deepEqual(mergePeers([two]), two);
});

test('changes of every source arrive; a burst is merged once', async () => {
  const [one, other] = [staticDiscovery(), staticDiscovery([B])];
  const all = combineDiscoveries(one, other);
  const changes = watched(all);
  await all.start(testHost(OWN));
  one.set([A, OWN]);
  await until(() => changes.length === 2, 'both');
  other.set([{ address: A, health: 'healthy' }]);
  await until(() => changes.length === 4, 'the other source');
  one.set([]);
  assert.equal(all.peers()[0]!.health, 'healthy');
  other.set([]);
  assert.deepEqual([all.peers(), all.peerCount], [[], 0], 'what is asked is never late');
  await all.stop();
  await new Promise(setImmediate);
  assert.deepEqual(changes, [`found ${B}`, `found ${A}`, `changed ${A}`, `gone ${B}`, `gone ${A}`, 'end']);
});

test('[invariant 3] a source that fails is degraded and stops no other', async () => {
  const [broken, mute, good] = [new CustomDiscovery(), new CustomDiscovery(), new CustomDiscovery()];
  const all = combineDiscoveries(broken, mute, good);
  const changes = watched(all);
  broken.fails = 'start';
  await all.start(testHost(OWN));
  await until(() => changes.length === 1, 'the failed start');
  assert.equal(changes[0], 'degraded: custom (1): no start');
  good.book.replace([testPeer(A)]);
  await until(() => changes.includes(`found ${A}`), 'the good one');
  mute.fails = 'peers';
  mute.book.replace([testPeer(B)]);
  await until(() => changes.length === 3, 'the mute one');
  assert.equal(changes[2], 'degraded: custom (1): no start; custom (2): no peers');
  good.fails = 'announce';
  all.announce();
  assert.deepEqual([broken.announced, mute.announced, good.announced], [1, 1, 1]);
  broken.fails = 'stop';
  await all.stop();
  await all.stop();
  assert.equal(good.book.isOpen, false);
});

test('trouble of a source is trouble of the whole, and ends with it; a source that stops by itself is trouble', async () => {
  const [one, other] = [new CustomDiscovery(), new CustomDiscovery()];
  const all = combineDiscoveries(one, other);
  const changes = watched(all);
  await all.start(testHost(OWN));
  one.book.setTrouble('x', 'no network');
  await until(() => changes.length === 1, 'trouble');
  one.book.setTrouble('x', undefined);
  await until(() => changes.length === 2, 'its end');
  await other.stop();
  await until(() => changes.length === 3, 'the stop');
  assert.deepEqual(changes, ['degraded: custom (1): no network', 'restored', 'degraded: custom (2): it has stopped']);
  await all.stop();
});

test('[invariant 3] an announcement or a list of peers that failed once is no trouble once it works', async () => {
  const own = new CustomDiscovery();
  const all = combineDiscoveries(own);
  const changes = watched(all);
  await all.start(testHost(OWN));
  for (const what of ['announce', 'peers'] as const) {
    own.fails = what;
    all.announce();
    all.peers();
    await until(() => changes.at(-1) === `degraded: custom (1): no ${what}`, 'the failure');
    own.fails = undefined;
    all.announce();
    all.peers();
    await until(() => changes.at(-1) === 'restored', 'its end');
  }
  await all.stop();
});

test('[invariant 3] a source whose steps turn out asynchronous is degraded where they reject, and nothing is left unhandled', async (t) => {
  const announce = async (): Promise<void> => {
    throw new Error('no announce');
  };
  const peers = async (): Promise<never> => {
    throw new Error('no peers');
  };
  const [one, other] = [Object.assign(staticDiscovery([A]), { announce }), Object.assign(staticDiscovery(), { peers })];
  const all = combineDiscoveries(one, other as unknown as Discovery);
  t.after(() => all.stop());
  const changes = watched(all);
  await all.start(testHost(OWN));
  all.announce();
  await until(() => changes.at(-1)?.includes('static (1): no announce') === true, 'the announcement');
  assert.ok(changes.at(-1)?.includes('static (2): its list of peers is asynchronous'), changes.at(-1));
  assert.deepEqual(
    all.peers().map(({ address }) => address),
    [A],
  );
});

test('[invariant 3] a source that does not start holds up no other; it is degraded until it does', async (t) => {
  const clock = new ManualClock();
  const host = testHost(OWN, {}, clock);
  const slow = staticDiscovery([B]);
  const { start } = slow;
  let go = (): void => {};
  const late = new Promise<void>((resolve) => {
    go = resolve;
  });
  const all = combineDiscoveries(staticDiscovery([A]), Object.assign(slow, { start: () => late }));
  t.after(() => all.stop());
  const changes = watched(all);
  const starting = all.start(host);
  await clock.advance(5_000);
  await starting;
  await until(() => changes.includes(`found ${A}`), 'the good one');
  assert.equal(changes[0], 'degraded: static (2): it has not started in 5000 ms');
  await start.call(slow, host);
  go();
  await until(() => changes.at(-1) === 'restored', 'its start');
});

test('[invariant 3] sources that are stopped while they start leave no timer', async () => {
  const clock = new ManualClock();
  const all = combineDiscoveries(Object.assign(staticDiscovery(), { start: () => new Promise<void>(() => {}) }));
  const starting = all.start(testHost(OWN, {}, clock));
  await all.stop();
  await starting;
  assert.equal(clock.pending, 0);
});

test('[invariant 3] a peer that is none costs none of those behind it', async (t) => {
  const peers = [null, testPeer(A), 7, testPeer(B)] as DiscoveredPeer[];
  const all = combineDiscoveries(Object.assign(new CustomDiscovery(), { peers: () => peers }));
  t.after(() => all.stop());
  await all.start(testHost(OWN));
  assert.deepEqual(
    all.peers().map(({ address }) => address),
    [A, B],
  );
});

test('[invariant 3] a combination within another leaves out no peer, though its sources tell more of it than one may', async (t) => {
  const pairs = (name: string): Record<string, string> =>
    Object.fromEntries(Array.from({ length: CLAIM_LIMITS.metadata }, (_, i) => [`${name}-${i}`, 'x']));
  const sources = ['a', 'b'].map((name) => staticDiscovery([{ address: A, metadata: pairs(name) }]));
  const all = combineDiscoveries(combineDiscoveries(...sources), staticDiscovery([B]));
  t.after(() => all.stop());
  await all.start(testHost(OWN));
  assert.deepEqual(
    all.peers().map(({ address, metadata }) => [address, Object.keys(metadata).length]),
    [
      [A, 2 * CLAIM_LIMITS.metadata],
      [B, 0],
    ],
  );
});

test('no source, and one twice, are refused', () => {
  const one = staticDiscovery();
  assert.throws(() => combineDiscoveries(), { kind: 'invalid-config', detail: 'sources' });
  assert.throws(() => combineDiscoveries(one, one), { kind: 'invalid-config', detail: 'sources' });
});

test('[invariant 3] whatever a source fails with has a reason', async (t) => {
  const odd = [Object.assign(new Error(), { message: 7 }), Object.assign(new Error(), { message: { text: 1 } }), null];
  const sources = odd.map((error) =>
    Object.assign(new CustomDiscovery(), { start: () => Promise.reject(error as Error) }),
  );
  const all = combineDiscoveries(...sources);
  t.after(() => all.stop());
  const changes = watched(all);
  await all.start(testHost(OWN));
  await until(() => changes.at(-1)?.includes('custom (3)') === true, 'all three');
  assert.equal(changes.at(-1), 'degraded: custom (1): 7; custom (2): [object Object]; custom (3): it failed');
});
