/** How blobs between Node and Rust end early: slow readers, readers that leave, senders that give up, refusals, limits. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BlobEndpoint, blobEndpoint, bytes, DomusError, type Endpoint } from '@flaminia/domus';
import {
  BLOBS_AT_NODE,
  BLOBS_AT_RUST,
  type BlobPair,
  HELD_AT_NODE,
  nodeSendsBlob,
  OWN_WINDOW,
  openBlobPair,
  readAtRust,
  rustSendsBlob,
  sendFromRust,
  untilFree,
  WITH_OWN_WINDOW,
} from './blob-pair.ts';
import { Imperium, TRANSPORTS } from './imperium.ts';
import { fill, readBlob } from './node-blobs.ts';
import { AT_NODE } from './pair.ts';
import { SeededBytes } from './seeded-bytes.ts';
import { until } from './until.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** More than any window here, so that no sender can be done before its reader has read. */
const BIG = 16 * MIB;
const SHORT = { sendTimeout: 3_000, callisConnectTimeout: 3_000, acceptTimeout: 3_000 };
const NOWHERE: BlobEndpoint<Uint8Array> = blobEndpoint(404n, bytes());

for (const transport of TRANSPORTS) {
  test(`a Node reader that waits holds the Rust sender back over ${transport}, and loses nothing`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), WITH_OWN_WINDOW);
    const taberna = await pair.node.domus.taberna(HELD_AT_NODE);
    const sent = sendFromRust(pair, { taberna: HELD_AT_NODE.id, number: 1, sizeBytes: BIG });
    const { blob, completion } = (await taberna.receive()).split();
    completion.accept();
    const { settings } = await pair.node.next('blob-callis-connected');
    const window = settings.chunkSize * settings.ackWindow;
    await until('the window is full', () => blob.bytesReceived === window);
    // Another stream goes past the one that stands still.
    await rustSendsBlob(pair, 2, MIB);
    assert.equal(blob.bytesReceived, window);
    const read = await readBlob(1, blob);
    assert.deepEqual([read.failure, read.sha256], [undefined, new SeededBytes(1).sha256(BIG)]);
    assert.equal((await sent).end, 'whole');
    await untilFree(pair);
  });

  test(`a Rust reader that stands still fails the blob over ${transport}: Node hears why, and frees everything`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), {
      ...WITH_OWN_WINDOW,
      reading: { stopAfterBytes: 0 },
    });
    const { rust, blobs } = pair;
    await assertFails(blobs.send(BLOBS_AT_RUST, rust.address, 1, BIG), 'blob-buffer-full');
    await untilFree(pair);
    await rust.peer.orderBlob('reading', 1, 'go-on');
    const { end, failure } = await readAtRust(rust, 1);
    assert.deepEqual([end, failure?.kind], ['failed', 'blob-buffer-full']);
    const next = blobs.send(BLOBS_AT_RUST, rust.address, 2, MIB);
    await rust.peer.next('blob-stopped', ({ number }) => number === 2);
    await rust.peer.orderBlob('reading', 2, 'go-on');
    await next;
    assert.equal((await readAtRust(rust, 2)).sha256, new SeededBytes(2).sha256(MIB));
    await untilFree(pair);
  });

  test(`a slow Rust reader gets all that fits its window over ${transport}`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), {
      ...WITH_OWN_WINDOW,
      reading: { pauseMs: 5 },
    });
    await nodeSendsBlob(pair, 1, 3 * MIB);
    await untilFree(pair);
  });

  test(`a Node reader that leaves fails the Rust sender over ${transport}`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), WITH_OWN_WINDOW);
    await pair.node.domus.serve(HELD_AT_NODE, async (_message, { blob }) => {
      for await (const _piece of blob) break;
    });
    const report = await sendFromRust(pair, { taberna: HELD_AT_NODE.id, number: 1, sizeBytes: BIG });
    // The crate reports the newest error: of the stream, or of a chunk that came after it.
    assert(['peer-unavailable', 'blob-stream-not-found'].includes(report.failure?.kind ?? report.end), report.end);
    await untilFree(pair);
    await rustSendsBlob(pair, 2, MIB);
  });

  test(`a Rust reader that leaves fails the Node sender over ${transport}`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), {
      ...WITH_OWN_WINDOW,
      reading: { dropAfterBytes: 100_000 },
    });
    const { rust, blobs } = pair;
    await assertFails(blobs.send(BLOBS_AT_RUST, rust.address, 1, 1024 * MIB), 'blob-stream-not-found');
    assert.equal((await readAtRust(rust, 1)).end, 'dropped');
    await untilFree(pair);
  });

  test(`a Node sender that gives up fails the Rust reader over ${transport}`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), WITH_OWN_WINDOW);
    const { rust, blobs } = pair;
    const sender = await blobs.open(BLOBS_AT_RUST, rust.address, 1);
    sender.write(new SeededBytes(1).piece(0, MIB));
    await until('some has arrived', () => sender.bytesAcknowledged > 0);
    sender.destroy();
    const { end, failure } = await readAtRust(rust, 1);
    assert.deepEqual([end, failure?.kind], ['failed', 'peer-unavailable']);
    await untilFree(pair);
    await nodeSendsBlob(pair, 2, MIB);
  });

  test(`a Rust sender that is dropped says nothing over ${transport}: Node's reader fails by the idle limit`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), {
      ...WITH_OWN_WINDOW,
      node: { config: { ...SHORT, blobWindow: OWN_WINDOW } },
    });
    const sent = sendFromRust(pair, { number: 1, sizeBytes: BIG, stopAfterBytes: MIB });
    await pair.rust.peer.next('blob-stopped');
    await pair.rust.peer.orderBlob('sending', 1, 'drop');
    assert.equal((await sent).end, 'dropped');
    assert.equal((await pair.blobs.read(1)).failure, 'blob-stream-idle-timeout');
    await untilFree(pair);
  });

  test(`each side refuses a blob of the other over ${transport}`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), WITH_OWN_WINDOW);
    const { node, rust, blobs } = pair;
    const rejecting = blobEndpoint(3n, bytes());
    await rust.peer.taberna(rejecting.id, 'reject', { quiet: true });
    await assertFails(blobs.open(rejecting, rust.address, 1), 'remote-taberna-rejected');
    await assertFails(blobs.open(NOWHERE, rust.address, 2), 'unknown-taberna');
    await node.domus.serve(HELD_AT_NODE, (_message, request) => void request.reject());
    await node.domus.serve(AT_NODE, () => {});
    assert.equal(await refusal(pair, HELD_AT_NODE), 'remote-taberna-rejected');
    assert.equal(await refusal(pair, NOWHERE), 'unknown-taberna');
    assert.equal(await refusal(pair, AT_NODE), 'remote-taberna-rejected', 'it takes messages without blobs');
    await rust.peer.route(BLOBS_AT_NODE.id, node.address);
    const { byError } = await rust.peer.send({ taberna: BLOBS_AT_NODE.id });
    assert.deepEqual(byError, { 'remote-taberna-rejected': 1 }, 'it takes blobs');
    await untilFree(pair);
    assert.equal(node.domus.delivery.core.counters.blobCallesOpened, 0);
  });

  test(`the buffers of either side bound the blobs that are open over ${transport}`, async (t) => {
    const window = OWN_WINDOW.chunkSize * OWN_WINDOW.ackWindow;
    const two = { blobOutboundBufferBytes: 2 * window, blobInboundBufferBytes: 2 * window };
    const { node, rust } = WITH_OWN_WINDOW;
    const atNode = { rust, node: { config: { ...node.config, ...two } } };
    // The crate reserves when its message is under way: Node may accept a blob that never comes, up to its idle limit.
    const atRust = { node: { config: { ...node.config, ...SHORT } }, rust: { config: { ...rust.config, ...two } } };
    await bounds(await openBlobPair(await Imperium.make(t, transport), atNode), 'not-sent');
    await bounds(await openBlobPair(await Imperium.make(t, transport), atRust), 'refused');
  });
}

