import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ACK, FrameDecoder } from '@flaminia/delivery-a1/internal';
import { DomusError } from '@flaminia/transport-a0';
import { Bench, eventsOf, failureOf, gate, imperium, Numbers, Others, rest, Watched } from '../test/memory-bench.ts';
import { tabernaRef } from './endpoint-text.ts';
import { A3_MESSAGE_TYPE_BASE } from './message-type.ts';
import type { DomusEvent } from './reporting.ts';
import type { MessageHandler } from './serving.ts';

test('[api-28] [a1-inv-4] handlers start in the order of sending, at most `concurrency` at once', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const started: number[] = [];
  const gates = Array.from({ length: 9 }, gate);
  let running = 0;
  let most = 0;
  await worker.serve(
    Numbers,
    async (message) => {
      started.push(message);
      most = Math.max(most, ++running);
      await gates[message]!.passed;
      running--;
    },
    { concurrency: 3 },
  );
  const sends = gates.map((_, i) => gateway.send(Numbers, i));
  await world.advance(0);
  assert.deepEqual(started, [0, 1, 2]);
  gates[1]!.open();
  await world.advance(0);
  assert.deepEqual(started, [0, 1, 2, 3]);
  for (const { open } of gates) open();
  await Promise.all(sends);
  assert.deepEqual([started, most], [[0, 1, 2, 3, 4, 5, 6, 7, 8], 3]);
});

test('[api-28] 64 handlers run at once by default', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const held = gate();
  let started = 0;
  await worker.serve(Numbers, async () => {
    started++;
    await held.passed;
  });
  const sends = Array.from({ length: 100 }, (_, i) => gateway.send(Numbers, i));
  await world.advance(0);
  assert.equal(started, 64);
  held.open();
  await Promise.all(sends);
  assert.equal(started, 100);
});

test('[api-29] [a1-in-6] [a1-in-7] a return accepts and a throw rejects, unless the handler has decided itself', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const events = eventsOf(worker);
  const boom = (): never => {
    throw new Error('boom');
  };
  const handlers: [MessageHandler<number>, outcome: string, failed: boolean][] = [
    [() => {}, 'resolved', false],
    [() => 'a value', 'resolved', false],
    [async () => {}, 'resolved', false],
    [() => null, 'resolved', false],
    [() => boom(), 'remote-taberna-rejected', true],
    [async () => boom(), 'remote-taberna-rejected', true],
    [() => Promise.reject(undefined), 'remote-taberna-rejected', true],
    [(_, request) => void request.reject(), 'remote-taberna-rejected', false],
    [async (_, request) => void request.reject(), 'remote-taberna-rejected', false],
    [(_, request) => request.accept() && boom(), 'resolved', true],
    [async (_, request) => request.reject() && boom(), 'remote-taberna-rejected', true],
    [(_, request) => void (request.accept() && request.reject()), 'resolved', false],
    [(_, request) => void (request.reject() && request.accept()), 'remote-taberna-rejected', false],
  ];
  await worker.serve(Numbers, (message, request) => handlers[message]![0](message, request));
  for (const [number, [, outcome, failed]] of handlers.entries()) {
    events.length = 0;
    const sent = new Watched(gateway.send(Numbers, number));
    await world.advance(0);
    assert.equal(sent.kind, outcome, `handler ${number}`);
    assert.equal(events.filter(({ kind }) => kind === 'handler-failed').length, failed ? 1 : 0, `handler ${number}`);
  }
});

