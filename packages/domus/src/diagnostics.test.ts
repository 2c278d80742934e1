import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type TestContext, test } from 'node:test';
import { Bench, failureOf, Numbers, rest, Watched } from '../test/memory-bench.ts';
import type { DiagnosticsEvent, DiagnosticsLog } from './diagnostics.ts';

/** Everything that a channel tells while the test runs. */
function heard<M>(t: TestContext, name: string): M[] {
  const messages: M[] = [];
  const listener = (message: unknown): void => void messages.push(message as M);
  subscribe(name, listener);
  t.after(() => unsubscribe(name, listener));
  return messages;
}

test('[api-71] events and log records are told on diagnostics channels, with the domus that they come from', async (t) => {
  const bench = new Bench(t);
  const config = { sendQueueSize: 1 };
  const [gateway, worker] = [await bench.open(1, { config }), await bench.open(2)];
  const [events, logs] = [heard<DiagnosticsEvent>(t, 'flaminia:event'), heard<DiagnosticsLog>(t, 'flaminia:log')];
  await worker.serve(Numbers, () => new Promise(() => {}));
  const stuck = new Watched(gateway.send(Numbers, 1, { to: worker.address }));
  await failureOf(gateway.send(Numbers, 2, { to: worker.address }));
  await rest();
  const own = (messages: readonly { domus: string }[]): object[] =>
    messages.filter(({ domus }) => domus === gateway.address);
  const kinds = own(events).map((message) => (message as DiagnosticsEvent).event.kind);
  assert.deepEqual(kinds, ['outbound-queue-overrun', 'peer-connected', 'primary-callis-connected']);
  assert.deepEqual(own(logs), logs);
  assert.deepEqual([logs.length, logs[0]?.entry.id, logs[0]?.entry.peer], [1, 1004, worker.address]);
  for (const message of [...events, ...logs]) assert.deepEqual(JSON.parse(JSON.stringify(message)), message);
  assert.equal(stuck.kind, 'pending');
});

test('[api-71] a subscriber may use the domus: it is called behind the step that it hears of', async (t) => {
  const bench = new Bench(t);
  const [gateway, worker] = [await bench.open(1, { config: { sendQueueSize: 1 } }), await bench.open(2)];
  await worker.serve(Numbers, () => {});
  const answers: Watched[] = [];
  const again = (message: unknown): void => {
    const { event } = message as DiagnosticsEvent;
    if (event.kind !== 'outbound-queue-overrun' || answers.length > 0) return;
    answers.push(new Watched(gateway.send(Numbers, 3, { to: worker.address, whenFull: 'wait' })));
  };
  subscribe('flaminia:event', again);
  t.after(() => unsubscribe('flaminia:event', again));
  const first = gateway.send(Numbers, 1, { to: worker.address });
  const full = failureOf(gateway.send(Numbers, 2, { to: worker.address }));
  assert.equal(answers.length, 0, 'not inside the send');
  await Promise.all([first, full]);
  await rest();
  assert.deepEqual([answers.length, answers[0]?.kind], [1, 'resolved']);
});

test('[api-10] a log that is asynchronous may fail as well', async (t) => {
  const bench = new Bench(t);
  let written = 0;
  const log = async (): Promise<void> => {
    written++;
    throw new Error('disk full');
  };
  const gateway = await bench.open(1, { config: { sendQueueSize: 1 }, log });
  const worker = await bench.open(2);
  await worker.serve(Numbers, () => {});
  const first = gateway.send(Numbers, 1, { to: worker.address });
  await failureOf(gateway.send(Numbers, 2, { to: worker.address }));
  await first;
  await new Promise(setImmediate); // an unhandled rejection would end the test here
  assert.equal(written, 1);
});

test('[api-10] the log may use the domus: it is called behind the step that it hears of, and may throw', async (t) => {
  const bench = new Bench(t);
  const answers: Watched[] = [];
  const log = (): void => {
    answers.push(new Watched(gateway.send(Numbers, 3, { to: worker.address, whenFull: 'wait' })));
    throw new Error('disk full');
  };
  const gateway = await bench.open(1, { config: { sendQueueSize: 1 }, log });
  const worker = await bench.open(2);
  await worker.serve(Numbers, () => {});
  const first = gateway.send(Numbers, 1, { to: worker.address });
  const full = failureOf(gateway.send(Numbers, 2, { to: worker.address }));
  assert.equal(answers.length, 0, 'not inside the send');
  await Promise.all([first, full]);
  await rest();
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    ['resolved'],
  );
});
