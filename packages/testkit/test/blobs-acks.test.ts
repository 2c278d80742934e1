/** More acks of chunks than their lane has room for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Callis } from '@flaminia/delivery-a1/internal';
import type { WritingHand } from '../src/sim/blob-hands.ts';
import { blobCalles, cutBlobs, type Opened, reserved, smallPair } from './blob-bench.ts';

for (const [name, length] of [
  ['readers that begin at once', 5000],
  ['streams that have arrived whole', 2000],
] as const) {
  test(`[a1-blim-3] [a1-blob-15] ${name} owe more acks than find room: none is lost`, () => {
    for (const isLost of [false, true]) {
      const { scenario, a, b, streams, writers, blocked, bytes } = crowded(length);
      assert.equal(b.session(a).blobs!.responses.acks.size, 2048);
      if (isLost) cutBlobs(scenario);
      blocked.isBlocked = false;
      b.session(a).requestWrite();
      streams[0]!.drain();
      scenario.drive(2000);
      for (const reader of streams) assert.deepEqual([reader.state, reader.bytes.equals(bytes)], ['over', true]);
      for (const { state, blob } of writers) assert.deepEqual([state, blob.bytesAcknowledged], ['ended', length]);
      assert.equal(b.domus.core.counters.overrunsAck, 0);
      assert.deepEqual(reserved(a, b), [0, 0, 0, 0]);
    }
  });
}

interface Crowded extends Omit<Opened, 'writer' | 'reader'> {
  readonly writers: readonly WritingHand[];
  readonly blocked: Callis;
  readonly bytes: Buffer;
}

/** Three streams, each with a window of chunks that have come and were read; `b` can write none of its acks. */
function crowded(length: number): Crowded {
  const many = { blobChunkBytes: 1, blobWindow: 2000, blobOutboundBufferBytes: 6000, blobInboundBufferBytes: 6000 };
  const scenario = smallPair({ settings: many });
  const { a, b } = scenario;
  const streams = b.serveBlobs(7);
  const writers = [1, 2, 3].map((i) => a.sendBlob(b, 7, `${i}`));
  scenario.drive(1000);
  const blocked = blobCalles(b, a)[0]!;
  blocked.isBlocked = true;
  const bytes = Buffer.alloc(length, 'abc');
  for (const writer of writers) writer.pour(bytes);
  scenario.drive(1000);
  for (const reader of streams) {
    reader.isGreedy = true;
    reader.drain();
  }
  return { scenario, a, b, streams, writers, blocked, bytes };
}
