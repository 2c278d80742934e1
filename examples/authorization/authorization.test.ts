// The pieces beside this file, at work on an imperium (fabric) in memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Imperium } from '@flaminia/domus/services';
import { inProcessClient, memoryImperium } from '@flaminia/domus/testing';
import { Accounts } from './accounts.ts';
import { offerAccounts } from './guard.ts';
import { officeHours } from './own-rule.ts';
import { Orders, takeOrders, verifier } from './taberna.ts';

const handlers = { balance: () => 7, close: () => null };
const refused = { code: 'unauthorized' };
const of = { account: 'a' };

test('an allow list lets in who is listed', async () => {
  const world = memoryImperium();
  const bank = await Imperium.join(await world.domus('bank-1'));
  await offerAccounts(bank, handlers);
  const seeds = [bank.address];
  const gateway = await Imperium.join(await world.domus('gateway-1', { nodeType: 'gateway' }), { seeds });
  const admin = await Imperium.join(await world.domus('admin-1'), { seeds });
  const other = await Imperium.join(await world.domus('other'), { seeds });
  await world.advance(1_000);
  assert.equal(await gateway.client(Accounts).balance(of), 7);
  await assert.rejects(gateway.client(Accounts).close(of), refused);
  assert.equal(await admin.client(Accounts).close(of), null);
  await assert.rejects(other.client(Accounts).balance(of), refused);
  const leaving = Promise.all([gateway, admin, other, bank].map((each) => each.leave()));
  await world.advance(30_000);
  await leaving;
  await world.close();
});

test('one list guards inboxes and services', async () => {
  const world = memoryImperium();
  const [taker, shop, other] = [
    await world.domus('taker'),
    await world.domus('shop-1', { nodeType: 'shop' }),
    await world.domus('other'),
  ];
  const taken: number[] = [];
  await takeOrders(taker, (id) => taken.push(id));
  await shop.send(Orders, { id: 1 });
  await assert.rejects(other.send(Orders, { id: 2 }), { kind: 'remote-taberna-rejected' });
  assert.deepEqual(taken, [1]);
  const admin = inProcessClient(Accounts, handlers, { caller: { nodeId: 'admin-1' }, verifier });
  assert.equal(await admin.close(of), null);
  await world.close();
});

test('a rule of its own', async () => {
  let hour = 7;
  const clerk = inProcessClient(Accounts, handlers, {
    caller: { nodeId: 'clerk-1', nodeType: 'office' },
    verifier: officeHours(() => hour),
  });
  assert.equal(await clerk.balance(of), 7);
  await assert.rejects(clerk.close(of), refused);
  hour = 9;
  assert.equal(await clerk.close(of), null);
});
