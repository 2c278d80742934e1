import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFailure } from '@flaminia/services-a2/internal';
import { failureOf, imperium } from '../test/memory-bench.ts';
import { bytes } from './bytes.ts';
import type { EncodedMessage, MessageCodec } from './codec.ts';
import { endpoint } from './endpoint.ts';
import { json } from './json.ts';
import { a3MessageType } from './message-type.ts';

const TYPE = a3MessageType(0);
const Raw = endpoint('inbox', bytes());

/** A codec of bytes whose `decode` the test gives. */
function decoding<T>(decode: (encoded: EncodedMessage) => T, copies?: boolean): MessageCodec<never, T> {
  const encode = (): never => {
    throw new Error('for receiving only');
  };
  return copies === undefined ? { encode, decode } : { encode, decode, copies };
}

test('[a1-in-5] a message that cannot be decoded is decode-failure, and the handler never sees it', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const secret = 'the key of somebody';
  const get = (): never => {
    throw new Error('looked at');
  };
  const hostile = new Proxy({}, { get });
  const codec = decoding((encoded) => {
    const text = Buffer.from(encoded.payload).toString();
    if (text === 'boom') throw new Error(`cannot read ${secret}`);
    if (text === 'own') throw decodeFailure('odd', 'the message is odd');
    if (text === 'nothing') throw undefined;
    if (text === 'hostile') throw hostile;
    return text;
  });
  const seen: string[] = [];
  await worker.serve(endpoint('inbox', codec), (message) => void seen.push(message));
  for (const from of [gateway, worker]) {
    for (const [text, why] of [
      ['boom', 'the codec refused the message'],
      ['own', 'the message is odd'],
      ['nothing', 'the codec refused the message'],
      ['hostile', 'the codec refused the message'],
    ] as const) {
      const error = await failureOf(from.send(Raw, Buffer.from(text)));
      assert.deepEqual([error.kind, error.delivery, error.retryable], ['decode-failure', 'refused', false]);
      assert.equal(error.message, `decode-failure: ${why}`);
    }
    await from.send(Raw, Buffer.from('good'));
  }
  assert.deepEqual(seen, ['good', 'good']);
});

test('[a1-in-5] a message of another type is decode-failure, naming both', async (t) => {
  const world = imperium(t);
  const worker = await world.domus('worker');
  await worker.serve(endpoint('inbox', json<number>(undefined, { type: a3MessageType(7) })), () => {});
  const error = await failureOf(worker.send(endpoint('inbox', json<number>()), 1));
  assert.match(error.message, /0x01000007, not 0x01000000/);
});

test('[a1-in-5] a message that cannot be decoded does not hold up the next one, by hand either', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const inbox = await worker.taberna(endpoint('inbox', json<number>()));
  const bad = failureOf(gateway.send(Raw, Buffer.from('{')));
  const good = gateway.send(endpoint('inbox', json<number>()), 5);
  const request = await inbox.receive();
  assert.equal(request.message, 5);
  request.accept();
  await good;
  assert.equal((await bad).kind, 'decode-failure');
});

test('[api-40] bytes received are the handler’s own, whatever the codec promises to copy', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  for (const codec of [bytes(), decoding(({ payload }) => payload), decoding(({ payload }) => payload, false)]) {
    const kept: Uint8Array[] = [];
    const serving = await worker.serve(endpoint('inbox', codec), (message) => void kept.push(message));
    for (const from of [gateway, worker]) {
      const block = new Uint8Array(64);
      for (let i = 0; i < 200; i++) {
        block.fill(i);
        await from.send(Raw, block);
      }
    }
    assert.ok(kept.every((message, i) => message.every((byte) => byte === i % 200)));
    kept[0]!.fill(255);
    assert.equal(kept[1]![0], 1);
    await serving.close();
  }
});

test('[api-15] a codec sees type and payload as they were sent', async (t) => {
  const world = imperium(t);
  const worker = await world.domus('worker');
  const got: EncodedMessage[] = [];
  await worker.serve(
    endpoint(
      'inbox',
      decoding((encoded) => got.push(encoded)),
    ),
    () => {},
  );
  const codec: MessageCodec<Uint8Array> = {
    encode: (payload) => ({ type: a3MessageType(0x1234), payload }),
    decode: ({ payload }) => payload,
  };
  await worker.send(endpoint('inbox', codec), new Uint8Array(0));
  await worker.send(Raw, Buffer.from('x'));
  assert.deepEqual(
    got.map(({ type, payload }) => [type, payload.length]),
    [
      [a3MessageType(0x1234), 0],
      [TYPE, 1],
    ],
  );
});
