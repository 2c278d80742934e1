/** How two tables are made the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DIFFERENCES_MAX_BYTES } from '../../src/topology/core/limits.ts';
import { MESSAGE } from '../../src/topology/core/message-types.ts';
import {
  type BucketListing,
  decodeCompare,
  decodeDifferences,
  decodeExchange,
  encodeCompare,
  encodeDifferences,
  encodeExchange,
  encodeFact,
} from '../../src/topology/core/messages.ts';
import { nameOf, stateOf } from '../../src/topology/core/node-table.ts';
import { dead, living, recordOf, type Scripted, scripted } from './scripted.ts';
import { SimNetwork } from './sim-network.ts';
import type { SimNode } from './sim-node.ts';

/** What the node answers to these digests. */
function differences(script: Scripted, digests: Uint32Array): readonly BucketListing[] {
  script.tell(script.others[0]!, MESSAGE.compare, encodeCompare(77, digests));
  const answer = script.of(MESSAGE.differences).at(-1)!;
  const { token, listings } = decodeDifferences(answer.payload);
  assert.equal(token, 77);
  assert.ok(answer.payload.length <= DIFFERENCES_MAX_BYTES + 16 || listings.length === 1);
  return listings;
}

test('[topo-cmp-2, topo-msg-2] a comparison is answered with all names in buckets that differ, as many buckets as fit', () => {
  const script = scripted({ others: 1_200 });
  const { table } = script.node.core.membership;
  const own = table.digest.buckets;
  assert.deepEqual(differences(script, own), []);
  const [bucket] = [...own.keys()].filter((index) => own[index] !== 0);
  const one = own.slice();
  one[bucket!]! ^= 1;
  const names = table.inBuckets([bucket!]).get(bucket!)!.map(nameOf);
  assert.deepEqual(differences(script, one), [{ bucket, names }]);
  const many = differences(
    script,
    own.map((digest) => digest ^ 1),
  );
  assert.ok(many.length > 50 && many.length < 256);
  for (const listing of many)
    assert.equal(listing.names.length, table.inBuckets([listing.bucket]).get(listing.bucket)!.length);
});

test('[topo-msg-2] a bucket that alone is too large for a message goes all the same', () => {
  const script = scripted({ others: 1 });
  const { membership } = script.node.core;
  for (let index = 0; index < 700; index++) {
    const key = `07${index.toString(16).padStart(14, '0')}`;
    membership.table.put({ ...membership.own, key, record: { ...membership.own.record, nodeId: `many-${index}` } }, 0);
  }
  const [listing, ...more] = differences(
    script,
    membership.table.digest.buckets.map((digest) => digest ^ 1),
  );
  assert.ok(listing!.names.length >= 700 || more.every(({ bucket }) => bucket !== 7));
  const only = membership.table.digest.buckets.slice();
  only[7]! ^= 1;
  assert.ok(differences(script, only)[0]!.names.length >= 700);
});

test('[topo-cmp-3] each side gets what it lacks or holds older, each message one answer, until there is no difference', () => {
  const network = new SimNetwork({ seed: 3 });
  const nodes = Array.from({ length: 6 }, (_, index) => network.add(index));
  const [asker, other, known, unknown, renewed, late] = nodes as [SimNode, SimNode, SimNode, SimNode, SimNode, SimNode];
  const [mine, theirs] = [asker.core.membership.table, other.core.membership.table];
  mine.put(known.core.membership.own, 0);
  theirs.put(unknown.core.membership.own, 0);
  for (const table of [mine, theirs]) for (const node of [renewed, late]) table.put(node.core.membership.own, 0);
  renewed.update({ metadata: { is: 'new' } });
  theirs.put(renewed.core.membership.own, 0);
  late.update({ metadata: { is: 'new' } });
  mine.put(late.core.membership.own, 0);
  const sent: string[] = [];
  const { carry } = network;
  network.carry = (from, to, type, payload, ...rest) => {
    const kind = Object.entries(MESSAGE).find(([, number]) => number === type)![0];
    if (from === asker || to === asker.address) sent.push(`${from === asker ? 'asks' : 'answers'} ${kind}`);
    if (type === MESSAGE.exchange && from === other) assert.equal(decodeExchange(payload).served, 3);
    carry.call(network, from, to, type, payload, ...rest);
  };
  let end = '';
  asker.core.sync(other.address, network.now, 60_000, ({ kind }) => {
    end = kind;
  });
  network.runUntilTrue(() => end !== '', 1_000, 1);
  assert.equal(end, 'equal');
  const compared = ['asks compare', 'answers differences'];
  assert.deepEqual(sent.slice(0, 6), [...compared, 'asks exchange', 'answers exchange', ...compared]);
  assert.deepEqual([mine.digest, mine.live.length], [theirs.digest, 6]);
  for (const table of [mine, theirs]) {
    assert.equal(table.get(late.nodeId)!.signed.record.metadata.is, 'new');
    assert.equal(table.get(renewed.nodeId)!.signed.record.metadata.is, 'new');
  }
});

