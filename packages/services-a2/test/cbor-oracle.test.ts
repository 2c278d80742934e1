/** `cbor()` beside cborg: what either writes the other reads, and of hostile bytes both read the same or ours refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import { encode } from 'cborg';
import fc from 'fast-check';
import { type CborRefusal, refuseCbor } from '../src/values/cbor-guard.ts';
import { decodeCbor, encodeCbor } from '../src/values/cbor-values.ts';
import { dice, hostileMessage } from './cbor-corpus.ts';
import { comparable, comparableOracle, isWellFormed, oracleDecode } from './cbor-oracle.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 90 }).filter((value) => !value.startsWith('\ufeff'));
const key = text.filter((value) => value !== '__proto__' && value !== 'constructor');
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(null, undefined, true, false),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 64n) + 1n, max: 2n ** 64n - 1n }),
    text,
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(key, tie('value'), { maxKeys: 30 }),
  ),
}));

test('[api-16] cborg reads what cbor() writes', () => {
  fc.assert(
    fc.property(values, (value) => {
      const payload = encodeCbor(value);
      assert.deepEqual(comparableOracle(oracleDecode(payload)), comparable(value));
    }),
    { seed: 1, numRuns: 1000 },
  );
});

test('[api-16] cbor() reads what cborg writes', () => {
  fc.assert(
    fc.property(values, (value) => {
      assert.deepEqual(comparable(decodeCbor(encode(value))), comparable(value));
    }),
    { seed: 2, numRuns: 1000 },
  );
});

test('[api-16] cbor() gives back what it was given, dates, maps, sets, typed arrays and large bigints included', () => {
  const rich = fc.oneof(
    values,
    fc.date({ noInvalidDate: true, min: new Date(-(2 ** 51)), max: new Date(2 ** 51) }),
    fc.bigInt({ min: -(2n ** 256n), max: 2n ** 256n - 1n }),
    fc.array(fc.tuple(values, values), { maxLength: 8 }).map((entries) => new Map(entries)),
    fc.array(values, { maxLength: 8 }).map((list) => new Set(list)),
    fc.float64Array({ maxLength: 20 }),
    fc.bigInt64Array({ maxLength: 20 }),
    fc.uint16Array({ maxLength: 20 }),
  );
  const withoutNegativeZero = (value: unknown) => (Object.is(value, -0) ? 0 : value);
  fc.assert(
    fc.property(fc.array(rich, { maxLength: 5 }), (message) => {
      const payload = encodeCbor(message);
      assert.deepEqual(comparable(decodeCbor(payload)), comparable(message.map(withoutNegativeZero)));
      assert.deepEqual(comparableOracle(oracleDecode(payload)), comparable(message));
    }),
    { seed: 3, numRuns: 1000 },
  );
});

test('[api-19] hostile bytes: what the guard passes is read alike by both, and what it calls broken is broken', () => {
  const broken = new Set<CborRefusal>(['malformed', 'truncated', 'trailing-bytes']);
  const seen = new Map<CborRefusal | 'passed', number>();
  const roll = dice(4);
  for (let round = 0; round < 30_000; round++) {
    const message = hostileMessage(roll);
    const hex = Buffer.from(message).toString('hex');
    const refusal = refuseCbor(message);
    seen.set(refusal ?? 'passed', (seen.get(refusal ?? 'passed') ?? 0) + 1);
    if (refusal === undefined) {
      assert.equal(isWellFormed(message), true, hex);
      assert.deepEqual(comparable(decodeCbor(message)), comparableOracle(oracleDecode(message)), hex);
      continue;
    }
    assert.throws(() => decodeCbor(message), { name: 'DomusError', kind: 'decode-failure', detail: refusal }, hex);
    if (broken.has(refusal)) assert.equal(isWellFormed(message), false, `${refusal} ${hex}`);
  }
  // the stream really has something of everything
  for (const outcome of [
    ...broken,
    'passed',
    'simple-value',
    'tag',
    'tag-content',
    'key',
    'reserved-key',
    'text',
  ] as const) {
    assert.ok((seen.get(outcome) ?? 0) >= 25, `${outcome}: ${seen.get(outcome)}`);
  }
});

test('[api-19] random bytes end in a value or in decode-failure, nothing else', () => {
  const roll = dice(5);
  let values = 0;
  for (let round = 0; round < 30_000; round++) {
    const message = Uint8Array.from({ length: roll(24) }, () => roll(256));
    try {
      decodeCbor(message);
      values += 1;
    } catch (error) {
      assert.ok(DomusError.is(error) && error instanceof DomusError && error.kind === 'decode-failure');
    }
  }
  assert.ok(values > 100);
});
