import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { SendFailure } from '@flaminia/delivery-a1/internal';
import { failureOf, Numbers, Watched } from '../test/memory-bench.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { PendingSend, PendingSends } from './pending-send.ts';

const refused: SendFailure = { kind: 'remote-taberna-rejected', text: '', delivery: 'refused', cause: undefined };

const PEER = 'tcp://127.0.0.1:1';

// Exposed here, so that the test never depends on the flags of its run.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Resolves behind the promise jobs of this turn. */
const jobsDone = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** The sends of a domus whose clock the test moves. */
class Bench {
  now = 1_000;
  readonly latency = new LatencyHistogram();
  readonly sends = new PendingSends(() => this.now, this.latency);

  begin(signal?: AbortSignal): { readonly pending: PendingSend; readonly promise: Promise<void> } {
    const pending = new PendingSend(this.sends, Numbers, this.now, signal);
    return { pending, promise: pending.promise() };
  }

  fail(failure: SendFailure): ReturnType<typeof failureOf> {
    const { pending, promise } = this.begin();
    pending.failed(failure, PEER);
    return failureOf(promise);
  }
}

test('[a1-inv-1] each outcome settles its own promise', async () => {
  const bench = new Bench();
  const [first, second] = [bench.begin(), bench.begin()];
  first.pending.accepted();
  await first.promise;
  bench.now += 12.4;
  second.pending.failed(refused, '');
  const error = await failureOf(second.promise);
  assert.deepEqual([error.peer, error.elapsedMs, error.cause], [undefined, 12, undefined]);
  assert.deepEqual([...bench.sends.failures], [['remote-taberna-rejected', 1]]);
});

test('[api-45] an error has the kind, the text, the delivery, the peer and the cause of its failure', async () => {
  const bench = new Bench();
  const cause = new Error('refused');
  const late = await bench.fail({ kind: 'send-timeout', text: 'late', delivery: 'unknown', cause });
  assert.deepEqual(
    [late.message, late.delivery, late.peer, late.cause, late.endpoint],
    ['send-timeout: late', 'unknown', PEER, cause, 'numbers'],
  );
  assert.match((await bench.fail(refused)).message, /^remote-taberna-rejected: the peer refused/);
});

test('[api-45] the time that a send took is right where the clock has run for more than 24 days', async () => {
  const bench = new Bench();
  bench.now = 2 ** 31 - 5;
  const { pending, promise } = bench.begin();
  bench.now += 12;
  pending.failed(refused, PEER);
  assert.equal((await failureOf(promise)).elapsedMs, 12);
});

test('[api-61] the latency of every accepted send is counted, and of no other', () => {
  const bench = new Bench();
  const begun = [1, 2, 3].map(() => bench.begin());
  bench.now += 7;
  for (const { pending } of begun.slice(0, 2)) pending.accepted();
  begun[2]!.promise.catch(() => {});
  begun[2]!.pending.failed(refused, PEER);
  const { boundsMs, counts, count, sumMs } = bench.latency.read();
  assert.deepEqual([count, sumMs, counts[boundsMs.indexOf(8)]], [2, 14, 2]);
});

test('[api-25] [a1-lane-14] an abort rejects at once; the outcome that comes later is nobody’s news', async () => {
  const bench = new Bench();
  const stop = new AbortController();
  const reason = new Error('enough');
  const { pending, promise } = bench.begin(stop.signal);
  stop.abort(reason);
  await assert.rejects(promise, reason);
  pending.accepted();
  await assert.rejects(promise, reason);
});

test('[api-25] sends of one signal share its abort; each settled one has let go of it', async () => {
  const bench = new Bench();
  const stop = new AbortController();
  const watched = (signal: AbortSignal): [PendingSend, Watched] => {
    const { pending, promise } = bench.begin(signal);
    return [pending, new Watched(promise)];
  };
  const [[early, first], [late, second]] = [watched(stop.signal), watched(stop.signal)];
  const [, foreign] = watched(new AbortController().signal);
  early.accepted();
  const [, third] = watched(stop.signal);
  stop.abort(new Error('enough'));
  await jobsDone();
  assert.deepEqual([first.state, foreign.state], ['resolved', 'pending']);
  assert.deepEqual([second.settled, third.settled], [1, 1]);
  late.failed(refused, PEER);
  await jobsDone();
  assert.equal(second.settled, 1);
});

test('[a1-close-6] whoever waits for the end of sends is told of each outcome', () => {
  const bench = new Bench();
  let outcomes = 0;
  bench.sends.onOutcome = () => outcomes++;
  bench.begin().pending.accepted();
  const { pending, promise } = bench.begin();
  promise.catch(() => {});
  pending.failed(refused, PEER);
  assert.equal(outcomes, 2);
});

test('the domus of the last send of a process is let go once nobody holds it', async () => {
  const sendOnce = async (): Promise<WeakRef<PendingSends>> => {
    const bench = new Bench();
    const { pending, promise } = bench.begin();
    pending.accepted();
    await promise;
    return new WeakRef(bench.sends);
  };
  const sends = await sendOnce();
  await jobsDone();
  collect();
  assert.equal(sends.deref(), undefined);
});
