/** The first blob of a session: its blob callis comes up while both sides still learn of each other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  nodeSendsBlob,
  openBlobPair,
  openTabernaAtRust,
  readAtNode,
  rustSendsBlob,
  untilFree,
  WITH_OWN_WINDOW,
} from './blob-pair.ts';
import { Imperium, TRANSPORTS } from './imperium.ts';

const STARTS = 100;
/** More than one chunk, and less than a window. */
const SIZE_BYTES = 300_000;

for (const transport of TRANSPORTS) {
  for (const [direction, sends] of [
    ['from Node to Rust', nodeSendsBlob],
    ['from Rust to Node', rustSendsBlob],
  ] as const) {
    test(`${STARTS} times the first blob of a session passes ${direction} over ${transport}`, async (t) => {
      let pair = await openBlobPair(await Imperium.make(t, transport), WITH_OWN_WINDOW);
      const { node, rust } = pair;
      for (let start = 1; start <= STARTS; start++) {
        await sends(pair, start, SIZE_BYTES);
        await untilFree(pair);
        const { blobCallesOpened, protocolViolations } = node.domus.delivery.core.counters;
        assert.deepEqual([blobCallesOpened, protocolViolations], [1, 0], `start ${start}`);
        await Promise.all([node.stop(), rust.peer.shutdown()]);
        await Promise.all([node.start(), rust.reopen()]);
        await openTabernaAtRust(pair);
        pair = { ...pair, blobs: await readAtNode(node) };
      }
    });
  }

  test(`the first blobs of both sides at once over ${transport}: all arrive whole, or the crate says why`, async (t) => {
    let pair = await openBlobPair(await Imperium.make(t, transport), WITH_OWN_WINDOW);
    const { node, rust } = pair;
    for (let start = 1; start <= STARTS / 4; start++) {
      await Promise.all([nodeSendsBlob(pair, 2 * start, SIZE_BYTES), rustSendsBlob(pair, 2 * start + 1, SIZE_BYTES)]);
      await untilFree(pair);
      await Promise.all([node.stop(), rust.peer.shutdown()]);
      await Promise.all([node.start(), rust.reopen()]);
      await openTabernaAtRust(pair);
      pair = { ...pair, blobs: await readAtNode(node) };
    }
  });
}
