/** Blob streams as programs see them: bytes from end to end, in all the ways in which Node reads and writes streams. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { until } from '@flaminia/testkit';
import { DomusError } from '@flaminia/transport-a0';
import { blobWorld, expectFree, Files, heldReader, KIB, pattern, readAll, SMALL } from './blob-imperium.ts';
import { Bench, failureOf, gate, Numbers, rest, Watched } from './memory-bench.ts';
import { SocketImperium, TRANSPORTS } from './socket-imperium.ts';

test('[api-81] [api-83] [api-84] [api-86] a pipeline at both ends: every byte arrives, and the end means so', async (t) => {
  const { worker, send, expectFree } = await blobWorld(t);
  const bytes = pattern(300_001);
  const names: string[] = [];
  let received: Buffer | undefined;
  await worker.serve(Files, async (name, { blob }) => {
    names.push(name);
    received = await readAll(blob);
  });
  const sender = await send('report.pdf');
  await pipeline(Readable.from([bytes.subarray(0, 5), bytes.subarray(5)]), sender);
  assert.equal(sender.bytesAcknowledged, bytes.length);
  await rest();
  assert.deepEqual(received, bytes);
  assert.deepEqual(names, ['report.pdf']);
  await expectFree();
});

for (const size of [0, 1, 4 * KIB - 1, 4 * KIB, 4 * KIB + 1, 64 * KIB, 64 * KIB + 1]) {
  test(`[a1-blim-7] [a1-bsend-3] a blob of ${size} bytes arrives as it was`, async (t) => {
    const { worker, send, expectFree } = await blobWorld(t);
    let received: Buffer | undefined;
    await worker.serve(Files, async (_, { blob }) => {
      received = await readAll(blob);
    });
    const sender = await send();
    sender.end(pattern(size));
    await once(sender, 'finish');
    await rest();
    assert.deepEqual(received, pattern(size));
    await expectFree();
  });
}

for (const transport of TRANSPORTS) {
  test(`[api-81] [api-85] over ${transport}: a file goes there and comes back inside a handler`, async (t) => {
    const imperium = new SocketImperium(t, transport);
    const [gateway, worker] = [await imperium.open(), await imperium.open()];
    const folder = mkdtempSync(join(tmpdir(), 'flaminia-blobs-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const [source, there, back] = ['source', 'there', 'back'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const bytes = pattern(3_000_000);
    writeFileSync(source, bytes);
    const returned = gate();
    await worker.serve(Files, async (_, { blob, from }) => {
      await pipeline(blob, createWriteStream(there));
      await pipeline(
        createReadStream(there),
        await worker.sendBlob(Files, 'back', { to: from.address as `tcp://${string}` }),
      );
    });
    await gateway.serve(Files, async (_, { blob }) => {
      await pipeline(blob, createWriteStream(back));
      returned.open();
    });
    await pipeline(createReadStream(source), await gateway.sendBlob(Files, 'there', { to: worker.address }));
    await returned.passed;
    assert.deepEqual(readFileSync(back), bytes);
    const budgets = [gateway, worker].flatMap(({ delivery: { core } }) => [core.blobsIn, core.blobsOut]);
    // The last word on a stream may come behind its last byte.
    await until(() => budgets.every(({ reserved }) => reserved === 0), 'all room to be given back');
  });
}

test('[api-85] text and its encoding are written as Node does', async (t) => {
  const { worker, send } = await blobWorld(t);
  let received = '';
  await worker.serve(Files, async (_, { blob }) => {
    blob.setEncoding('utf8');
    for await (const part of blob) received += part;
  });
  const sender = await send();
  sender.write('grün ', 'utf8');
  sender.write('c3a4', 'hex');
  sender.end();
  await once(sender, 'finish');
  await rest();
  assert.equal(received, 'grün ä');
});

test('[api-85] backpressure: write says no when window and buffer are full, and drain comes with the reading', async (t) => {
  const { worker, send } = await blobWorld(t);
  const reader = await heldReader(worker);
  const sender = await send();
  let written = 0;
  while (sender.write(Buffer.alloc(4 * KIB))) {
    written += 4 * KIB;
    await rest();
    assert.ok(written <= 128 * KIB, 'it never says no');
  }
  assert.ok(written >= 64 * KIB);
  const drained = new Watched(once(sender, 'drain'));
  await rest();
  assert.equal(drained.kind, 'pending');
  assert.ok(sender.writableLength <= 20 * KIB);
  reader.go();
  await rest();
  assert.equal(drained.kind, 'resolved');
  sender.end();
  await once(sender, 'finish');
  await rest();
  assert.equal(reader.received, written + 4 * KIB);
});

test('[api-87] progress: the counts, and at most ten events a second', async (t) => {
  const { bench, worker, send } = await blobWorld(t);
  let inbound = 0;
  const received: number[] = [];
  await worker.serve(Files, async (_, { blob }) => {
    blob.on('progress', () => {
      inbound++;
      received.push(blob.bytesReceived);
    });
    for await (const _part of blob);
  });
  const sender = await send();
  let outbound = 0;
  sender.on('progress', () => void outbound++);
  for (let i = 0; i < 40; i++) {
    sender.write(Buffer.alloc(4 * KIB));
    sender.flush();
    await bench.advance(25);
  }
  assert.ok(outbound >= 9 && outbound <= 12, `${outbound} events in a second`);
  assert.ok(inbound >= 9 && inbound <= 12, `${inbound} events in a second`);
  assert.deepEqual(
    received,
    [...received].sort((x, y) => x - y),
  );
  sender.end();
  await once(sender, 'finish');
  assert.equal(sender.bytesAcknowledged, 160 * KIB);
  await bench.advance(200);
});

test('[api-88] flush sends a partly filled chunk at once, quiet does so after 20 ms', async (t) => {
  const { bench, worker, send } = await blobWorld(t);
  let received = '';
  await worker.serve(Files, async (_, { blob }) => {
    for await (const part of blob) received += part;
  });
  const sender = await send();
  await bench.advance(100);
  sender.write('first');
  await rest();
  assert.equal(received, '');
  sender.flush();
  await rest();
  assert.equal(received, 'first');
  sender.write(' second');
  await bench.advance(25);
  assert.equal(received, 'first second');
  sender.flush();
  sender.end();
  await once(sender, 'finish');
});

test('[api-84] nothing but the first read accepts', async (t) => {
  const { worker, send } = await blobWorld(t);
  const read = gate();
  await worker.serve(Files, async (_, { blob }) => {
    await read.passed;
    blob.resume();
    await once(blob, 'end');
  });
  const opening = send();
  const watched = new Watched(opening);
  await rest();
  assert.equal(watched.kind, 'pending');
  read.open();
  const sender = await opening;
  sender.end('x');
  await once(sender, 'finish');
});

test('[a1-blim-5] [api-81] a domus sends a blob to itself', async (t) => {
  const { gateway, expectFree } = await blobWorld(t);
  const bytes = pattern(200_000);
  let received: Buffer | undefined;
  await gateway.serve(Files, async (_, { blob }) => {
    received = await readAll(blob);
  });
  const sender = await gateway.sendBlob(Files, 'own');
  await pipeline(Readable.from([bytes]), sender);
  await rest();
  assert.deepEqual(received, bytes);
  await expectFree();
});

for (const chunkSize of [64 * KIB, 1024 * KIB]) {
  const chunks = `chunks of ${chunkSize / KIB} KiB`;
  test(`[a1-blim-5] [api-86] a domus fills the window of a stream to itself that nobody reads yet, ${chunks}`, async (t) => {
    const bench = new Bench(t);
    const domus = await bench.open(1, { config: { blobWindow: { chunkSize, ackWindow: 4 } } });
    const reader = await heldReader(domus);
    const sender = await domus.sendBlob(Files, 'own');
    const ended = new Watched(pipeline(Readable.from([Buffer.alloc(4 * chunkSize)]), sender));
    await rest();
    assert.equal(ended.kind, 'resolved');
    reader.go();
    await rest();
    assert.equal(reader.received, 4 * chunkSize);
    expectFree(domus);
  });
}

test('a stream of a domus to itself leaves the event loop to others', async (t) => {
  const bench = new Bench(t);
  const domus = await bench.open(1);
  let received = 0;
  await domus.serve(Files, async (_, { blob }) => {
    for await (const part of blob) received += part.length;
  });
  let rounds = 0;
  const goRound = (): void => {
    rounds++;
    round = setImmediate(goRound);
  };
  let round = setImmediate(goRound);
  const sender = await domus.sendBlob(Files, 'own');
  const part = Buffer.alloc(256 * KIB);
  for (let i = 0; i < 64; i++) if (!sender.write(part)) await once(sender, 'drain');
  await new Promise<void>((resolve) => void sender.end(resolve));
  clearImmediate(round);
  await rest();
  assert.equal(received, 64 * part.length);
  assert.ok(rounds >= 16, `${rounds} rounds`);
  expectFree(domus);
});

test('[a1-blim-9] streams that have ended leave no memory behind beside one that goes on', async (t) => {
  const { gateway, worker, send } = await blobWorld(t);
  const reader = await heldReader(worker);
  const senders = await Promise.all(Array.from({ length: 4 }, () => send()));
  for (const sender of senders) sender.write(pattern(60 * KIB));
  await rest();
  reader.go();
  await rest();
  for (const sender of senders.slice(1)) sender.end();
  await rest();
  const { core } = gateway.delivery;
  const { free } = core.peers.get(worker.address)!.blobs!.pieces as unknown as { readonly free: { bytes: Buffer }[] };
  assert.equal(core.blobsOut.reserved, 64 * KIB);
  assert.equal(free.length, 1);
  senders[0]!.end();
  await rest();
  assert.equal(free.length, 0);
});

test('messages of a domus to itself do not look at all of its streams to itself', async (t) => {
  const bench = new Bench(t);
  const domus = await bench.open(1, {
    config: { ...SMALL, blobOutboundBufferBytes: 1024 * KIB, blobInboundBufferBytes: 1024 * KIB },
  });
  await heldReader(domus);
  await domus.serve(Numbers, () => {});
  const { blobs } = domus.delivery.core.local as unknown as {
    readonly blobs: { readonly pairs: Map<number, unknown> };
  };
  let looked = 0;
  const { values } = Map.prototype;
  blobs.pairs.values = () => {
    looked++;
    return values.call(blobs.pairs);
  };
  const senders = await Promise.all(Array.from({ length: 16 }, () => domus.sendBlob(Files, 'own')));
  for (let i = 0; i < 1_000; i++) await domus.send(Numbers, i);
  assert.ok(looked < 20, `looked ${looked} times`);
  for (const sender of senders) sender.on('error', () => {}).destroy();
  await rest();
  expectFree(domus);
});

test('[api-81] errors of the codec, of the route and of the lane come as those of send do', async (t) => {
  const { bench, gateway, worker, expectFree } = await blobWorld(t);
  const circle: unknown[] = [];
  circle.push(circle);
  assert.equal(
    (await failureOf(gateway.sendBlob(Files, circle as never, { to: worker.address }))).kind,
    'encode-failure',
  );
  const unknown = await failureOf(gateway.sendBlob(Files, 'file', { to: worker.address }));
  assert.deepEqual([unknown.kind, unknown.delivery, unknown.peer], ['unknown-taberna', 'refused', worker.address]);
  assert.match(unknown.endpoint!, /files/);
  assert.equal((await failureOf(gateway.sendBlob(Files, 'file'))).kind, 'unknown-taberna');
  await assert.rejects(gateway.sendBlob(Files, 'file', { to: 'tcp://nowhere' }), { kind: 'invalid-config' });
  await worker.serve(Files, () => new Promise(() => {}));
  const four = [0, 1, 2, 3].map((i) => new Watched(gateway.sendBlob(Files, `file ${i}`, { to: worker.address })));
  const full = await failureOf(gateway.sendBlob(Files, 'one more', { to: worker.address }));
  assert.deepEqual([full.kind, full.delivery, full.retryable], ['blob-buffer-full', 'not-sent', true]);
  await bench.advance(30_001);
  assert.deepEqual(
    four.map(({ kind }) => kind),
    Array(4).fill('send-timeout'),
  );
  await worker.shutdown({ drainTimeout: 0 });
  await expectFree();
});

test('[api-80] the kinds of endpoints are told apart, in calls and on the wire', async (t) => {
  const { gateway, worker, expectFree } = await blobWorld(t, SMALL);
  const { endpoint } = await import('../src/endpoint.ts');
  const { json } = await import('../src/json.ts');
  const Plain = endpoint('files', json<string>());
  await assert.rejects(
    gateway.sendBlob(Plain as never, 'x'),
    (error) => DomusError.is(error) && /blobEndpoint/.test(error.message),
  );
  await assert.rejects(gateway.send(Files as never, 'x', { to: worker.address }), DomusError);
  const seen: string[] = [];
  const blobs = await worker.serve(Files, (name) => void seen.push(name));
  assert.equal((await failureOf(gateway.send(Plain, 'plain', { to: worker.address }))).kind, 'remote-taberna-rejected');
  await blobs.close();
  await worker.serve(Plain, (name) => void seen.push(name));
  assert.equal(
    (await failureOf(gateway.sendBlob(Files, 'blob', { to: worker.address }))).kind,
    'remote-taberna-rejected',
  );
  assert.deepEqual(seen, []);
  await expectFree();
});

test('[api-63] [api-57] blob calles are reported with their numbers', async (t) => {
  const { worker, gateway, send } = await blobWorld(t);
  const events: unknown[] = [];
  const read = (async () => {
    for await (const event of gateway.reporting.events()) events.push(event);
  })();
  await worker.serve(Files, async (_, { blob }) => void (await readAll(blob)));
  const sender = await send();
  sender.end();
  await once(sender, 'finish');
  await gateway.shutdown();
  await read;
  const kinds = events.map((event) => (event as { kind: string }).kind);
  assert.ok(kinds.includes('blob-callis-connected') && kinds.includes('blob-callis-disconnected'));
  const connected = events.find((event) => (event as { kind: string }).kind === 'blob-callis-connected');
  assert.deepEqual((connected as { settings: unknown }).settings, SMALL.blobWindow);
});

test('[cfg-12] a new blobWindow is in force when no blob callis and no stream is left', async (t) => {
  const { bench, gateway, worker, send } = await blobWorld(t);
  await worker.serve(Files, async (_, { blob }) => void (await readAll(blob)));
  const settings: unknown[] = [];
  const read = (async () => {
    for await (const event of gateway.reporting.events())
      if (event.kind === 'blob-callis-connected') settings.push(event.settings);
  })();
  const finish = async (): Promise<void> => {
    const sender = await send();
    sender.end('bytes');
    await once(sender, 'finish');
    await rest();
  };
  await finish();
  for (const domus of [gateway, worker]) domus.config.update({ blobWindow: { chunkSize: KIB, ackWindow: 8 } });
  await finish();
  await bench.advance(2_000);
  bench.network.cut(gateway.address, worker.address);
  await rest();
  bench.network.heal();
  await bench.advance(2_000);
  await finish();
  await gateway.shutdown();
  await read;
  assert.deepEqual(settings, [SMALL.blobWindow, { chunkSize: KIB, ackWindow: 8 }]);
});
