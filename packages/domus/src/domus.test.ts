import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { type Delivery, type DomusAddr, DomusError, type ErrorKind } from '@flaminia/transport-a0';
import { failureOf, gate, imperium, Numbers, Others, Watched } from '../test/memory-bench.ts';
import { bytes } from './bytes.ts';
import { cbor } from './cbor.ts';
import type { EncodedMessage, MessageCodec } from './codec.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { json } from './json.ts';
import { a3MessageType } from './message-type.ts';
import type { SendOptions } from './options.ts';

const TYPE = a3MessageType(0);

/** A codec whose ways are given one by one. */
function codec<T>(encode: (message: T) => EncodedMessage, decode?: (encoded: EncodedMessage) => T): MessageCodec<T> {
  const refuse = (): never => {
    throw new Error('not for this test');
  };
  return { encode, decode: decode ?? refuse };
}

test('[a1-send-1] [api-21] a send resolves when the far handler has accepted, and not before', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const held = gate();
  const seen: number[] = [];
  await worker.serve(Numbers, async (message) => {
    seen.push(message);
    await held.passed;
  });
  const sent = new Watched(gateway.send(Numbers, 7));
  await world.advance(10);
  assert.deepEqual([seen, sent.kind], [[7], 'pending']);
  held.open();
  await world.advance(0);
  assert.equal(sent.kind, 'resolved');
});

test('[a1-send-1] [api-45] [api-46] each failure has one kind, its number, and says whether the message may have been handled', async (t) => {
  const world = imperium(t);
  const gateway = await world.domus('gateway', { config: { sendQueueSize: 1 } });
  const worker = await world.domus('worker', { config: { tabernaAcceptQueueSize: 1, sendTimeout: 10_000 } });
  const deaf = await worker.taberna(Others);
  await worker.serve(Numbers, (message, request) => void (message < 0 ? request.reject() : undefined));
  const expect = async (
    sent: Promise<void>,
    kind: ErrorKind,
    id: number,
    delivery: Delivery,
    retryable: boolean,
    peer: string | undefined,
  ): Promise<void> => {
    const error = await failureOf(sent);
    const { code, elapsedMs, endpoint: name } = error;
    assert.deepEqual(
      [error.kind, code, error.id, error.delivery, error.retryable, error.peer],
      [kind, kind, id, delivery, retryable, peer],
    );
    assert.ok(error.message.startsWith(`${kind}: `) && error.message.length > kind.length + 8, error.message);
    assert.ok(name !== undefined && elapsedMs !== undefined && Number.isInteger(elapsedMs) && elapsedMs >= 0);
  };
  const { address } = worker;
  await expect(gateway.send(Numbers, -1), 'remote-taberna-rejected', 4, 'refused', false, address);
  const nowhere = endpoint('nowhere', json<number>());
  await expect(gateway.send(nowhere, 1), 'unknown-taberna', 1, 'not-sent', false, undefined);
  await expect(gateway.send(nowhere, 1, { to: address }), 'unknown-taberna', 1, 'refused', false, address);

  const waiting = gateway.send(Others, 1);
  await expect(gateway.send(Others, 2), 'local-queue-full', 2, 'not-sent', true, address);
  const second = await world.domus('second');
  await expect(second.send(Others, 2), 'taberna-busy', 11, 'refused', true, address);
  const busy = expect(waiting, 'taberna-busy', 11, 'refused', true, address);
  await world.advance(5_000);
  await busy;

  const undecided = gateway.send(Others, 3);
  const request = await deaf.receive();
  const silence = expect(undecided, 'send-timeout', 12, 'unknown', false, address);
  await world.advance(30_000);
  await silence;
  assert.equal(request.accept(), true, 'the worker cannot know that the sender has given up');
});

test('[api-45] elapsedMs counts from the call, on the clock of the domus', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway', { config: { sendTimeout: 2_500 } }), await world.domus('w')];
  await worker.taberna(Numbers);
  const sent = failureOf(gateway.send(Numbers, 1));
  await world.advance(60_000);
  assert.equal((await sent).elapsedMs, 2_500);
});

