import assert from 'node:assert/strict';
import type { SrvRecord } from 'node:dns';
import { test } from 'node:test';
import { LOOKUP_LIMITS, type Look, lookUpSrv } from './srv-lookup.ts';

/** What a DNS server answers: values, or the code of an error. */
interface Zone {
  readonly srv: readonly SrvRecord[] | string;
  readonly txt?: string[][] | string;
  readonly a?: (name: string) => readonly string[] | string;
  readonly aaaa?: (name: string) => readonly string[] | string;
  readonly ttl?: (ip: string) => number;
}

const target = (name: string, port = 7): SrvRecord => ({ name, port, priority: 1, weight: 2 });

function look(
  zone: Zone,
  rest: Partial<Look> = {},
): { readonly look: Look; readonly asked: string[]; atOnce: () => number } {
  const asked: string[] = [];
  let [running, most] = [0, 0];
  const answer = async <T>(question: string, value: T | string): Promise<T> => {
    asked.push(question);
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    if (typeof value === 'string') throw Object.assign(new Error(value), { code: value });
    return value;
  };
  const addresses = async (question: string, ips: readonly string[] | string) => {
    const found = await answer(question, ips);
    return found.map((address) => ({ address, ttl: zone.ttl?.(address) ?? 60 }));
  };
  const resolver = {
    resolveSrv: (name: string) => answer(`SRV ${name}`, zone.srv),
    resolveTxt: (name: string) => answer(`TXT ${name}`, zone.txt ?? 'ENODATA'),
    resolve4: (name: string) => addresses(`A ${name}`, zone.a?.(name) ?? 'ENODATA'),
    resolve6: (name: string) => addresses(`AAAA ${name}`, zone.aaaa?.(name) ?? 'ENODATA'),
  } as unknown as Look['resolver'];
  const { signal } = new AbortController();
  return { look: { resolver, name: 'n.test', family: undefined, signal, ...rest }, asked, atOnce: () => most };
}

test('a target with addresses, the shortest time to live, and the texts', async () => {
  const srv = [target('a'), target('b', 8)];
  const zone: Zone = {
    srv,
    txt: [['x=1', 'y=2'], ['z=3']],
    a: () => ['10.0.0.1', '10.0.0.2'],
    ttl: (ip) => (ip.endsWith('2') ? 5 : 9),
  };
  assert.deepEqual(await lookUpSrv(look(zone).look), {
    kind: 'found',
    targets: [
      { ...target('a'), ips: ['10.0.0.1', '10.0.0.2'] },
      { ...target('b', 8), ips: ['10.0.0.1', '10.0.0.2'] },
    ],
    texts: ['x=1', 'y=2', 'z=3'].map((text) => Buffer.from(text)),
    ttl: 5,
    reason: undefined,
  });
});

test('absent is only a name that does not exist; anything else is a failure', async () => {
  for (const [srv, kind] of [
    ['ENOTFOUND', 'absent'],
    ['ENODATA', 'failed'],
    ['ESERVFAIL', 'failed'],
    ['ETIMEOUT', 'failed'],
    ['ESTRANGE', 'failed'],
    [[], 'failed'],
    [[target('')], 'failed'],
    [[target('a', 0)], 'failed'],
  ] as const) {
    assert.equal((await lookUpSrv(look({ srv }).look)).kind, kind, String(srv));
  }
});

test('IPv6 is looked for only where it is certain that there is no IPv4', async () => {
  const of = async (a: readonly string[] | string, family?: 4 | 6) => {
    const zone: Zone = { srv: [target('a')], a: () => a, aaaa: () => ['fd00::1'] };
    const outcome = await lookUpSrv(look(zone, { family }).look);
    assert.equal(outcome.kind, 'found');
    return outcome.kind === 'found' ? [outcome.targets[0]!.ips, outcome.reason !== undefined] : [];
  };
  assert.deepEqual(await of(['10.0.0.1']), [['10.0.0.1'], false]);
  assert.deepEqual(await of('ENODATA'), [['fd00::1'], false]);
  assert.deepEqual(await of(['0.0.0.0']), [['fd00::1'], false]);
  assert.deepEqual(await of('ESERVFAIL'), [undefined, true]);
  assert.deepEqual(await of('ENODATA', 4), [undefined, true]);
  assert.deepEqual(await of(['10.0.0.1'], 6), [['fd00::1'], false]);
});

test('a TXT record that is not there is no text; one that was not answered is unknown', async () => {
  for (const [txt, texts] of [
    ['ENODATA', []],
    ['ENOTFOUND', []],
    ['ESERVFAIL', undefined],
  ] as const) {
    const outcome = await lookUpSrv(look({ srv: [target('a')], txt, a: () => ['10.0.0.1'] }).look);
    assert.deepEqual(outcome.kind === 'found' && outcome.texts, texts);
  }
});

test('an enormous answer is looked at in part, a few names at a time, each once', async () => {
  const srv = Array.from({ length: 5_000 }, (_, i) => target(`h${i % 4_000}`, (i % 9) + 1));
  const ips = Array.from({ length: 5_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  const { look: big, asked, atOnce } = look({ srv, a: () => ips });
  const outcome = await lookUpSrv(big);
  assert.ok(outcome.kind === 'found');
  assert.equal(outcome.targets.length, LOOKUP_LIMITS.targets);
  assert.ok(outcome.targets.every((one) => one.ips?.length === LOOKUP_LIMITS.addressesPerTarget));
  assert.equal(new Set(asked).size, asked.length);
  assert.ok(atOnce() <= LOOKUP_LIMITS.atOnce);
});

test('once the signal ends, nothing more is asked', async () => {
  const stop = new AbortController();
  const srv = Array.from({ length: 100 }, (_, i) => target(`h${i}`));
  const a = (name: string): readonly string[] => {
    if (name === 'h20') stop.abort();
    return ['10.0.0.1'];
  };
  const { look: cut, asked } = look({ srv, a }, { signal: stop.signal });
  await lookUpSrv(cut);
  assert.ok(asked.length < 40, `${asked.length}`);
});
