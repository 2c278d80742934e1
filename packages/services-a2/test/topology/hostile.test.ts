/** What a member that lies can do, and what it cannot. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MESSAGE } from '../../src/topology/core/message-types.ts';
import {
  decodeCompare,
  decodeExchange,
  encodeDifferences,
  encodeExchange,
  encodeFact,
  encodeGossip,
  encodeListing,
  type Fact,
} from '../../src/topology/core/messages.ts';
import type { NodeRecord } from '../../src/topology/core/record.ts';
import { decodeRecord, encodeBody, encodeRecord, SIGNED_PREFIX } from '../../src/topology/core/record-codec.ts';
import { fakeSigner } from './fake-signing.ts';
import { SimNetwork } from './sim-network.ts';
import type { SimNode } from './sim-node.ts';
import { EPOCH_MS } from './sim-world.ts';

function tell(to: SimNode, from: SimNode, ...facts: Fact[]): string | undefined {
  const payload = encodeGossip(1, 0, 0, facts.map(encodeFact));
  const rejection = to.core.received(from.address, MESSAGE.gossip, payload, 0);
  to.plan();
  return rejection;
}

function living(bytes: Uint8Array): Fact {
  return { kind: 'record', bytes, claimer: undefined, ageMs: 0 };
}

/** A record of `of` with changes, signed by `by`. */
function record(of: SimNode, change: Partial<NodeRecord>, by: SimNode = of): Uint8Array {
  const body = encodeBody({ ...of.core.membership.own.record, ...change });
  const toSign = new Uint8Array([...SIGNED_PREFIX, ...body]);
  return encodeRecord(body, fakeSigner(by.own).sign(toSign), []);
}

function trio(): { network: SimNetwork; victim: SimNode; liar: SimNode; reader: SimNode } {
  const network = new SimNetwork({ seed: 35 });
  const [victim, liar, reader] = network.addFormed(3) as [SimNode, SimNode, SimNode];
  network.run(5_000);
  return { network, victim, liar, reader };
}

test('[topo-rec-5, topo-msg-4] [case-35] a forged record is refused and counted, and changes nothing', () => {
  const { victim, liar, reader } = trio();
  const before = reader.core.membership.version;
  const later = victim.core.membership.own.record.incarnation + 1;
  const { refusals } = reader.core.membership;
  tell(reader, liar, living(record(victim, { incarnation: later, services: ['evil/v1'] }, liar)));
  assert.equal(refusals.signature, 1);
  const genuine = victim.core.membership.own.bytes.slice();
  genuine[genuine.length - 3]! ^= 1;
  tell(reader, liar, living(record(victim, { incarnation: later, address: liar.own.address })));
  assert.equal(refusals.signature, 2);
  tell(reader, liar, living(record(victim, { incarnation: EPOCH_MS + 2 * 86_400_000 })));
  assert.equal(refusals['far-future'], 1);
  tell(reader, liar, living(record(victim, { incarnation: Number.MAX_SAFE_INTEGER })));
  assert.equal(refusals['far-future'], 2);
  tell(reader, liar, living(new Uint8Array(16_000)));
  assert.equal(refusals.oversized, 1);
  tell(reader, liar, living(new Uint8Array(100)));
  assert.equal(refusals.malformed, 1);
  assert.equal(reader.core.membership.version, before);
  assert.deepEqual(reader.core.membership.table.get('node-0')!.signed.bytes, victim.core.membership.own.bytes);
  assert.equal(reader.events.filter(({ kind }) => kind === 'refused').length, 6);
});

test('[topo-rec-7] [case-35] an old record that is played again is counted, and does not come back', () => {
  const { network, victim, liar, reader } = trio();
  const old = victim.core.membership.own.bytes;
  victim.update({ services: ['new/v1'] });
  network.run(1_000);
  tell(reader, liar, living(old));
  assert.equal(reader.core.membership.refusals.older, 1);
  assert.deepEqual(reader.core.membership.table.get('node-0')!.signed.record.services, ['new/v1']);
});