test('[api-22] what a codec cannot encode fails with encode-failure, and nothing is queued', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [
    await world.domus('gateway', { config: { maxPayloadLen: 100 } }),
    await world.domus('worker'),
  ];
  const seen: unknown[] = [];
  await worker.serve(endpoint('any', bytes()), (message) => void seen.push(message));
  const boom = new Error('boom');
  const any = (encode: (message: unknown) => unknown): Endpoint<unknown> =>
    endpoint('any', codec(encode as (message: unknown) => EncodedMessage));
  const payload = new Uint8Array(3);
  const rows: [Endpoint<unknown>, detail: string, text: RegExp][] = [
    [
      any(() => {
        throw boom;
      }),
      'codec-threw',
      /could not encode/,
    ],
    [any(() => undefined), 'not-bytes', /no Uint8Array/],
    [any(() => null), 'not-bytes', /no Uint8Array/],
    [any(() => ({ type: TYPE })), 'not-bytes', /no Uint8Array/],
    [any(() => ({ type: TYPE, payload: [1, 2, 3] })), 'not-bytes', /no Uint8Array/],
    [any(() => ({ type: TYPE, payload: 'text' })), 'not-bytes', /no Uint8Array/],
    [any(() => ({ payload })), 'message-type', /type undefined/],
    [any(() => ({ type: '1', payload })), 'message-type', /type string/],
    [any(() => ({ type: Number.NaN, payload })), 'message-type', /messages of type/],
    [any(() => ({ type: 0x0100_0000 + 0.5, payload })), 'message-type', /messages of type/],
    [any(() => ({ type: 1, payload })), 'message-type', /0x00000001/],
    [any(() => ({ type: 0x0001_0000, payload })), 'message-type', /0x00010000/],
    [any(() => ({ type: 0xffff_ff00, payload })), 'message-type', /0xffffff00/],
    [any(() => ({ type: 2 ** 32, payload })), 'message-type', /messages of type/],
    [
      any(() => ({ type: TYPE, payload: new Uint8Array(101) })),
      'payload-too-large',
      /101 bytes.*maxPayloadLen \(100\)/,
    ],
    [endpoint('any', cbor<unknown>()), 'not-cbor', /CBOR/],
    [endpoint('any', bytes()) as Endpoint<unknown>, 'not-bytes', /Uint8Array/],
  ];
  for (const [to, detail, text] of rows) {
    const error = await failureOf(gateway.send(to, () => 'a function'));
    assert.deepEqual(
      [error.kind, error.detail, error.delivery, error.retryable, error.endpoint],
      ['encode-failure', detail, 'not-sent', false, 'any'],
      detail,
    );
    assert.match(error.message, text);
    if (detail === 'codec-threw') assert.equal(error.cause, boom);
  }
  assert.equal(gateway.reporting.snapshot().sends.retained, 0);
  await gateway.send(endpoint('any', bytes()), new Uint8Array(100));
  assert.equal(seen.length, 1, 'a payload of exactly maxPayloadLen travels');
});

test('[api-22] arguments that are none of the kind are refused with the name of the argument', async (t) => {
  const world = imperium(t);
  const gateway = await world.domus('gateway');
  const bad: [Promise<unknown>, detail: string][] = [
    [gateway.send(undefined as unknown as typeof Numbers, 1), 'endpoint'],
    [gateway.send('numbers' as unknown as typeof Numbers, 1), 'endpoint'],
    [gateway.send(Numbers, 1, { whenFull: 'never' } as unknown as SendOptions), 'whenFull'],
    [gateway.send(Numbers, 1, { to: 'worker' as DomusAddr }), 'address'],
    [gateway.send(Numbers, 1, { to: 7 as unknown as DomusAddr }), 'address'],
    [gateway.serve(null as unknown as typeof Numbers, () => {}), 'endpoint'],
    [gateway.serve(Numbers, undefined as unknown as () => void), 'handler'],
    [gateway.serve(Numbers, () => {}, { concurrency: 0 }), 'concurrency'],
    [gateway.serve(Numbers, () => {}, { concurrency: 1.5 }), 'concurrency'],
    [gateway.taberna({} as unknown as typeof Numbers), 'endpoint'],
    [gateway.shutdown({ drainTimeout: -1 }), 'drainTimeout'],
    [gateway.shutdown({ drainTimeout: Number.NaN }), 'drainTimeout'],
  ];
  for (const [promise, detail] of bad) {
    const error = await failureOf(promise);
    assert.deepEqual([error.kind, error.detail], ['invalid-config', detail]);
  }
  await gateway.serve(Numbers, () => {});
  await gateway.send(Numbers, 1);
});

