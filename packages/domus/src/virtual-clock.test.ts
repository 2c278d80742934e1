import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from './virtual-clock.ts';

/** Steps until nothing is due by `until`. */
function run(clock: VirtualClock, until: number): void {
  while (clock.step(until));
}

test('[api-50] timers ring in the order of their times, those of one time in the order of their start', () => {
  const clock = new VirtualClock();
  const rung: [string, number][] = [];
  const ring =
    (name: string): (() => void) =>
    () =>
      void rung.push([name, clock.now()]);
  clock.startTimer(20, ring('late'));
  clock.startTimer(10, ring('first'));
  clock.startTimer(10, ring('second'));
  clock.startTimer(30, ring('never'));
  run(clock, 25);
  assert.deepEqual(rung, [
    ['first', 10],
    ['second', 10],
    ['late', 20],
  ]);
  assert.deepEqual([clock.now(), clock.pending], [25, 1]);
});

test('[api-50] a timer that is started by another rings in the same run when it is due', () => {
  const clock = new VirtualClock();
  let rounds = 0;
  const again = (): void => {
    rounds++;
    clock.startTimer(5, again);
  };
  clock.startTimer(5, again);
  run(clock, 22);
  assert.deepEqual([rounds, clock.now()], [4, 22]);
});

test('[api-50] a stopped timer is silent, and the clock never goes back', () => {
  const clock = new VirtualClock();
  clock.stopTimer(clock.startTimer(5, () => assert.fail('it was stopped')));
  run(clock, 10);
  run(clock, 3);
  assert.deepEqual([clock.now(), clock.pending], [10, 0]);
});
