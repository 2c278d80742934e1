import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DomusError } from '@flaminia/transport-a0';
import { failureOf, imperium, Numbers, Watched } from '../test/memory-bench.ts';
import { bytes } from './bytes.ts';
import { endpoint } from './endpoint.ts';
import type { Taberna } from './taberna.ts';

test('[api-32] iteration gives the requests in order; break keeps the registration and the queue', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const inbox = await worker.taberna(Numbers);
  const sends = [1, 2, 3, 4].map((message) => gateway.send(Numbers, message));
  const seen: number[] = [];
  for await (const request of inbox) {
    seen.push(request.message);
    request.accept();
    if (seen.length === 2) break;
  }
  await Promise.all(sends.slice(0, 2));
  for await (const request of inbox) {
    seen.push(request.message);
    request.accept();
    if (seen.length === 4) break;
  }
  await Promise.all(sends);
  assert.deepEqual(seen, [1, 2, 3, 4]);
});

test('[api-32] a second consumer of the iteration is refused, and the first goes on', async (t) => {
  const world = imperium(t);
  const worker = await world.domus('worker');
  const inbox = await worker.taberna(Numbers);
  const first = inbox[Symbol.asyncIterator]();
  const next = first.next();
  const error = await failureOf(inbox[Symbol.asyncIterator]().next());
  assert.equal(error.kind, 'invalid-state');
  const sent = worker.send(Numbers, 1);
  const { value } = await next;
  assert.ok(value !== undefined);
  value.accept();
  await sent;
});

test('[api-32] [a1-close-3] iteration ends quietly when the taberna closes, and when the domus does', async (t) => {
  const world = imperium(t);
  const worker = await world.domus('worker');
  const ends: ((inbox: Taberna<number>) => Promise<void>)[] = [
    (inbox) => inbox.close(),
    (inbox) => inbox[Symbol.asyncDispose]() as Promise<void>,
    () => worker.shutdown(),
  ];
  for (const end of ends) {
    const inbox = await worker.taberna(Numbers);
    const read = (async (): Promise<number> => {
      let rounds = 0;
      for await (const _ of inbox) rounds++;
      return rounds;
    })();
    await world.advance(0);
    await end(inbox);
    assert.equal(await read, 0);
  }
});

test('[api-33] receive takes one request each, first come first served', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const inbox = await worker.taberna(Numbers);
  const received: [string, number][] = [];
  const receive = async (name: string): Promise<void> => {
    const request = await inbox.receive();
    received.push([name, request.message]);
    request.accept();
  };
  const receivers = ['a', 'b', 'c'].map(receive);
  await Promise.all([1, 2, 3].map((message) => gateway.send(Numbers, message)));
  await Promise.all(receivers);
  assert.deepEqual(received, [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ]);
});

test('[api-33] without a timeout receive waits for ever; with one it ends in receive-timeout and takes nothing', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const inbox = await worker.taberna(Numbers);
  const patient = inbox.receive();
  const hasty = new Watched(inbox.receive({ timeout: 1_000 }));
  await world.advance(999);
  assert.equal(hasty.kind, 'pending');
  await world.advance(1);
  assert.equal(hasty.kind, 'receive-timeout');
  const { endpoint, retryable, message } = hasty.state as DomusError;
  assert.deepEqual([endpoint, retryable], ['numbers', true]);
  assert.match(message, /1000 ms/);
  await world.advance(3_600_000);
  const sent = gateway.send(Numbers, 1);
  (await patient).accept();
  await sent;
  const now = new Watched(inbox.receive({ timeout: 0 }));
  await world.advance(0);
  assert.equal(now.kind, 'receive-timeout', 'a timeout of 0 asks whether something waits');
});

test('[api-33] an abort ends receive with its reason and takes nothing', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const inbox = await worker.taberna(Numbers);
  const reason = new Error('enough');
  await assert.rejects(inbox.receive({ signal: AbortSignal.abort(reason) }), reason);
  const stop = new AbortController();
  const waiting = assert.rejects(inbox.receive({ signal: stop.signal, timeout: 5_000 }), reason);
  stop.abort(reason);
  await waiting;
  const sent = gateway.send(Numbers, 1);
  (await inbox.receive({ signal: new AbortController().signal })).accept();
  await sent;
});

