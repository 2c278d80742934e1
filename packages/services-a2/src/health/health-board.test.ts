import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import { ManualClock, settled } from '../../test/manual-clock.ts';
import { HealthBoard } from './health-board.ts';
import type { HealthCheck } from './health-check.ts';
import type { HealthState } from './health-state.ts';
import type { HealthChange } from './health-status.ts';

const EPOCH = 1_700_000_000_000;

function boardOf(t: { after(done: () => void): void }) {
  const clock = new ManualClock();
  const failures: unknown[] = [];
  const board = new HealthBoard({
    clock,
    wallClock: () => EPOCH + clock.now(),
    listenerFailed: (error) => failures.push(error),
  });
  t.after(() => {
    board.close();
    assert.equal(clock.pending, 0, 'no timer is left');
  });
  return { clock, board, failures };
}

const isKind = (kind: string) => (error: unknown) => DomusError.is(error) && error.kind === kind;

/** A check whose runs the test answers. */
function byHand() {
  const runs: { signal: AbortSignal; pass(): void; fail(text: string): void }[] = [];
  const check: HealthCheck = (signal) =>
    new Promise<void>((resolve, reject) => {
      runs.push({ signal, pass: () => resolve(), fail: (text) => reject(new Error(text)) });
    });
  return { runs, check };
}

test('[case-24] unknown at first, healthy after two passes, unhealthy after three failures, with name and error', async (t) => {
  const { clock, board } = boardOf(t);
  assert.equal(board.state, 'unknown');
  let isUp = true;
  board.add('db', () => {
    if (!isUp) throw new Error('connection refused');
  });
  await settled();
  assert.deepEqual([board.state, board.status().checks[0]?.consecutive], ['unknown', 1]);
  await clock.advance(1_000);
  assert.equal(board.state, 'healthy');
  isUp = false;
  await clock.advance(20_000);
  assert.deepEqual([board.state, board.status().checks[0]?.consecutive], ['healthy', 2]);
  assert.equal(board.status().checks[0]?.error, 'connection refused');
  await clock.advance(10_000);
  const { checks, state } = board.status();
  assert.deepEqual([state, checks[0]?.name, checks[0]?.error], ['unhealthy', 'db', 'connection refused']);
  isUp = true;
  await clock.advance(10_000);
  assert.equal(board.state, 'unhealthy');
  await clock.advance(10_000);
  assert.equal(board.state, 'healthy');
});

test('[case-24] unknown becomes unhealthy by the threshold too, and a pass in between begins the count anew', async (t) => {
  const { clock, board } = boardOf(t);
  const answers = [false, false, true, false, false, false];
  board.add('flaky', () => answers.shift());
  await clock.advance(4_000);
  assert.equal(board.state, 'unknown');
  await clock.advance(1_000);
  assert.equal(board.state, 'unhealthy');
  assert.equal(board.status().checks[0]?.error, 'answered false');
});

test('[case-24] a missing check function is an error and unhealthy, until there is one', async (t) => {
  const { clock, board } = boardOf(t);
  board.set('healthy');
  assert.throws(() => board.add('db', undefined as unknown as HealthCheck), isKind('invalid-config'));
  assert.equal(board.state, 'unhealthy');
  assert.deepEqual(board.status().checks, [
    { name: 'db', state: 'unhealthy', error: 'there is no check function', at: null, tookMs: null, consecutive: 0 },
  ]);
  board.add('db', () => true);
  await clock.advance(1_000);
  assert.equal(board.state, 'healthy');
});

test('[case-25] one failing check makes the node unhealthy, and the others keep their own results', async (t) => {
  const { clock, board } = boardOf(t);
  const { runs, check } = byHand();
  board.add('good', () => true);
  board.add('bad', () => Promise.reject(new Error('disk full')));
  board.add('slow', check, { timeout: 600_000 });
  await clock.advance(0);
  runs[0]!.pass();
  await clock.advance(5_000);
  const byName = Object.fromEntries(board.status().checks.map(({ name, state, error }) => [name, [state, error]]));
  assert.deepEqual(byName, { good: ['healthy', null], bad: ['unhealthy', 'disk full'], slow: ['unknown', null] });
  assert.equal(board.state, 'unhealthy');
  const slow = board.status().checks[2];
  assert.deepEqual([slow?.at, slow?.tookMs], [EPOCH + 1_000, 0]);
});

