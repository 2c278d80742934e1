/** When gossip is sent, and how much of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GOSSIP_FACTS_MAX_BYTES } from '../../src/topology/core/limits.ts';
import { MESSAGE } from '../../src/topology/core/message-types.ts';
import {
  decodeCompare,
  decodeGossip,
  encodeDifferences,
  encodeFact,
  encodeGossip,
} from '../../src/topology/core/messages.ts';
import { living, recordOf, type Scripted, type Sent, scripted } from './scripted.ts';
import type { SimNode } from './sim-node.ts';

/** A node with links to all others, just behind a probe: the next one is most of a second away. */
function linked(count: number): Scripted {
  const script = scripted({ others: count });
  script.node.start([]);
  for (const other of script.others) script.link(other);
  script.network.run(3_000);
  script.sent.length = 0;
  script.network.runUntilTrue(() => script.of(MESSAGE.gossip).length > 0, 1_100, 1);
  script.network.run(2);
  script.sent.length = 0;
  return script;
}

function factsOf({ payload }: Sent): number {
  return decodeGossip(payload).facts.length;
}

test('[topo-gos-1] news goes out at once, what follows at the end of the gossip period, and not to whoever told it', () => {
  const script = linked(2);
  const { node, network } = script;
  const [teller, other] = script.others as [SimNode, SimNode];
  const begin = network.now;
  node.update({ metadata: { round: '1' } });
  network.run(50);
  node.update({ metadata: { round: '2' } });
  network.run(50);
  script.gossip(teller, living(recordOf(network.add(9))));
  network.run(500);
  const told = (to: SimNode): number[][] =>
    script.of(MESSAGE.gossip, to.address).map((message) => [message.at - begin, factsOf(message)]);
  assert.deepEqual(told(teller), [
    [0, 1],
    [200, 1],
  ]);
  assert.deepEqual(told(other), [
    [0, 1],
    [200, 2],
  ]);
});

test('[topo-gos-1] a link has one message under way, and hears again what failed', () => {
  const script = linked(1);
  const { node, network } = script;
  script.onSent = () => {};
  node.update({ metadata: { round: '1' } });
  network.run(0);
  node.update({ metadata: { round: '2' } });
  network.run(450);
  const [first, ...more] = script.of(MESSAGE.gossip);
  assert.deepEqual([factsOf(first!), more.length], [1, 0]);
  first!.fail('inconclusive');
  network.run(0);
  assert.equal(factsOf(script.of(MESSAGE.gossip)[1]!), 1);
  script.of(MESSAGE.gossip)[1]!.accept();
  network.run(5_000);
  assert.equal(script.of(MESSAGE.gossip).length, 3);
  assert.equal(factsOf(script.of(MESSAGE.gossip)[2]!), 0);
});

test('[topo-gos-2] each link gets a gossip message once a probe period, although there is no news', () => {
  const script = linked(3);
  script.network.run(30_000);
  for (const { address } of script.others) {
    const probes = script.of(MESSAGE.gossip, address);
    assert.ok(probes.length >= 27 && probes.length <= 34);
    for (const [index, probe] of probes.slice(1).entries()) {
      const gap = probe.at - probes[index]!.at;
      assert.ok(gap >= 900 && gap <= 1_100, `${gap} ms`);
      assert.equal(factsOf(probe), 0);
    }
  }
});

test('[topo-gos-3] roots that differ twice in a row lead to a comparison; in vain, it is repeated ever later', () => {
  const script = linked(1);
  const { node, network } = script;
  const peer = script.others[0]!;
  const { digest } = node.core.membership.table;
  const tell = (rootLo: number): void => {
    assert.equal(script.tell(peer, MESSAGE.gossip, encodeGossip(1, digest.rootHi, rootLo, [])), undefined);
  };
  script.onSent = (message) => {
    network.at(network.now + 1, () => message.accept());
    if (message.type !== MESSAGE.compare) return;
    const { token } = decodeCompare(message.payload);
    network.at(network.now + 2, () => script.tell(peer, MESSAGE.differences, encodeDifferences(token, [])));
  };
  network.runUntilTrue(() => script.of(MESSAGE.gossip).length > 0, 1_100, 1);
  const { rootHi, rootLo } = decodeGossip(script.of(MESSAGE.gossip)[0]!.payload);
  assert.deepEqual([rootHi, rootLo], [digest.rootHi, digest.rootLo]);
  const wrong = digest.rootLo ^ 1;
  for (const root of [wrong >>> 0, digest.rootLo, wrong >>> 0]) tell(root);
  assert.equal(script.of(MESSAGE.compare).length, 0);
  tell(wrong >>> 0);
  assert.equal(script.of(MESSAGE.compare).length, 1);
  for (let round = 0; round < 2_500; round++) {
    network.run(100);
    tell(wrong >>> 0);
  }
  const seconds = script.of(MESSAGE.compare).map(({ at }) => at / 1000);
  const pauses = seconds.slice(1).map((at, index) => Math.round(at - seconds[index]!));
  assert.deepEqual(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
});

test('[topo-msg-2] what one message tells is bounded, and the rest is told in the next', () => {
  const script = linked(2);
  const { network } = script;
  const [teller, other] = script.others as [SimNode, SimNode];
  const full = Object.fromEntries(Array.from({ length: 4 }, (_, index) => [`k${index}`, 'x'.repeat(1_024)]));
  for (let index = 10; index < 40; index++) {
    script.gossip(teller, living(recordOf(network.add(index), { metadata: full })));
  }
  network.run(5_000);
  const told = script.of(MESSAGE.gossip, other.address).map(({ payload }) => decodeGossip(payload).facts);
  const sizes = told.map((facts) => facts.reduce((size, fact) => size + encodeFact(fact).length, 0));
  assert.ok(Math.max(...sizes) <= GOSSIP_FACTS_MAX_BYTES && Math.max(...sizes) > 12_000, sizes.join());
  assert.equal(GOSSIP_FACTS_MAX_BYTES, 16_384);
  assert.equal(told.flat().length, 30);
});
