import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { MessageCodec } from './codec.ts';
import { type AnyEndpoint, type Endpoint, endpoint, tabernaId } from './endpoint.ts';

interface Order {
  readonly item: string;
}

const codec: MessageCodec<Order, string> = {
  encode: (order) => ({ type: 0x0100_0000, payload: Buffer.from(order.item) }),
  decode: (encoded) => Buffer.from(encoded.payload).toString(),
};

test('[api-13] [case-78] a name becomes the first 8 bytes of its SHA-256, big-endian', () => {
  // the known digest of "abc" begins ba7816bf 8f01cfea
  assert.equal(tabernaId('abc'), 0xba7816bf8f01cfean);
  const name = 'Bestellungen/Größe 🛶';
  assert.equal(tabernaId(name), BigInt(`0x${createHash('sha256').update(name, 'utf8').digest('hex').slice(0, 16)}`));
});

test('[api-12] an endpoint holds its id whole and in halves', () => {
  const orders = endpoint('abc', codec);
  assert.deepEqual(
    { ...orders },
    { kind: 'message', id: 0xba7816bf8f01cfean, name: 'abc', codec, idHi: 0xba7816bf, idLo: 0x8f01cfea },
  );
  const ends: [bigint | number, number, number][] = [
    [0, 0, 0],
    [0n, 0, 0],
    [2n ** 64n - 1n, 0xffff_ffff, 0xffff_ffff],
    [Number.MAX_SAFE_INTEGER, 0x001f_ffff, 0xffff_ffff],
    [0x8000_0000, 0, 0x8000_0000],
  ];
  for (const [id, idHi, idLo] of ends) {
    const byNumber = endpoint(id, codec);
    assert.deepEqual([byNumber.id, byNumber.idHi, byNumber.idLo, byNumber.name], [BigInt(id), idHi, idLo, undefined]);
  }
});

test('[api-12] endpoints are frozen and have one shape, named or not', () => {
  const named = endpoint('orders', codec);
  const numbered = endpoint(7n, codec);
  assert.ok(Object.isFrozen(named) && Object.isFrozen(numbered));
  assert.deepEqual(Object.keys(named), Object.keys(numbered));
});

test('[api-12] ids outside their range are invalid-config', () => {
  const bad = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -1n, 2n ** 64n, '', 'half \ud800', null, {}];
  for (const id of bad) {
    assert.throws(() => endpoint(id as string, codec), { code: 'invalid-config' }, String(id));
  }
  assert.throws(() => endpoint(2n ** 64n, codec), /a bigint of 0 to 2\^64 - 1 .*, got 18446744073709551616n/);
  assert.throws(() => tabernaId(7 as unknown as string), { code: 'invalid-config' });
});

test('[api-12] a codec that is none is invalid-config', () => {
  for (const bad of [undefined, null, {}, { encode: codec.encode }]) {
    assert.throws(() => endpoint('orders', bad as typeof codec), { code: 'invalid-config' });
  }
});

test('[api-12] types: an endpoint carries the types of its codec', () => {
  const orders: Endpoint<Order, string> = endpoint('orders', codec);
  const any: AnyEndpoint = orders;
  assert.equal(any.id, orders.id);
  // @ts-expect-error: what arrives is a string
  const wrong: Endpoint<Order, number> = orders;
  assert.equal(wrong, orders as unknown);
});