test('[api-23] `to` takes the place of the resolver, and of an own taberna of the same id', async (t) => {
  const world = imperium(t);
  const [left, right] = [await world.domus('left'), await world.domus('right')];
  const seen: string[] = [];
  await left.serve(Numbers, (message) => void seen.push(`left ${message}`));
  await right.serve(Numbers, async (message, request) => {
    seen.push(`right ${message}`);
    await right.send(Numbers, message + 1, { to: request.from.address });
  });
  await left.send(Numbers, 1, { to: right.address });
  await left.send(Numbers, 5);
  assert.deepEqual(seen, ['right 1', 'left 2', 'left 5']);
});

test('[api-23] an address of the other transport is refused before anything is queued', async (t) => {
  const world = imperium(t);
  const gateway = await world.domus('gateway');
  const error = await failureOf(gateway.send(Numbers, 1, { to: 'unix:///tmp/worker.sock' }));
  assert.equal(error.kind, 'address-mismatch');
  assert.match(error.message, /unix:\/\/\/tmp\/worker\.sock/);
});

test('[a1-send-3] [a1-send-4] a taberna of the own domus is reached without a connection, with the same errors', async (t) => {
  const world = imperium(t);
  const config = { sendQueueSize: 2, tabernaAcceptQueueSize: 1, acceptTimeout: 1_000, sendTimeout: 4_000 };
  const domus = await world.domus('alone', { config });
  const seen: [number, string | null][] = [];
  await domus.serve(Numbers, (message, request) => {
    seen.push([message, request.from.nodeId]);
    if (message < 0) request.reject();
  });
  await domus.send(Numbers, 1);
  assert.deepEqual(seen, [[1, 'alone']]);
  assert.equal((await failureOf(domus.send(Numbers, -1))).kind, 'remote-taberna-rejected');
  const nowhere = endpoint('nowhere', json<number>());
  const unknown = await failureOf(domus.send(nowhere, 1, { to: domus.address }));
  assert.deepEqual([unknown.kind, unknown.peer], ['unknown-taberna', domus.address]);

  const deaf = await domus.taberna(Others);
  const first = new Watched(domus.send(Others, 1));
  assert.equal((await failureOf(domus.send(Others, 2))).kind, 'taberna-busy');
  const request = await deaf.receive();
  const second = new Watched(domus.send(Others, 3));
  assert.equal((await failureOf(domus.send(Others, 4))).kind, 'local-queue-full');
  await world.advance(1_000);
  assert.deepEqual([first.kind, second.kind], ['pending', 'taberna-busy']);
  await world.advance(3_000);
  assert.deepEqual([first.kind, (first.state as DomusError).delivery], ['send-timeout', 'unknown']);
  assert.equal(request.accept(), false);
  assert.equal(domus.reporting.snapshot().primaryCalles.opened, 0);
});

test('[api-24] whenFull "wait" holds the sender to the pace of the peer, in order', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway', { config: { sendQueueSize: 2 } }), await world.domus('w')];
  const seen: number[] = [];
  const held = gate();
  await worker.serve(Numbers, async (message) => {
    await held.passed;
    seen.push(message);
  });
  const sends = Array.from({ length: 20 }, (_, i) => gateway.send(Numbers, i, { whenFull: 'wait' }));
  await world.advance(0);
  const full = await failureOf(gateway.send(Numbers, 99));
  assert.deepEqual([full.kind, full.delivery, full.retryable], ['local-queue-full', 'not-sent', true]);
  held.open();
  await Promise.all(sends);
  assert.deepEqual(
    seen,
    Array.from({ length: 20 }, (_, i) => i),
  );
});

test('[api-24] [a1-send-2] a send that waits for room ends at its deadline', async (t) => {
  const world = imperium(t);
  const config = { sendQueueSize: 1, sendTimeout: 3_000 };
  const [gateway, worker] = [await world.domus('gateway', { config }), await world.domus('worker')];
  const inbox = await worker.taberna(Numbers);
  const first = new Watched(gateway.send(Numbers, 1));
  // Held to the end: one that is forgotten may be collected, and is rejected then.
  const held = await inbox.receive();
  await world.advance(1_000);
  const second = new Watched(gateway.send(Numbers, 2, { whenFull: 'wait' }));
  await world.advance(2_000);
  assert.deepEqual([first.kind, second.kind], ['send-timeout', 'pending']);
  await world.advance(1_000);
  assert.equal(second.kind, 'send-timeout');
  held.reject();
});

