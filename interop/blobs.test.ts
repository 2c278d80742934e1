/** Blobs between a Node domus and a Rust one: every size, the windows of both, many at once. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import {
  BLOBS_AT_RUST,
  type BlobPair,
  type BlobPairOptions,
  CRATE_WINDOW,
  nodeSendsBlob,
  OWN_WINDOW,
  openBlobPair,
  readAtRust,
  rustSendsBlob,
  untilFree,
  WITH_OWN_WINDOW,
} from './blob-pair.ts';
import { Imperium, TRANSPORTS } from './imperium.ts';
import { PayloadTally } from './numbered-payload.ts';
import { AT_NODE, AT_RUST, PROMPT } from './pair.ts';
import { SeededBytes } from './seeded-bytes.ts';
import { sendRun } from './send-run.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** What is configured at the crate, and what comes out with our own defaults. */
const WINDOWS = [
  { transport: 'tcp', window: CRATE_WINDOW, chunkSize: 1200, ackWindow: 64 },
  { transport: 'tcp', window: OWN_WINDOW, chunkSize: 64 * KIB, ackWindow: 64 },
  { transport: 'unix', window: CRATE_WINDOW, chunkSize: 128 * KIB, ackWindow: 32 },
  { transport: 'unix', window: OWN_WINDOW, chunkSize: 64 * KIB, ackWindow: 32 },
] as const;

for (const { transport, window, chunkSize, ackWindow } of WINDOWS) {
  test(`blobs of every size pass both ways over ${transport} with ${window.chunkSize} × ${window.ackWindow} at Rust`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), {
      rust: { config: { ...PROMPT, blobWindow: window } },
    });
    const whole = chunkSize * ackWindow;
    const small = [0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize, whole - 1, whole];
    let number = 0;
    for (const size of small) {
      await nodeSendsBlob(pair, ++number, size);
      await rustSendsBlob(pair, ++number, size);
    }
    // Rust's reader may lose what does not fit a window; ours may not.
    for (const size of [whole + 1, 3 * whole, 6 * MIB + 5]) await rustSendsBlob(pair, ++number, size);
    const { settings } = await pair.node.next('blob-callis-connected');
    assert.deepEqual(settings, { chunkSize, ackWindow });
    const { blobCallesOpened, blobCallesClosed } = pair.node.domus.delivery.core.counters;
    assert.deepEqual([blobCallesOpened, blobCallesClosed], [1, 0], 'one blob callis serves all');
    await untilFree(pair);
  });
}

/** So many unread bytes that Rust's reader is not too slow even on a busy machine. */
const WIDE_WINDOW = { chunkSize: 64 * KIB, ackWindow: 1024 };
const WIDE: BlobPairOptions = {
  node: { config: { blobWindow: WIDE_WINDOW } },
  rust: { config: { ...PROMPT, blobWindow: WIDE_WINDOW } },
};

for (const transport of TRANSPORTS) {
  test(`blobs larger than a window pass both ways at once over ${transport}`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), WIDE);
    await Promise.all([nodeSendsBlob(pair, 1, 100 * MIB + 1), rustSendsBlob(pair, 2, 100 * MIB + 1)]);
    await untilFree(pair);
  });

  test(`8 blobs each way and messages each way at once over ${transport}: all arrive`, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), WITH_OWN_WINDOW);
    const { node, rust } = pair;
    const atNode = new PayloadTally();
    await node.domus.serve(AT_NODE, (payload) => void atNode.count(payload));
    await rust.peer.taberna(AT_RUST.id, 'accept', { quiet: true });
    const numbers = Array.from({ length: 8 }, (_, index) => index + 1);
    const [fromNode, fromRust] = await Promise.all([
      sendRun(node.domus, AT_RUST, { to: rust.address, count: 3000 }),
      rust.peer.send({ taberna: AT_NODE.id, count: 3000, depth: 64 }),
      ...numbers.map((number) => nodeSendsBlob(pair, number, 2 * MIB + number)),
      ...numbers.map((number) => rustSendsBlob(pair, 100 + number, 2 * MIB + number)),
    ]);
    assert.deepEqual([fromNode, fromRust.byError], [{ accepted: 3000, byError: {} }, {}]);
    for (const { received, distinct, damaged } of [atNode, await rust.peer.tally(AT_RUST.id)]) {
      assert.deepEqual({ received, distinct, damaged }, { received: 3000, distinct: 3000, damaged: 0 });
    }
    await untilFree(pair);
  });
}

/** Bytes that Rust has read when it tells so, and how far Node may be ahead of that. */
const PROGRESS = 16 * MIB;
const AHEAD = 3 * PROGRESS;

/** Keeps Node less than a window ahead of what Rust's reader has read, which the wire cannot. */
async function nodeSendsPaced({ rust, blobs }: BlobPair, number: number, sizeBytes: number): Promise<void> {
  const content = new SeededBytes(number);
  async function* paced(): AsyncGenerator<Buffer> {
    let [written, read] = [0, 0];
    for (const piece of content.pieces(sizeBytes, 64 * KIB)) {
      for (; written - read > AHEAD; read += PROGRESS) {
        await rust.peer.next('blob-progress', (event) => event.number === number && event.bytes > read);
      }
      written += piece.length;
      yield piece;
    }
  }
  const sender = await blobs.open(BLOBS_AT_RUST, rust.address, number);
  await pipeline(Readable.from(paced(), { objectMode: false }), sender);
  assert.equal((await readAtRust(rust, number)).sha256, content.sha256(sizeBytes));
}

/** A minute or more on a busy machine: only where it is asked for. */
const GIB_SKIPPED = process.env.INTEROP_GIB === undefined && 'INTEROP_GIB=1 runs it';

for (const transport of TRANSPORTS) {
  test(`1 GiB passes each way over ${transport}`, { skip: GIB_SKIPPED }, async (t) => {
    const pair = await openBlobPair(await Imperium.make(t, transport), WIDE);
    for (const [number, sends] of [nodeSendsPaced, rustSendsBlob].entries()) {
      const begun = performance.now();
      await sends(pair, number + 1, 1024 * MIB);
      t.diagnostic(`${sends.name}: ${Math.round((1024 * 1000) / (performance.now() - begun))} MiB/s, hashes included`);
    }
    await untilFree(pair);
  });
}
