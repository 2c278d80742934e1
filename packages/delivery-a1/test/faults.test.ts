/**
 * Two domus over the in-memory backend, whose streams break at every moment of a conversation, one after the other: what
 * a send says to its program holds whatever breaks when.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FaultPlan, turns, withLeakCheck } from '@flaminia/testkit';
import { type AuthenticatedStream, type Backend, MemoryNetwork } from '@flaminia/transport-a0/internal';
import { FakeClock } from './fake-clock.ts';
import { openBackends } from './memory-backends.ts';
import { type Outcome, OWN, PEER, TestShell } from './test-shell.ts';

const NEVER_CUT: AbortSignal = new AbortController().signal;
const TABERNA = 7;
/** The first ones go in one turn, the last one alone; one is over the size that is copied, one is refused. */
const QUESTIONS = ['one', 'two', 'large '.padEnd(20_000, 'x'), 'refuse me', 'alone'];

/** Two domus on one network and one clock, the second of which answers every question with a message of its own. */
class Conversation {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork();
  readonly asker: TestShell = new TestShell({}, OWN, this.clock);
  readonly answerer: TestShell = new TestShell({}, PEER, this.clock);
  /** What handlers have seen and accepted, each text with its count. */
  readonly seen = new Map<string, number>();
  readonly outcomes = new Map<string, Outcome>();
  private backends: Backend[] = [];

  async open(plan: FaultPlan): Promise<void> {
    const shells = [this.asker, this.answerer];
    this.backends = await openBackends(this.network, shells, plan);
    for (const shell of shells) {
      shell.serve(TABERNA, ({ text, decide }) => {
        this.seen.set(text, (this.seen.get(text) ?? 0) + 1);
        decide(text === 'refuse me' ? 4 : 0);
        if (shell === this.answerer) this.send(shell, `answer to ${text.slice(0, 5)}`, OWN);
      });
    }
  }

  send(shell: TestShell, text: string, to: string): void {
    this.outcomes.set(text, shell.send(text, { taberna: TABERNA }, to));
  }

  get isSettled(): boolean {
    return [...this.outcomes.values()].every(({ word }) => word !== 'waiting');
  }

  async talk(): Promise<void> {
    for (const text of QUESTIONS.slice(0, -1)) this.send(this.asker, text, PEER);
    await this.settle();
    this.send(this.asker, QUESTIONS.at(-1)!, PEER);
    await this.settle();
  }

  /** Lets turns pass, and time where nothing else is left to happen, until every send is settled. */
  private async settle(): Promise<void> {
    const limit = this.clock.now() + 120_000;
    await turns(8);
    while (!this.isSettled) {
      assert.ok(this.clock.ringNext(limit), 'a send is waiting, and nothing will happen any more');
      await turns(8);
    }
  }

  /** Shuts both down, the answerer a little later; time passes where they wait for it. */
  async close(): Promise<void> {
    for (const shell of [this.asker, this.answerer]) {
      const backend = this.backends.shift()!;
      await backend.close();
      let isClosed = false;
      const closing = shell.delivery.close(NEVER_CUT).then(() => {
        isClosed = true;
      });
      const limit = this.clock.now() + 120_000;
      for (await turns(8); !isClosed; await turns(8)) assert.ok(this.clock.ringNext(limit), 'the close hangs');
      await closing;
    }
  }
}

/** Ways for a stream to break. */
const FAULTS: Readonly<Record<string, (network: MemoryNetwork) => (stream: AuthenticatedStream) => void>> = {
  'the connection is cut, and both ends are told': (network) => () => {
    network.cut(OWN, PEER);
    network.heal();
  },
  'one end is dropped without a word': () => (stream) => stream.destroy(),
  'one end ends its direction': () => (stream) => stream.end(),
};

describe('faults at every moment of a conversation', () => {
  for (const [name, breaking] of Object.entries(FAULTS)) {
    test(
      `[a1-inv-1] [a1-inv-2] [a1-inv-3] ${name}: sends settle once and tell the truth, and nothing is left`,
      withLeakCheck(async () => {
        let moments = 0;
        for (let hasStruck = true; hasStruck; moments++) {
          const conversation = new Conversation();
          const plan = new FaultPlan(moments, breaking(conversation.network));
          await conversation.open(plan);
          await conversation.talk();
          expectTruth(conversation, moments);
          await conversation.close();
          assert.deepEqual(conversation.clock.running, [], `timers are left by the fault at moment ${moments}`);
          hasStruck = plan.hasStruck;
        }
        assert.ok(moments > 30, `the conversation has only ${moments} moments`);
      }),
    );
  }
});

/** One fault costs no send anything but time: each ends as its handler decided, and was seen once. */
function expectTruth({ outcomes, seen }: Conversation, moment: number): void {
  const told = [...outcomes].map(([text, { word }]) => `${text.slice(0, 20)}: ${word}, seen ${seen.get(text)} times`);
  const wanted = [...outcomes.keys()].map((text) => {
    return `${text.slice(0, 20)}: ${text === 'refuse me' ? 'remote-taberna-rejected' : 'accepted'}, seen 1 times`;
  });
  assert.deepEqual(told, wanted, `the fault at moment ${moment}`);
  assert.equal(outcomes.size, 2 * QUESTIONS.length);
}