test('[api-33] timeouts outside their range are invalid-config', async (t) => {
  const inbox = await (await imperium(t).domus('worker')).taberna(Numbers);
  for (const timeout of [-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5' as unknown as number]) {
    const error = await failureOf(inbox.receive({ timeout }));
    assert.deepEqual([error.kind, error.detail], ['invalid-config', 'timeout']);
  }
});

test('[api-38] [a1-in-9] close answers what waits and what is undecided, and fails who receives', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const inbox = await worker.taberna(Numbers);
  const sends = [1, 2, 3].map((message) => new Watched(gateway.send(Numbers, message)));
  const [first, second] = [await inbox.receive(), await inbox.receive()];
  first.accept();
  await inbox.close();
  await inbox.close();
  assert.deepEqual([second.accept(), second.reject()], [false, false], 'the close has decided');
  await world.advance(0);
  assert.deepEqual(
    sends.map(({ kind }) => kind),
    ['resolved', 'remote-taberna-rejected', 'taberna-shutdown'],
  );
  const error = await failureOf(inbox.receive());
  assert.deepEqual([error.kind, error.endpoint], ['taberna-shutdown', 'numbers']);
});

test('[a1-close-3] a shutdown fails who receives with domus-closed', async (t) => {
  const world = imperium(t);
  const worker = await world.domus('worker');
  const inbox = await worker.taberna(Numbers);
  const waiting = new Watched(inbox.receive());
  await worker.shutdown();
  assert.equal(waiting.kind, 'domus-closed');
  assert.equal((await failureOf(inbox.receive())).kind, 'domus-closed');
  await inbox.close();
});

test('[api-32] [api-34] the signal closes the taberna, and its id is free again', async (t) => {
  const world = imperium(t);
  const worker = await world.domus('worker');
  const stop = new AbortController();
  const inbox = await worker.taberna(Numbers, { signal: stop.signal });
  assert.equal((await failureOf(worker.serve(Numbers, () => {}))).kind, 'taberna-already-registered');
  const waiting = new Watched(inbox.receive());
  stop.abort();
  await world.advance(0);
  assert.equal(waiting.kind, 'taberna-shutdown');
  await worker.serve(Numbers, () => {});
  await worker.send(Numbers, 1);
});

test('[a1-in-8] what nobody receives within acceptTimeout is taberna-busy, and never received later', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const inbox = await worker.taberna(Numbers);
  const [remote, local] = [new Watched(gateway.send(Numbers, 1)), new Watched(worker.send(Numbers, 2))];
  await world.advance(4_999);
  assert.deepEqual([remote.kind, local.kind], ['pending', 'pending']);
  await world.advance(1);
  assert.deepEqual([remote.kind, local.kind], ['taberna-busy', 'taberna-busy']);
  const empty = new Watched(inbox.receive({ timeout: 1 }));
  await world.advance(1);
  assert.equal(empty.kind, 'receive-timeout');
});

test('[a1-in-4] [a1-in-13] the ingress holds tabernaAcceptQueueSize requests and tabernaAcceptQueueBytes; one always fits', async (t) => {
  const world = imperium(t);
  const config = { tabernaAcceptQueueSize: 3, tabernaAcceptQueueBytes: 100 };
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker', { config })];
  const Blocks = endpoint('blocks', bytes());
  const inbox = await worker.taberna(Blocks);
  const offer = (...sizes: number[]): Watched[] =>
    sizes.map((size) => new Watched(gateway.send(Blocks, new Uint8Array(size))));
  const kinds = async (sends: Watched[]): Promise<string[]> => {
    await world.advance(0);
    return sends.map(({ kind }) => kind);
  };
  const take = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) (await inbox.receive()).accept();
  };
  assert.deepEqual(await kinds(offer(1, 1, 1, 1)), ['pending', 'pending', 'pending', 'taberna-busy']);
  await take(3);
  assert.deepEqual(await kinds(offer(500, 1)), ['pending', 'taberna-busy']);
  await take(1);
  assert.deepEqual(await kinds(offer(60, 40, 1)), ['pending', 'pending', 'taberna-busy']);
  await take(2);
  assert.equal(worker.reporting.snapshot().requests.refusedBusy, 3);
});
