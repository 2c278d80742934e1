/** What becomes of a stream when the handler of its request ends: by a throw, by a return, and who reads on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import type { BlobReceiver } from '../src/blob-receiver.ts';
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

const beginnings: Readonly<Record<string, (blob: BlobReceiver) => () => Promise<Buffer>>> = {
  'a pause': (blob) => {
    blob.pause();
    return () => readAll(blob);
  },
  'a read that finds nothing': (blob) => {
    assert.equal(blob.read(), null);
    return () => readAll(blob);
  },
  'an iteration': (blob) => always(readAll(blob)),
  'a pipe': (blob) => always(readAll(blob.pipe(new PassThrough()))),
  'a pipeline': (blob) => always(pipeline(blob, readAll)),
  'the form of the web': (blob) => always(readAll(blob.toWeb())),
  'a listener for data': (blob) => {
    const parts: Buffer[] = [];
    blob.on('data', (part) => parts.push(part));
    return always(once(blob, 'end').then(() => Buffer.concat(parts)));
  },
  'a listener for readable': (blob) => {
    const parts: Buffer[] = [];
    blob.on('readable', () => {
      for (let part = blob.read(); part !== null; part = blob.read()) parts.push(part);
    });
    return always(once(blob, 'end').then(() => Buffer.concat(parts)));
  },
};

function always<T>(promise: Promise<T>): () => Promise<T> {
  return () => promise;
}

for (const [name, begin] of Object.entries(beginnings)) {
  test(`[api-90] a handler that returns accepts, and its stream is read on: ${name} is a beginning`, async (t) => {
    const { worker, send, expectFree } = await blobWorld(t);
    const reads: (() => Promise<Buffer>)[] = [];
    await worker.serve(Files, (way, { blob }) => {
      reads.push(begin(blob));
      return way === 'at once' ? undefined : Promise.resolve();
    });
    for (const way of ['at once', 'later']) {
      const sender = await send(way);
      await rest();
      sender.end('bytes');
      const read = reads.pop();
      assert.equal(String(await read!()), 'bytes');
      if (!sender.closed) await once(sender, 'close');
    }
    await expectFree();
  });
}

test('[api-90] a stream that nobody has begun to read is given up at the end of its handler', async (t) => {
  const { gateway, worker, expectFree } = await blobWorld(t);
  const kept: Readable[] = [];
  await worker.serve(Files, (name, request) => {
    kept.push(request.blob.on('error', () => {}).on('end', () => {}));
    if (name.startsWith('accepted')) request.accept();
    return name.endsWith('later') ? Promise.resolve() : undefined;
  });
  for (const from of [gateway, worker]) {
    for (const name of ['at once', 'later', 'accepted', 'accepted, later']) {
      const opening = from.sendBlob(Files, name, { to: worker.address });
      const error = await failureOf(opening.then((sender) => pipeline(Readable.from([pattern(300 * KIB)]), sender)));
      assert.deepEqual([error.detail, error.delivery], ['stream-aborted', 'unknown'], name);
      const own = kept.pop()!.errored;
      assert.ok(own instanceof DomusError);
      assert.deepEqual([own.detail, own.message.includes('the handler ended')], ['stream-aborted', true]);
    }
  }
  await expectFree();
});
