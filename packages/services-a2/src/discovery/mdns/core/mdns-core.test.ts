import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testPeer } from '../../../../test/discovery/discovery-host.ts';
import { ownRecords } from '../own-records.ts';
import type { DnsRecord } from './dns-record.ts';
import { TABLE_LIMITS } from './instance-table.ts';
import { MdnsCore } from './mdns-core.ts';

const SERVICE = '_a._tcp.local';
const own = (services: readonly string[], port = 1) =>
  ownRecords(testPeer(`tcp://10.0.0.1:${port}`, { nodeId: 'own', services }), SERVICE, 120_000)!.own;

/** A machine whose time the test moves from deadline to deadline. */
function bench(browseIntervalMs = 5_000) {
  const sent: { at: number; kind: string; records: readonly DnsRecord[]; questions: readonly string[] }[] = [];
  let now = 0;
  const core = new MdnsCore(
    { serviceName: SERVICE, browseIntervalMs },
    {
      query: (asked, records) => {
        const questions = asked.map(({ name, type }) => `${type} ${name}`);
        sent.push({ at: now, kind: 'query', records, questions });
      },
      respond: (records) => sent.push({ at: now, kind: 'response', records, questions: [] }),
      changed: () => undefined,
    },
    () => 0.5,
  );
  const runTo = (until: number): void => {
    while (core.nextDeadline() <= until) {
      now = Math.max(now, core.nextDeadline());
      core.tick(now);
    }
    now = until;
  };
  const hear = (answers: readonly unknown[], type = 'response'): void => core.heard({ type, answers }, now);
  const ask = (name: string, type = 'PTR', answers: readonly unknown[] = []): void =>
    core.heard({ type: 'query', questions: [{ name, type }], answers }, now);
  const responses = () => sent.filter(({ kind }) => kind === 'response').map(({ at }) => at);
  const queries = () => sent.filter(({ kind }) => kind === 'query');
  return { core, sent, runTo, hear, ask, responses, queries, now: () => now };
}

function instance(name: string, ip: string, port: number, ttl = 120): DnsRecord[] {
  const full = `${name}.${SERVICE}`;
  return [
    { name: SERVICE, type: 'PTR', ttl, data: full },
    { name: full, type: 'SRV', ttl, flush: true, data: { target: `${name}.local`, port, priority: 0, weight: 0 } },
    { name: full, type: 'TXT', ttl, flush: true, data: [Buffer.from(`id=${name}`)] },
    { name: `${name}.local`, type: ip.includes(':') ? 'AAAA' : 'A', ttl, flush: true, data: ip },
  ];
}

const addresses = (core: MdnsCore) => core.peers().map(({ address }) => address);

test('[invariant 1] one question in each interval, with what is known in the first half of its life', () => {
  const { hear, runTo, queries } = bench();
  runTo(1);
  hear(instance('x', '10.0.0.2', 7, 12));
  runTo(10_500);
  assert.deepEqual(
    queries().map(({ at, records }) => [at, records.length]),
    [
      [0, 0],
      [5_000, 1],
      [10_000, 0],
    ],
  );
  assert.deepEqual(queries()[1]!.records[0], { name: SERVICE, type: 'PTR', ttl: 7, data: `x.${SERVICE}` });
});

test('[invariant 1] it asks at four fifths of the shortest life, and what lives stays however long the interval is', () => {
  const { core, hear, runTo, queries, now } = bench(60_000);
  runTo(0);
  hear(instance('x', '10.0.0.2', 7, 30));
  hear(instance('y', '10.0.0.3', 7, 3_000));
  for (let round = 0; round < 5; round++) {
    const asked = queries().length;
    runTo(now() + 24_000);
    assert.equal(queries().length, asked + 1);
    const known = queries()[asked]!.records.map(({ data }) => data);
    assert.deepEqual(known, [`y.${SERVICE}`], 'what is asked for is not named');
    hear(instance('x', '10.0.0.2', 7, 30));
    assert.equal(core.peers().length, 2);
  }
  // Nobody answers any more: a few questions, a second apart at least.
  const asked = queries().length;
  runTo(now() + 30_000);
  assert.deepEqual(addresses(core), ['tcp://10.0.0.3:7']);
  const at = queries()
    .map((query) => query.at)
    .slice(asked);
  assert.ok(at.length <= 3 && at.every((each, index) => index === 0 || each - at[index - 1]! >= 1_000), String(at));
});

