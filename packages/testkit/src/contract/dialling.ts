/** The contract, first part: making streams, and everything that keeps one from being made. */
import assert from 'node:assert/strict';
import { DomusError, type ErrorKind } from '@flaminia/transport-a0';
import type { AuthenticatedStream } from '@flaminia/transport-a0/internal';
import { turns, until } from '../until.ts';
import type { ContractImperium } from './contract-domus.ts';
import type { ContractTest } from './contract-test.ts';

const PARALLEL_DIALS = 50;

export function describeDialling(contract: ContractTest): void {
  contract('a dial and an accept make two ends, and each knows who the other is', async (imperium) => {
    const { a, b, dialled, accepted } = await imperium.connect();
    const shown = ({ stream }: typeof dialled): unknown[] => {
      const { direction, kind, peer } = stream;
      return [direction, kind, peer.address, peer.nodeId, peer.nodeType];
    };
    assert.deepEqual(shown(dialled), ['dialled', a.backend.kind, b.address, b.nodeId, 'contract']);
    assert.deepEqual(shown(accepted), ['accepted', b.backend.kind, a.address, a.nodeId, 'contract']);
    assert.deepEqual([a.failures, b.failures, a.refusals, b.refusals], [[], [], 0, 0]);
  });

  contract('challenge numbers rise with each accepted stream, and are 0 where we dialled', async (imperium) => {
    const [a, b] = [await imperium.listening(), await imperium.listening()];
    const sequences: number[] = [];
    for (let dial = 0; dial < 3; dial++) {
      assert.equal(imperium.watch(await a.dial(b)).stream.challengeSequence, 0);
      sequences.push(imperium.watch(await b.nextAccepted()).stream.challengeSequence);
    }
    assert.deepEqual(sequences, [1, 2, 3]);
  });

  contract('[a0-adm-10] both sides dialling each other at once both succeed', async (imperium) => {
    const [a, b] = [await imperium.listening(), await imperium.listening()];
    const [there, back] = await Promise.all([a.dial(b), b.dial(a)]);
    const ends = [there, back, await a.nextAccepted(), await b.nextAccepted()].map((stream) => imperium.watch(stream));
    for (const end of ends) end.start().write(end.stream.peer.address);
    await until(() => ends.every((end) => end.text === a.address || end.text === b.address), 'a word on each end');
    assert.deepEqual(
      ends.map((end) => end.text),
      [a.address, b.address, a.address, b.address],
    );
  });

  contract(`[a0-adm-5] ${PARALLEL_DIALS} dials at once all succeed`, async (imperium) => {
    const [a, b] = [await imperium.listening(), await imperium.listening()];
    const dialled = await Promise.all(Array.from({ length: PARALLEL_DIALS }, () => a.dial(b)));
    await until(() => b.accepted.length === PARALLEL_DIALS, 'every accepted stream');
    const accepted = b.accepted.splice(0);
    const sequences = accepted.map((stream) => stream.challengeSequence);
    assert.equal(new Set(sequences).size, PARALLEL_DIALS);
    for (const stream of [...dialled, ...accepted]) imperium.watch(stream);
  });

  contract('streams that nobody ever reads are ended without a trace', async (imperium) => {
    const [a, b] = [await imperium.listening(), await imperium.listening()];
    (await a.dial(b)).destroy();
    (await b.nextAccepted()).destroy();
  });

  contract('a dial to an address where nobody listens is peer-unavailable', async (imperium, world) => {
    const a = await imperium.listening();
    await rejectsAs(a.dial(await world.freeAddress()), 'peer-unavailable');
    const silent = await imperium.place();
    await rejectsAs(a.dial(silent), 'peer-unavailable');
  });

  contract('[a0-addr-3] a dial to an address of another kind is refused', async (imperium, { foreignAddress }) => {
    const a = await imperium.listening();
    if (foreignAddress === undefined) return;
    await rejectsAs(a.dial(foreignAddress), 'address-mismatch');
  });

  contract('a dial that is aborted, at whatever moment, is peer-unavailable and leaves nothing', async (imperium) => {
    const [a, b] = [await imperium.listening(), await imperium.listening()];
    await rejectsAs(a.dial(b, AbortSignal.abort()), 'peer-unavailable');
    const failures = await interruptOften((afterTurns) => {
      const abort = new AbortController();
      return interruptOnce(imperium, a.dial(b, abort.signal), afterTurns, () => abort.abort());
    });
    assert.deepEqual(failures, ['peer-unavailable']);
  });

  contract('an abort behind the end of a dial does nothing', async (imperium) => {
    const [a, b] = [await imperium.listening(), await imperium.listening()];
    const abort = new AbortController();
    const dialled = imperium.watch(await a.dial(b, abort.signal)).start();
    const accepted = imperium.watch(await b.nextAccepted()).start();
    abort.abort();
    accepted.write('still here');
    await until(() => dialled.text === 'still here', 'bytes behind the abort');
  });

  describeListening(contract);
}

