/** How a node finds its links, keeps them and lets them go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MESSAGE } from '../../src/topology/core/message-types.ts';
import { type Scripted, type Sent, scripted, unreachable } from './scripted.ts';
import { addressOf } from './sim-network.ts';
import type { SimNode } from './sim-node.ts';

const NOTHING = new Uint8Array(0);

function gaps(messages: readonly Sent[]): number[] {
  return messages.slice(1).map(({ at }, index) => at - messages[index]!.at);
}

test('[topo-link-1, topo-link-3] a node asks until it has 5 links, takes a sixth, and one more only instead of another', () => {
  const script = scripted({ others: 12 });
  const { node, network } = script;
  node.start([]);
  network.run(10_000);
  assert.equal(node.core.links.size, 5);
  assert.equal(script.of(MESSAGE.link).length, 5);
  const [sixth, seventh] = script.others.filter(({ address }) => !node.core.links.has(address)) as [SimNode, SimNode];
  assert.equal(script.link(sixth, 9), undefined);
  assert.equal(node.core.links.size, 6);
  assert.equal(script.link(seventh, 5), 'full');
  assert.equal(script.link(seventh, 4), undefined);
  assert.equal(node.core.links.size, 6);
  assert.deepEqual(
    script.of(MESSAGE.unlink).map(({ to }) => to),
    [sixth.address],
  );
});

test('[topo-link-2, topo-cmp-4] a node alone asks its seed again, after pauses that double, and tries to compare tables with it', () => {
  const script = scripted();
  script.onSent = unreachable(script);
  script.node.start([addressOf(9)]);
  script.network.run(300_000);
  const asked = script.of(MESSAGE.link);
  assert.ok(asked.length > 15);
  for (const [index, gap] of gaps(asked).entries()) {
    const pause = Math.min(1_000 * 2 ** index, 10_000);
    const waited = gap - 5_000;
    assert.ok(waited >= pause * 0.9 && waited <= pause * 1.1, `pause ${index} of ${waited} ms`);
  }
  const compared = script.of(MESSAGE.compare);
  assert.ok(compared.length > 20);
  assert.ok(gaps(compared).every((gap) => gap >= 9_000 && gap <= 11_000));
});

test('[topo-link-2] of the seeds that are told later the latest 1,024 are kept, beside those of the start', () => {
  const script = scripted();
  const { node, network } = script;
  script.onSent = (message) => network.at(network.now + 1, () => message.fail('unreachable'));
  node.start([addressOf(1)]);
  const told = Array.from({ length: 1_100 }, (_, index) => addressOf(index + 2));
  for (const seed of told) node.core.addSeeds([seed, told[0]!], network.now);
  network.run(12 * 3_600_000);
  const asked = new Set(script.of(MESSAGE.link).map(({ to }) => to));
  assert.deepEqual(asked, new Set([addressOf(1), told[0], ...told.slice(-1_023)]));
});

/** `others[0]` lives and is a link, `others[1]` has died. */
function withOneDead(): Scripted & { readonly lost: SimNode } {
  const script = scripted({ others: 2 });
  const { table } = script.node.core.membership;
  const lost = script.others[1]!;
  table.bury(table.get(lost.nodeId)!, 'somebody', 0);
  return Object.assign(script, { lost });
}

test('[topo-link-2] one with a link asks neither seeds nor the dead for one, one without does', () => {
  const script = withOneDead();
  script.node.start([addressOf(9)]);
  script.link(script.others[0]!);
  script.network.run(60_000);
  assert.equal(script.of(MESSAGE.link).length, 0);
  const alone = withOneDead();
  alone.onSent = unreachable(alone);
  const { table } = alone.node.core.membership;
  table.bury(table.get(alone.others[0]!.nodeId)!, 'somebody', 0);
  alone.node.start([addressOf(9)]);
  alone.network.run(120_000);
  const asked = new Set(alone.of(MESSAGE.link).map(({ to }) => to));
  assert.ok(asked.has(alone.lost.address) && asked.has(addressOf(9)));
});

test('[topo-link-4] unlink, or not-linked as the answer to gossip, ends a link; another answer does not', () => {
  const script = scripted({ others: 1 });
  const { node, network } = script;
  const peer = script.others[0]!;
  const isLink = (): boolean => node.core.links.has(peer.address);
  const answer = (text: string): void => {
    script.onSent = ({ type, fail }) => {
      if (type === MESSAGE.gossip) network.at(network.now + 1, () => fail('rejected', text));
    };
  };
  node.start([]);
  script.link(peer);
  answer('full');
  network.run(5_000);
  assert.ok(isLink());
  assert.equal(script.tell(peer, MESSAGE.unlink, NOTHING), undefined);
  assert.ok(!isLink());
  assert.equal(script.gossip(peer), 'not-linked');
  script.link(peer);
  answer('not-linked');
  network.run(5_000);
  assert.ok(!isLink());
});

test('[topo-link-5] each shuffle period a link is exchanged for a node that is none', () => {
  const script = scripted({ others: 12, settings: { shufflePeriodMs: 10_000 } });
  const { node, network } = script;
  node.start([]);
  network.run(2_000);
  script.sent.length = 0;
  for (let period = 0; period < 20; period++) {
    const before = node.core.links.all().map(({ address }) => address);
    const ended = script.of(MESSAGE.unlink).length;
    network.runUntilTrue(() => script.of(MESSAGE.unlink).length > ended, 11_000, 1);
    const [unlinked, linked] = [script.of(MESSAGE.unlink).at(-1)!, script.of(MESSAGE.link).at(-1)!];
    assert.equal(linked.at, unlinked.at);
    assert.ok(before.includes(unlinked.to) && !before.includes(linked.to));
    network.run(100);
    assert.equal(node.core.links.size, 5);
  }
  assert.ok(gaps(script.of(MESSAGE.unlink)).every((gap) => gap >= 9_000 && gap <= 11_000));
});

test('[topo-link-6] a new link compares tables at once', () => {
  const script = scripted({ others: 1 });
  script.node.start([]);
  script.network.run(100);
  const [asked, compared] = [script.of(MESSAGE.link)[0]!, script.of(MESSAGE.compare)[0]!];
  assert.equal(compared.to, asked.to);
  assert.equal(compared.at, asked.at + 1);
});
