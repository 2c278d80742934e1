/** The `'progress'` events of a stream: how often they come, and that they end with it. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { ProgressPulse } from './blob-progress.ts';
import { VirtualClock } from './virtual-clock.ts';

function pulseOf(): { clock: VirtualClock; pulse: ProgressPulse; beats: () => number } {
  const [stream, clock] = [new EventEmitter(), new VirtualClock()];
  let count = 0;
  stream.on('progress', () => count++);
  return { clock, pulse: new ProgressPulse(stream, clock), beats: () => count };
}

test('progress is told at once, and then every 100 ms at most', () => {
  const { clock, pulse, beats } = pulseOf();
  for (let i = 0; i < 10; i++) pulse.beat();
  assert.equal(beats(), 1);
  clock.step(99);
  assert.equal(beats(), 1);
  clock.step(100);
  assert.deepEqual([beats(), clock.pending], [2, 0]);
});

test('a stream that moves after its end is not told of, and starts no timer', () => {
  const { clock, pulse, beats } = pulseOf();
  pulse.beat();
  pulse.beat();
  pulse.stop();
  pulse.beat();
  assert.deepEqual([beats(), clock.pending], [1, 0]);
});
