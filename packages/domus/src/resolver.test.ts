import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import { bytes } from './bytes.ts';
import { endpoint, tabernaId } from './endpoint.ts';
import { type RouteResolver, SimpleResolver } from './resolver.ts';

const orders = endpoint('orders', bytes());
const here = 'tcp://127.0.0.1:7000';
const there = 'tcp://127.0.0.1:7001';

test('[api-27] routes are found from endpoints, names and numbers alike', () => {
  const resolver = new SimpleResolver([
    [orders, here],
    ['files', there],
    [7, here],
    [8n, there],
  ]);
  assert.equal(resolver.resolve(orders.id), here);
  assert.equal(resolver.resolve(tabernaId('files')), there);
  assert.equal(resolver.resolve(7n), here);
  assert.equal(resolver.resolve(8n), there);
  assert.equal(resolver.resolve(9n), undefined);
  assert.deepEqual(
    [...resolver.entries()],
    [
      [orders.id, here],
      [tabernaId('files'), there],
      [7n, here],
      [8n, there],
    ],
  );
});

test('[api-27] set replaces, delete removes, and an endpoint and its name are one key', () => {
  const resolver = new SimpleResolver().set(orders, here).set('orders', there);
  assert.equal(resolver.resolve(orders.id), there);
  assert.equal(resolver.delete(orders.id), true);
  assert.equal(resolver.delete(orders), false);
  assert.equal(resolver.resolve(orders.id), undefined);
});

test('[api-27] addresses are kept in canonical form', () => {
  const resolver = new SimpleResolver([[orders, 'tcp://[2001:0DB8:0:0::1]:7000']]);
  assert.equal(resolver.resolve(orders.id), 'tcp://[2001:db8::1]:7000');
});

test('[api-27] the version rises with each change, and only then', () => {
  const resolver = new SimpleResolver([[orders, here]]);
  const seen = [resolver.version];
  const step = (change: () => unknown) => {
    change();
    seen.push(resolver.version);
  };
  step(() => resolver.set(orders, there));
  step(() => resolver.set(orders, there));
  step(() => resolver.delete('files'));
  step(() => resolver.delete(orders));
  assert.deepEqual(seen, [1, 2, 2, 2, 3]);
});

test('[api-27] a wrong address or key is invalid-config and changes nothing', () => {
  const resolver = new SimpleResolver([[orders, here]]);
  const before = resolver.version;
  const invalid = (error: unknown) => DomusError.is(error) && (error as DomusError).kind === 'invalid-config';
  assert.throws(() => resolver.set(orders, 'tcp://localhost:1' as DomusAddr), invalid);
  assert.throws(() => resolver.set(-1, there), invalid);
  assert.throws(() => resolver.set({} as unknown as string, there), invalid);
  assert.throws(() => new SimpleResolver([[null as unknown as string, there]]), invalid);
  assert.equal(resolver.version, before);
  assert.equal(resolver.resolve(orders.id), here);
});

test('[api-26] types: an application can write its own resolver, synchronous or not', () => {
  const fixed: RouteResolver = { resolve: () => here };
  const asked: RouteResolver = { resolve: async (_id, { signal }) => (signal.aborted ? undefined : there) };
  // @ts-expect-error: a route leads to a DomusAddr
  const wrong: RouteResolver = { resolve: () => 'localhost' };
  assert.equal([fixed, asked, wrong].length, 3);
});
