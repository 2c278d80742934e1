/** What becomes of a stream when the handler of its request ends: by a throw, by a return, and who reads on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import type { BlobReceiver } from '../src/blob-receiver.ts';
import type { TabernaRequest } from '../src/taberna-request.ts';
import { blobWorld, Files, KIB, pattern, readAll } from './blob-imperium.ts';
import { eventsOf, failureOf, rest } from './memory-bench.ts';

test('[api-90] a handler that throws in the middle destroys its stream', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  const events = eventsOf(worker);
  await worker.serve(Files, async (_, { blob }) => {
    const reader = blob[Symbol.asyncIterator]();
    await reader.next();
    throw new TypeError('the handler is broken');
  });
  const sender = await send();
  const error = await failureOf(pipeline(Readable.from([pattern(500_000)]), sender));
  assert.equal(error.detail, 'stream-aborted');
  await expectFree();
  assert.equal(events.filter(({ kind }) => kind === 'handler-failed').length, 1);
});

test('[api-90] a handler that throws before it reads rejects, one that throws behind its accept aborts', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  await worker.serve(Files, (name, request) => {
    if (name === 'accepted') request.accept();
    throw new TypeError('the handler is broken');
  });
  assert.equal((await failureOf(send('at once'))).kind, 'remote-taberna-rejected');
  const error = await failureOf(send('accepted'));
  assert.ok(['remote-taberna-rejected', 'peer-unavailable'].includes(error.kind), error.kind);
  await expectFree();
});

const takings: Readonly<Record<string, (request: TabernaRequest<string, BlobReceiver>) => () => BlobReceiver>> = {
  'it was looked at': ({ blob }) => always(blob),
  'it was split off': (request) => always(request.split().blob),
  'the request was accepted': (request) => {
    request.accept();
    return () => request.blob;
  },
};

function always<T>(value: T): () => T {
  return () => value;
}

for (const [name, take] of Object.entries(takings)) {
  test(`[api-90] a handler that returns accepts, and its stream may be read on where ${name}`, async (t) => {
    const { worker, send, expectFree } = await blobWorld(t);
    const taken: (() => BlobReceiver)[] = [];
    await worker.serve(Files, (way, request) => {
      taken.push(take(request));
      return way === 'at once' ? undefined : Promise.resolve();
    });
    for (const way of ['at once', 'later']) {
      const sender = await send(way);
      await rest();
      sender.end('bytes');
      assert.equal(String(await readAll(taken.pop()!())), 'bytes');
      if (!sender.closed) await once(sender, 'close');
    }
    await expectFree();
  });
}

test('[api-90] a stream that its handler has left alone is given up when that returns', async (t) => {
  const { gateway, worker, expectFree } = await blobWorld(t);
  await worker.serve(Files, (name) => (name === 'later' ? Promise.resolve() : undefined));
  for (const from of [gateway, worker]) {
    for (const name of ['at once', 'later']) {
      const opening = from.sendBlob(Files, name, { to: worker.address });
      const error = await failureOf(opening.then((sender) => pipeline(Readable.from([pattern(300 * KIB)]), sender)));
      assert.deepEqual([error.detail, error.delivery], ['stream-aborted', 'unknown'], name);
    }
  }
  await expectFree();
});
