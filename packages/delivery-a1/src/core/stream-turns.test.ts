import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Sending, sending } from '../../test/blob-parts.ts';
import { StreamTurns } from './stream-turns.ts';

/** Streams with so many chunks of four bytes to write, all of them in the queue. */
function queued(...chunks: number[]): { turns: StreamTurns; streams: Sending[] } {
  const turns = new StreamTurns();
  const streams = chunks.map((count) => {
    const stream = sending(4, 16);
    stream.blob.write(Buffer.alloc(4 * count + 1), 0, 4 * count + 1, 0);
    turns.add(stream.blob);
    return stream;
  });
  return { turns, streams };
}

/** Who writes next on a callis, a chunk each time. */
function order(turns: StreamTurns, streams: Sending[], carrier = 1): number[] {
  const found: number[] = [];
  for (let blob = turns.next(carrier); blob !== undefined; blob = turns.next(carrier)) {
    const at = streams.findIndex((stream) => stream.blob === blob);
    streams[at]!.take(carrier);
    found.push(at);
  }
  return found;
}

test('[a1-bsend-12] streams write in turns, as long as they have something to write', () => {
  const { turns, streams } = queued(3, 1, 2, 0);
  assert.equal(turns.has(1), true);
  assert.deepEqual(order(turns, streams), [0, 1, 2, 0, 2, 0]);
  assert.equal(turns.has(1), false);
  assert.deepEqual(
    streams.map(({ blob }) => blob.isInTurn),
    [false, false, false, false],
    'those that have written all cost nothing more',
  );
});

test('[a1-bsend-11] [a1-bsend-13] who writes again goes first, and a stream that is over has no turn', () => {
  const { turns, streams } = queued(2, 2, 2);
  streams[2]!.take(1);
  streams[2]!.blob.carrierLost(() => {}, 0);
  turns.add(streams[2]!.blob);
  turns.remove(streams[1]!.blob);
  turns.remove(streams[1]!.blob);
  assert.deepEqual(order(turns, streams), [2, 0, 2, 0]);
});

test('[a1-bsend-9] a stream whose last chunk has to wait holds nobody up', () => {
  const { turns, streams } = queued(1, 2);
  const [first] = streams as [Sending, Sending];
  first.take(2);
  first.blob.end(0);
  assert.deepEqual(order(turns, streams), [1, 1]);
  first.ack(0);
  assert.deepEqual(order(turns, streams), [0]);
});