function describeListening(contract: ContractTest): void {
  contract('a backend listens once', async (imperium) => {
    const a = await imperium.listening();
    await rejectsAs(a.backend.listen(), 'invalid-state');
    await a.backend.close();
    await rejectsAs(a.backend.listen(), 'invalid-state');
  });

  contract('an address in use is bind-failed, and harms nobody; once given up it is free again', async (imperium) => {
    const [a, b] = [await imperium.listening(), await imperium.listening()];
    const second = await imperium.place(b.address);
    await rejectsAs(second.backend.listen(), 'bind-failed');
    imperium.watch(await a.dial(b));
    imperium.watch(await b.nextAccepted());
    await b.backend.close();
    const third = await imperium.place(b.address);
    await third.backend.listen();
    imperium.watch(await a.dial(third));
    imperium.watch(await third.nextAccepted());
  });

  contract('a backend that closes stops accepting, and its streams live on', async (imperium) => {
    const { a, b, dialled, accepted } = await imperium.connect();
    await b.backend.close();
    await b.backend.close();
    await rejectsAs(a.dial(b), 'peer-unavailable');
    await rejectsAs(b.dial(a), 'domus-closed');
    dialled.write('there');
    accepted.write('back');
    await until(() => accepted.text === 'there' && dialled.text === 'back', 'bytes behind the close');
    assert.deepEqual(b.accepted, []);
  });

  contract('a backend that closes ends its own dials, at whatever moment', async (imperium) => {
    const b = await imperium.listening();
    const failures = await interruptOften(async (afterTurns) => {
      const a = await imperium.listening();
      return interruptOnce(imperium, a.dial(b), afterTurns, () => void a.backend.close());
    });
    assert.deepEqual(failures, ['domus-closed']);
  });

  contract('a backend that closes ends the dials that come to it, at whatever moment', async (imperium) => {
    const a = await imperium.listening();
    const failures = await interruptOften(async (afterTurns) => {
      const b = await imperium.listening();
      return interruptOnce(imperium, a.dial(b), afterTurns, () => void b.backend.close());
    });
    assert.deepEqual(failures, ['peer-unavailable']);
  });
}

/** How a dial went that something came in the way of: `early` is one that was done before. */
type Interrupted = ErrorKind | 'early' | 'all the same';

/** Dials again and again, each time interrupted later, until a dial is done before that. Says with what dials failed. */
async function interruptOften(dialInterrupted: (afterTurns: number) => Promise<Interrupted>): Promise<Interrupted[]> {
  const failures = new Set<Interrupted>();
  for (let afterTurns = 0; ; afterTurns = Math.ceil((afterTurns + 1) * 1.2)) {
    const outcome = await dialInterrupted(afterTurns);
    if (outcome === 'early') return [...failures];
    if (outcome !== 'all the same') failures.add(outcome);
  }
}

async function interruptOnce(
  imperium: ContractImperium,
  dial: Promise<AuthenticatedStream>,
  afterTurns: number,
  interrupt: () => void,
): Promise<Interrupted> {
  let interrupted = false;
  const outcome = dial.then(
    (stream): Interrupted => {
      imperium.watch(stream);
      return interrupted ? 'all the same' : 'early';
    },
    (error: unknown) => kindOf(error),
  );
  await turns(afterTurns);
  interrupted = true;
  interrupt();
  return outcome;
}

async function rejectsAs(promise: Promise<unknown>, kind: ErrorKind): Promise<void> {
  await assert.rejects(promise, (error: unknown) => kindOf(error) === kind);
}

function kindOf(error: unknown): ErrorKind {
  if (!DomusError.is(error)) throw error;
  return error.kind;
}
