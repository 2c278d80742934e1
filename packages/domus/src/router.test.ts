import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DomusAddr } from '@flaminia/transport-a0';
import { failureOf, imperium, Numbers, Others, Watched } from '../test/memory-bench.ts';
import { bytes } from './bytes.ts';
import { endpoint } from './endpoint.ts';
import type { RouteResolver } from './resolver.ts';

interface Asked {
  readonly id: bigint;
  readonly signal: AbortSignal;
  answer(address: DomusAddr | undefined): void;
  refuse(error: unknown): void;
}

/** A resolver whose answers the test gives, and a record of the questions. */
function slowResolver(): { resolver: RouteResolver; asked: Asked[] } {
  const asked: Asked[] = [];
  const resolver: RouteResolver = {
    resolve: (id, { signal }) =>
      new Promise((answer, refuse) => {
        asked.push({ id, signal, answer, refuse });
      }),
  };
  return { resolver, asked };
}

const constant = (answer: unknown): RouteResolver => ({ resolve: () => answer as DomusAddr });

test('[api-26] [a1-send-4] the resolver is asked with the id, after the own tabernae', async (t) => {
  const world = imperium(t);
  const worker = await world.domus('worker');
  const ids: bigint[] = [];
  const resolver: RouteResolver = {
    resolve(id) {
      ids.push(id);
      return worker.address;
    },
  };
  const gateway = await world.domus('gateway', { resolver });
  await worker.serve(Numbers, () => {});
  await gateway.serve(Others, () => {});
  await gateway.send(Others, 1);
  await gateway.send(Numbers, 1);
  assert.deepEqual(ids, [Numbers.id]);
});

test('[a1-send-5] while an answer is pending, sends to that taberna wait behind it in order; others do not', async (t) => {
  const world = imperium(t);
  const { resolver, asked } = slowResolver();
  const [gateway, worker] = [await world.domus('gateway', { resolver }), await world.domus('worker')];
  const seen: number[] = [];
  await worker.serve(Numbers, (message) => void seen.push(message));
  await worker.serve(Others, (message) => void seen.push(message));
  const sends = [1, 2, 3].map((message) => gateway.send(Numbers, message));
  const other = gateway.send(Others, 10);
  const direct = gateway.send(Numbers, 11, { to: worker.address });
  assert.deepEqual(
    asked.map(({ id }) => id),
    [Numbers.id, Others.id],
  );
  asked[1]!.answer(worker.address);
  await Promise.all([other, direct]);
  assert.deepEqual(seen.splice(0).sort(), [10, 11], 'a send with `to` waits for no route');
  asked[0]!.answer(worker.address);
  await Promise.all(sends);
  assert.deepEqual(seen, [1, 2, 3]);
  assert.equal(asked[0]!.signal.aborted, false);
});

test('[a1-send-5] a taberna that becomes an own one meanwhile does not let later messages overtake', async (t) => {
  const world = imperium(t);
  const { resolver, asked } = slowResolver();
  const gateway = await world.domus('gateway', { resolver });
  const first = gateway.send(Numbers, 1);
  const seen: number[] = [];
  await gateway.serve(Numbers, (message) => void seen.push(message));
  const second = gateway.send(Numbers, 2);
  asked[0]!.answer(gateway.address);
  await Promise.all([first, second, gateway.send(Numbers, 3)]);
  assert.deepEqual(seen, [1, 2, 3]);
  assert.equal(asked.length, 1);
});

