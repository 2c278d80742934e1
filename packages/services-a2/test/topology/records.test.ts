/** Which records are taken, and which of two counts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MESSAGE } from '../../src/topology/core/message-types.ts';
import { decodeNumber, encodeInfo } from '../../src/topology/core/messages.ts';
import { nameOf, stateOf } from '../../src/topology/core/node-table.ts';
import type { SignedRecord } from '../../src/topology/core/record.ts';
import { dead, living, recordOf, type Scripted, scripted } from './scripted.ts';
import { addressOf } from './sim-network.ts';
import type { SimNode } from './sim-node.ts';
import { EPOCH_MS } from './sim-world.ts';

function heldAt({ node }: Scripted, of: SimNode): SignedRecord {
  return node.core.membership.table.get(of.nodeId)!.signed;
}

test('[topo-rec-6] incarnations begin with the time of the start, rise with each change, and are at most a day ahead', () => {
  const script = scripted({ others: 1 });
  const { membership } = script.node.core;
  assert.equal(membership.own.record.incarnation, EPOCH_MS);
  script.node.update({ metadata: { is: 'new' } });
  assert.equal(membership.own.record.incarnation, EPOCH_MS + 1);
  const peer = script.others[0]!;
  script.gossip(peer, living(recordOf(peer, { incarnation: EPOCH_MS + 86_400_001 })));
  assert.equal(membership.refusals['far-future'], 1);
  assert.equal(heldAt(script, peer).record.incarnation, EPOCH_MS);
  script.gossip(peer, living(recordOf(peer, { incarnation: EPOCH_MS + 86_400_000 })));
  assert.equal(heldAt(script, peer).record.incarnation, EPOCH_MS + 86_400_000);
  assert.equal(membership.refusals['far-future'], 1);
});

test('[topo-rec-4, topo-rec-5] a record that is too large, or one more than the table holds, is refused and counted', () => {
  const script = scripted({ others: 2, settings: { maxNodes: 3 } });
  const { refusals, table } = script.node.core.membership;
  const [peer] = script.others as [SimNode];
  script.gossip(peer, living(new Uint8Array(15_616)));
  assert.deepEqual([refusals.malformed, refusals.oversized], [1, 0]);
  script.gossip(peer, living(new Uint8Array(15_617)));
  assert.deepEqual([refusals.malformed, refusals.oversized], [1, 1]);
  const stranger = script.network.add(9);
  script.gossip(peer, living(recordOf(stranger)));
  assert.equal(refusals.full, 1);
  assert.equal(table.get(stranger.nodeId), undefined);
});

test('[topo-rec-7] a lower record is counted as older, and not taken in', () => {
  const script = scripted({ others: 1 });
  const peer = script.others[0]!;
  const { bytes, record } = heldAt(script, peer);
  script.gossip(peer, living(recordOf(peer, { incarnation: record.incarnation - 1 })));
  assert.equal(script.node.core.membership.refusals.older, 1);
  assert.deepEqual(heldAt(script, peer).bytes, bytes);
});

test('[topo-rec-8] one incarnation with different bytes is a clash that names both, and each order has one end', () => {
  const ends = [0, 1].map((first) => {
    const script = scripted({ others: 1 });
    const peer = script.others[0]!;
    const { incarnation } = peer.core.membership.own.record;
    const [one, two] = ['one', 'two'].map((name) =>
      recordOf(peer, { incarnation: incarnation + 1, metadata: { name } }),
    );
    script.gossip(peer, living(first === 0 ? one! : two!));
    script.gossip(peer, living(first === 0 ? two! : one!));
    const names = script.node.events.flatMap((event) =>
      event.kind === 'clash' ? [event.node.metadata.name, event.other.metadata.name] : [],
    );
    assert.deepEqual(names.toSorted(), ['one', 'two']);
    assert.equal(names[0], heldAt(script, peer).record.metadata.name);
    return names[0];
  });
  assert.equal(ends[0], ends[1]);
});

test('[topo-rec-9] a record with its own id and address is of an older life, and outbid; one of another address is a clash', () => {
  const script = scripted({ others: 1 });
  const { node, network } = script;
  const { membership } = node.core;
  node.start([]);
  network.run(1_000);
  const first = membership.own.record.incarnation;
  script.gossip(script.others[0]!, living(recordOf(node, { incarnation: first + 100, metadata: { life: 'old' } })));
  assert.equal(membership.own.record.incarnation, first + 101);
  assert.deepEqual(membership.own.record.metadata, {});
  const twin = network.add(7, { nodeId: node.nodeId });
  script.gossip(script.others[0]!, living(recordOf(twin, { incarnation: first + 200 })));
  network.run(1_000);
  assert.equal(membership.own.record.incarnation, first + 101);
  assert.equal(membership.refusals.clash, 1);
});

test('[topo-rec-11] of two nodes at one address the one that counts less is dead, in whatever order they come', () => {
  for (const isFirstLater of [false, true]) {
    const script = scripted({ others: 1 });
    const [peer, early, late] = [script.others[0]!, script.network.add(7), script.network.add(7, { nodeId: 'late' })];
    const { incarnation } = late.core.membership.own.record;
    const [one, two] = [living(recordOf(early)), living(recordOf(late, { incarnation: incarnation + 1 }))];
    script.gossip(peer, ...(isFirstLater ? [two, one] : [one, two]));
    const { table } = script.node.core.membership;
    assert.deepEqual(
      [early, late].map(({ nodeId }) => stateOf(table.get(nodeId)!)),
      ['dead', 'live'],
    );
    assert.equal(table.liveAt(late.address), table.get('late'));
    // Whoever is told that one of them died believes it.
    script.gossip(peer, dead(recordOf(early, { incarnation: incarnation + 9 }), 1_000));
    assert.deepEqual(
      [early, late].map(({ nodeId }) => stateOf(table.get(nodeId)!)),
      ['dead', 'live'],
    );
    assert.equal(table.liveAt(late.address), table.get('late'));
  }
});

test('[topo-rec-11] a tombstone that is new here takes no address from the node that lives there, and is nobody who joined', () => {
  const script = scripted({ others: 1 });
  const [old, late] = [script.network.add(7), script.network.add(7, { nodeId: 'late' })];
  script.gossip(script.others[0]!, living(recordOf(late)), dead(recordOf(old), 1_000));
  const { table } = script.node.core.membership;
  assert.equal(table.liveAt(late.address), table.get('late'));
  assert.deepEqual(
    script.node.events.map((event) => [event.kind, 'node' in event ? event.node.nodeId : '']),
    [
      ['joined', 'late'],
      ['dead', old.nodeId],
    ],
  );
});

test('[topo-rec-11] another id at the own address is outbid, and one that comes back with more only once a heal period', () => {
  const script = scripted({ others: 1 });
  const { node, network } = script;
  const { membership } = node.core;
  node.start([]);
  network.run(1_000);
  const rival = network.add(0, { nodeId: 'rival' });
  const former = network.add(0, { nodeId: 'former' });
  const rise = (): void => {
    const { incarnation } = membership.own.record;
    script.gossip(script.others[0]!, living(recordOf(rival, { incarnation: incarnation + 100 })));
  };
  const first = membership.own.record.incarnation;
  rise();
  assert.equal(membership.own.record.incarnation, first + 101);
  assert.equal(stateOf(membership.table.get('rival')!), 'dead');
  assert.equal(membership.table.liveAt(node.address), membership.table.get(node.nodeId));
  rise();
  network.run(network.settings.healPeriodMs - 1);
  assert.equal(membership.own.record.incarnation, first + 101);
  network.run(1);
  assert.equal(membership.own.record.incarnation, first + 202);
  // Others may still take one that is told as dead to live.
  network.run(network.settings.healPeriodMs);
  script.gossip(script.others[0]!, dead(recordOf(former, { incarnation: first + 300 }), 1_000));
  assert.equal(membership.own.record.incarnation, first + 301);
  assert.deepEqual(
    script.sent.filter(({ to }) => to === node.address),
    [],
  );
});

test('[topo-rec-10] what is claimed of a node that leaves is not answered: its last word stands', () => {
  const script = scripted({ others: 1 });
  const { node, network } = script;
  const { membership } = node.core;
  const peer = script.others[0]!;
  node.start([]);
  script.link(peer);
  network.run(1_000);
  script.onSent = () => {};
  node.core.leave(network.now, () => {});
  const { bytes, record } = membership.own;
  assert.equal(record.left, true);
  const about = nameOf(membership.table.get(node.nodeId)!);
  script.gossip(peer, { kind: 'suspect', about, claimer: peer.nodeId });
  script.gossip(peer, living(recordOf(node, { incarnation: record.incarnation - 1, left: false })));
  network.run(1_000);
  assert.deepEqual(membership.own.bytes, bytes);
});

test('[topo-msg-4] who sends is who A0 says: another cannot answer for a peer, nor a peer with the record of another', () => {
  const script = scripted({ others: 2 });
  const [peer, other] = script.others as [SimNode, SimNode];
  const answers: (string | undefined)[] = [];
  const ask = (): number => {
    script.node.core.ask(peer.address, 10_000, (record, failure) => answers.push(record?.record.nodeId ?? failure));
    return decodeNumber(script.of(MESSAGE.infoRequest, peer.address).at(-1)!.payload);
  };
  const token = ask();
  script.tell(other, MESSAGE.info, encodeInfo(token, recordOf(peer)));
  assert.deepEqual(answers, []);
  script.tell(peer, MESSAGE.info, encodeInfo(token, recordOf(peer)));
  script.tell(peer, MESSAGE.info, encodeInfo(ask(), recordOf(other)));
  assert.deepEqual(answers, [peer.nodeId, 'rejected']);
});

test('[topo-msg-5] a domus that is outside is tried again after a minute at the soonest, and is no error', () => {
  const script = scripted();
  const { network } = script;
  script.onSent = (message) => network.at(network.now + 1, () => message.fail('outside'));
  script.node.start([addressOf(9)]);
  network.run(600_000);
  const times = script.sent.map(({ at }) => at);
  assert.ok(times.length > 5 && times.length <= 11);
  for (const [index, at] of times.slice(1).entries())
    assert.ok(at - times[index]! >= 60_000, `${at - times[index]!} ms`);
  assert.deepEqual(script.node.events, []);
});
