// The pieces beside this file, at work. Sources that are not there degrade: the node runs all the same.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import type { Domus } from '@flaminia/domus';
import { anyAuthenticatedPeer, Imperium, service, unary } from '@flaminia/domus/services';
import { memoryImperium } from '@flaminia/domus/testing';
import { joinByDns } from './dns-srv.ts';
import { joinByEtcd } from './etcd.ts';
import { joinWithList, shops } from './fixed-list.ts';
import { joinByMdns } from './mdns.ts';
import { openBySeeds } from './seeds.ts';
import { joinBySeveral } from './several.ts';
import { watchNodes, whoOffers } from './watch.ts';

const Prices = service('prices', 'v1', { quote: unary<string, number>() });
const verifier = anyAuthenticatedPeer();

test('a fixed list that is replaced while the node runs', async () => {
  const world = memoryImperium();
  const [shop, gateway] = [await world.domus('shop-1'), await world.domus('gateway-1')];
  const provider = await Imperium.join(shop);
  await provider.provide(Prices, { quote: (item) => item.length }, { verifier });
  const caller = await joinWithList(gateway);
  shops.set([{ address: shop.address, services: ['prices/v1'] }]);
  assert.equal(await caller.client(Prices).quote('desk'), 4);
  const leaving = Promise.all([caller, provider].map((each) => each.leave()));
  await world.advance(10_000);
  await leaving;
  await world.close();
});

const sources: readonly [name: string, source: string, join: (domus: Domus) => Promise<Imperium>][] = [
  ['DNS', 'dns-srv', (domus) => joinByDns(domus, { servers: ['127.0.0.1:1'] })],
  ['etcd', 'etcd', (domus) => joinByEtcd(domus, ['http://127.0.0.1:1'])],
];

for (const [name, source, join] of sources) {
  test(`without its ${name} server a node joins, and an event says so`, async () => {
    const world = memoryImperium();
    const domus = await world.domus('a');
    const events = domus.reporting.events();
    const imperium = await join(domus);
    for await (const event of events) {
      if (event.kind !== 'discovery-degraded' || !event.reason.includes(source)) continue;
      break;
    }
    await imperium.leave();
    await world.close();
  });
}

test('mDNS and several sources begin and end', async () => {
  const world = memoryImperium();
  for (const join of [joinByMdns, joinBySeveral]) {
    const imperium = await join(await world.domus('a'));
    await imperium.leave();
  }
  await world.close();
});

test('by seeds over mTLS: who is there, and what changes', async (t: TestContext) => {
  const ca = await createAuthority();
  const first = await openBySeeds('tcp://127.0.0.1:0', issueAuth({ ca, nodeId: 'shop-1' }), []);
  const lines: string[] = [];
  let told = (): void => {};
  const stop = new AbortController();
  const watching = watchNodes(
    first,
    (line) => {
      lines.push(line);
      told();
    },
    stop.signal,
  );
  const until = async (line: string): Promise<void> => {
    while (!lines.includes(line)) {
      await new Promise<void>((resolve) => {
        told = resolve;
      });
    }
  };
  const second = await openBySeeds('tcp://127.0.0.1:0', issueAuth({ ca, nodeId: 'gateway-1' }), [first.address]);
  await first.provide(Prices, { quote: (item) => item.length }, { verifier });
  await second.ready(Prices);
  assert.deepEqual(whoOffers(second, 'prices'), [`shop-1 at ${first.address} is unknown`]);
  await until('gateway-1: joined');
  await second.leave();
  await until('gateway-1: left');
  stop.abort();
  await watching;
  t.diagnostic(lines.join(', '));
  await first.leave();
});
