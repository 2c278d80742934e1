// Testing an application: an imperium (fabric) in memory, with outages and time in the hands of the test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryImperium } from '@flaminia/domus/testing';
import { Orders, placeOrder } from './shop.ts';

test('an order is placed, or refused', async () => {
  const world = memoryImperium();
  const [customer, shop] = [await world.domus('customer'), await world.domus('shop')];
  await shop.serve(Orders, (order, request) => {
    assert.equal(request.from.nodeId, 'customer');
    if (order.id > 99) request.reject();
  });
  assert.equal(await placeOrder(customer, 1), 'placed');
  assert.equal(await placeOrder(customer, 100), 'refused');
  await world.close();
});

test('an order outlives an outage, and is placed once', async () => {
  const world = memoryImperium();
  const [customer, shop] = [await world.domus('customer'), await world.domus('shop')];
  const placed: number[] = [];
  await shop.serve(Orders, (order) => void placed.push(order.id));
  world.cut(customer, shop);
  const order = placeOrder(customer, 1);
  await world.advance(35_000); // longer than `sendTimeout`: the first attempt fails, the second waits
  world.heal();
  await world.advance(5_000);
  assert.equal(await order, 'placed');
  assert.deepEqual(placed, [1]);
  await world.close();
});