test('[case-26] a check that hangs is timed out, counted once an interval, and never run twice at once', async (t) => {
  const { clock, board } = boardOf(t);
  const { runs, check } = byHand();
  board.add('hangs', check, { interval: 10_000, startInterval: 10_000, timeout: 2_000 });
  await clock.advance(1_999);
  assert.equal(runs[0]!.signal.aborted, false);
  await clock.advance(1);
  assert.equal(runs[0]!.signal.aborted, true);
  assert.equal(board.status().checks[0]?.error, 'no answer within 2000 ms');
  await clock.advance(20_000);
  assert.equal(runs.length, 1);
  assert.deepEqual([board.state, board.status().checks[0]?.consecutive], ['unhealthy', 3]);
  assert.equal(board.status().checks[0]?.error, 'has not returned for 22000 ms');
  // What it returns with at last does not count, and it is run again.
  runs[0]!.pass();
  await clock.advance(0);
  assert.deepEqual([runs.length, board.status().checks[0]?.consecutive], [2, 3]);
  runs[1]!.pass();
  await clock.advance(10_000);
  runs[2]!.pass();
  await clock.advance(0);
  assert.equal(board.state, 'healthy');
});

test('[case-26] whatever a check throws is contained and has a short text', async (t) => {
  const { clock, board } = boardOf(t);
  const hostile = {
    toString() {
      throw new Error('no text');
    },
  };
  const thrown: [unknown, string][] = [
    [new Error('x'.repeat(1_000)), `${'x'.repeat(199)}…`],
    [hostile, 'failed without a reason'],
    [undefined, 'undefined'],
    [Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    // Libraries number their codes; nobody promises that a message is a text.
    [Object.assign(new Error(''), { code: 14 }), '14'],
    [Object.assign(new Error(), { message: { reason: 7 } }), '[object Object]'],
    [Object.assign(new Error(), { message: hostile }), 'failed without a reason'],
  ];
  thrown.forEach(([error], index) => {
    board.add(`c${index}`, () => {
      throw error;
    });
  });
  const odd = Object.defineProperty({}, 'then', {
    get() {
      throw new Error('then throws');
    },
  });
  board.add('odd', () => odd);
  await clock.advance(3_000);
  const texts = board.status().checks.map(({ error }) => error);
  assert.deepEqual(texts, [...thrown.map(([, text]) => text), 'then throws']);
  assert.equal(board.state, 'unhealthy');
});

test('a slow check is run an interval after its start, or as soon as it has returned', async (t) => {
  const { clock, board } = boardOf(t);
  const { runs, check } = byHand();
  board.add('slow', check, { interval: 1_000, timeout: 60_000 });
  await clock.advance(400);
  runs[0]!.pass();
  await clock.advance(599);
  assert.equal(runs.length, 1);
  await clock.advance(1);
  assert.equal(runs.length, 2);
  await clock.advance(5_000);
  assert.equal(runs.length, 2);
  runs[1]!.pass();
  await clock.advance(0);
  assert.equal(runs.length, 3);
  assert.equal(runs[1]!.signal.aborted, true, 'what a run has bound to its signal is let go of');
});

test('one timer for all checks, none without', async (t) => {
  const { clock, board } = boardOf(t);
  assert.equal(clock.pending, 0);
  const handles = [10, 20, 30].map((interval) => board.add(`every ${interval}`, () => true, { interval }));
  await clock.advance(1_000);
  assert.equal(clock.pending, 1);
  for (const handle of handles) handle.remove();
  assert.equal(clock.pending, 0);
});

test('a removed check tells nothing more, its run is ended, and its name is free', async (t) => {
  const { clock, board } = boardOf(t);
  const { runs, check } = byHand();
  {
    using handle = board.add('db', check);
    assert.equal(handle.name, 'db');
    await settled();
  }
  assert.equal(runs[0]!.signal.aborted, true);
  assert.deepEqual(board.status(), { state: 'unknown', manual: null, checks: [] });
  const second = board.add('db', () => true);
  runs[0]!.fail('late');
  await clock.advance(1_000);
  assert.equal(board.state, 'healthy');
  second.remove();
  second.remove();
  assert.equal(board.state, 'unknown');
});

test('by hand: the worst wins, and it can be taken back; draining by drain is final', async (t) => {
  const { clock, board } = boardOf(t);
  const steps: [HealthState | undefined, HealthState][] = [
    ['healthy', 'healthy'],
    ['draining', 'draining'],
    ['unhealthy', 'unhealthy'],
    [undefined, 'unknown'],
  ];
  for (const [given, expected] of steps) {
    board.set(given);
    assert.deepEqual([board.state, board.status().manual], [expected, given ?? null]);
  }
  board.add('bad', () => false);
  await clock.advance(2_000);
  board.set('healthy');
  assert.equal(board.state, 'unhealthy');
  board.drain();
  board.set(undefined);
  assert.equal(board.state, 'draining');
  assert.throws(() => board.set('fine' as HealthState), isKind('invalid-config'));
});

test('listeners hear of each change once and in order, also of one that a listener makes; a throw is contained', async (t) => {
  const { clock, board, failures } = boardOf(t);
  const heard: HealthChange[] = [];
  board.onChange((change) => {
    if (change.kind === 'node' && change.state === 'healthy') board.set('unhealthy');
    if (change.kind === 'check') throw new Error('a listener');
  });
  const stop = board.onChange((change) => heard.push(change));
  board.add('db', () => true);
  await clock.advance(100_000);
  assert.deepEqual(heard, [
    { kind: 'check', name: 'db', state: 'healthy', previous: 'unknown', error: null },
    { kind: 'node', state: 'healthy', previous: 'unknown' },
    { kind: 'node', state: 'unhealthy', previous: 'healthy' },
  ]);
  assert.deepEqual(
    failures.map((error) => (error as Error).message),
    ['a listener'],
  );
  stop();
  board.drain();
  assert.equal(heard.length, 3);
});

test('a listener that turns out asynchronous and rejects is contained too', async (t) => {
  const { board, failures } = boardOf(t);
  const late = (): Promise<never> => Promise.reject(new Error('late'));
  board.onChange(late as () => void);
  board.set('healthy');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    failures.map((error) => (error as Error).message),
    ['late'],
  );
});

