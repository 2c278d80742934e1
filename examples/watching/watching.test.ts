// The pieces beside this file, at work on an imperium (fabric) in memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint, json } from '@flaminia/domus';
import { memoryImperium } from '@flaminia/domus/testing';
import { watchLog } from './channels.ts';
import { errorCollector } from './errors.ts';
import { watchEvents } from './events.ts';
import { quantile } from './quantile.ts';
import { rateMeter } from './rates.ts';

const Orders = endpoint('orders', json<number>());

test('counters, latencies, events, errors and the log of a domus', async () => {
  const world = memoryImperium();
  const [customer, shop] = [await world.domus('customer', { config: { sendQueueSize: 2 } }), await world.domus('shop')];
  const logged: string[] = [];
  const stopLog = watchLog((line) => logged.push(line));
  const [rates, errors] = [rateMeter(customer), errorCollector(shop)];
  await shop.serve(Orders, (order) => {
    if (order === 2) throw new Error('sold out');
  });
  await customer.send(Orders, 1);
  await assert.rejects(customer.send(Orders, 2));
  const [first, second] = [customer.send(Orders, 3), customer.send(Orders, 4)];
  await assert.rejects(customer.send(Orders, 5), { kind: 'local-queue-full' });
  await Promise.all([first, second]);
  assert.match(rates(), /failed: \{"remote-taberna-rejected":1,"local-queue-full":1\}/);
  assert.match(rates(), /^0 messages\/s out, failed: \{\}/);
  const { sendLatency } = customer.reporting.snapshot();
  assert.deepEqual([sendLatency.count, quantile(sendLatency, 0.99)], [3, 1]);
  assert.deepEqual([errors(), errors()], [['handler-failed : sold out'], []]);
  const events: string[] = [];
  const stop = new AbortController();
  const watching = watchEvents(shop, (line) => events.push(line), stop.signal);
  stop.abort();
  await watching;
  assert.deepEqual(events, [`${customer.address} is connected`, 'primary-callis-connected', 'orders: sold out']);
  assert.deepEqual(logged, [`${customer.address} 1004 outbound-ready-queue-overrun, 0 left out`]);
  stopLog();
  await world.close();
});
