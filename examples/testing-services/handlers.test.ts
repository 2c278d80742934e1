// Handlers alone: no node, no port, no certificate. The rest is that of a real call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inProcessClient } from '@flaminia/domus/testing';
import { Prices, pricesFrom } from './prices.ts';

const handlers = pricesFrom(new Map([['desk', 10_000]]));
const prices = inProcessClient(Prices, handlers, { caller: { nodeId: 'till-1', nodeType: 'staff' } });

test('staff pays less', async () => {
  assert.equal(await prices.quote({ item: 'desk' }), 9_000);
});

test('errors are those of a call', async () => {
  await assert.rejects(prices.quote({ item: 'moon' }), { code: 'not-found', message: 'there is no moon' });
  await assert.rejects(prices.quote({ item: '' }), { code: 'invalid-argument' });
});
