import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SendFailure } from '@flaminia/delivery-a1/internal';
import { failureOf, Numbers, Watched } from '../test/memory-bench.ts';
import { type PendingSend, PendingSendPool } from './pending-send.ts';

const refused: SendFailure = { kind: 'remote-taberna-rejected', text: '', delivery: 'refused', cause: undefined };

/** A pool whose clock the test moves. */
function pool(): { pool: PendingSendPool; clock: { now: number } } {
  const clock = { now: 1_000 };
  return { pool: new PendingSendPool(() => clock.now), clock };
}

test('[a1-inv-1] an object serves one send after the other, and keeps nothing of the one before', async () => {
  const { pool: sends, clock } = pool();
  const first = sends.get();
  const accepted = first.begin(Numbers, clock.now, undefined);
  first.peer = 'tcp://127.0.0.1:1';
  first.accepted();
  await accepted;
  const second = sends.get();
  assert.equal(second, first);
  const failed = second.begin(Numbers, clock.now, undefined);
  clock.now += 12.4;
  second.failed(refused);
  const error = await failureOf(failed);
  assert.deepEqual([error.peer, error.elapsedMs, error.cause], [undefined, 12, undefined]);
  assert.deepEqual([...sends.failures], [['remote-taberna-rejected', 1]]);
});

test('[api-45] an error has the kind, the text, the delivery and the cause of its failure', async () => {
  const { pool: sends, clock } = pool();
  const cause = new Error('refused');
  const fail = (failure: SendFailure): ReturnType<typeof failureOf> => {
    const pending = sends.get();
    const promise = pending.begin(Numbers, clock.now, undefined);
    pending.failed(failure);
    return failureOf(promise);
  };
  const late = await fail({ kind: 'send-timeout', text: 'late', delivery: 'unknown', cause });
  assert.deepEqual(
    [late.message, late.delivery, late.cause, late.endpoint],
    ['send-timeout: late', 'unknown', cause, 'numbers'],
  );
  assert.match((await fail(refused)).message, /^remote-taberna-rejected: the peer refused/);
});

test('[api-25] [a1-lane-14] an abort rejects at once; the object stays in use until the outcome', async () => {
  const { pool: sends, clock } = pool();
  const stop = new AbortController();
  const reason = new Error('enough');
  const pending = sends.get();
  const sent = pending.begin(Numbers, clock.now, stop.signal);
  stop.abort(reason);
  await assert.rejects(sent, reason);
  assert.notEqual(sends.get(), pending);
  pending.accepted();
  assert.equal(sends.get(), pending);
});

test('[api-25] sends of one signal share its abort; each settled one has let go of it', async () => {
  const { pool: sends, clock } = pool();
  const stop = new AbortController();
  const begin = (signal: AbortSignal): [PendingSend, Watched] => {
    const pending = sends.get();
    return [pending, new Watched(pending.begin(Numbers, clock.now, signal))];
  };
  const [[early, first], [late, second]] = [begin(stop.signal), begin(stop.signal)];
  const [, foreign] = begin(new AbortController().signal);
  early.accepted();
  const [again, third] = begin(stop.signal);
  assert.equal(again, early);
  stop.abort(new Error('enough'));
  await Promise.resolve();
  assert.deepEqual([first.state, foreign.state], ['resolved', 'pending']);
  assert.deepEqual([second.settled, third.settled], [1, 1]);
  late.failed(refused);
  await Promise.resolve();
  assert.equal(second.settled, 1);
});

test('[a1-close-6] whoever waits for the end of sends is told of each outcome', () => {
  const { pool: sends, clock } = pool();
  let outcomes = 0;
  sends.onOutcome = () => outcomes++;
  for (const end of ['accepted', 'failed'] as const) {
    const pending = sends.get();
    pending.begin(Numbers, clock.now, undefined).catch(() => {});
    if (end === 'accepted') pending.accepted();
    else pending.failed(refused);
  }
  assert.equal(outcomes, 2);
});
