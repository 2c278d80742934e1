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

/** Releases what is due; gives the deadlines. */
function releaseDue(lane: Lane, now: number): number[] {
  return lane.dueBy(now).map((slot) => {
    lane.release(slot);
    return lane.deadline[slot]!;
  });
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
    assert.equal(lane.stateOf(slot), REPLAY);
    order.push(lane.idOf(slot));
    lane.markWritten(slot, one);
  }
  assert.deepEqual(order, [0xffff_fffe, 0xffff_ffff, 0, 1, 2]);
  assert.equal(lane.stateOf(fresh), FRESH);
});

test('a full lane returns at once, whatever was written again meanwhile', () => {
  const [count, first, second] = [5_000, new Carried(), new Carried()];
  const lane = new Lane(count, count);
  for (let id = 0; id < count; id++) {
    const slot = add(lane, 1, 1);
    lane.setId(slot, id);
    lane.markWritten(slot, first);
  }
  lane.reclaim(first);
  for (let left = count / 2; left > 0; left--) lane.markWritten(lane.peek(), second);
  lane.reclaim(second);
  for (let id = 0; id < count; id++) {
    assert.equal(lane.idOf(lane.peek()), id);
    lane.markWritten(lane.peek(), first);
  }
  assert.ok(!lane.hasReady && first.count === count && second.count === 0);
});

test('one message that stays does not let the ring grow', () => {
  const lane = new Lane(8, 100);
  const carried = new Carried();
  const stays = add(lane, 1, 1);
  lane.markWritten(stays, carried);
  for (let i = 0; i < 1_000; i++) {
    const slots = [add(lane, 1, 2), add(lane, 1, 2), add(lane, 1, 2)];
    assert.equal(lane.peek(), slots[0]);
    for (const slot of slots) lane.markWritten(slot, carried);
    for (const slot of slots) lane.release(slot);
  }
  const { ring } = lane as unknown as { readonly ring: Int32Array };
  assert.ok(ring.length <= 16, `${ring.length} places`);
  assert.deepEqual(lane.slots(), [stays]);
});

test('[a1-lane-12] deadlines that do not rise: what is due comes in their order, nothing late', () => {
  const lane = new Lane(10, 100);
  for (const deadline of [100, 101, 50, 102, 51]) add(lane, 0, deadline);
  assert.equal(lane.earliestDeadline, 50);
  assert.deepEqual(releaseDue(lane, 49), []);
  assert.deepEqual(releaseDue(lane, 51), [50, 51]);
  assert.equal(lane.earliestDeadline, 100);
  add(lane, 0, 60);
  assert.equal(lane.earliestDeadline, 60);
  assert.deepEqual(releaseDue(lane, 101), [60, 100, 101]);
  assert.deepEqual(releaseDue(lane, 102), [102]);
  assert.equal(lane.earliestDeadline, Number.POSITIVE_INFINITY);
});

test('a short timeout behind many long ones is no walk past all of them', () => {
  const count = 5_000;
  const lane = new Lane(2 * count, count);
  for (let i = 0; i < count; i++) add(lane, 0, 30_000 + i);
  let reads = 0;
  lane.deadline = new Proxy(lane.deadline, {
    get(target, key) {
      reads++;
      return Reflect.get(target, key) as unknown;
    },
  });
  for (let i = 0; i < count / 2; i++) {
    add(lane, 0, 1_000 + i);
    assert.equal(lane.earliestDeadline, 1_000);
  }
  assert.ok(reads < 3 * count, `${reads} deadlines were read`);
});

test('parked messages count nothing, come in their order, and keep others out', () => {
  const lane = new Lane(10, 100);
  const first = add(lane, 5, 1);
  const parked = add(lane, 5, 2, true);
  const behind = add(lane, 5, 3, true);
  assert.equal(lane.count, 1);
  assert.ok(!lane.hasRoom(0), 'parked ones come first');
  lane.setLimits(1, 100);
  assert.equal(lane.stateOf(parked), PARKED);
  lane.release(first);
  assert.equal(lane.stateOf(parked), FRESH);
  assert.equal(lane.stateOf(behind), PARKED);
  assert.equal(lane.count, 1);
  lane.release(behind);
  lane.release(parked);
  assert.ok(lane.isEmpty && !lane.hasReady && lane.bytes === 0);
});

test('random life against the naive twin', () => {
  const step = fc.tuple(fc.constantFrom('add', 'write', 'settle', 'lose', 'expire'), fc.nat(1000));
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
        assert.equal(lane.isEmpty, naive.length === 0);
        assert.equal(
          lane.hasReady,
          naive.some((m) => m.state === FRESH || m.state === REPLAY),
        );
        assert.deepEqual(
          lane.slots(),
          naive.map((m) => m.slot),
        );
        const deadlines = naive.map((m) => lane.deadline[m.slot]!).sort((a, b) => a - b);
        assert.ok(lane.earliestDeadline <= (deadlines[0] ?? Number.POSITIVE_INFINITY));
        if (verb !== 'expire') continue;
        naive = naive.filter((m) => lane.deadline[m.slot]! > n);
        assert.deepEqual(
          releaseDue(lane, n),
          deadlines.filter((deadline) => deadline <= n),
        );
        assert.ok(lane.earliestDeadline > n);
      }
    }),
    { seed: 3, numRuns: 400 },
  );
});
