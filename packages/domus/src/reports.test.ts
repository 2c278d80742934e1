import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { Bench, eventsOf, failureOf, imperium, Numbers, rest } from '../test/memory-bench.ts';
import { bytes } from './bytes.ts';
import type { Domus } from './domus.ts';
import { blobEndpoint } from './endpoint.ts';

/** Current value and peak of connected peers and of primary calles. */
function heights({ reporting }: Domus): number[] {
  const { peers, primaryCalles } = reporting.snapshot();
  return [peers.current, peers.peak, primaryCalles.current, primaryCalles.peak];
}

test('[api-61] peaks stay where current values fall, and are never below them', async (t) => {
  const world = imperium(t);
  const gateway = await world.domus('gateway');
  const workers = [await world.domus('a'), await world.domus('b')];
  assert.deepEqual(heights(gateway), [0, 0, 0, 0]);
  for (const worker of workers) {
    const serving = await worker.serve(Numbers, () => {});
    await gateway.send(Numbers, 1, { to: worker.address });
    await serving.close();
  }
  assert.deepEqual(heights(gateway), [2, 2, 2, 2]);
  await workers[0]!.shutdown();
  await world.advance(0);
  assert.deepEqual(heights(gateway), [1, 2, 1, 2]);
  await workers[1]!.shutdown();
  await world.advance(0);
  assert.deepEqual(heights(gateway), [0, 2, 0, 2]);
});

test('[api-60] [api-61] a reset gives what has happened since the last one, and peaks of that time; snapshots stay absolute', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  await worker.serve(Numbers, () => {});
  const before = gateway.reporting.snapshot();
  assert.equal(before.lastResetAt, before.createdAt);
  await gateway.send(Numbers, 1);
  const first = gateway.reporting.snapshotAndReset();
  assert.deepEqual([first.sends.accepted, first.primaryCalles.opened, first.peers.peak], [1, 1, 1]);
  assert.deepEqual([first.lastResetAt, first.intervalMs], [first.createdAt, first.lastSnapshotAt - first.createdAt]);
  for (let i = 0; i < 3; i++) await gateway.send(Numbers, i);
  await worker.shutdown();
  await world.advance(0);
  const second = gateway.reporting.snapshotAndReset();
  assert.deepEqual([second.sends.accepted, second.primaryCalles.closed], [3, 1]);
  assert.deepEqual(
    [second.peers, second.primaryCalles.peak],
    [{ current: 0, peak: 1 }, 1],
    'it was connected meanwhile',
  );
  assert.equal(second.lastResetAt, first.lastSnapshotAt);
  const third = gateway.reporting.snapshotAndReset();
  assert.deepEqual([third.sends.accepted, third.peers.peak, third.primaryCalles.peak], [0, 0, 0]);
  const after = gateway.reporting.snapshot();
  assert.deepEqual([after.sends.accepted, after.peers.peak, after.lastResetAt], [4, 1, third.lastSnapshotAt]);
});

test('[api-62] connected peers are listed with who they are, their calles, and since when', async (t) => {
  const bench = new Bench(t);
  const config = { reconnectBackoff: [10] };
  const [gateway, worker] = [await bench.open(1, { config }), await bench.open(2, { config, nodeId: 'worker' })];
  await worker.serve(Numbers, () => {});
  const list = (): object[] => gateway.reporting.connectedPeers();
  assert.deepEqual(list(), []);
  const began = Date.now();
  await gateway.send(Numbers, 1, { to: worker.address });
  const [seen] = gateway.reporting.connectedPeers();
  assert.ok(seen!.connectedSince >= began && seen!.connectedSince <= Date.now());
  const identity = { nodeId: 'worker', nodeType: null, address: worker.address, subject: 'CN=worker', sans: [] };
  const { connectedSince } = seen!;
  assert.deepEqual(list(), [{ address: worker.address, identity, primaryCalles: 1, blobCalles: 0, connectedSince }]);
  assert.deepEqual(JSON.parse(JSON.stringify(list())), list());
  bench.network.cut(gateway.address, worker.address);
  await rest();
  assert.deepEqual(list(), [], 'the session lives on, but nothing is connected');
  bench.network.heal();
  await bench.advance(100);
  assert.equal(list().length, 1);
  await gateway.shutdown();
  assert.deepEqual(list(), []);
});

