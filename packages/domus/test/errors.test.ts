/** The errors of the public API: one class, stable words and numbers, and who can produce which. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as door from '../src/index.ts';
import { a3MessageType, bytes, DomusError, ERROR_IDS, endpoint, type MessageCodec } from '../src/index.ts';
import { eventsOf, failureOf, imperium, Numbers } from './memory-bench.ts';

/** What may never change: written out here, so that a change of the table is a failing test. */
const STABLE_IDS: Readonly<Record<string, number>> = {
  'unknown-taberna': 1,
  'local-queue-full': 2,
  'peer-unavailable': 3,
  'remote-taberna-rejected': 4,
  'connection-lost': 5,
  'peer-restarted': 6,
  'protocol-violation': 7,
  'unsupported-version': 8,
  'encode-failure': 9,
  'decode-failure': 10,
  'taberna-busy': 11,
  'send-timeout': 12,
  'blob-callis-without-primary': 13,
  'blob-ack-window-exceeded': 14,
  'blob-stream-not-found': 15,
  'blob-stream-out-of-order': 16,
  'blob-stream-idle-timeout': 17,
  'blob-stream-missing-chunk': 18,
  'blob-buffer-full': 19,
  'address-mismatch': 20,
  'taberna-already-registered': 21,
  'invalid-config': 22,
  'domus-closed': 23,
  'receive-timeout': 24,
  'snapshot-not-available': 25,
  'taberna-shutdown': 26,
};

test('[a1-err-1] [a1-err-2] one error class, whose kind is the stable word of its number', () => {
  const classes = Object.values<unknown>(door).filter(
    (value) => typeof value === 'function' && value.prototype instanceof Error,
  );
  assert.deepEqual(classes, [DomusError]);
  assert.deepEqual(ERROR_IDS, STABLE_IDS);
  for (const [kind, id] of Object.entries(STABLE_IDS)) {
    const error = new DomusError(kind as keyof typeof ERROR_IDS, 'text');
    assert.deepEqual([error.kind, error.code, error.id, error.name], [kind, kind, id, 'DomusError']);
  }
});

test('[a1-err-3] whatever a handler does, its sender sees an acceptance or error 4', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const kinds = Object.keys(ERROR_IDS) as (keyof typeof ERROR_IDS)[];
  await worker.serve(Numbers, (message, request) => {
    const kind = kinds[message];
    if (kind !== undefined) throw new DomusError(kind, 'thrown by a handler');
    if (message === 100) request.reject();
    if (message === 101) return Promise.reject(new TypeError('thrown later'));
    if (message === 102) request[Symbol.dispose]();
    return undefined;
  });
  for (const message of [...kinds.keys(), 100, 101, 102]) {
    const error = await failureOf(gateway.send(Numbers, message));
    assert.deepEqual([error.kind, error.id], ['remote-taberna-rejected', 4], `message ${message}`);
  }
  await gateway.send(Numbers, 103);
});

test('[a1-err-3] by hand too: a request that is dropped undecided is error 4', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const inbox = await worker.taberna(Numbers);
  const drops: ((request: Awaited<ReturnType<typeof inbox.receive>>) => unknown)[] = [
    (request) => request.reject(),
    (request) => request[Symbol.dispose](),
    (request) => request.split().completion[Symbol.dispose](),
    () => inbox.close(),
  ];
  for (const drop of drops) {
    const sent = failureOf(gateway.send(Numbers, 1));
    drop(await inbox.receive());
    assert.equal((await sent).id, 4, String(drop));
  }
});

test('[a1-err-6] the codec of the sender threw: error 9, and nothing was even dialled', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const events = eventsOf(gateway);
  const dials = (): number => events.filter(({ kind }) => kind === 'primary-callis-connected').length;
  const seen: unknown[] = [];
  await worker.serve(endpoint('any', bytes()), (message) => void seen.push(message));
  const any = endpoint('any', throwing('encode'));
  const error = await failureOf(gateway.send(any, new Uint8Array(1), { to: worker.address }));
  assert.deepEqual([error.kind, error.id, error.delivery], ['encode-failure', 9, 'not-sent']);
  await world.advance(60_000);
  assert.deepEqual([seen.length, dials()], [0, 0]);
  await gateway.send(endpoint('any', bytes()), new Uint8Array(1));
  await world.advance(0);
  assert.deepEqual([seen.length, dials()], [1, 1], 'a message that can be encoded does dial');
});

test('[a1-err-6] the codec of the receiver threw: error 10, and the handler never saw the message', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const seen: unknown[] = [];
  await worker.serve(endpoint('any', throwing('decode')), (message) => void seen.push(message));
  const error = await failureOf(gateway.send(endpoint('any', bytes()), new Uint8Array(1)));
  assert.deepEqual([error.kind, error.id, error.delivery], ['decode-failure', 10, 'refused']);
  assert.deepEqual(seen, []);
});

test('[api-15] [a1-err-6] a codec that gives promises fails in either direction, and these are not left unhandled', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const seen: unknown[] = [];
  const late = async (): Promise<never> => Promise.reject(new Error('late'));
  const Encoding = endpoint('any', codec('encode', late));
  await worker.serve(endpoint('any', codec('decode', late)), (message) => void seen.push(message));
  const unsent = await failureOf(gateway.send(Encoding, new Uint8Array(1), { to: worker.address }));
  assert.deepEqual([unsent.kind, unsent.delivery, unsent.detail], ['encode-failure', 'not-sent', 'codec-asynchronous']);
  assert.match(unsent.message, /the codec is asynchronous, and messages are encoded at once/);
  for (const from of [gateway, worker]) {
    const refused = await failureOf(from.send(endpoint('any', bytes()), new Uint8Array(1), { to: worker.address }));
    assert.deepEqual([refused.kind, refused.delivery], ['decode-failure', 'refused']);
    assert.match(refused.message, /the codec is asynchronous, and messages are decoded at once/);
  }
  await new Promise(setImmediate); // an unhandled rejection would end the test here
  assert.deepEqual(seen, []);
});

test('[a1-wire-12] a refusal is heard under the lowest limit of messages too, and the connection stays', async (t) => {
  const world = imperium(t);
  const config = { maxPayloadLen: 1 };
  const gateway = await world.domus('gateway', { config });
  const worker = await world.domus('worker', { config });
  const events = eventsOf(gateway);
  const any = endpoint('any', bytes());
  await worker.serve(any, (_message, request) => request.reject());
  const rejected = await failureOf(gateway.send(any, new Uint8Array(1)));
  const unknown = await failureOf(gateway.send(endpoint('none', bytes()), new Uint8Array(1), { to: worker.address }));
  assert.deepEqual([rejected.kind, unknown.kind], ['remote-taberna-rejected', 'unknown-taberna']);
  await world.advance(0);
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['peer-connected', 'primary-callis-connected'],
  );
});

/** A codec that throws in one direction. */
function throwing(direction: 'encode' | 'decode'): MessageCodec<Uint8Array> {
  return codec(direction, () => {
    throw new Error('boom');
  });
}

/** A codec of bytes that is `odd` in one direction. */
function codec(direction: 'encode' | 'decode', odd: () => unknown): MessageCodec<Uint8Array> {
  const good: MessageCodec<Uint8Array> = {
    encode: (payload) => ({ type: a3MessageType(0), payload }),
    decode: ({ payload }) => payload,
  };
  return { ...good, [direction]: odd };
}