test('[api-29] [api-57] whatever a handler throws is reported, and harms nobody', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const events = eventsOf(worker);
  const odd = new Error('x');
  Object.defineProperty(odd, 'message', { value: 5n });
  const trap = (): never => {
    throw new Error('looked at');
  };
  const hostile = new Proxy({}, { get: trap, getPrototypeOf: trap });
  const kindless = Object.defineProperty(new DomusError('invalid-state', 'x'), 'kind', { get: trap });
  const thrown: [unknown, string][] = [
    [new Error('boom'), 'boom'],
    ['a text', 'a text'],
    [undefined, 'undefined'],
    [Symbol('mark'), 'Symbol(mark)'],
    [odd, '5'],
    [Object.create(null), 'an error without a text'],
    [hostile, 'an error without a text'],
    [kindless, 'an error without a text'],
  ];
  await worker.serve(Numbers, (message) => {
    throw thrown[message]![0];
  });
  for (const [number] of thrown.entries()) await failureOf(gateway.send(Numbers, number));
  const failures = events.filter(
    (event): event is DomusEvent & { kind: 'handler-failed' } => event.kind === 'handler-failed',
  );
  assert.deepEqual(
    failures.map(({ error }) => error.message),
    thrown.map(([, text]) => text),
  );
  for (const { taberna } of failures) assert.deepEqual(taberna, tabernaRef(Numbers));
  assert.ok(JSON.stringify(failures).includes('boom'));
});

test('[api-29] a thenable of another library is awaited, one that throws rejects', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  // biome-ignore lint/suspicious/noThenProperty: what other libraries do
  const well = { then: (resolve: (value: unknown) => void) => resolve(1) };
  const ill = {
    // biome-ignore lint/suspicious/noThenProperty: what other libraries do
    then() {
      throw new Error('a thenable that throws');
    },
  };
  const worse = Object.defineProperty({}, 'then', {
    get() {
      throw new Error('a getter that throws');
    },
  });
  const outcomes = [well, ill, worse];
  await worker.serve(Numbers, (message) => outcomes[message]);
  await gateway.send(Numbers, 0);
  for (const number of [1, 2]) {
    assert.equal((await failureOf(gateway.send(Numbers, number))).kind, 'remote-taberna-rejected');
  }
});

test('[a1-in-8] a handler that never decides costs its sender the deadline, and nobody else anything', async (t) => {
  const world = imperium(t);
  const config = { sendTimeout: 7_000, acceptTimeout: 2_000 };
  const [gateway, worker] = [await world.domus('gateway', { config }), await world.domus('worker', { config })];
  await worker.serve(Numbers, () => new Promise(() => {}), { concurrency: 1 });
  await worker.serve(Others, () => {});
  const first = new Watched(gateway.send(Numbers, 1));
  const second = new Watched(gateway.send(Numbers, 2));
  await world.advance(1_999);
  assert.deepEqual([first.kind, second.kind], ['pending', 'pending']);
  await world.advance(1);
  assert.deepEqual([first.kind, second.kind], ['pending', 'taberna-busy']);
  await gateway.send(Others, 3);
  await world.advance(5_000);
  assert.equal(first.kind, 'send-timeout');
});

test('[api-30] the ack of a handler without a promise leaves in the same write as what it sent', async (t) => {
  const bench = new Bench(t);
  const [gateway, worker] = [await bench.open(1), await bench.open(2)];
  await gateway.serve(Others, () => {});
  await worker.serve(Numbers, (message, request) => {
    worker.send(Others, message, { to: request.from.address }).catch(() => {});
  });
  await gateway.send(Numbers, 1, { to: worker.address });
  await rest();
  const session = worker.delivery.core.peers.get(gateway.address);
  const link = session?.outlet?.driver as { stream: { write(chunk: Uint8Array, flushed?: () => void): boolean } };
  const types: number[][] = [];
  t.mock.method(link.stream, 'write', (chunk: Uint8Array) => {
    types.push(typesIn(chunk));
    return true;
  });
  gateway.send(Numbers, 2, { to: worker.address }).catch(() => {});
  await rest();
  assert.deepEqual(types, [[ACK, A3_MESSAGE_TYPE_BASE]], 'one write: the ack, then the message');
});

/** What `FrameDecoder.next` says of a whole frame. */
const FRAME = 1;

/** The message types of the frames in a write. */
function typesIn(chunk: Uint8Array): number[] {
  const decoder = new FrameDecoder();
  decoder.feed(Buffer.from(chunk));
  const types: number[] = [];
  while (decoder.next(chunk.length) === FRAME) types.push(decoder.msgType);
  return types;
}