test('the status is JSON', async (t) => {
  const { clock, board } = boardOf(t);
  board.add('db', () => true);
  board.add('__proto__', () => Promise.reject(new Error('no')));
  await clock.advance(2_000);
  const status = board.status();
  assert.deepEqual(JSON.parse(JSON.stringify(status)), status);
  assert.equal(status.checks[1]?.name, '__proto__');
});

test('[case-81] misuse is typed and leaves nothing behind', async (t) => {
  const { clock, board } = boardOf(t);
  board.add('taken', () => true);
  assert.throws(() => board.add('taken', () => true), isKind('invalid-state'));
  const options = [
    { interval: 0 },
    { timeout: -1 },
    { failureThreshold: 1.5 },
    { successThreshold: '2' },
    { inteval: 5 },
  ];
  for (const given of options) {
    assert.throws(() => board.add('x', () => true, given as never), isKind('invalid-config'));
  }
  for (const name of ['', 'x'.repeat(101), undefined, 7]) {
    assert.throws(() => board.add(name as string, () => true), isKind('invalid-config'));
  }
  for (let i = 1; i < 100; i++) board.add(`c${i}`, () => true);
  assert.throws(() => board.add('one too many', () => true), isKind('invalid-config'));
  assert.equal(board.status().checks.length, 100);
  await clock.advance(0);
});

test('[case-57] after close nothing runs and nothing is told; the state is draining', async (t) => {
  const { clock, board } = boardOf(t);
  const heard: HealthChange[] = [];
  const { runs, check } = byHand();
  board.onChange((change) => heard.push(change));
  board.add('db', check);
  await settled();
  board.close();
  board.close();
  assert.deepEqual([clock.pending, runs[0]!.signal.aborted, board.state], [0, true, 'draining']);
  runs[0]!.pass();
  await clock.advance(100_000);
  assert.deepEqual([runs.length, heard.length], [1, 0]);
  assert.throws(() => board.add('more', () => true), isKind('domus-closed'));
});
