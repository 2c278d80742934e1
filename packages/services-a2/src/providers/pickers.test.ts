import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import fc from 'fast-check';
import { leastLoaded } from './core/least-loaded.ts';
import { random } from './core/random-picker.ts';
import { roundRobin } from './core/round-robin.ts';
import { sticky } from './core/sticky.ts';
import { type PickContext, type Picker, type ProviderLoad, pickProvider } from './picker.ts';
import type { Provider } from './provider.ts';

const providerAt = (address: string): Provider =>
  Object.freeze({ address: address as DomusAddr, nodeId: undefined, health: 'healthy', metadata: {} });
const providersAt = (...addresses: string[]): readonly Provider[] => Object.freeze(addresses.map(providerAt));

/** Numbers that are the same in every run. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
}

function contextOf(more: Partial<PickContext> = {}): PickContext {
  return {
    service: 'identity/v1',
    procedure: 'getUser',
    random: dice(1),
    loadOf: () => ({ inFlight: 0, latencyMs: undefined }),
    ...more,
  };
}

const pickMany = (picker: Picker, peers: readonly Provider[], count: number, call = contextOf()): string[] =>
  Array.from({ length: count }, () => pickProvider(picker, peers, call)?.address ?? 'none');

const countOf = (picks: readonly string[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const address of picks) counts.set(address, (counts.get(address) ?? 0) + 1);
  return counts;
};

test('[case-41] [case-70] three stable providers get equal shares in a fixed order', () => {
  const picks = pickMany(roundRobin(), providersAt('c', 'a', 'b'), 9);
  assert.deepEqual(picks, ['a', 'b', 'c', 'a', 'b', 'c', 'a', 'b', 'c']);
});

test('[case-41] round robin: over any stable list and in any whole number of rounds, shares are equal', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 40 }), fc.nat(20), (addresses, rounds) => {
      const picks = pickMany(roundRobin(), providersAt(...addresses), rounds * addresses.length);
      assert.ok([...countOf(picks).values()].every((count) => count === rounds));
    }),
    { seed: 3, numRuns: 200 },
  );
});

test('round robin: while providers come and go, those that stay differ by one pick at most', () => {
  const changes = fc.array(fc.tuple(fc.uniqueArray(fc.integer({ min: 0, max: 9 })), fc.nat(7)), { maxLength: 60 });
  fc.assert(
    fc.property(changes, (steps) => {
      const picker = roundRobin();
      const stable = ['0s', '3s', '5s', '9s'];
      const picks = steps.flatMap(([others, count]) => {
        const peers = [...stable, ...others.map((n) => `${n}x`)].map(providerAt);
        return pickMany(picker, count % 2 === 0 ? peers : Object.freeze(peers), count);
      });
      const counts = countOf(picks);
      const shares = stable.map((address) => counts.get(address) ?? 0);
      assert.ok(Math.max(...shares) - Math.min(...shares) <= 1, String(shares));
    }),
    { seed: 4, numRuns: 300 },
  );
});

test('round robin: each service has its own round, and a list that is changed in place is noticed', () => {
  const picker = roundRobin();
  const peers = providersAt('a', 'b');
  assert.deepEqual(pickMany(picker, peers, 1), ['a']);
  assert.deepEqual(pickMany(picker, peers, 1, contextOf({ service: 'other/v1' })), ['a']);
  const list = [providerAt('b'), providerAt('a')];
  assert.deepEqual(pickMany(picker, list, 1), ['b']);
  list.push(providerAt('c'));
  assert.deepEqual(pickMany(picker, list, 2), ['c', 'a']);
});

test('what a call has been tried at is not picked again', () => {
  const peers = providersAt('a', 'b', 'c');
  for (const picker of [roundRobin(), random(), leastLoaded(), sticky()]) {
    const exclude = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const picked = pickProvider(picker, peers, contextOf({ exclude, key: 'k' }))!;
      assert.equal(exclude.has(picked.address), false);
      exclude.add(picked.address);
    }
    assert.equal(pickProvider(picker, peers, contextOf({ exclude, key: 'k' })), undefined);
  }
});

test('[case-70] an empty list gives nobody, and the picker is not asked', () => {
  const picker: Picker = { pick: () => assert.fail('asked') };
  assert.equal(pickProvider(picker, [], contextOf()), undefined);
});

test('[case-70] a custom picker sees the snapshot and the call; wrong answers are a typed error', async () => {
  const peers = providersAt('a', 'b');
  const seen: unknown[] = [];
  const last: Picker = {
    pick(list, call) {
      seen.push(list, call.procedure);
      return list.at(-1);
    },
  };
  assert.equal(pickProvider(last, peers, contextOf()), peers[1]);
  assert.deepEqual(seen, [peers, 'getUser']);
  assert.equal(pickProvider({ pick: () => undefined }, peers, contextOf()), undefined);
  // A rejection that nobody took notice of would end the process here.
  const late = Promise.reject(new Error('late'));
  const wrong: unknown[] = [providerAt('a'), 'a', null, Promise.resolve(peers[0]), late, 0];
  for (const answer of wrong) {
    assert.throws(
      () => pickProvider({ pick: () => answer as Provider }, peers, contextOf()),
      (error) => DomusError.is(error) && error.kind === 'invalid-config' && error.detail === 'picker',
    );
  }
  const cause = new Error('mine');
  const throwing: Picker = {
    pick() {
      throw cause;
    },
  };
  assert.throws(
    () => pickProvider(throwing, peers, contextOf()),
    (error) => DomusError.is(error) && error.detail === 'picker' && error.cause === cause,
  );
  await new Promise((resolve) => setImmediate(resolve));
});

test('random: everybody is drawn about equally often, and a seed draws the same row again', () => {
  const peers = providersAt('a', 'b', 'c', 'd');
  const picks = pickMany(random({ seed: 7 }), peers, 4_000);
  assert.deepEqual(pickMany(random({ seed: 7 }), peers, 4_000), picks);
  assert.notDeepEqual(pickMany(random({ seed: 8 }), peers, 4_000), picks);
  for (const count of countOf(picks).values()) assert.ok(count > 900 && count < 1_100, String(count));
  const edge = (number: number) => pickProvider(random(), peers, contextOf({ random: () => number }))?.address;
  assert.deepEqual([edge(0), edge(0xffff_ffff)], ['a', 'd']);
  assert.throws(() => random({ seed: -1 }), /seed must be/);
});

test('least loaded: fewer calls under way and shorter answers win, and the unmeasured are tried', () => {
  const peers = providersAt('a', 'b');
  const choose = (a: ProviderLoad, b: ProviderLoad) => {
    const loads = new Map([
      ['a', a],
      ['b', b],
    ]);
    return countOf(pickMany(leastLoaded(), peers, 50, contextOf({ loadOf: ({ address }) => loads.get(address)! })));
  };
  const load = (inFlight: number, latencyMs?: number): ProviderLoad => ({ inFlight, latencyMs });
  assert.deepEqual(choose(load(0, 10), load(0, 50)), new Map([['a', 50]]));
  assert.deepEqual(choose(load(9, 10), load(0, 50)), new Map([['b', 50]]));
  assert.deepEqual(choose(load(3, 0), load(2, 0)), new Map([['b', 50]]));
  assert.deepEqual(choose(load(3, 10), load(2)), new Map([['b', 50]]));
  assert.deepEqual(choose(load(2, 10), load(2)), new Map([['b', 50]]));
  assert.equal(choose(load(0), load(0)).size, 2, 'equal ones are drawn');
});

test('least loaded: load of ten providers stays within a few calls of even', () => {
  const peers = providersAt(...'abcdefghij');
  const inFlight = new Map<string, number>();
  const call = contextOf({ loadOf: ({ address }) => ({ inFlight: inFlight.get(address) ?? 0, latencyMs: 5 }) });
  for (let i = 0; i < 1_000; i++) {
    const { address } = pickProvider(leastLoaded(), peers, call)!;
    inFlight.set(address, (inFlight.get(address) ?? 0) + 1);
  }
  const loads = [...inFlight.values()];
  assert.ok(Math.max(...loads) - Math.min(...loads) <= 12, String(loads));
});

test('sticky: one key, one provider; whoever leaves takes only its own keys along, and a newcomer takes a fair share', () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(names, fc.nat(), fc.array(fc.string(), { maxLength: 60 }), (addresses, which, keys) => {
      const picker = sticky();
      const gone = addresses[which % addresses.length]!;
      const all = providersAt(...addresses);
      const left = all.filter(({ address }) => address !== gone).reverse();
      for (const key of keys) {
        const before = pickProvider(picker, all, contextOf({ key }))!.address;
        const after = pickProvider(sticky(), left, contextOf({ key }))!.address;
        if (before !== gone) assert.equal(after, before);
      }
    }),
    { seed: 5, numRuns: 300 },
  );
  const addresses = Array.from({ length: 10 }, (_, i) => `tcp://10.0.0.${i + 1}:7000`);
  const keys = Array.from({ length: 20_000 }, (_, i) => `user-${i}`);
  const keysAt = countOf(
    keys.map((key) => pickProvider(sticky(), providersAt(...addresses), contextOf({ key }))!.address),
  );
  for (const count of keysAt.values()) assert.ok(count > 1_800 && count < 2_200, String([...keysAt]));
});

test('sticky: a key of its own making; without a key any provider', () => {
  const peers = providersAt('a', 'b', 'c', 'd', 'e');
  const byProcedure = sticky((call) => call.procedure);
  assert.equal(countOf(pickMany(byProcedure, peers, 20)).size, 1);
  assert.ok(countOf(pickMany(sticky(), peers, 50)).size > 1);
  assert.equal(countOf(pickMany(sticky(), peers, 20, contextOf({ key: '' }))).size, 1, 'an empty key is a key');
});

test('sticky: clients of different releases agree', () => {
  const peers = providersAt(...[1, 2, 3, 4, 5].map((n) => `tcp://10.0.0.${n}:7000`));
  const hosts = ['', 'a', 'user-1', 'user-2', 'schlüssel', '🔑'].map(
    (key) => pickProvider(sticky(), peers, contextOf({ key }))!.address,
  );
  const numbers = hosts.map((address) => Number(/(\d):7000$/.exec(address)?.[1]));
  assert.deepEqual(numbers, [5, 4, 2, 1, 1, 2]);
});