test('[api-31] [api-34] close ends the registration, waits for handlers under way, and frees the id', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const held = gate();
  const serving = await worker.serve(Numbers, () => held.passed, { concurrency: 1 });
  const double = await failureOf(worker.serve(Numbers, () => {}));
  assert.deepEqual([double.kind, double.endpoint], ['taberna-already-registered', 'numbers']);
  const taken = new Watched(gateway.send(Numbers, 1));
  const queued = new Watched(gateway.send(Numbers, 2));
  await world.advance(0);
  const closed = new Watched(serving.close());
  const again = new Watched(serving.close());
  await world.advance(0);
  assert.deepEqual(
    [taken.kind, queued.kind, closed.kind, again.kind],
    ['pending', 'taberna-shutdown', 'pending', 'pending'],
  );
  const next = await worker.serve(Numbers, () => {});
  await gateway.send(Numbers, 3);
  held.open();
  await world.advance(0);
  assert.deepEqual([taken.kind, closed.kind, again.kind], ['resolved', 'resolved', 'resolved']);
  await next[Symbol.asyncDispose]();
  assert.equal((await failureOf(gateway.send(Numbers, 4, { to: worker.address }))).kind, 'unknown-taberna');
});

test('[api-31] close ends with the domus at the latest, whatever becomes of a handler', async (t) => {
  const world = imperium(t);
  const worker = await world.domus('worker');
  const serving = await worker.serve(Numbers, () => new Promise(() => {}));
  const sent = new Watched(worker.send(Numbers, 1));
  await world.advance(0);
  const closed = [new Watched(serving.close()), new Watched(serving.close())];
  const over = new Watched(worker.shutdown({ drainTimeout: 700 }));
  closed.push(new Watched(serving.close()));
  const states = () => [...closed, over].map(({ kind }) => kind);
  await world.advance(699);
  assert.deepEqual(states(), ['pending', 'pending', 'pending', 'pending']);
  await world.advance(1);
  assert.deepEqual(states(), ['resolved', 'resolved', 'resolved', 'resolved']);
  assert.equal(sent.kind, 'domus-closed');
  await serving.close();
});

test('[api-31] an abort of the signal ends the registration; an aborted one begins none', async (t) => {
  const world = imperium(t);
  const worker = await world.domus('worker');
  const stop = new AbortController();
  await worker.serve(Numbers, () => {}, { signal: stop.signal });
  await worker.send(Numbers, 1);
  stop.abort();
  assert.equal((await failureOf(worker.send(Numbers, 2))).kind, 'unknown-taberna');
  const reason = new Error('too late');
  await assert.rejects(
    worker.serve(Numbers, () => {}, { signal: AbortSignal.abort(reason) }),
    reason,
  );
  await assert.rejects(worker.taberna(Numbers, { signal: AbortSignal.abort(reason) }), reason);
  await worker.serve(Numbers, () => {});
});

test('[api-35] a handler sees who sent, and the same caller each time', async (t) => {
  const world = imperium(t);
  const [gateway, nameless] = [await world.domus('gateway-1', { nodeType: 'gateway' }), await world.domus('plain')];
  const worker = await world.domus('worker');
  const callers: unknown[] = [];
  await worker.serve(Numbers, (_, request) => void callers.push(request.from));
  await gateway.send(Numbers, 1);
  await gateway.send(Numbers, 2);
  await nameless.send(Numbers, 3);
  assert.equal(callers[0], callers[1], 'derived once for a connection');
  const unproved = { subject: 'CN=gateway-1', sans: [], certificate: undefined };
  assert.deepEqual(callers[0], { nodeId: 'gateway-1', nodeType: 'gateway', address: gateway.address, ...unproved });
  assert.equal((callers[2] as { nodeType: unknown }).nodeType, null);
  assert.ok(Object.isFrozen(callers[0]));
});
