/** Blobs between Node and Rust when connections break, when either side restarts, and when either side closes. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { type BlobSender, type BlobWindow, DomusError } from '@flaminia/domus';
import {
  BLOBS_AT_RUST,
  type BlobPair,
  type BlobPairOptions,
  HELD_AT_NODE,
  nodeSendsBlob,
  OWN_WINDOW,
  openBlobPair,
  openTabernaAtRust,
  readAtNode,
  readAtRust,
  rustSendsBlob,
  sendFromRust,
  untilFree,
} from './blob-pair.ts';
import { Imperium, TRANSPORTS } from './imperium.ts';
import { type NodeBlobRead, numberOf, readBlob } from './node-blobs.ts';
import { PROMPT } from './pair.ts';
import type { RustBlobReport } from './rust-protocol.ts';
import { SeededBytes } from './seeded-bytes.ts';
import { until } from './until.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const SIZE = 20 * MIB;
/** The connections are cut each time so much has passed. */
const CUT_EVERY = 5 * MIB;

const QUICK = { reconnectBackoff: [100] };
/** Both behind relays, so that the test can reach every connection between them. */
const WITHIN_REACH = behindRelays(OWN_WINDOW);
/** The crate fails no stream because of a close: its own time limits do. */
const IMPATIENT: BlobPairOptions = {
  node: { config: { blobWindow: OWN_WINDOW } },
  rust: { config: { ...PROMPT, blobWindow: OWN_WINDOW, sendTimeout: 1_000 } },
};
/** Behind relays, with so much room for unread bytes that Rust's reader is not too slow even on a busy machine. */
const WIDELY = behindRelays({ chunkSize: 64 * KIB, ackWindow: 512 });

for (const transport of TRANSPORTS) {
  for (const which of ['the blob callis', 'every connection'] as const) {
    test(`a blob from Node is whole though ${which} is cut again and again over ${transport}`, async (t) => {
      const pair = await openBlobPair(await Imperium.make(t, transport), WIDELY);
      const sender = await pair.blobs.open(BLOBS_AT_RUST, pair.rust.address, 1);
      // Node dials the primary, and Rust, which reads, the first blob callis.
      const cut = (): void => cutConnections(pair, which, 'node');
      await pipeline(
        Readable.from(cutting(new SeededBytes(1).pieces(SIZE, 64 * KIB), cut), { objectMode: false }),
        sender,
      );
      const { bytes, sha256, failure } = await readAtRust(pair.rust, 1);
      assert.deepEqual({ bytes, failure }, { bytes: SIZE, failure: null });
      assert.equal(sha256, new SeededBytes(1).sha256(SIZE));
      assert(pair.node.domus.delivery.core.counters.blobCallesClosed > 0, 'the cuts were real');
      await untilFree(pair);
    });

    test(`a blob from Rust is whole though ${which} is cut again and again over ${transport}`, async (t) => {
      const pair = await openBlobPair(await Imperium.make(t, transport), WITHIN_REACH);
      const read = new Promise<NodeBlobRead>((resolve) => {
        void pair.node.domus.serve(HELD_AT_NODE, async (_message, { blob }) => {
          const cut = (): void => cutConnections(pair, which, 'rust');
          resolve(await readBlob(1, cutting(blob, cut)));
        });
      });
      const report = await sendFromRust(pair, { taberna: HELD_AT_NODE.id, number: 1, sizeBytes: SIZE });
      const { bytes, sha256, failure } = await read;
      assert.deepEqual([report.end, report.failure], ['whole', null]);
      assert.deepEqual({ bytes, failure }, { bytes: SIZE, failure: undefined });
      assert.equal(sha256, new SeededBytes(1).sha256(SIZE));
      assert(pair.node.domus.delivery.core.counters.blobCallesClosed > 0, 'the cuts were real');
      await untilFree(pair);
    });
  }

  test(`8 blobs each way are whole though every connection is cut over ${transport}`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), WITHIN_REACH);
    const numbers = Array.from({ length: 8 }, (_, index) => index + 1);
    const reads: NodeBlobRead[] = [];
    let [passed, opened] = [0, 0];
    let isCut = false;
    await pair.node.domus.serve(HELD_AT_NODE, async (message, { blob }) => {
      reads.push(await readBlob(numberOf(message), watched(blob)));
    });
    // Whatever Rust is about to open when its connections break may fail there for good; and a complete is said twice at most,
    // so that a second break could cost a Rust sender its answer.
    async function* watched(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const piece of pieces) {
        passed += piece.length;
        if (!isCut && opened === numbers.length && passed > CUT_EVERY) {
          isCut = true;
          cutConnections(pair, 'every connection', 'node');
        }
        yield piece;
      }
    }
    const reports = numbers.map((number) =>
      sendFromRust(pair, { taberna: HELD_AT_NODE.id, number, sizeBytes: 4 * MIB }),
    );
    for (; opened < numbers.length; opened++) await pair.rust.peer.next('blob-opened');
    await Promise.all(numbers.map((number) => nodeSendsBlob(pair, number, 4 * MIB)));
    for (const { end, failure } of await Promise.all(reports)) assert.deepEqual([end, failure], ['whole', null]);
    await until('Node has read all', () => reads.length === numbers.length);
    for (const { number, sha256 } of reads) assert.equal(sha256, new SeededBytes(number).sha256(4 * MIB));
    await untilFree(pair);
  });

  test(`Rust restarts in the middle over ${transport}: both blobs fail at Node with peer-restarted`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), WITHIN_REACH);
    const { node, rust, blobs } = pair;
    const { sender } = await openBoth(pair);
    const failed = assert.rejects(finished(sender), { code: 'peer-restarted' });
    await rust.crash();
    await node.next('primary-callis-disconnected');
    await rust.start();
    await openTabernaAtRust(pair);
    await failed;
    assert.equal((await blobs.read(2)).failure, 'peer-restarted');
    await untilFree(pair);
    await nodeSendsBlob(pair, 3, MIB);
    await rustSendsBlob(pair, 4, MIB);
  });

  test(`Node restarts in the middle over ${transport}: no blob of its old life ends well at Rust`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), WITHIN_REACH);
    const { node, rust } = pair;
    const { sent, sender } = await openBoth(pair);
    sender.on('error', () => {});
    await node.crash();
    await rust.peer.next('primary-callis-disconnected');
    await node.start();
    const again = { ...pair, blobs: await readAtNode(node) };
    // The blob callis of the new life ends the old streams at Rust, and with them this one, if that waits for it.
    await nodeSendsBlob(again, 3, MIB).catch((error: unknown) => {
      assert(DomusError.is(error) && error.kind === 'blob-stream-not-found', String(error));
    });
    await nodeSendsBlob(again, 5, MIB);
    await rust.peer.orderBlob('sending', 2, 'go-on');
    const report = await sent;
    assert.notEqual(report.end, 'whole');
    // Where Rust dialled the blob callis, its hello carried RECONNECT, and only the answer to its next chunk tells it.
    assert.ok(['peer-restarted', 'blob-stream-not-found'].includes(report.failure?.kind ?? ''), report.failure?.kind);
    const read = await readAtRust(rust, 1);
    assert.deepEqual([read.end, read.failure?.kind], ['failed', 'peer-restarted']);
    await rustSendsBlob(again, 4, MIB);
    await untilFree(again);
  });

  test(`Node closes with blobs open over ${transport}: they fail on both sides`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), IMPATIENT);
    const { node, rust, blobs } = pair;
    const { sent, sender } = await openBoth(pair);
    const failed = assert.rejects(finished(sender), { code: 'domus-closed' });
    await node.stop({ drainTimeout: 0 });
    await failed;
    assert.equal((await blobs.read(2)).failure, 'domus-closed');
    const read = await readAtRust(rust, 1);
    assert.equal(read.end, 'failed');
    await rust.peer.orderBlob('sending', 2, 'go-on');
    assert.notEqual((await sent).end, 'whole');
  });

  test(`Rust closes with blobs open over ${transport}: they fail at Node at once`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), WITHIN_REACH);
    const { sender } = await openBoth(pair);
    const failed = assert.rejects(finished(sender), { code: 'peer-unavailable' });
    await pair.rust.peer.shutdown();
    await failed;
    assert.equal((await pair.blobs.read(2)).failure, 'peer-unavailable');
    await untilFree(pair);
  });
}

