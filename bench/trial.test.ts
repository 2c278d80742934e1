import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCredentials } from './credentials.ts';
import { PLANS, type Plan } from './plan.ts';
import { runTrial, type Trial } from './trial.ts';

/** Short windows: what is tested is that both processes start, answer and end by themselves, not how fast they are. */
async function trialOf(plan: Plan): Promise<Trial> {
  const credentials = await createCredentials();
  const pinning = { kind: 'unpinned', reason: 'a test' } as const;
  for (let windowMs = 100; ; windowMs *= 4) {
    try {
      return await runTrial(plan, { credentials, pinning, warmUpMs: 20, windowMs, attempts: 1 });
    } catch (error) {
      // On a busy machine nobody may get to answer in so short a window.
      if (windowMs > 5_000 || !String(error).includes('no message was answered')) throw error;
    }
  }
}

function planOf(name: string): Plan {
  const plan = PLANS.find((candidate) => candidate.name === name);
  assert.ok(plan);
  return plan;
}

test('a sequential plan yields a rate, its round trips and the CPU of both processes', async () => {
  const trial = await trialOf(planOf('p1t'));
  assert.ok(trial.messagesPerSecond > 0);
  assert.ok(trial.latency !== null && trial.latency.p50 > 0 && trial.latency.p99 >= trial.latency.p50);
  assert.ok(trial.senderShare > 0 && trial.receiverShare > 0);
  assert.match(trial.agreed, /^TLS_/);
  assert.deepEqual([trial.plan, trial.othersShare, trial.idle], ['p1t', null, null]);
});

test('an idle plan yields the memory and timers of a peer', async () => {
  const trial = await trialOf({ ...planOf('p7'), peers: 40 });
  assert.ok(trial.idle !== null && Number.isFinite(trial.idle.rssBytesPerPeer));
  assert.deepEqual([trial.idle.timersPerPeer, trial.messagesPerSecond, trial.latency], [0, 0, null]);
});

test('a road that cannot work fails the trial with its reason', async () => {
  await assert.rejects(trialOf({ ...planOf('ws-1'), link: 'unix' }), /ws is measured over TLS only/);
});
