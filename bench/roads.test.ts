import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Credentials, createCredentials, createSide } from './credentials.ts';
import { PLANS, type Plan } from './plan.ts';
import type { Run } from './road.ts';
import { roadOf } from './roads.ts';
import { Tally } from './tally.ts';

/** More than the depth of any plan, so that the first volley alone cannot pass. */
const ANSWERS = 10_000;
/** A sequential road answers far fewer in a second. */
const SEQUENTIAL_ANSWERS = 100;

let credentials: Credentials;
let directory: string;

before(async () => {
  credentials = await createCredentials();
  directory = await mkdtemp(join(tmpdir(), 'flaminia-bench-'));
});
after(() => rm(directory, { recursive: true, force: true }));

async function runOf(plan: Plan): Promise<Run> {
  const receiver = await createSide(credentials, plan.link, directory, `${plan.name}-r`);
  const sender = await createSide(credentials, plan.link, directory, `${plan.name}-s`);
  return { plan, credentials, receiver, sender };
}

// A road that left a socket or a timer behind would keep this file from ending.
for (const plan of PLANS.filter(({ kind }) => kind === 'rate')) {
  test(`${plan.name} answers message after message, and closes under load`, async () => {
    const road = await roadOf(plan);
    const run = await runOf(plan);
    const tally = new Tally(plan.depth === 1);
    const receiving = await road.receive(run, tally);
    const sending = await road.send(run, tally, plan.peers);
    const wanted = plan.depth === 1 ? SEQUENTIAL_ANSWERS : ANSWERS;
    while (tally.acked < wanted) await new Promise(setImmediate);
    await sending.close();
    await receiving.close();
    const acked = tally.acked;
    await new Promise(setImmediate);
    assert.equal(tally.acked, acked, 'a closed road answers nothing more');
  });
}

for (const plan of PLANS.filter(({ kind }) => kind === 'idle')) {
  test(`${plan.name} connects peers in several waves, and lets go of all of them`, async () => {
    const road = await roadOf(plan);
    const run = await runOf(plan);
    const receiving = await road.receive(run, new Tally(false));
    const first = await road.send(run, new Tally(false), 1);
    const crowd = await road.send(run, new Tally(false), 20);
    await first.close();
    await crowd.close();
    await receiving.close();
  });
}