test('[a1-send-5] the wait for a route is bounded by sendQueueSize and sendQueueBytes; one message always fits', async (t) => {
  const world = imperium(t);
  const { resolver, asked } = slowResolver();
  const config = { sendQueueSize: 3, sendQueueBytes: 100 };
  const [gateway, worker] = [await world.domus('gateway', { resolver, config }), await world.domus('worker')];
  const Blocks = endpoint('blocks', bytes());
  const sizes: number[] = [];
  await worker.serve(Blocks, (message) => void sizes.push(message.length));
  const large = gateway.send(Blocks, new Uint8Array(500));
  const tooMany = await failureOf(gateway.send(Blocks, new Uint8Array(1)));
  assert.deepEqual([tooMany.kind, tooMany.delivery, tooMany.endpoint], ['local-queue-full', 'not-sent', 'blocks']);
  const waiting = gateway.send(Blocks, new Uint8Array(2), { whenFull: 'wait' });
  asked[0]!.answer(worker.address);
  await Promise.all([large, waiting]);

  const three = [1, 2, 3].map((size) => gateway.send(Blocks, new Uint8Array(size)));
  assert.equal((await failureOf(gateway.send(Blocks, new Uint8Array(4)))).kind, 'local-queue-full');
  asked[1]!.answer(worker.address);
  await Promise.all(three);
  assert.deepEqual(sizes, [500, 2, 1, 2, 3]);
});

test('[a1-send-2] resolving counts against the deadline; then the question is given up and asked anew', async (t) => {
  const world = imperium(t);
  const { resolver, asked } = slowResolver();
  const config = { sendTimeout: 2_000 };
  const [gateway, worker] = [await world.domus('gateway', { resolver, config }), await world.domus('worker')];
  await worker.serve(Numbers, () => {});
  const first = new Watched(gateway.send(Numbers, 1));
  await world.advance(1_500);
  const second = new Watched(gateway.send(Numbers, 2));
  await world.advance(500);
  assert.deepEqual([first.kind, second.kind, asked[0]!.signal.aborted], ['send-timeout', 'pending', false]);
  await world.advance(1_500);
  assert.deepEqual([second.kind, asked[0]!.signal.aborted], ['send-timeout', true]);
  const third = gateway.send(Numbers, 3);
  assert.equal(asked.length, 2, 'a resolver that hung is asked again');
  asked[0]!.answer(worker.address);
  asked[1]!.answer(worker.address);
  await third;
  assert.deepEqual([first.settled, second.settled], [1, 1]);
});

test('[a1-send-2] thousands of sends that wait for a route all end at their deadline', async (t) => {
  const world = imperium(t);
  const { resolver } = slowResolver();
  const gateway = await world.domus('gateway', { resolver, config: { sendTimeout: 1_000 } });
  const sends = Array.from({ length: 5_000 }, (_, i) => new Watched(gateway.send(Numbers, i, { whenFull: 'wait' })));
  await world.advance(1_000);
  assert.ok(sends.every(({ kind, settled }) => kind === 'send-timeout' && settled === 1));
});

test('[a1-send-6] no entry, and the own address without such a taberna, are unknown-taberna', async (t) => {
  const world = imperium(t);
  const none = await world.domus('none', { resolver: constant(undefined) });
  const nothing = await world.domus('null', { resolver: constant(null) });
  const later = await world.domus('later', { resolver: constant(Promise.resolve(undefined)) });
  for (const domus of [none, nothing, later]) {
    const error = await failureOf(domus.send(Numbers, 1));
    assert.deepEqual([error.kind, error.delivery, error.peer], ['unknown-taberna', 'not-sent', undefined]);
  }
  const self = await world.domus('self', { resolver: { resolve: (): DomusAddr => self.address } });
  const error = await failureOf(self.send(Numbers, 1));
  assert.deepEqual([error.kind, error.peer], ['unknown-taberna', self.address]);
});

test('[a1-send-7] a resolver that throws, rejects or gives no address is peer-unavailable with the cause', async (t) => {
  const world = imperium(t);
  const boom = new Error('no network');
  const throws: RouteResolver = {
    resolve() {
      throw boom;
    },
  };
  const rejects: RouteResolver = { resolve: () => Promise.reject(boom) };
  for (const [name, resolver] of Object.entries({ throws, rejects })) {
    const error = await failureOf((await world.domus(name, { resolver })).send(Numbers, 1));
    assert.deepEqual([error.kind, error.delivery, error.retryable], ['peer-unavailable', 'not-sent', true], name);
    assert.equal(error.cause, boom);
  }
  for (const answer of ['worker-1', 'tcp://0.0.0.0:1', 'tcp://localhost:1', 7, {}, Promise.resolve('nowhere')]) {
    const domus = await world.domus('bad', { resolver: constant(answer) });
    const error = await failureOf(domus.send(Numbers, 1));
    assert.equal(error.kind, 'peer-unavailable');
    assert.ok((error.cause as Error).message.startsWith('invalid-config: address'), String(error.cause));
  }
  const mixed = await world.domus('mixed', { resolver: constant('unix:///tmp/x.sock') });
  assert.equal((await failureOf(mixed.send(Numbers, 1))).kind, 'address-mismatch');
});