test('[api-25] [a1-lane-14] an abort ends the waiting with its reason and recalls nothing', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const seen: number[] = [];
  const held = gate();
  await worker.serve(Numbers, async (message) => {
    seen.push(message);
    await held.passed;
  });
  const reason = new Error('enough');
  const before = AbortSignal.abort(reason);
  await assert.rejects(gateway.send(Numbers, 1, { signal: before }), reason);
  const during = new AbortController();
  const sent = assert.rejects(gateway.send(Numbers, 2, { signal: during.signal }), reason);
  await world.advance(0);
  during.abort(reason);
  await sent;
  const after = new AbortController();
  const accepted = gateway.send(Numbers, 3, { signal: after.signal });
  held.open();
  await accepted;
  after.abort(reason);
  await world.advance(0);
  assert.deepEqual(seen, [2, 3]);
  assert.equal(gateway.reporting.snapshot().sends.accepted, 2, 'the aborted send was accepted all the same');
});

test('[api-25] an outcome that comes after the abort does not disturb the next send', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const inbox = await worker.taberna(Numbers);
  const stop = new AbortController();
  const first = new Watched(gateway.send(Numbers, 1, { signal: stop.signal }));
  const request = await inbox.receive();
  stop.abort(new DomusError('invalid-state', 'stopped'));
  const second = new Watched(gateway.send(Numbers, 2));
  request.reject();
  await world.advance(0);
  assert.deepEqual([first.kind, second.kind], ['invalid-state', 'pending']);
  (await inbox.receive()).accept();
  await world.advance(0);
  assert.deepEqual([first.settled, second.kind, second.settled], [1, 'resolved', 1]);
});

test('[api-47] DomusError.is holds for errors of another copy of the library', () => {
  const own = new DomusError('send-timeout', 'late');
  const foreign = new Error('send-timeout: late');
  Object.defineProperty(foreign, Symbol.for('@flaminia/DomusError'), { value: true });
  assert.deepEqual([DomusError.is(own), DomusError.is(foreign)], [true, true]);
  for (const other of [new Error('late'), 'late', null, undefined, { kind: 'send-timeout' }]) {
    assert.equal(DomusError.is(other), false);
  }
});

test('[api-45] [api-48] every kind has one number, and three kinds never travel', () => {
  for (const kind of ['invalid-state', 'bind-failed', 'unsupported'] as const) {
    assert.equal(new DomusError(kind, 'text').id, 0);
  }
  const late = new DomusError('send-timeout', 'late', { delivery: 'unknown' });
  assert.deepEqual([late.id, late.retryable, late.message, late.name], [12, false, 'send-timeout: late', 'DomusError']);
  assert.equal(new DomusError('send-timeout', 'late').retryable, true);
  assert.equal(new DomusError('encode-failure', 'never').retryable, false);
});

test('[api-41] the configuration is the resolved one, frozen', async (t) => {
  const world = imperium(t);
  const domus = await world.domus('a', { config: { sendTimeout: 1_000 } });
  const config = domus.config.snapshot();
  assert.deepEqual([config.sendTimeout, config.acceptTimeout, config.sendQueueSize], [1_000, 1_000, 128]);
  assert.ok(Object.isFrozen(config) && Object.isFrozen(domus.config));
  assert.throws(() => Object.assign(config, { sendTimeout: 1 }), TypeError);
});

test('[api-58] what a domus shows of itself is short and holds no payload', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const secret = 'the payload of somebody';
  const Texts = endpoint('texts', json<string>());
  const inbox = await worker.taberna(Texts);
  const sent = gateway.send(Texts, secret);
  const request = await inbox.receive();
  assert.equal(inspect(gateway), `Domus { address: '${gateway.address}' }`);
  assert.equal(JSON.stringify({ gateway }), `{"gateway":{"address":"${gateway.address}"}}`);
  for (const shown of [inbox, await worker.serve(Numbers, () => {}), worker, gateway.reporting]) {
    assert.ok(!inspect(shown, { depth: 20 }).includes(secret));
  }
  assert.ok(inspect(request).includes(secret), 'a message is the business of whoever holds the request');
  request.accept();
  await sent;
});
