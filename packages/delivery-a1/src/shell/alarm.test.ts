/** The alarm: one timer for deadlines that move all the time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../test/fake-clock.ts';
import { Alarm } from './alarm.ts';

/** An alarm that follows the earliest of some deadlines, as a peer's does. */
function following(): { clock: FakeClock; alarm: Alarm; rings: number[]; deadlines: number[]; follow(): void } {
  const clock = new FakeClock();
  const rings: number[] = [];
  const deadlines: number[] = [];
  const begin = clock.now();
  const follow = (): void => alarm.set(begin + Math.min(...deadlines), clock.now());
  const alarm: Alarm = new Alarm(clock, () => {
    rings.push(clock.now() - begin);
    follow();
  });
  return { clock, alarm, rings, deadlines, follow };
}

test('an alarm rings at its deadline, not before, and once', () => {
  const { clock, alarm, rings } = following();
  alarm.set(clock.now() + 50, clock.now());
  clock.advance(49);
  assert.deepEqual(rings, []);
  clock.advance(1);
  assert.deepEqual(rings, [50]);
  assert.deepEqual(clock.running, []);
});

test('[a1-lane-12] a deadline that moves away leaves the timer alone: it rings early, and is set again', () => {
  const { clock, rings, deadlines, follow } = following();
  deadlines.push(100);
  follow();
  for (let later = 1; later <= 1000; later++) {
    deadlines[0] = 100 + later;
    follow();
  }
  assert.equal(clock.started, 1);
  clock.advance(100);
  assert.deepEqual(rings, [100]);
  assert.deepEqual(clock.running, [1000]);
  deadlines[0] = Number.POSITIVE_INFINITY;
  clock.advance(1000);
  assert.deepEqual(rings, [100, 1100]);
  assert.deepEqual(clock.running, []);
});

test('an earlier deadline takes the place of the timer', () => {
  const { clock, rings, deadlines, follow } = following();
  deadlines.push(100);
  follow();
  deadlines.push(30);
  follow();
  assert.deepEqual(clock.running, [30]);
  deadlines.pop();
  clock.advance(100);
  assert.deepEqual(rings, [30, 100]);
});

test('no deadline sets no timer, and clear takes it away', () => {
  const { clock, alarm, rings } = following();
  alarm.set(Number.POSITIVE_INFINITY, clock.now());
  assert.deepEqual(clock.running, []);
  alarm.set(clock.now() + 10, clock.now());
  alarm.clear();
  alarm.clear();
  assert.deepEqual(clock.running, []);
  alarm.set(clock.now() + 20, clock.now());
  clock.advance(20);
  assert.deepEqual(rings, [20]);
});

test('a deadline that has passed rings in a timer of its own, never at once', () => {
  const { clock, alarm, rings } = following();
  alarm.set(clock.now() - 1000, clock.now());
  assert.deepEqual(rings, []);
  assert.deepEqual(clock.running, [1]);
  clock.advance(1);
  assert.deepEqual(rings, [1]);
});

test('a part of a millisecond is rounded up: an alarm is never early', () => {
  const { clock, alarm } = following();
  alarm.set(clock.now() + 10.2, clock.now());
  assert.deepEqual(clock.running, [11]);
});

test('a deadline beyond what a timer of Node can wait is reached in several steps', () => {
  const { clock, rings, deadlines, follow } = following();
  const longest = 2 ** 31 - 1;
  deadlines.push(longest * 2 + 10);
  follow();
  assert.deepEqual(clock.running, [longest]);
  clock.advance(longest * 2 + 10);
  assert.deepEqual(rings, [longest, longest * 2, longest * 2 + 10]);
});