/** Of three blobs the third is refused both ways, until one of the others has ended. */
async function bounds(pair: BlobPair, delivery: string): Promise<void> {
  const { node, rust, blobs } = pair;
  const [first, second] = [
    await blobs.open(BLOBS_AT_RUST, rust.address, 1),
    await blobs.open(BLOBS_AT_RUST, rust.address, 2),
  ];
  const third = blobs.open(BLOBS_AT_RUST, rust.address, 3);
  await assert.rejects(third, { code: 'blob-buffer-full', delivery });
  await fill(first, 1, MIB);
  // Rust gives back what it has reserved when its reader has come to the end.
  await readAtRust(rust, 1);
  await nodeSendsBlob(pair, 4, MIB);
  await fill(second, 2, MIB);

  const held = [5, 6].map((number) => sendFromRust(pair, { number, sizeBytes: MIB, stopAfterBytes: 0 }));
  for (const number of [5, 6]) await rust.peer.next('blob-stopped', (event) => event.number === number);
  const refused = await sendFromRust(pair, { number: 7, sizeBytes: MIB });
  assert.deepEqual([refused.end, refused.failure?.kind], ['opening', 'blob-buffer-full']);
  for (const number of [5, 6]) await rust.peer.orderBlob('sending', number, 'go-on');
  for (const report of await Promise.all(held)) assert.equal(report.end, 'whole');
  await rustSendsBlob(pair, 8, MIB);
  await untilFree({ node, rust });
}

async function refusal(
  pair: BlobPair,
  to: Endpoint<Uint8Array> | BlobEndpoint<Uint8Array>,
): Promise<string | undefined> {
  await pair.rust.peer.route(to.id, pair.node.address);
  const { end, failure } = await sendFromRust(pair, { taberna: to.id, number: 9, sizeBytes: MIB });
  assert.equal(end, 'opening');
  return failure?.kind;
}

async function assertFails(outcome: Promise<unknown>, kind: string): Promise<void> {
  await assert.rejects(outcome, (error) => {
    assert(DomusError.is(error), String(error));
    assert.equal(error.kind, kind);
    return true;
  });
}