test('[a1-send-7] a failed answer fails those who waited for it, and the next send asks again', async (t) => {
  const world = imperium(t);
  const { resolver, asked } = slowResolver();
  const [gateway, worker] = [await world.domus('gateway', { resolver }), await world.domus('worker')];
  await worker.serve(Numbers, () => {});
  const sends = [1, 2].map((message) => failureOf(gateway.send(Numbers, message)));
  asked[0]!.refuse(new Error('once'));
  assert.deepEqual(
    (await Promise.all(sends)).map(({ kind }) => kind),
    ['peer-unavailable', 'peer-unavailable'],
  );
  const again = gateway.send(Numbers, 3);
  asked[1]!.answer(worker.address);
  await again;
});

test('[api-26] an answer in another spelling of the address is the same peer', async (t) => {
  const world = imperium(t);
  const resolver: RouteResolver = { resolve: () => 'tcp://127.0.0.1:02' };
  const [gateway, worker] = [await world.domus('gateway', { resolver }), await world.domus('worker')];
  await worker.serve(Numbers, () => {});
  await gateway.send(Numbers, 1);
  await gateway.send(Numbers, 2, { to: worker.address });
  assert.equal(gateway.reporting.snapshot().peers.current, 1);
});

test('[api-42] [api-43] a shutdown fails what waits for a route, tells the resolver, and hears no late answer', async (t) => {
  const world = imperium(t);
  const { resolver, asked } = slowResolver();
  const [gateway, worker] = [await world.domus('gateway', { resolver }), await world.domus('worker')];
  await worker.serve(Numbers, () => assert.fail('nothing may arrive'));
  const sends = [1, 2, 3].map((message) => new Watched(gateway.send(Numbers, message)));
  await gateway.shutdown({ drainTimeout: 0 });
  assert.deepEqual(
    sends.map(({ kind }) => kind),
    ['domus-closed', 'domus-closed', 'domus-closed'],
  );
  assert.equal(asked[0]!.signal.aborted, true);
  asked[0]!.answer(worker.address);
  await world.advance(100);
  assert.deepEqual(
    sends.map(({ settled }) => settled),
    [1, 1, 1],
  );
  assert.equal(gateway.reporting.snapshot().dials.attempts, 0);
});

test('[api-42] [a1-close-4] a shutdown waits for a route that comes in time', async (t) => {
  const world = imperium(t);
  const { resolver, asked } = slowResolver();
  const [gateway, worker] = [await world.domus('gateway', { resolver }), await world.domus('worker')];
  const seen: number[] = [];
  await worker.serve(Numbers, (message) => void seen.push(message));
  const sent = new Watched(gateway.send(Numbers, 1));
  const closed = gateway.shutdown();
  await world.advance(1_000);
  asked[0]!.answer(worker.address);
  await closed;
  assert.deepEqual([sent.kind, seen], ['resolved', [1]]);
});

test('[a1-close-6] a shutdown ends as soon as the last send that waited for a route has failed', async (t) => {
  const world = imperium(t);
  const { resolver, asked } = slowResolver();
  const gateway = await world.domus('gateway', { resolver });
  const sent = new Watched(gateway.send(Numbers, 1));
  const closed = gateway.shutdown();
  asked[0]!.answer(undefined);
  await closed;
  assert.equal(sent.kind, 'unknown-taberna');
});