function behindRelays(blobWindow: BlobWindow): BlobPairOptions {
  return {
    node: { config: { ...QUICK, blobWindow }, proxied: true },
    rust: { config: { ...PROMPT, ...QUICK, blobWindow }, proxied: true },
  };
}

/** Opens a blob each way, number 1 from Node and 2 from Rust, and lets some of each pass. */
async function openBoth(pair: BlobPair): Promise<{ sender: BlobSender; sent: Promise<RustBlobReport> }> {
  const sender = await pair.blobs.open(BLOBS_AT_RUST, pair.rust.address, 1);
  sender.write(new SeededBytes(1).piece(0, MIB - 10));
  await until('some has arrived', () => sender.bytesAcknowledged > 0);
  const sent = sendFromRust(pair, { number: 2, sizeBytes: SIZE, stopAfterBytes: MIB });
  // With its domus the blob may go unanswered.
  sent.catch(() => {});
  await pair.rust.peer.next('blob-stopped');
  return { sender, sent };
}

function finished(sender: BlobSender): Promise<void> {
  return new Promise((resolve, reject) => sender.on('finish', resolve).on('error', reject));
}

/** Passes pieces on, and cuts each time so much has passed. */
async function* cutting(pieces: Iterable<Buffer> | AsyncIterable<Buffer>, cut: () => void): AsyncGenerator<Buffer> {
  let position = 0;
  for await (const piece of pieces) {
    const before = Math.floor(position / CUT_EVERY);
    position += piece.length;
    if (position < SIZE && Math.floor(position / CUT_EVERY) > before) cut();
    yield piece;
  }
}

/** Cuts what goes through the relays: that in front of one side, or both. */
function cutConnections({ node, rust }: BlobPair, which: string, dialled: 'node' | 'rust'): void {
  if (which === 'every connection' || dialled === 'node') node.proxy.cut();
  if (which === 'every connection' || dialled === 'rust') rust.proxy.cut();
}