test('[topo-det-3, topo-det-4, topo-det-5] a false claim of death gives the node time to answer, and it does', () => {
  const { network, victim, liar, reader } = trio();
  const { signed } = reader.core.membership.table.get('node-0')!;
  const { key, stampHi, stampLo, record: claimed } = signed;
  const about = { key, incarnation: claimed.incarnation, stampHi, stampLo };
  tell(reader, liar, { kind: 'dead', about, claimer: 'node-1', ageMs: 0 });
  assert.ok(reader.view().includes('node-0'));
  network.run(20_000);
  assert.ok(reader.view().includes('node-0'));
  assert.ok(victim.core.membership.own.record.incarnation > claimed.incarnation);
  assert.ok(reader.events.every(({ kind }) => kind !== 'dead'));
  // A claim about what is not held is worth nothing.
  tell(reader, liar, { kind: 'dead', about, claimer: 'node-1', ageMs: 0 });
  tell(reader, liar, { kind: 'suspect', about: { ...about, incarnation: 7 }, claimer: 'node-1' });
  assert.equal(reader.core.membership.table.get('node-0')!.suspicion, undefined);
});

test('[topo-rec-8, topo-rec-9] two nodes with one id: the higher incarnation counts, and an event says so', () => {
  const network = new SimNetwork({ seed: 36 });
  const nodes = [
    network.add(0),
    network.add(1, { nodeId: 'twin' }),
    network.add(2, { nodeId: 'twin' }),
    network.add(3),
  ];
  const [reader, first, second] = nodes as [SimNode, SimNode, SimNode];
  for (const node of nodes) node.start([reader.address]);
  network.run(5_000);
  second.update({ services: ['late/v1'] });
  network.run(5_000);
  const held = reader.core.membership.table.get('twin')!.signed.record;
  assert.deepEqual([held.address, held.services], [second.address, ['late/v1']]);
  assert.ok(reader.events.some((event) => event.kind === 'clash' && event.other.address === first.address));
  assert.ok(first.events.some(({ kind }) => kind === 'clash'));
  assert.equal(first.core.membership.own.record.address, first.address);
});

test('[topo-msg-2, topo-msg-3] messages of random and mutated bytes are rejected or taken, and never throw', () => {
  const { network, liar, reader } = trio();
  const samples = Object.values(MESSAGE).map((type) => [type, sampleOf(type, reader)] as const);
  for (let round = 0; round < 20_000; round++) {
    const [type, sample] = samples[network.random() % samples.length]!;
    const bytes = sample.slice(0, network.chance(0.3) ? network.random() % (sample.length + 1) : sample.length);
    for (let flips = network.random() % 4; flips > 0; flips--) {
      if (bytes.length > 0) bytes[network.random() % bytes.length] = network.random();
    }
    const rejection = reader.core.received(liar.address, type, bytes, network.now);
    assert.ok(rejection === undefined || ['not-linked', 'full', 'malformed', 'stopped'].includes(rejection));
  }
  const { malformed } = reader.core.membership.refusals;
  assert.equal(reader.core.received(liar.address, MESSAGE.gossip, new Uint8Array(65_537), network.now), 'malformed');
  assert.equal(reader.core.received(liar.address, 0x0001_00ff, new Uint8Array(0), network.now), 'malformed');
  assert.equal(reader.core.membership.refusals.malformed, malformed + 2);
  reader.plan();
  network.run(30_000);
  assert.deepEqual(reader.view(), ['node-0', 'node-1', 'node-2']);
});

