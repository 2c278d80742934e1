/** How blob streams end other than well: rejections, aborts, failures, shutdown; and what each side is told. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import type { BlobSender } from '../src/blob-sender.ts';
import { blobWorld, expectFree, Files, KIB, pattern, readAll, SMALL, takeOne } from './blob-imperium.ts';
import { Bench, failureOf, gate, rest, Watched } from './memory-bench.ts';

/** The error that a stream ended with. */
function errorOf(stream: Readable | Writable): DomusError {
  assert.ok(stream.errored instanceof DomusError, `no DomusError: ${String(stream.errored)}`);
  return stream.errored;
}

test('[api-84] [a1-blob-11] after reject reading fails, and a rejection that nobody looks at harms nobody', async (t) => {
  const { gateway, worker, send, expectFree } = await blobWorld(t);
  let reading: Promise<unknown> | undefined;
  await worker.serve(Files, (name, request) => {
    assert.equal(request.reject(), true);
    if (name === 'read') reading = failureOf(readAll(request.blob));
  });
  const error = await failureOf(send('read'));
  assert.deepEqual([error.kind, error.delivery, error.peer], ['remote-taberna-rejected', 'refused', worker.address]);
  const read = (await reading) as DomusError;
  assert.equal(read.kind, 'remote-taberna-rejected');
  assert.match(read.message, /request was not accepted/);
  assert.equal((await failureOf(send('unread'))).kind, 'remote-taberna-rejected');
  await expectFree();
  assert.equal(gateway.delivery.core.counters.blobCallesOpened, 0);
});

test('[api-89] destroy of the sender: the far reader fails with stream-aborted', async (t) => {
  const { gateway, worker, send, expectFree } = await blobWorld(t);
  const failed: DomusError[] = [];
  await worker.serve(Files, async (_, { blob }) => void failed.push(await failureOf(readAll(blob))));
  const sender = await send();
  sender.write('some bytes');
  sender.destroy();
  await once(sender, 'close');
  await rest();
  const [error] = failed;
  assert.deepEqual(
    [error?.kind, error?.detail, error?.delivery, error?.peer],
    ['peer-unavailable', 'stream-aborted', 'unknown', gateway.address],
  );
  assert.match(error!.endpoint!, /files/);
  await expectFree();
});

test('[api-89] [api-91] destroy of the receiver: the far writer fails with stream-aborted', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  await worker.serve(Files, async (_, { blob }) => {
    for await (const _part of blob) break;
  });
  const sender = await send();
  const error = await failureOf(pipeline(Readable.from([pattern(500_000)]), sender));
  assert.deepEqual(
    [error.kind, error.detail, error.delivery, error.peer],
    ['peer-unavailable', 'stream-aborted', 'unknown', worker.address],
  );
  assert.equal(error.retryable, false);
  assert.match(error.endpoint!, /files/);
  await expectFree();
});

test('[api-89] destroy with an error is told to the own program as it is', async (t) => {
  const { worker, send } = await blobWorld(t);
  await worker.serve(Files, async (_, { blob }) => void (await failureOf(readAll(blob))));
  const sender = await send();
  const reason = new RangeError('no more');
  const told = once(sender, 'error');
  sender.destroy(reason);
  assert.equal((await told)[0], reason);
});

test('[api-83] [api-37] split gives the stream and the right to answer apart', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  const opening = send('split');
  const { message, blob, completion } = (await takeOne(worker)).split();
  assert.equal(message, 'split');
  assert.equal(completion.accept(), true);
  assert.equal(completion.reject(), false);
  const sender = await opening;
  sender.end('bytes');
  assert.equal(String(await readAll(blob)), 'bytes');
  await expectFree();
});

test('[api-83] by hand: requests of a taberna have their streams, and one that is disposed is rejected', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  const inbox = await worker.taberna(Files);
  const names: string[] = [];
  const sends = ['one', 'two', 'three'].map((name) => send(name));
  const watched = sends.map((promise) => new Watched(promise));
  let seen = 0;
  for await (const request of inbox) {
    names.push(request.message);
    if (request.message === 'two') request[Symbol.dispose]();
    else void readAll(request.blob);
    if (++seen === 3) break;
  }
  await rest();
  assert.deepEqual(names, ['one', 'two', 'three']);
  assert.deepEqual(
    watched.map(({ kind }) => kind),
    ['resolved', 'remote-taberna-rejected', 'resolved'],
  );
  for (const promise of [sends[0]!, sends[2]!]) (await promise).end();
  await expectFree();
});

test('[api-38] a request that is undecided when its taberna closes is rejected, an accepted one is read on', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  const inbox = await worker.taberna(Files);
  const [first, second] = [send('first'), failureOf(send('second'))];
  const one = await inbox.receive();
  await inbox.receive();
  const reading = readAll(one.blob);
  await rest();
  await inbox[Symbol.asyncDispose]();
  assert.equal((await second).kind, 'remote-taberna-rejected');
  (await first).end('still');
  assert.equal(String(await reading), 'still');
  await expectFree();
});

