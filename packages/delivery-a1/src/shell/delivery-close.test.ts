/** The end of a domus, or of a session, while its streams are busy and its senders do not stop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from '@flaminia/testkit';
import type { ScriptedStream } from '../../test/scripted-stream.ts';
import { Outcome, OWN, PEER, TestShell } from '../../test/test-shell.ts';
import type { SendFailure } from '../core/send-waiter.ts';

const OTHER = 'tcp://127.0.0.1:3';
const NEVER_CUT: AbortSignal = new AbortController().signal;
const ALWAYS_QUIET = (): boolean => true;

test('[a1-close-4] what is left fails with domus-closed, also where close has to drop the connection because a payload is half-written', async () => {
  const { shell, stream, outcome } = await busy();
  stream.flows = false;
  const large = shell.send(Buffer.alloc(100_000));
  await turns(1);
  await shell.delivery.drain(0, NEVER_CUT, ALWAYS_QUIET);
  const closing = shell.delivery.close(NEVER_CUT);
  assert.equal(stream.isDestroyed, true);
  assert.deepEqual(
    [large, outcome].map(({ word, failure }) => [word, failure.delivery]),
    [
      ['domus-closed', 'unknown'],
      ['domus-closed', 'unknown'],
    ],
  );
  await closing;
});

test('[a1-close-4] what is sent behind the end of a shutdown fails at once, and begins no session with anybody', async () => {
  const { shell, stream } = await busy();
  await shell.delivery.drain(0, NEVER_CUT, ALWAYS_QUIET);
  const closing = shell.delivery.close(NEVER_CUT);
  await turns(1);
  stream.giveEnd();
  await closing;
  const late = [PEER, OTHER, OWN].map((address) => shell.send('late', {}, address));
  for (const { word, failure } of late) assert.deepEqual([word, failure.delivery], ['domus-closed', 'not-sent']);
  assert.deepEqual([shell.delivery.core.peers.size, shell.dials.length, shell.clock.running], [0, 0, []]);
});

/** A send whose sender sends on to the same peer at once where it fails, as calls of procedures do. */
class Cancelling extends Outcome {
  readonly #shell: TestShell;

  constructor(shell: TestShell) {
    super();
    this.#shell = shell;
  }

  override failed(failure: SendFailure): void {
    super.failed(failure);
    this.#shell.send('cancel', { wait: true });
  }
}

test('[a1-close-4] [a1-wire-3] nothing is written in the midst of a close, though a sender sends on while it is told: a message would hold close within it', async () => {
  for (const way of ['the domus', 'one peer'] as const) {
    const shell = new TestShell({ sendQueueSize: 1 });
    const stream = await shell.connect();
    shell.send('first', { waiter: new Cancelling(shell) });
    await turns(1);
    const parked = shell.send(Buffer.alloc(10_000), { wait: true });
    if (way === 'one peer') shell.delivery.closePeer(PEER);
    else {
      await shell.delivery.drain(0, NEVER_CUT, ALWAYS_QUIET);
      void shell.delivery.close(NEVER_CUT);
    }
    await turns(1);
    assert.equal(parked.failure.delivery, 'not-sent', way);
    assert.match(stream.lines.at(-1)!, /^close/, way);
  }
});

/** A domus with a message under way to its peer. */
async function busy(): Promise<{ shell: TestShell; stream: ScriptedStream; outcome: Outcome }> {
  const shell = new TestShell();
  const stream = await shell.connect();
  const outcome = shell.send('own question');
  await turns(1);
  return { shell, stream, outcome };
}