test('[invariant 1] an instance is not named as known when a record behind its pointer is in the second half of its life', () => {
  const { hear, runTo, queries } = bench();
  const [pointer, srv, txt, address] = instance('x', '10.0.0.2', 7, 4_500);
  runTo(0);
  for (const short of [srv, txt, address]) {
    hear([pointer, srv, txt, address, { ...short, ttl: 12 }]);
    const asked = queries().length;
    runTo(queries().at(-1)!.at + 10_000);
    assert.deepEqual(
      queries()
        .slice(asked)
        .map(({ records }) => records.length),
      [1, 0],
      short!.type,
    );
  }
});

test('[invariant 2] announced twice, a second apart, and again when it changes', () => {
  const { core, runTo, responses, now } = bench();
  core.announce(own(['a/v1']), now());
  runTo(10_000);
  assert.deepEqual(responses(), [0, 1_000]);
  core.announce(own(['b/v1']), now());
  runTo(20_000);
  assert.deepEqual(responses(), [0, 1_000, 10_000, 11_000]);
});

test('[invariant 3] whatever is asked, answers are a second apart, after a short random wait', () => {
  const { core, runTo, ask, responses, now } = bench();
  core.announce(own(['a/v1']), now());
  runTo(10_000);
  const before = responses().length;
  for (let at = 10_000; at < 13_000; at += 10) {
    runTo(at);
    for (const name of [SERVICE, SERVICE.toUpperCase(), own([]).name, own([]).host]) ask(name, 'ANY');
    core.announce(own([`v/${at}`]), now());
  }
  runTo(20_000);
  const answered = responses().slice(before);
  assert.ok(answered[0]! <= 10_120 && answered.length >= 3);
  for (const [index, at] of answered.entries()) assert.ok(index === 0 || at - answered[index - 1]! >= 1_000);
});

test('an asker that knows the instance is not answered, unless its knowledge is old or it asks for more', () => {
  const { core, runTo, ask, responses, now } = bench();
  core.announce(own(['a/v1']), now());
  const known = (ttl: number) => [{ name: SERVICE, type: 'PTR', ttl, class: 'IN', data: own([]).name }];
  const answers = (until: number): number => {
    const before = responses().length;
    runTo(until);
    return responses().length - before;
  };
  runTo(10_000);
  ask(SERVICE, 'PTR', known(60));
  assert.equal(answers(20_000), 0);
  ask(SERVICE, 'PTR', known(59));
  assert.equal(answers(30_000), 1);
  ask(own([]).name, 'SRV', known(120));
  assert.equal(answers(40_000), 1);
  ask('_services._dns-sd._udp.local');
  assert.equal(answers(50_000), 1);
  for (const name of ['_b._tcp.local', 'other.local', '']) ask(name);
  assert.equal(answers(60_000), 0);
  core.announce(undefined, now());
  ask(SERVICE);
  assert.equal(answers(70_000), 0);
});

test('[invariant 4] withdrawing says goodbye at once, but not for the host', () => {
  const { core, runTo, sent, now } = bench();
  core.announce(own(['a/v1']), now());
  runTo(3_000);
  core.announce(undefined, now());
  const { at, records } = sent.at(-1)!;
  assert.equal(at, 3_000);
  assert.deepEqual(
    records.map(({ type, ttl }) => [type, ttl]),
    [
      ['PTR', 0],
      ['SRV', 0],
      ['TXT', 0],
    ],
  );
  core.announce(undefined, now());
  assert.equal(sent.at(-1)!.records, records, 'once');
});

