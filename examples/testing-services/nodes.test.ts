// Two nodes in memory, whose connections and whose time are in the hands of the test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowList, Imperium, nodeType } from '@flaminia/domus/services';
import { memoryImperium } from '@flaminia/domus/testing';
import { Prices, pricesFrom } from './prices.ts';

test('a provider is lost and found again, and a stranger is refused', async () => {
  const world = memoryImperium();
  const [shop, till] = [await world.domus('shop-1'), await world.domus('till-1', { nodeType: 'staff' })];
  const provider = await Imperium.join(shop);
  const caller = await Imperium.join(till, { seeds: [shop.address] });
  const stranger = await Imperium.join(await world.domus('stranger'), { seeds: [shop.address] });
  await provider.provide(Prices, pricesFrom(new Map([['desk', 10_000]])), {
    verifier: allowList(Prices, { quote: [nodeType('staff')] }),
  });
  await world.advance(1_000); // they find each other

  const prices = caller.client(Prices);
  assert.equal(await prices.quote({ item: 'desk' }), 9_000);
  world.cut(shop, till);
  const lost = assert.rejects(prices.quote({ item: 'desk' }), { code: 'unavailable' });
  await world.advance(5_000);
  await lost;
  world.heal();
  await world.advance(5_000);
  assert.equal(await prices.quote({ item: 'desk' }), 9_000);

  await assert.rejects(stranger.client(Prices).quote({ item: 'desk' }), { code: 'unauthorized' });

  const leaving = Promise.all([caller, stranger, provider].map((each) => each.leave()));
  await world.advance(10_000);
  await leaving;
  await world.close();
});
