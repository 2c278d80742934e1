/** The slab pool: regions of shared buffers that nobody writes to while a write from them may still be read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from '@flaminia/testkit';
import fc from 'fast-check';
import { hello } from '../../test/frame-lines.ts';
import { ScriptedStream } from '../../test/scripted-stream.ts';
import { PEER, TestShell } from '../../test/test-shell.ts';
import type { SendFailure } from '../core/send-waiter.ts';
import { FLAG_RECONNECT } from '../wire/frame.ts';
import { SlabPool } from './slabs.ts';

/** The room that a fresh region has at least. */
const LEAST_REGION_BYTES = 16 * 1024;

/** A write that the system has not finished reading. */
interface Pending {
  readonly region: Buffer;
  readonly mark: number;
  readonly flushed: () => void;
}

/** Fills the next region with `length` bytes of a mark. */
function take(pool: SlabPool, length: number, mark: number): Pending {
  const batch = pool.open();
  assert.ok(batch.isEmpty);
  assert.ok(batch.bytes.length - batch.length >= LEAST_REGION_BYTES, 'a region has room');
  batch.bytes.fill(mark, batch.length, batch.length + length);
  batch.length += length;
  pool.close();
  const region = pool.take();
  assert.equal(region.length, length);
  return { region, mark, flushed: pool.onFlushed };
}

function flush({ region, mark, flushed }: Pending): void {
  assert.ok(
    region.every((byte) => byte === mark),
    'a region was written to before its write was flushed',
  );
  flushed();
}

test('whatever the order of flushes, a pending region is never written to', () => {
  const takes = fc.record({
    kind: fc.constant('take' as const),
    length: fc.integer({ min: 1, max: LEAST_REGION_BYTES }),
  });
  const flushes = fc.record({ kind: fc.constant('flush' as const), which: fc.nat() });
  const opens = fc.record({ kind: fc.constant('open' as const) });
  fc.assert(
    fc.property(fc.array(fc.oneof(takes, flushes, opens), { maxLength: 300 }), (steps) => {
      const pool = new SlabPool();
      const pending: Pending[] = [];
      for (const [mark, step] of steps.entries()) {
        if (step.kind === 'take') pending.push(take(pool, step.length, mark & 0xff));
        else if (step.kind === 'open') {
          assert.ok(pool.open().isEmpty, 'an open batch that nobody takes costs nothing');
          pool.close();
        } else if (pending.length > 0) flush(pending.splice(step.which % pending.length, 1)[0]!);
      }
      for (const write of pending) flush(write);
    }),
    { numRuns: 200 },
  );
});

test('writes that are flushed one after the other share one slab', () => {
  const pool = new SlabPool();
  const buffers = new Set<ArrayBufferLike>();
  for (let i = 0; i < 1000; i++) {
    const write = take(pool, 10_000, i & 0xff);
    buffers.add(write.region.buffer);
    flush(write);
  }
  assert.equal(buffers.size, 1);
});

test('small writes of one burst lie behind one another in one slab', () => {
  const pool = new SlabPool();
  const writes = Array.from({ length: 20 }, (_, i) => take(pool, 100, i));
  assert.equal(new Set(writes.map(({ region }) => region.buffer)).size, 1);
  assert.deepEqual(
    writes.map(({ region }) => region.byteOffset),
    writes.map((_, i) => i * 100),
  );
  for (const write of writes) flush(write);
});

test('slabs of a burst are used again in the next one, as far as the pool keeps them', () => {
  const pool = new SlabPool();
  const burst = (): Set<ArrayBufferLike> => {
    const writes = Array.from({ length: 24 }, (_, i) => take(pool, LEAST_REGION_BYTES, i));
    const buffers = new Set(writes.map(({ region }) => region.buffer));
    for (const write of writes) flush(write);
    return buffers;
  };
  const first = burst();
  const second = burst();
  assert.deepEqual([first.size, [...second].filter((buffer) => !first.has(buffer)).length], [6, 0]);
});

test('a slab is used again only once every write from it is flushed, the oldest last too', () => {
  const pool = new SlabPool();
  const first = take(pool, LEAST_REGION_BYTES, 1);
  const rest = [2, 3, 4].map((mark) => take(pool, LEAST_REGION_BYTES, mark));
  for (const write of rest) flush(write);
  const others = [5, 6, 7, 8].map((mark) => take(pool, LEAST_REGION_BYTES, mark));
  assert.ok(others.every(({ region }) => region.buffer !== first.region.buffer));
  flush(first);
  for (const write of others) flush(write);
});

test('one batch is open at a time: frames of two peers would stand in one', () => {
  const pool = new SlabPool();
  pool.open();
  assert.throws(() => pool.open(), /entered from inside itself/);
  pool.close();
  flush(take(pool, 100, 1));
});

test('whoever is told of a failure while a batch is filled may send on: that is written later', async () => {
  const OTHER = 'tcp://127.0.0.1:3';
  const shell = new TestShell({}, 'tcp://127.0.0.1:9');
  const first = shell.accept();
  first.give(hello(FLAG_RECONNECT));
  await turns(1);
  const other = await shell.connect(OTHER);
  const now = shell.clock.now();
  const kinds: string[] = [];
  const nobody = { accepted() {}, failed() {} };
  const sendOn = {
    accepted: () => void kinds.push('accepted'),
    failed: ({ kind }: SendFailure) => {
      kinds.push(kind);
      shell.delivery.send(OTHER, 'a3', 0, 7, 0x0100_0000, Buffer.alloc(30_000), now + 30_000, true, nobody, now);
    },
  };
  for (let message = 0; message < 2; message++)
    shell.delivery.send(PEER, 'a3', 0, 7, 0x0100_0000, Buffer.from('x'), now + 30_000, true, sendOn, now);
  await turns(2);
  first.giveClose();
  await turns(2);
  await shell.advance(10_000);
  // The hello of another life is held while an own dial is greeting, and judged when that is lost.
  const own = new ScriptedStream(PEER, 'dialled', shell.delivery.core.nextSequence());
  shell.dials.at(-1)!.succeed(own);
  await turns(2);
  shell.accept().give(hello(FLAG_RECONNECT));
  await turns(2);
  own.giveClose();
  await turns(3);
  await shell.advance(50);
  assert.deepEqual(kinds, ['peer-restarted', 'peer-restarted']);
  assert.equal(other.frames.filter(({ payload }) => payload.length === 30_000).length, 2);
});