test('[case-65] an instance is a peer until its time to live is over, or its goodbye', () => {
  const { core, runTo, hear } = bench();
  hear([...instance('x', '10.0.0.2', 7, 30), ...instance('y', 'fd00::3', 8, 60), ...instance('z', '10.0.0.4', 9, 60)]);
  assert.deepEqual(
    core.peers().map(({ address, nodeId }) => [address, nodeId]),
    [
      ['tcp://10.0.0.2:7', 'x'],
      ['tcp://[fd00::3]:8', 'y'],
      ['tcp://10.0.0.4:9', 'z'],
    ],
  );
  runTo(29_999);
  assert.equal(core.peers().length, 3);
  runTo(30_000);
  assert.deepEqual(addresses(core), ['tcp://[fd00::3]:8', 'tcp://10.0.0.4:9']);
  hear([{ name: SERVICE.toUpperCase(), type: 'PTR', ttl: 0, data: `Y.${SERVICE}` }]);
  assert.deepEqual(addresses(core), ['tcp://10.0.0.4:9']);
  runTo(60_000);
  assert.deepEqual(addresses(core), []);
});

test('records that come apart are asked for; a new address replaces the old', () => {
  const { core, runTo, hear, queries } = bench();
  const [pointer, srv, txt, address] = instance('x', '10.0.0.2', 7);
  hear([pointer]);
  runTo(5_000);
  assert.deepEqual(queries().at(-1)!.questions, [`PTR ${SERVICE}`, `SRV x.${SERVICE}`, `TXT x.${SERVICE}`]);
  hear([srv, txt]);
  runTo(10_000);
  assert.deepEqual(queries().at(-1)!.questions, [`PTR ${SERVICE}`, 'A x.local', 'AAAA x.local']);
  hear([address]);
  assert.deepEqual(addresses(core), ['tcp://10.0.0.2:7']);
  hear([{ ...address, data: '10.0.0.3' }]);
  assert.deepEqual(addresses(core), ['tcp://10.0.0.3:7']);
  hear([{ ...srv, data: { target: 'x.local', port: 70, priority: 0, weight: 0 } }]);
  assert.deepEqual(addresses(core), ['tcp://10.0.0.3:70']);
});

test('hostile records make no peer and no growth', () => {
  const { core, runTo, hear, queries } = bench();
  const [pointer, srv, txt] = instance('x', '10.0.0.2', 7);
  for (const ip of ['0.0.0.0', '::', 'fe80::1', 'rubbish', '']) {
    hear([pointer, srv, txt, { name: 'x.local', type: 'A', ttl: 9, flush: true, data: ip }]);
    assert.deepEqual(addresses(core), [], ip);
  }
  for (const port of [0, 65_536, -1, 1.5, '7']) {
    hear([
      pointer,
      { ...srv, data: { target: 'x.local', port } },
      { name: 'x.local', type: 'A', ttl: 9, flush: true, data: '10.0.0.2' },
    ]);
    assert.deepEqual(addresses(core), [], String(port));
  }
  hear([...instance('x', '10.0.0.2', 7), { ...txt, data: [Buffer.from('services=bad')] }]);
  assert.deepEqual(addresses(core), []);
  assert.ok(core.refused > 0);
  hear(
    [null, 7, {}, { name: 7 }, { name: SERVICE, type: 'PTR', ttl: 9, data: 7 }, { ...txt, data: 'x' }].filter(Boolean),
  );
  for (let i = 0; i < 3 * TABLE_LIMITS.instances; i++)
    hear(instance(`i${i}`, `10.1.${i >> 8}.${i & 255}`, 7, 4_000_000_000));
  for (let i = 0; i < 100; i++) hear([{ name: 'i1.local', type: 'A', ttl: 9, data: `10.2.0.${i}` }]);
  assert.ok(core.peers().length <= TABLE_LIMITS.instances);
  runTo(5_000);
  assert.ok(queries().at(-1)!.records.length <= 48 && queries().at(-1)!.questions.length <= 65);
  runTo(TABLE_LIMITS.ttlMs + 5_000);
  assert.deepEqual(addresses(core), [], 'the longest time to live is an hour');
});
