/** Two domus over the in-memory backend, without faults: whole conversations through the real shell on both sides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns, until, withLeakCheck } from '@flaminia/testkit';
import { MemoryNetwork } from '@flaminia/transport-a0/internal';
import { FakeClock } from './fake-clock.ts';
import { openBackends } from './memory-backends.ts';
import { type Outcome, OWN, PEER, type Request, TestShell } from './test-shell.ts';

const NEVER_CUT: AbortSignal = new AbortController().signal;

/** Two domus that listen, on one clock that nobody moves. */
async function imperium(): Promise<{ a: TestShell; b: TestShell; close(): Promise<void> }> {
  const clock = new FakeClock();
  const shells = [OWN, PEER].map((address) => new TestShell({ sendQueueSize: 8192 }, address, clock));
  const backends = await openBackends(new MemoryNetwork(), shells);
  const close = async (): Promise<void> => {
    await Promise.all(backends.map((backend) => backend.close()));
    await Promise.all(shells.map(({ delivery }) => delivery.close(NEVER_CUT)));
    assert.deepEqual(clock.running, []);
  };
  return { a: shells[0]!, b: shells[1]!, close };
}

function settled(outcomes: readonly Outcome[]): boolean {
  return outcomes.every(({ word }) => word !== 'waiting');
}

test(
  '[a1-inv-4] thousands of messages of all sizes, both ways at once, arrive in order, and each is acknowledged',
  withLeakCheck(async () => {
    const { a, b, close } = await imperium();
    const seen: [string[], string[]] = [[], []];
    for (const [index, shell] of [a, b].entries()) {
      shell.serve(7, ({ text, decide }) => {
        seen[index]!.push(text.split(' ')[0]!);
        decide();
      });
    }
    const outcomes: Outcome[] = [];
    for (let i = 0; i < 4000; i++) {
      const text = `${i} `.padEnd((i * 97) % 9000, 'x');
      outcomes.push(a.send(text, {}, PEER), b.send(text, {}, OWN));
      if (i % 200 === 0) await turns(1);
    }
    await until(() => settled(outcomes), 'every outcome');
    assert.ok(outcomes.every(({ word }) => word === 'accepted'));
    const wanted = Array.from({ length: 4000 }, (_, i) => `${i}`);
    assert.deepEqual(seen, [wanted, wanted]);
    await close();
  }),
);

test(
  '[a1-call-11] [a1-call-14] both sides that begin at once lose and repeat nothing',
  withLeakCheck(async () => {
    const { a, b, close } = await imperium();
    const seen: string[] = [];
    for (const shell of [a, b]) {
      shell.serve(7, ({ text, decide }) => {
        seen.push(text);
        decide();
      });
    }
    const outcomes = [a.send('from a', {}, PEER), b.send('from b', {}, OWN)];
    await until(() => settled(outcomes), 'both outcomes');
    assert.deepEqual(
      outcomes.map(({ word }) => word),
      ['accepted', 'accepted'],
    );
    assert.deepEqual(seen.sort(), ['from a', 'from b']);
    for (const shell of [a, b]) assert.equal(shell.eventsOf('primary-callis-connected').length, 2);
    assert.deepEqual([...a.eventsOf('peer-session-restarted'), ...b.eventsOf('peer-session-restarted')], []);
    await close();
  }),
);

test(
  '[a1-close-4] a domus that shuts down while requests are open: what is decided in time counts on the other side',
  withLeakCheck(async () => {
    const { a, b, close } = await imperium();
    const requests: Request[] = [];
    b.serve(7, (request) => void requests.push(request));
    const [decided, left] = [a.send('decided', {}, PEER), a.send('left', {}, PEER)];
    await until(() => requests.length === 2, 'both requests');
    const draining = b.delivery.drain(1000, NEVER_CUT, () => true);
    assert.equal(requests[0]!.decide(), true);
    await until(() => decided.word !== 'waiting', 'the outcome of the decided one');
    b.clock.advance(1000);
    await draining;
    await b.delivery.close(NEVER_CUT);
    await close();
    assert.deepEqual([decided.word, left.word], ['accepted', 'peer-unavailable']);
    assert.equal(left.failure.delivery, 'unknown');
    assert.equal(requests[1]!.decide(), false);
  }),
);