test('[api-62] [api-57] events from the start tell the whole life, behind its end too', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const live = eventsOf(gateway);
  await worker.serve(Numbers, () => {});
  await gateway.send(Numbers, 1);
  const early = gateway.reporting.events({ fromStart: true });
  await gateway.shutdown();
  for (const feed of [early, gateway.reporting.events({ fromStart: true })]) {
    const told: unknown[] = [];
    for await (const event of feed) told.push(event);
    assert.deepEqual(told, live);
  }
  assert.deepEqual(live[0]?.kind, 'peer-connected');
});

test('[api-62] [api-70] a failed handler and a failed dial are errors for feeds and for whoever asks later', async (t) => {
  const bench = new Bench(t);
  const config = { sendTimeout: 1_000, reconnectBackoff: [] };
  const [gateway, worker] = [await bench.open(1, { config }), await bench.open(2)];
  const feed = worker.reporting.errors();
  await worker.serve(Numbers, () => {
    throw new TypeError('no such number');
  });
  await failureOf(gateway.send(Numbers, 1, { to: worker.address }));
  const [record] = worker.reporting.errorsSince(0).errors;
  const { at, taberna, ...told } = record!;
  assert.deepEqual(told, { seq: 1, event: 'handler-failed', error: { kind: undefined, message: 'no such number' } });
  assert.deepEqual([taberna?.name, Number.isSafeInteger(at)], ['numbers', true]);
  assert.deepEqual(await feed.next(), { done: false, value: record });
  const lost = failureOf(gateway.send(Numbers, 1, { to: 'tcp://127.0.0.1:99' }));
  await bench.advance(1_000);
  await lost;
  const failed = gateway.reporting.errorsSince(0).errors.filter(({ event }) => event === 'peer-dial-failed');
  assert.deepEqual([failed[0]?.peer, failed[0]?.error.kind], ['tcp://127.0.0.1:99', 'peer-unavailable']);
  assert.deepEqual(JSON.parse(JSON.stringify(failed)), failed);
});

test('[api-62] a feed of errors ends with its signal, and with its domus behind what is buffered', async (t) => {
  const world = imperium(t);
  const gateway = await world.domus('gateway');
  const stop = new AbortController();
  const [stopped, open] = [gateway.reporting.errors({ signal: stop.signal }), gateway.reporting.errors()];
  const next = stopped.next();
  stop.abort();
  assert.deepEqual(await next, { done: true, value: undefined });
  await gateway.shutdown();
  assert.deepEqual(await open.next(), { done: true, value: undefined });
});

test('[api-63] blob calles and streams are counted, listed and reported on both sides', async (t) => {
  const world = imperium(t);
  const [gateway, worker] = [await world.domus('gateway'), await world.domus('worker')];
  const Files = blobEndpoint('files', bytes());
  const near = eventsOf(gateway);
  const arrived: number[] = [];
  await worker.serve(Files, async (_, request) => void arrived.push((await buffer(request.blob)).length));
  const blob = await gateway.sendBlob(Files, new Uint8Array(1));
  assert.equal(gateway.reporting.connectedPeers()[0]?.blobCalles, 1);
  blob.end(new Uint8Array(100_000));
  await new Promise((resolve) => blob.on('finish', resolve));
  await world.advance(0);
  assert.deepEqual(arrived, [100_000]);
  const [out, inn] = [gateway, worker].map(({ reporting }) => reporting.snapshot());
  const { openedOut, completed, failed, bytesOut, chunksOut } = out!.blobs;
  assert.deepEqual([openedOut, completed, failed, bytesOut, chunksOut], [1, 1, 0, 100_000, inn!.blobs.chunksIn]);
  assert.deepEqual([inn!.blobs.openedIn, inn!.blobs.completed, inn!.blobs.bytesIn], [1, 1, 100_000]);
  assert.deepEqual(out!.blobCalles, { current: 1, peak: 1, opened: 1, closed: 0 });
  const connected = near.find((event) => event.kind === 'blob-callis-connected');
  assert.deepEqual([connected?.peer, connected?.settings], [worker.address, gateway.config.snapshot().blobWindow]);
  await worker.shutdown();
  await world.advance(0);
  assert.ok(near.some(({ kind }) => kind === 'blob-callis-disconnected'));
  const delta = gateway.reporting.snapshotAndReset();
  assert.deepEqual([delta.blobCalles, delta.blobs.bytesOut], [{ current: 0, peak: 1, opened: 1, closed: 1 }, 100_000]);
  assert.equal(gateway.reporting.snapshotAndReset().blobCalles.peak, 0);
});