test('[api-82] an abort before anything is sent', async (t) => {
  const { send, gateway, expectFree } = await blobWorld(t);
  const reason = new RangeError('too late');
  await assert.rejects(send('file', AbortSignal.abort(reason)), (error) => error === reason);
  for (const peer of gateway.delivery.core.peers.values()) assert.equal(peer.blobs, undefined);
  await expectFree();
});

test('[api-82] an abort while the handler decides: the waiting ends, and its late accept finds no stream', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  const cut = new AbortController();
  const opening = send('file', cut.signal);
  const request = await takeOne(worker);
  const reason = new RangeError('enough');
  cut.abort(reason);
  await assert.rejects(opening, (error) => error === reason);
  const error = await failureOf(readAll(request.blob));
  assert.equal(error.detail, 'stream-aborted');
  await expectFree();
});

test('[api-82] an abort in the middle destroys the stream with the reason of the signal', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  const failed: DomusError[] = [];
  await worker.serve(Files, async (_, { blob }) => void failed.push(await failureOf(readAll(blob))));
  const cut = new AbortController();
  const sender = await send('file', cut.signal);
  sender.write('bytes');
  const reason = new RangeError('enough');
  const told = once(sender, 'error');
  cut.abort(reason);
  assert.equal((await told)[0], reason);
  await rest();
  assert.equal(failed[0]?.detail, 'stream-aborted');
  await expectFree();
});

test('[api-82] a stream that ends in the middle of a write tells the callback of that write, and of each that waits', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  await worker.serve(Files, (_, { blob }) => void blob.pause());
  for (const reason of [new Error('enough'), undefined]) {
    const sender = await send();
    sender.on('error', () => {});
    const told: unknown[] = [];
    for (let write = 0; write < 3; write++) sender.write(Buffer.alloc(8 * 1024 * 1024), (error) => told.push(error));
    await rest();
    const closed = new Promise((resolve) => sender.once('close', resolve));
    sender.destroy(reason);
    await closed;
    assert.equal(told.length, 3);
    assert.ok(told.every((error) => error instanceof Error));
  }
  await expectFree();
});

test('[api-82] [api-91] a reason that is falsy is the cause of the error', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  await worker.serve(Files, async (_, { blob }) => void (await failureOf(readAll(blob))));
  for (const reason of [null, 0, '', false]) {
    const cut = new AbortController();
    const [sender, other] = [await send('file', cut.signal), await send()];
    const ends = [sender, other].map((stream) => failureOf(pipeline(new PassThrough(), stream)));
    cut.abort(reason);
    await other.toWeb().abort(reason);
    for (const { kind, detail, cause, peer } of await Promise.all(ends)) {
      assert.deepEqual([kind, detail, cause, peer], ['peer-unavailable', 'stream-aborted', reason, worker.address]);
    }
  }
  await expectFree();
});

test('[api-82] an abort behind the end changes nothing', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  await worker.serve(Files, async (_, { blob }) => void (await readAll(blob)));
  const cut = new AbortController();
  const sender = await send('file', cut.signal);
  sender.end('bytes');
  await once(sender, 'close');
  cut.abort();
  await rest();
  assert.equal(sender.errored, null);
  await expectFree();
});

test('[api-82] [a1-blim-2] an abort while the route is not known sends nothing and reserves nothing', async (t) => {
  const bench = new Bench(t);
  const worker = await bench.open(2, { config: SMALL });
  const route = gate();
  const gateway = await bench.open(1, {
    config: SMALL,
    resolver: { resolve: () => route.passed.then(() => worker.address) },
  });
  await worker.serve(Files, () => assert.fail('it must not arrive'));
  const cut = new AbortController();
  const opening = new Watched(gateway.sendBlob(Files, 'file', { signal: cut.signal }));
  await rest();
  cut.abort(new DomusError('invalid-state', 'enough'));
  await rest();
  assert.equal(opening.kind, 'invalid-state');
  route.open();
  await rest();
  expectFree(gateway);
  assert.equal(gateway.delivery.core.peers.size, 0);
});

test('[api-91] a failure that nobody listens for ends no process, and the next use tells it', async (t) => {
  const { bench, gateway, worker, send } = await blobWorld(t);
  const opening = send();
  const request = await takeOne(worker);
  request.accept();
  const sender = await opening;
  await bench.crash(worker, [gateway]);
  await bench.advance(31_000);
  assert.equal(errorOf(sender).kind, 'peer-unavailable');
  assert.equal((await failureOf(pipeline(Readable.from(['late']), sender))).kind, 'peer-unavailable');
  assert.equal((await failureOf(readAll(request.blob))).kind, 'domus-closed');
});