test('whoever joins a comparison that runs has a deadline of its own, and one that waits longer still hears the end', () => {
  const script = scripted({ others: 1 });
  const { node, network } = script;
  const peer = script.others[0]!;
  const ends: string[] = [];
  const sync = (name: string, timeoutMs: number): void => {
    const note = ({ kind }: { readonly kind: string }, at: number): void => {
      ends.push(`${name} ${kind} at ${at}`);
    };
    node.core.sync(peer.address, network.now, network.now + timeoutMs, note);
    node.plan();
  };
  for (const [name, timeoutMs] of [
    ['long', 60_000],
    ['short', 500],
    ['middle', 5_000],
  ] as const)
    sync(name, timeoutMs);
  network.run(4_000);
  assert.deepEqual(ends, ['short failed at 500']);
  const { token } = decodeCompare(script.of(MESSAGE.compare)[0]!.payload);
  script.tell(peer, MESSAGE.differences, encodeDifferences(token, []));
  assert.deepEqual(ends.slice(1), ['long equal at 4000', 'middle equal at 4000']);
  // One that nobody waits for any more leaves nothing behind.
  sync('only', 500);
  network.run(500);
  assert.deepEqual([ends.at(-1), node.core.exchanges.count], ['only failed at 4500', 0]);
});

/** Facts with which the node answers an exchange that tells it `bytes` as those of a node that lives. */
function better(script: Scripted, bytes: Uint8Array): ReturnType<typeof decodeExchange>['facts'] {
  const head = { token: 5, isAnswer: false, served: 0 };
  script.tell(script.others[1]!, MESSAGE.exchange, encodeExchange(head, [encodeFact(living(bytes))], []));
  const { token, isAnswer, facts } = decodeExchange(script.of(MESSAGE.exchange).at(-1)!.payload);
  assert.deepEqual([token, isAnswer], [5, true]);
  return facts;
}

test('[topo-cmp-3, topo-tomb-2] who tells that a dead node lives is told otherwise; a higher incarnation brings it back', () => {
  const script = scripted({ others: 2 });
  const victim = script.others[0]!;
  const { table } = script.node.core.membership;
  script.node.start([]);
  script.network.run(0);
  table.bury(table.get(victim.nodeId)!, 'claimer', script.network.now - 5_000);
  const { bytes, record } = victim.core.membership.own;
  assert.deepEqual(better(script, bytes), [{ kind: 'record', bytes, claimer: 'claimer', ageMs: 5_000 }]);
  assert.equal(stateOf(table.get(victim.nodeId)!), 'dead');
  assert.deepEqual(better(script, recordOf(victim, { incarnation: record.incarnation + 1 })), []);
  assert.equal(stateOf(table.get(victim.nodeId)!), 'live');
});

test('[topo-tomb-3, topo-det-4] of an unknown node a death is believed, but a tombstone older than half its time is not taken', () => {
  const script = scripted({ others: 1, settings: { tombstoneMs: 100_000 } });
  script.network.run(200_000);
  const [recent, old] = [script.network.add(8), script.network.add(9)];
  script.gossip(script.others[0]!, dead(recordOf(recent), 49_000), dead(recordOf(old), 50_000));
  const { table } = script.node.core.membership;
  assert.equal(stateOf(table.get(recent.nodeId)!), 'dead');
  assert.equal(table.get(old.nodeId), undefined);
});
