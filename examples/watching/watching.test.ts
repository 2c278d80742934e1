// The pieces beside this file, at work on an imperium (fabric) in memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint, json } from '@flaminia/domus';
import { memoryImperium } from '@flaminia/domus/testing';
import { watchLog } from './channels.ts';
import { errorCollector } from './errors.ts';
import { watchEvents } from './events.ts';
import { prometheusText } from './prometheus.ts';
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
  const exposed = prometheusText(customer.reporting.snapshot());
  for (const line of exposed.trimEnd().split('\n'))
    assert.match(line, /^(# TYPE \w+ histogram|[a-z][a-z0-9_]*(\{(le|kind)="[\w.+-]+"\})? \d+(\.\d+)?)$/);
  for (const line of [
    'flaminia_sends_accepted 3',
    'flaminia_sends_failed{kind="local-queue-full"} 1',
    'flaminia_rejections_received{kind="remote-taberna-rejected"} 1',
    'flaminia_primary_calles_current 1',
    'flaminia_send_seconds_bucket{le="0.001"} 3',
    'flaminia_send_seconds_bucket{le="+Inf"} 3',
    'flaminia_send_seconds_count 3',
  ])
    assert.ok(exposed.includes(`${line}\n`), `${line} is missing in\n${exposed}`);
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
