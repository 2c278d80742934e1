// The pieces beside this file, at work on an imperium (fabric) in memory.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Imperium } from '@flaminia/domus/services';
import { type MemoryImperium, memoryImperium } from '@flaminia/domus/testing';
import { takeOne } from './call.ts';
import { clients } from './choose.ts';
import { forgetEverywhere } from './everybody.ts';
import { offerStock } from './offer.ts';
import { openShop, Shop } from './onwards.ts';
import { Stock } from './stock.ts';
import { bringAll, firstInStock, waitForStock } from './streams.ts';
import { offerPrices, PricesV1, PricesV2, progress } from './versions.ts';

const never = new AbortController().signal;

/** Nodes that know each other: the first one provides, the last one calls. */
async function nodes(t: TestContext, ...names: string[]): Promise<{ world: MemoryImperium; imperia: Imperium[] }> {
  const world = memoryImperium();
  const all = await Promise.all(names.map((name) => world.domus(name)));
  const seeds = [all[0]!.address];
  const imperia = await Promise.all(all.map((domus) => Imperium.join(domus, { seeds })));
  t.after(async () => {
    const leaving = Promise.all(imperia.map((each) => each.leave({ drainTimeout: 0 })));
    await world.advance(30_000);
    await leaving;
    await world.close();
  });
  await world.advance(1_000);
  return { world, imperia };
}

test('a service is offered, called, and refuses in its own words', async (t) => {
  const { world, imperia } = await nodes(t, 'stock-1', 'till-1');
  const [provider, caller] = imperia as [Imperium, Imperium];
  const provision = await offerStock(provider, new Map([['desk', 1]]));
  await world.advance(1_000);
  assert.equal(await takeOne(caller, 'desk', never), '0 left');
  assert.equal(await takeOne(caller, 'desk', never), 'sold out');
  await assert.rejects(caller.client(Stock).take({ item: 'desk', count: 1 }), { details: { left: 0 } });
  const { quick, loyal } = clients(caller);
  assert.deepEqual(await quick.level({ item: 'desk' }), { item: 'desk', count: 0 });
  assert.deepEqual(await loyal.level({ item: 'desk' }, { key: 'desk' }), { item: 'desk', count: 0 });
  await provision.close();
  await world.advance(1_000);
  const late = takeOne(caller, 'desk', never);
  await world.advance(10_000);
  assert.equal(await late, 'nobody offers it');
});

test('streams of every kind', async (t) => {
  const { world, imperia } = await nodes(t, 'stock-1', 'till-1');
  const [provider, caller] = imperia as [Imperium, Imperium];
  await offerStock(provider, new Map());
  await world.advance(1_000);
  const stock = caller.client(Stock);
  const waiting = waitForStock(stock, 'lamp', never);
  await world.advance(10);
  assert.equal(await bringAll(stock, ['lamp', 'desk', 'lamp']), 3);
  assert.ok([1, 2].includes(await waiting));
  assert.equal(await firstInStock(stock, ['moon', 'desk', 'lamp']), 'desk');
  const stop = new AbortController();
  const endless = waitForStock(stock, 'moon', stop.signal);
  await world.advance(10);
  stop.abort();
  await assert.rejects(endless, { code: 'cancelled' });
});

test('a call to everybody, and a handler that calls on', async (t) => {
  const { world, imperia } = await nodes(t, 'stock-1', 'stock-2', 'shop-1', 'till-1');
  const [one, two, shop, till] = imperia as [Imperium, Imperium, Imperium, Imperium];
  const levels = [new Map([['desk', 5]]), new Map([['desk', 5]])];
  await offerStock(one, levels[0]!);
  await offerStock(two, levels[1]!);
  await openShop(shop);
  await world.advance(1_000);
  assert.deepEqual(await till.client(Shop).buy({ item: 'desk' }), { left: 4 });
  assert.deepEqual(await forgetEverywhere(till, 'desk'), ['stock-1: fulfilled', 'stock-2: fulfilled']);
  assert.deepEqual(
    levels.map(({ size }) => size),
    [0, 0],
  );
});

test('two versions live side by side until nobody offers the old one', async (t) => {
  const { world, imperia } = await nodes(t, 'prices-1', 'till-1');
  const [provider, caller] = imperia as [Imperium, Imperium];
  await offerPrices(provider);
  await world.advance(1_000);
  assert.equal(await caller.client(PricesV1).quote({ item: 'desk' }), 400);
  assert.deepEqual(await caller.client(PricesV2).quote({ item: 'desk', currency: 'CHF' }), {
    cents: 380,
    currency: 'CHF',
  });
  assert.equal(progress(caller), '1 of 1 still offer v1');
});
