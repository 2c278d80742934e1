/**
 * The providers of a service, by cases and by random courses.
 *
 * Long on purpose: the cases share one table and its sink.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import fc from 'fast-check';
import type { DiscoveredPeer } from '../../discovery/discovery.ts';
import type { Provider } from '../provider.ts';
import type { CallOutcome } from './admission.ts';
import { leastLoaded } from './least-loaded.ts';
import { type ProviderSettings, providerSettings } from './provider-settings.ts';
import { ProviderTable } from './provider-table.ts';
import { type ProviderShortage, type ProviderWaiter, ProviderWaits } from './provider-waits.ts';
import { RetryBudget } from './retry-budget.ts';
import { roundRobin } from './round-robin.ts';

const SERVICE = 'identity/v1';
const NEVER = Number.POSITIVE_INFINITY;
const ip = (n: number): DomusAddr => `tcp://10.0.0.${n}:7000`;

function peerOf(n: number, more: Partial<DiscoveredPeer> = {}): DiscoveredPeer {
  const rest = { nodeType: 'identity', services: [SERVICE], health: 'healthy', metadata: {} } as const;
  return { address: ip(n), nodeId: `node-${n}`, ...rest, ...more };
}

function tableOf(settings: Partial<ProviderSettings> = {}) {
  const told: string[] = [];
  const table = new ProviderTable(SERVICE, providerSettings(settings), {
    ejected: ({ address }, failures, until) => told.push(`ejected ${address} after ${failures} until ${until}`),
    readmitted: ({ address }) => told.push(`readmitted ${address}`),
    released: ({ address }) => told.push(`released ${address}`),
  });
  const offered = (now: number) => table.offered(now).map(({ address }) => address);
  const call = (n: number, outcome: CallOutcome, now: number) => {
    const provider = table.known().find(({ address }) => address === ip(n))!;
    table.begin(provider, now).end(outcome, now);
  };
  return { table, told, offered, call };
}

function waiterOf(): ProviderWaiter & { readonly told: unknown[] } {
  const told: unknown[] = [];
  return {
    told,
    ready: (found) => told.push(found),
    timedOut: (shortage) => told.push(shortage),
    closed: () => told.push('closed'),
  };
}

test('[case-69] on offer is who lists the service, by address, each address once; clients never are', () => {
  const { table, offered } = tableOf();
  const client = peerOf(4, { services: [] });
  const other = peerOf(5, { services: ['identity/v2', 'identity/v11', 'identity'] });
  const twin = peerOf(1, { nodeId: 'twin' });
  table.update([peerOf(3), client, peerOf(1), twin, other], 0);
  assert.deepEqual(offered(0), [ip(1), ip(3)]);
  assert.deepEqual(
    table.known().map(({ nodeId }) => nodeId),
    ['node-1', 'node-3'],
  );
});

test('[case-70] healthy and unknown are offered; unhealthy and draining are not, also where nobody else is left', () => {
  const { table, offered } = tableOf();
  const states = ['healthy', 'unknown', 'unhealthy', 'draining'] as const;
  table.update(
    states.map((health, n) => peerOf(n, { health })),
    0,
  );
  assert.deepEqual(offered(0), [ip(0), ip(1)]);
  table.update([peerOf(2, { health: 'unhealthy' }), peerOf(3, { health: 'draining' })], 0);
  assert.deepEqual(offered(0), []);
  assert.equal(
    table.pick(roundRobin(), { procedure: 'p', mayProbe: true }, 0, () => 0),
    undefined,
  );
  assert.equal(table.known().length, 2);
});

test('the list is the same frozen array until something changes', () => {
  const { table } = tableOf();
  table.update([peerOf(1), peerOf(2)], 0);
  const [first] = table.offered(0);
  table.update([peerOf(1, { metadata: {} }), peerOf(2)], 1);
  assert.equal(table.offered(1)[0], first);
  assert.ok(Object.isFrozen(table.offered(1)));
  table.update([peerOf(1, { metadata: { zone: 'b' } }), peerOf(2)], 2);
  assert.deepEqual(table.offered(2)[0]?.metadata, { zone: 'b' });
  const before = table.offered(2);
  table.begin(before[0]!, 2).end('answered', 5);
  assert.equal(table.offered(5), before);
});

test('[case-45] three failures in a row eject, a success in between begins anew, and a lost connection ejects at once', () => {
  const { table, told, offered, call } = tableOf();
  table.update([peerOf(1), peerOf(2), peerOf(3)], 0);
  const row: CallOutcome[] = ['failed', 'failed', 'answered', 'failed', 'given-up', 'failed'];
  for (const outcome of row) call(1, outcome, 0);
  assert.deepEqual(told, []);
  call(1, 'failed', 10);
  call(2, 'unreachable', 20);
  assert.deepEqual(told, [`ejected ${ip(1)} after 3 until 1010`, `ejected ${ip(2)} after 1 until 1020`]);
  assert.deepEqual(offered(20), [ip(3)]);
  assert.equal(table.nextDeadline(), 1010);
});

test('[case-45] after the delay one call is let through; success re-admits, failure ejects twice as long, up to 30 s', () => {
  const { table, told, offered, call } = tableOf();
  table.update([peerOf(1), peerOf(2)], 0);
  call(1, 'unreachable', 0);
  let now = 0;
  for (const wait of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    assert.deepEqual(offered(now + wait - 1), [ip(2)]);
    now += wait;
    assert.deepEqual(offered(now), [ip(1), ip(2)]);
    const trial = table.begin(table.offered(now)[0]!, now);
    assert.deepEqual(offered(now), [ip(2)], 'only one at a time');
    trial.end('failed', now);
    trial.end('answered', now);
  }
  now += 30_000;
  table.begin(table.offered(now)[0]!, now).end('answered', now);
  assert.equal(told.at(-1), `readmitted ${ip(1)}`);
  call(1, 'unreachable', now);
  assert.equal(told.at(-1), `ejected ${ip(1)} after 1 until ${now + 1_000}`);
});

test('an explicit probe re-admits, but the next ejection is still longer, until a call has succeeded', () => {
  const { table, told, call } = tableOf();
  table.update([peerOf(1)], 0);
  call(1, 'unreachable', 0);
  assert.equal(table.takeProbe(999), undefined);
  const probe = table.takeProbe(1_000)!;
  assert.equal(probe.provider.address, ip(1));
  assert.equal(table.takeProbe(1_000), undefined);
  probe.end('answered', 1_005);
  assert.equal(told.at(-1), `readmitted ${ip(1)}`);
  for (let i = 0; i < 3; i++) call(1, 'failed', 2_000);
  assert.equal(told.at(-1), `ejected ${ip(1)} after 3 until 4000`);
  assert.equal(table.loadOf(ip(1), 2_000).latencyMs, undefined, 'a probe is no measure of calls');
});

test('calls begun before the ejection neither re-admit nor eject again; a trial that is given up leaves room for another', () => {
  const { table, told, offered, call } = tableOf();
  table.update([peerOf(1)], 0);
  const [provider] = table.offered(0);
  const [early, late] = [table.begin(provider!, 0), table.begin(provider!, 0)];
  call(1, 'unreachable', 10);
  early.end('answered', 20);
  assert.deepEqual(offered(20), []);
  const trial = table.begin(table.offered(1_010)[0]!, 1_010);
  late.end('unreachable', 1_020);
  assert.equal(told.length, 1);
  trial.end('given-up', 1_030);
  assert.deepEqual(offered(1_030), [ip(1)]);
});

test('a call that cannot be made again is no trial, unless nobody else is left', () => {
  const { table, call } = tableOf();
  table.update([peerOf(1), peerOf(2)], 0);
  call(1, 'unreachable', 0);
  const pick = (mayProbe: boolean, exclude?: ReadonlySet<string>) =>
    table.pick(roundRobin(), { procedure: 'p', mayProbe, exclude }, 1_000, () => 0)?.address;
  assert.deepEqual([pick(true), pick(false)], [ip(1), ip(2)]);
  assert.equal(pick(false, new Set([ip(2)])), ip(1));
  assert.equal(pick(false, new Set([ip(1), ip(2)])), undefined);
});

test('a sign of life, or a record that says healthy again, makes a trial due at once', () => {
  const { table, offered, call } = tableOf();
  table.update([peerOf(1), peerOf(2)], 0);
  call(1, 'unreachable', 0);
  call(2, 'unreachable', 0);
  table.seen(ip(1), 5);
  table.seen(ip(9), 5);
  assert.deepEqual(offered(5), [ip(1)]);
  table.update([peerOf(1), peerOf(2, { health: 'unhealthy' })], 6);
  table.update([peerOf(1), peerOf(2)], 7);
  assert.deepEqual(offered(7), [ip(1), ip(2)]);
});

test('nobody is ejected where that is switched off', () => {
  const { table, offered, call } = tableOf({ ejectAfter: 0 });
  table.update([peerOf(1)], 0);
  for (let i = 0; i < 10; i++) call(1, 'unreachable', 0);
  assert.deepEqual(offered(0), [ip(1)]);
});

test('[case-45] one dead provider of three: 100 idempotent calls all succeed, it is ejected, and re-admitted once it lives', () => {
  const { table, told } = tableOf();
  table.update([peerOf(1), peerOf(2), peerOf(3)], 0);
  const picker = roundRobin();
  const budget = new RetryBudget({}, 0);
  const served = new Map<string, number>();
  let dead: DomusAddr | undefined = ip(2);
  let now = 0;
  const makeCall = () => {
    const exclude = new Set<string>();
    budget.called();
    for (;;) {
      const provider = table.pick(picker, { procedure: 'p', exclude, mayProbe: true }, now, () => 0);
      assert.ok(provider !== undefined, 'no provider is left');
      const call = table.begin(provider, now);
      exclude.add(provider.address);
      if (provider.address !== dead) {
        call.end('answered', now);
        served.set(provider.address, (served.get(provider.address) ?? 0) + 1);
        return;
      }
      call.end('unreachable', now);
      assert.ok(budget.take(now), 'no retry is left');
    }
  };
  for (let i = 0; i < 100; i++, now += 50) makeCall();
  assert.deepEqual([served.get(ip(1))! + served.get(ip(3))!, served.get(ip(2))], [100, undefined]);
  assert.equal(told.filter((text) => text.startsWith('ejected')).length, 3, 'at 50, 1050 and 3050 ms');
  dead = undefined;
  for (let i = 0; i < 100; i++, now += 50) makeCall();
  assert.equal(told.at(-1), `readmitted ${ip(2)}`);
  assert.ok(served.get(ip(2))! >= 15);
});

test('calls under way and answer times are counted for each provider; failing fast does not look fast', () => {
  const { table } = tableOf({ ejectAfter: 0 });
  table.update([peerOf(1), peerOf(2)], 0);
  const [one, two] = table.offered(0) as [Provider, Provider];
  assert.deepEqual(table.loadOf(ip(1), 0), { inFlight: 0, latencyMs: undefined });
  const call = table.begin(one, 0);
  table.begin(one, 0);
  assert.equal(table.loadOf(ip(1), 0).inFlight, 2);
  call.end('answered', 40);
  call.end('answered', 90);
  assert.deepEqual(Object.values(table.loadOf(ip(1), 40)).map(Math.round), [1, 40]);
  table.begin(one, 40).end('failed', 40);
  assert.equal(Math.round(table.loadOf(ip(1), 40).latencyMs!), 40);
  table.begin(one, 40).end('failed', 5_040);
  assert.ok(table.loadOf(ip(1), 5_040).latencyMs! > 1_000, 'who never answers is slow');
  assert.ok(table.loadOf(ip(1), 65_040).latencyMs! < 10, 'what was long ago fades');
  table.begin(two, 5_040).end('answered', 5_050);
  const picks = Array.from({ length: 8 }, () =>
    table.pick(leastLoaded(), { procedure: 'p', mayProbe: true }, 5_050, () => 0),
  );
  assert.ok(picks.every((provider) => provider === two));
});

test('how long a stream lasts is no answer time; one that is never taken is slow', () => {
  const { table } = tableOf({ ejectAfter: 0 });
  table.update([peerOf(1)], 0);
  const [one] = table.offered(0) as [Provider];
  const stream = table.begin(one, 0);
  stream.taken(20);
  assert.equal(table.loadOf(ip(1), 20).inFlight, 1);
  stream.end('answered', 60_000);
  assert.deepEqual(table.loadOf(ip(1), 60_000), { inFlight: 0, latencyMs: undefined });
  table.begin(one, 60_000).end('failed', 70_000);
  assert.ok(table.loadOf(ip(1), 70_000).latencyMs! > 9_000);
});

test('[case-46] one that has left is released once nothing is under way; after 10,000 addresses nothing is kept', () => {
  const { table, told, offered } = tableOf();
  table.update([peerOf(1)], 0);
  const call = table.begin(table.offered(0)[0]!, 0);
  table.update([], 1);
  assert.deepEqual([offered(1), told], [[], []]);
  table.update([peerOf(1)], 2);
  assert.equal(table.loadOf(ip(1), 2).inFlight, 1, 'it came back with what is under way');
  table.update([], 3);
  call.end('answered', 4);
  assert.deepEqual(told, [`released ${ip(1)}`]);
  for (let n = 0; n < 10_000; n++) table.update([peerOf(n)], n);
  table.update([], 10_000);
  assert.deepEqual([told.length, table.known().length, table.nextDeadline()], [10_001, 0, NEVER]);
});

test('another node at the same address begins with a clean record, and old calls do not count against it', () => {
  const { table, offered, call } = tableOf();
  table.update([peerOf(1, { nodeId: undefined })], 0);
  const old = table.begin(table.offered(0)[0]!, 0);
  call(1, 'unreachable', 0);
  table.update([peerOf(1, { nodeId: 'a' })], 1);
  assert.deepEqual(offered(1), [], 'an id that becomes known is no other node');
  table.update([peerOf(1, { nodeId: 'b' })], 2);
  old.end('unreachable', 3);
  assert.deepEqual([offered(3), table.loadOf(ip(1), 3).inFlight], [[ip(1)], 0]);
});

test('[case-62] waiting ends with the third provider; 0 does not wait', () => {
  const { table } = tableOf();
  const [three, none] = [waiterOf(), waiterOf()];
  table.wait(3, 10_000, three, 0);
  table.wait(0, 10_000, none, 0);
  assert.deepEqual(none.told, [0]);
  table.update([peerOf(1)], 1);
  table.update([peerOf(1), peerOf(2), peerOf(3, { health: 'unhealthy' })], 2);
  assert.deepEqual(three.told, []);
  table.update([peerOf(1), peerOf(2), peerOf(3)], 3);
  table.update([peerOf(1), peerOf(2), peerOf(3), peerOf(4)], 4);
  table.tick(20_000);
  assert.deepEqual([three.told, table.nextDeadline()], [[3], NEVER]);
});

test('[case-61] without providers waiting ends at its limit with service, wanted and found; nothing is kept', () => {
  const { table } = tableOf();
  const [timed, given] = [waiterOf(), waiterOf()];
  table.update([peerOf(1)], 0);
  table.wait(2, 200, timed, 0);
  const wait = table.wait(2, 100, given, 0);
  assert.equal(table.nextDeadline(), 100);
  wait.cancel();
  wait.cancel();
  assert.ok(table.nextDeadline() <= 200);
  table.tick(100);
  assert.equal(table.nextDeadline(), 200);
  table.tick(199);
  assert.deepEqual(timed.told, []);
  table.tick(200);
  const shortage: ProviderShortage = {
    service: SERVICE,
    wanted: 2,
    found: 1,
    text: 'identity/v1 has 1 provider of the 2 wanted',
  };
  assert.deepEqual([timed.told, given.told, table.nextDeadline()], [[shortage], [], NEVER]);
});

test('thousands that wait are looked at when somebody is told, not for each that comes to wait or gives up', () => {
  const waits = new ProviderWaits(SERVICE);
  let looked = 0;
  const held = (waits as unknown as { waiting: Set<unknown> }).waiting;
  const values = held[Symbol.iterator];
  held[Symbol.iterator] = () => {
    looked += held.size;
    return values.call(held);
  };
  const each = Array.from({ length: 5_000 }, (_, i) => {
    const wait = waits.wait(1, 0, 5_000 - i, waiterOf());
    assert.equal(waits.nextDeadline(), 5_000 - i);
    return wait;
  });
  for (const wait of each) {
    wait.cancel();
    assert.ok(waits.nextDeadline() > 0);
  }
  assert.deepEqual([looked, waits.nextDeadline()], [0, NEVER]);
});

test('an owner that hears of an ejection reads there when the trial is due', () => {
  const due: number[] = [];
  const table = new ProviderTable(SERVICE, providerSettings(), {
    ejected: () => due.push(table.nextDeadline()),
    readmitted: () => {},
    released: () => {},
  });
  table.update([peerOf(1)], 0);
  table.begin(table.offered(0)[0]!, 0).end('unreachable', 5);
  assert.deepEqual(due, [1_005]);
});

test('an ejected provider ends a wait once its trial has succeeded: before, it is there for one call alone', () => {
  const { table, call } = tableOf();
  table.update([peerOf(1)], 0);
  call(1, 'unreachable', 0);
  const waiter = waiterOf();
  table.wait(1, 5_000, waiter, 0);
  const due = table.nextDeadline();
  table.tick(due);
  const early = waiterOf();
  table.wait(1, 5_000, early, due);
  const trial = table.takeProbe(due);
  assert.deepEqual([waiter.told, early.told], [[], []]);
  trial?.end('answered', due + 5);
  assert.deepEqual([waiter.told, early.told, table.nextDeadline()], [[1], [1], NEVER]);
});

test('a stream that is the trial of an ejected provider ends that once it is taken: others need not wait for its end', () => {
  const { table, call, told } = tableOf();
  table.update([peerOf(1)], 0);
  for (let n = 0; n < 3; n++) call(1, 'failed', 0);
  const due = table.nextDeadline();
  const stream = table.begin(table.offered(due)[0]!, due);
  assert.deepEqual(table.offered(due), []);
  stream.taken(due + 5);
  stream.taken(due + 6);
  assert.deepEqual([table.offered(due + 5).length, told.slice(1)], [1, [`readmitted ${ip(1)}`]]);
  stream.end('failed', due + 90_000);
  assert.equal(table.offered(due + 90_000).length, 1, 'its failure is one as any other');
  for (let n = 0; n < 2; n++) call(1, 'failed', due + 90_000);
  assert.deepEqual(table.offered(due + 90_000), []);
});

test('[case-47] closed: nobody is on offer, who waits is told, and what is under way may end', () => {
  const { table, told, offered } = tableOf();
  table.update([peerOf(1)], 0);
  const call = table.begin(table.offered(0)[0]!, 0);
  const [before, after] = [waiterOf(), waiterOf()];
  table.wait(2, 100, before, 0);
  table.close();
  table.close();
  table.wait(0, 100, after, 0);
  table.update([peerOf(1)], 1);
  call.end('unreachable', 2);
  assert.deepEqual([offered(2), before.told, after.told, told], [[], ['closed'], ['closed'], []]);
  assert.equal(
    table.pick(roundRobin(), { procedure: 'p', mayProbe: true }, 2, () => 0),
    undefined,
  );
  assert.equal(table.nextDeadline(), NEVER);
});

test('settings and numbers outside their range are invalid-config', () => {
  const isInvalid = (error: unknown) => DomusError.is(error) && error.kind === 'invalid-config';
  const wrong = [
    { ejectAfter: -1 },
    { ejectionTime: 0 },
    { maxEjectionTime: 999 },
    { ejectAftr: 3 },
    { ejectAfter: '3' },
  ];
  for (const given of wrong) assert.throws(() => providerSettings(given as never), isInvalid);
  assert.equal(providerSettings({ ejectionTime: 60_000 }).maxEjectionTime, 60_000);
  const { table } = tableOf();
  for (const wanted of [-1, 1.5, Number.NaN, 100_001]) {
    assert.throws(() => table.wait(wanted, 1, waiterOf(), 0), isInvalid);
  }
});

test('under any course of events the list is who may be called, counts return to 0, and nothing is kept', () => {
  const event = fc.record({
    kind: fc.constantFrom('update', 'begin', 'end', 'probe', 'seen', 'tick'),
    which: fc.nat(5),
    peers: fc.uniqueArray(fc.nat(5), { maxLength: 6 }),
    outcome: fc.constantFrom<CallOutcome>('answered', 'failed', 'unreachable', 'given-up'),
    after: fc.constantFrom(0, 1, 500, 5_000),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120 }), (events) => {
      const { table } = tableOf();
      const open: { end(outcome: CallOutcome, now: number): void }[] = [];
      let now = 0;
      let listed: readonly number[] = [];
      for (const { kind, which, peers, outcome, after } of events) {
        now += after;
        const offer = table.offered(now);
        if (kind === 'update') {
          listed = peers;
          table.update(
            peers.map((n) => peerOf(n)),
            now,
          );
        } else if (kind === 'begin' && offer.length > 0) open.push(table.begin(offer[which % offer.length]!, now));
        else if (kind === 'end') open.splice(which, 1)[0]?.end(outcome, now);
        else if (kind === 'probe') open.push(...[table.takeProbe(now)].filter((probe) => probe !== undefined));
        else if (kind === 'seen') table.seen(ip(which), now);
        else table.tick(now);
        const addresses = table.offered(now).map(({ address }) => address);
        assert.deepEqual(addresses, [...new Set(addresses)].sort());
        assert.ok(addresses.every((address) => listed.some((n) => ip(n) === address)));
        assert.ok(table.nextDeadline() > now);
      }
      for (const call of open) call.end('answered', now);
      for (let n = 0; n <= 5; n++) assert.equal(table.loadOf(ip(n), now).inFlight, 0);
      // Whoever is listed comes back, whatever happened to it.
      for (let probe = table.takeProbe(now + 60_000); probe !== undefined; probe = table.takeProbe(now + 60_000)) {
        probe.end('answered', now + 60_000);
      }
      assert.equal(table.offered(now + 60_000).length, listed.length);
    }),
    { seed: 6, numRuns: 500 },
  );
});
