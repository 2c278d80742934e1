/** The retained lane against a naive twin: arrays that are filtered and sorted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Carried, FRESH, INFLIGHT, Lane, NONE, PARKED, REPLAY } from './lane.ts';
import type { SendWaiter } from './send-waiter.ts';

const waiter: SendWaiter = { accepted() {}, failed() {} };

function add(lane: Lane, size: number, deadline: number, park = false): number {
  return lane.add(0, 1, 0x0100_0000, new Uint8Array(size), deadline, waiter, park);
}

function due(lane: Lane): number[] {
  const order: number[] = [];
  for (let slot = lane.earliest; slot !== NONE; slot = lane.following(slot)) order.push(lane.deadline[slot]!);
  return order;
}

test('FIFO for fresh work, and one message always fits', () => {
  const lane = new Lane(2, 10);
  assert.ok(lane.hasRoom(1000));
  const first = add(lane, 1000, 1);
  assert.ok(!lane.hasRoom(1), 'bytes are full');
  lane.setLimits(2, 1001);
  assert.ok(lane.hasRoom(1));
  const second = add(lane, 1, 2);
  lane.setLimits(2, 10_000);
  assert.ok(!lane.hasRoom(0), 'count is full');
  assert.equal(lane.peek(), first);
  lane.markWritten(first, new Carried());
  assert.equal(lane.peek(), second);
});

test('what a lost callis carried goes out again first, in the order of ids, across the wrap', () => {
  const lane = new Lane(10, 100);
  const [one, two] = [new Carried(), new Carried()];
  const slots = [0xffff_fffe, 0xffff_ffff, 0, 1, 2].map((id) => {
    const slot = add(lane, 0, 1);
    lane.setId(slot, id);
    return slot;
  });
  for (const [i, slot] of slots.entries()) lane.markWritten(slot, i % 2 === 0 ? one : two);
  const fresh = add(lane, 0, 1);
  lane.reclaim(two);
  lane.reclaim(one);
  const order: number[] = [];
  for (let slot = lane.peek(); slot !== fresh; slot = lane.peek()) {
    assert.equal(lane.state[slot], REPLAY);
    order.push(lane.idOf(slot));
    lane.markWritten(slot, one);
  }
  assert.deepEqual(order, [0xffff_fffe, 0xffff_ffff, 0, 1, 2]);
  assert.equal(lane.state[fresh], FRESH);
});

test('a full lane returns in steps that grow with its length, not with its square', () => {
  const [count, carried] = [5_000, new Carried()];
  const lane = new Lane(count, count);
  for (let id = 0; id < count; id++) {
    const slot = add(lane, 1, 1);
    lane.setId(slot, id);
    lane.markWritten(slot, carried);
  }
  let steps = 0;
  const { idOf } = lane;
  lane.idOf = (slot) => {
    steps++;
    return idOf.call(lane, slot);
  };
  lane.reclaim(carried);
  assert.ok(lane.hasReady && steps <= 3 * count, `${steps} ids were compared`);
});

test('a shorter timeout later: deadlines stay in order', () => {
  const lane = new Lane(10, 100);
  for (const deadline of [100, 101, 50, 102, 51]) add(lane, 0, deadline);
  assert.deepEqual(due(lane), [50, 51, 100, 101, 102]);
});

test('parked messages count nothing, come in their order, and keep others out', () => {
  const lane = new Lane(10, 100);
  const first = add(lane, 5, 1);
  const parked = add(lane, 5, 2, true);
  const behind = add(lane, 5, 3, true);
  assert.equal(lane.count, 1);
  assert.ok(!lane.hasRoom(0), 'parked ones come first');
  lane.setLimits(1, 100);
  assert.equal(lane.state[parked], PARKED);
  lane.release(first);
  assert.equal(lane.state[parked], FRESH);
  assert.equal(lane.state[behind], PARKED);
  assert.equal(lane.count, 1);
  lane.release(behind);
  lane.release(parked);
  assert.ok(lane.isEmpty && !lane.hasReady && lane.bytes === 0);
});

test('random life against the naive twin', () => {
  const step = fc.tuple(fc.constantFrom('add', 'write', 'settle', 'lose'), fc.nat(1000));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const lane = new Lane(20, 1000);
      const carried = new Carried();
      let nextId = 0xffff_fff0;
      let naive: { slot: number; state: number; seq: number }[] = [];
      for (const [verb, n] of steps) {
        if (verb === 'add' && lane.hasRoom(1)) naive.push({ slot: add(lane, 1, n), state: FRESH, seq: -1 });
        if (verb === 'write') {
          const replay = naive.filter((m) => m.state === REPLAY).sort((a, b) => a.seq - b.seq)[0];
          const next = replay ?? naive.find((m) => m.state === FRESH);
          assert.equal(lane.peek(), next?.slot ?? NONE);
          if (next === undefined) continue;
          if (next.state === FRESH) {
            next.seq = nextId;
            lane.setId(next.slot, nextId >>> 0);
            nextId++;
          }
          lane.markWritten(next.slot, carried);
          next.state = INFLIGHT;
        }
        if (verb === 'settle' && naive.length > 0) {
          const [gone] = naive.splice(n % naive.length, 1);
          lane.release(gone!.slot);
        }
        if (verb === 'lose') {
          lane.reclaim(carried);
          naive = naive.map((m) => ({ ...m, state: m.state === INFLIGHT ? REPLAY : m.state }));
        }
        assert.equal(lane.count, naive.length);
        assert.equal(
          lane.hasReady,
          naive.some((m) => m.state === FRESH || m.state === REPLAY),
        );
        assert.deepEqual(
          due(lane),
          naive.map((m) => lane.deadline[m.slot]!).sort((a, b) => a - b),
        );
      }
    }),
    { seed: 3, numRuns: 400 },
  );
});
