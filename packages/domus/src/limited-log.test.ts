import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LimitedLog } from './limited-log.ts';
import type { LogEntry } from './options.ts';

/** A log with a clock in the hands of the test. */
function limited(): { log: LimitedLog; entries: LogEntry[]; clock: { now: number } } {
  const entries: LogEntry[] = [];
  const clock = { now: 0 };
  return {
    log: new LimitedLog(
      (entry) => entries.push(entry),
      () => clock.now,
    ),
    entries,
    clock,
  };
}

test('[a1-log-2] a record is written once per interval and id, with the number of those left out', () => {
  const { log, entries, clock } = limited();
  log.note(1002, 'tcp://127.0.0.1:1', 1_000);
  clock.now = 999;
  for (let i = 0; i < 5; i++) log.note(1002, 'tcp://127.0.0.1:2', 1_000);
  log.note(1003, undefined, 1_000);
  clock.now = 1_000;
  log.note(1002, 'tcp://127.0.0.1:3', 1_000);
  clock.now = 5_000;
  log.note(1002, undefined, 1_000);
  assert.deepEqual(
    entries.map(({ id, peer, suppressed }) => [id, peer, suppressed]),
    [
      [1002, 'tcp://127.0.0.1:1', 0],
      [1003, undefined, 0],
      [1002, 'tcp://127.0.0.1:3', 5],
      [1002, undefined, 0],
    ],
  );
  assert.deepEqual(Object.keys(entries[1]!).sort(), ['at', 'id', 'label', 'suppressed']);
  assert.ok(
    entries.every(({ at }) => at > 1.7e12),
    'epoch milliseconds',
  );
});

test('[a1-log-2] an interval of 0 leaves nothing out', () => {
  const { log, entries } = limited();
  for (let i = 0; i < 3; i++) log.note(1001, undefined, 0);
  assert.deepEqual(
    entries.map(({ suppressed }) => suppressed),
    [0, 0, 0],
  );
});

test('[cfg-10] a new interval counts from the last record', () => {
  const { log, entries, clock } = limited();
  log.note(1001, undefined, 60_000);
  clock.now = 1_000;
  log.note(1001, undefined, 1_001);
  log.note(1001, undefined, 1_000);
  assert.deepEqual(
    entries.map(({ suppressed }) => suppressed),
    [0, 1],
  );
});

test('[a1-log-1] each id has its label', () => {
  const { log, entries } = limited();
  for (let id = 1001; id <= 1007; id++) log.note(id, undefined, 1_000);
  assert.equal(new Set(entries.map(({ label }) => label)).size, 7);
  assert.equal(entries.at(-1)!.label, 'unknown');
  assert.ok(entries.every(({ label }) => /^[a-z-]+$/.test(label)));
});

test('[api-10] without a log nothing is kept', () => {
  new LimitedLog(undefined, () => 0).note(1001, undefined, 1_000);
});