function sampleOf(type: number, of: SimNode): Uint8Array {
  let sample = new Uint8Array([1]);
  const { send } = of;
  of.send = (_to, sent, payload) => {
    if (sent === type) sample = new Uint8Array(payload);
  };
  const { core } = of;
  const { own } = core.membership;
  const fact = encodeFact(living(own.bytes));
  if (type === MESSAGE.gossip) sample = new Uint8Array(encodeGossip(3, 1, 2, [fact]));
  else if (type === MESSAGE.exchange) {
    sample = new Uint8Array(encodeExchange({ token: 1, isAnswer: false, served: 0 }, [fact], [own.key]));
  } else if (type === MESSAGE.compare) core.sync('tcp://10.9.9.9:1', 0, 1, () => {});
  else if (type === MESSAGE.differences) core.exchanges.answerCompare('x', compareOf(of), 0);
  else if (type === MESSAGE.info) core.received('x', MESSAGE.infoRequest, new Uint8Array([5]), 0);
  of.send = send;
  return sample;
}

function compareOf(of: SimNode): Uint8Array {
  let payload = new Uint8Array(0);
  const { send } = of;
  of.send = (_to, _type, sent) => {
    payload = new Uint8Array(sent);
  };
  of.core.sync('tcp://10.9.9.8:1', 0, 1, () => {});
  of.send = send;
  return payload.map((byte, index) => (index > 20 ? byte ^ 1 : byte));
}

test('[topo-cmp-3] differences that nobody asked for, or that list a name twice, ask for nothing more', () => {
  const { network, liar, reader } = trio();
  const wanted: number[] = [];
  let token = 0;
  reader.send = (_to, type, payload) => {
    if (type === MESSAGE.compare) token = decodeCompare(payload).token;
    if (type === MESSAGE.exchange) wanted.push(decodeExchange(payload).wants.length);
  };
  reader.core.sync(liar.address, network.now, 60_000, () => {});
  const names = Array.from({ length: 50 }, (_, index) => {
    const key = `07${index.toString(16).padStart(14, '0')}`;
    return { key, incarnation: 1, stampHi: 1, stampLo: 1 };
  });
  const listing = encodeListing({ bucket: 7, names: [...names, ...names] });
  const payload = encodeDifferences(token, [listing, listing]);
  for (let times = 0; times < 3; times++) reader.core.received(liar.address, MESSAGE.differences, payload, network.now);
  assert.deepEqual(wanted, [50]);
});

test('[topo-tomb-1] an age beyond all bounds is told on as that of a tombstone that goes', () => {
  const { network, victim, liar, reader } = trio();
  const { incarnation } = victim.core.membership.own.record;
  const ageMs = Number.MAX_SAFE_INTEGER * 1_000;
  tell(reader, liar, {
    kind: 'record',
    bytes: record(victim, { incarnation: incarnation + 1, left: true }),
    claimer: '',
    ageMs,
  });
  const ages: number[] = [];
  reader.send = (_to, type, payload) => {
    if (type !== MESSAGE.exchange) return;
    for (const fact of decodeExchange(payload).facts) if (fact.kind !== 'suspect') ages.push(fact.ageMs);
  };
  const { key } = victim.core.membership.own;
  const wanting = encodeExchange({ token: 5, isAnswer: false, served: 0 }, [], [key]);
  reader.core.received(liar.address, MESSAGE.exchange, wanting, network.now);
  // It was told at the beginning of time.
  assert.deepEqual(ages, [network.settings.tombstoneMs + network.now]);
});

test('[topo-rec-2] a record survives being taken apart, and has one form only', () => {
  const { victim } = trio();
  const bytes = record(victim, {
    tabernae: [
      { id: '00000000000000ff', name: undefined },
      { id: 'ff00000000000000', name: 'orders' },
    ],
    metadata: { b: '2', a: '1' },
    health: 'draining',
  });
  const { record: read } = decodeRecord(bytes);
  assert.deepEqual(decodeRecord(record(victim, read)).bytes, bytes);
  const unordered = encodeBody({ ...read, services: [] });
  assert.throws(() => decodeRecord(encodeRecord(new Uint8Array([...unordered, 0]), new Uint8Array(0), [])));
  for (let length = 0; length < bytes.length; length++) assert.throws(() => decodeRecord(bytes.subarray(0, length)));
});