test('[api-91] write after destroy is Node’s own error, and harms nothing', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  await worker.serve(Files, async (_, { blob }) => void (await failureOf(readAll(blob))));
  const sender = await send();
  sender.destroy();
  const error = await new Promise<Error | null | undefined>((resolve) => {
    sender.write('late', resolve);
  });
  assert.equal((error as NodeJS.ErrnoException).code, 'ERR_STREAM_DESTROYED');
  sender.flush();
  sender.end();
  await expectFree();
});

test('[api-87] progress leaves no timer behind a stream that was destroyed', async (t) => {
  const { bench, gateway, worker, send } = await blobWorld(t);
  await worker.serve(Files, async (_, { blob }) => {
    blob.on('progress', () => {});
    await failureOf(readAll(blob));
  });
  const sender = await send();
  sender.on('progress', () => {});
  sender.write(pattern(20_000));
  await bench.advance(30);
  sender.destroy();
  await rest();
  await gateway.shutdown();
  await worker.shutdown();
  await rest();
  assert.equal(bench.clock.pending, 0);
});

test('[api-92] shutdown waits for streams under way, at both sides', async (t) => {
  const { gateway, worker, send, bench } = await blobWorld(t);
  let received = '';
  await worker.serve(Files, async (_, { blob }) => {
    for await (const part of blob) received += part;
  });
  const sender = await send();
  sender.write('before ');
  const closed = [gateway, worker].map((domus) => new Watched(domus.shutdown({ drainTimeout: 10_000 })));
  await bench.advance(1_000);
  assert.deepEqual(
    closed.map(({ kind }) => kind),
    ['pending', 'pending'],
  );
  sender.end('after');
  await once(sender, 'finish');
  await rest();
  assert.deepEqual(
    closed.map(({ kind }) => kind),
    ['resolved', 'resolved'],
  );
  assert.equal(received, 'before after');
  assert.equal(bench.clock.pending, 0);
});

test('[api-92] [a1-blim-6] what has not ended by drainTimeout fails with domus-closed', async (t) => {
  const { gateway, worker, send, bench, expectFree } = await blobWorld(t);
  const failed: DomusError[] = [];
  await worker.serve(Files, async (_, { blob }) => void failed.push(await failureOf(readAll(blob))));
  const sender = await send();
  sender.write('some');
  const closed = new Watched(gateway.shutdown({ drainTimeout: 500 }));
  await bench.advance(501);
  await rest();
  assert.equal(closed.kind, 'resolved');
  const error = errorOf(sender);
  assert.deepEqual([error.kind, error.delivery, error.peer], ['domus-closed', 'unknown', worker.address]);
  assert.equal(failed[0]?.kind, 'peer-unavailable');
  await expectFree();
});

test('[api-92] a signal cuts the streams at once', async (t) => {
  const { bench, gateway, worker, send, expectFree } = await blobWorld(t);
  await worker.serve(Files, async (_, { blob }) => void (await failureOf(readAll(blob))));
  const sender = await send();
  const cut = new AbortController();
  const closed = gateway.shutdown({ signal: cut.signal });
  cut.abort();
  await closed;
  await rest();
  assert.equal(errorOf(sender).kind, 'domus-closed');
  await assert.rejects(gateway.sendBlob(Files, 'late'), { kind: 'domus-closed' });
  // Nothing was said to the peer, which waits for it to come back.
  await bench.advance(31_000);
  await expectFree();
});

test('[a1-blim-6] [api-91] a peer that has restarted knows the stream no more', async (t) => {
  const { bench, gateway, worker, send } = await blobWorld(t);
  await worker.serve(Files, async (_, { blob }) => void (await failureOf(readAll(blob))));
  const sender = await send();
  sender.write('bytes');
  await rest();
  await bench.crash(worker, [gateway]);
  const again = await bench.open(2, { config: SMALL });
  await again.serve(Files, async (_, { blob }) => void (await readAll(blob)));
  await bench.advance(5_000);
  assert.equal(errorOf(sender).kind, 'peer-restarted');
  const next: BlobSender = await send();
  next.end('new');
  await once(next, 'finish');
  await rest();
  expectFree(gateway);
  expectFree(again);
});

test('[a1-blim-5] [api-89] a local stream aborts in both directions', async (t) => {
  const { gateway, expectFree } = await blobWorld(t);
  const failed: DomusError[] = [];
  await gateway.serve(Files, async (name, { blob }) => {
    if (name === 'reader') for await (const _part of blob) break;
    else failed.push(await failureOf(readAll(blob)));
  });
  const writer = await gateway.sendBlob(Files, 'writer');
  writer.write('some');
  writer.destroy();
  await rest();
  assert.equal(failed[0]?.detail, 'stream-aborted');
  const reader = await gateway.sendBlob(Files, 'reader');
  const error = await failureOf(pipeline(Readable.from([pattern(300 * KIB)]), reader));
  assert.equal(error.detail, 'stream-aborted');
  await expectFree();
});
