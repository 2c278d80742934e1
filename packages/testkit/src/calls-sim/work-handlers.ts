/** The handlers of one life of a node: each call is served as its plan says, and the ledger knows what was done. */
import { type CallContext, type Handlers, ProcedureError } from '@flaminia/services-a2';
import type { Random } from '../sim/random.ts';
import type { CallPlan } from './call-plan.ts';
import { type Ledger, pauseOf, type Run } from './ledger.ts';
import { PieceSource } from './piece-source.ts';
import type { VirtualPort } from './virtual-port.ts';
import { type Piece, piece, type Work } from './work-service.ts';

/** One that does not obey goes on for so long behind the end of its call. */
const DISOBEYS_MS = 3_000;

export interface Workplace {
  readonly port: VirtualPort;
  readonly ledger: Ledger;
  readonly chance: Random;
  /** Makes a call as part of another one. */
  call(plan: CallPlan, parent: CallContext): void;
}

export function handlersOf(place: Workplace): Handlers<typeof Work> {
  const one = (input: Piece, context: CallContext): Piece | Promise<Piece> => {
    const run = begin(place, context);
    place.ledger.piece(run.call, input, 0, run.call.plan.inputBytes);
    return run.plan.workMs === 0 && run.plan.end !== 'lasts' ? finish(place, run) : work(place, run);
  };
  const noted = async (input: Piece, context: CallContext): Promise<void> => void (await one(input, context));
  return {
    ask: one,
    find: one,
    tell: noted,
    note: noted,
    list: (input, context) => {
      const run = begin(place, context);
      place.ledger.piece(run.call, input, 0, run.call.plan.inputBytes);
      return outputsOf(place, run);
    },
    gather: async (inputs, context) => {
      const run = begin(place, context);
      try {
        await read(place, run, inputs);
      } catch (error) {
        place.ledger.ran(run, 'left');
        throw error;
      }
      return work(place, run);
    },
    talk: (inputs, context) => {
      const run = begin(place, context);
      read(place, run, inputs).catch(() => {});
      return outputsOf(place, run);
    },
  };
}

function begin({ ledger, port, call }: Workplace, context: CallContext): Run {
  const record = ledger.calls.get(Number(context.metadata.call))!;
  const run = ledger.started(record, port, context);
  // Each plan is made once.
  if (run.plan.nested !== undefined && run.number < record.plan.handlers.length) {
    ledger.saw('call as part of another');
    call(run.plan.nested, context);
  }
  return run;
}

async function work(place: Workplace, run: Run): Promise<Piece> {
  const { workMs, end, obeys } = run.plan;
  const until = end === 'lasts' ? Number.POSITIVE_INFINITY : workMs;
  const isAborted = await pause(place, until, end === 'lasts' || obeys ? run.context.signal : undefined);
  if (isAborted && !obeys) await pause(place, DISOBEYS_MS, undefined);
  if (!isAborted) return finish(place, run);
  place.ledger.ran(run, 'left');
  throw run.context.signal.reason;
}

function finish({ ledger }: Workplace, run: Run): Piece {
  const { plan, call, number } = run;
  if (plan.end === 'fails' || plan.end === 'throws') {
    ledger.ran(run, plan.end === 'fails' ? 'failed' : 'threw');
    throw plan.end === 'fails' ? new ProcedureError('not-found', 'nothing there') : new Error('planned');
  }
  const travels = plan.end !== 'cannot travel' || call.plan.kind === 'one-way';
  ledger.ran(run, travels ? 'answered' : 'threw');
  return travels ? piece(call.plan.id, number, plan.answerBytes) : ((() => {}) as never);
}

function outputsOf(place: Workplace, run: Run): PieceSource {
  const { plan, call } = run;
  return new PieceSource(
    {
      call: call.plan.id,
      plan: plan.outputs,
      failsTold: plan.end === 'fails',
      pause: async (longestMs) => void (await pause(place, pauseOf(place.chance, longestMs), undefined)),
      over: (how) => place.ledger.ran(run, how === 'ended' ? 'answered' : how),
    },
    place.ledger,
  );
}

async function read(place: Workplace, run: Run, inputs: AsyncIterable<Piece>): Promise<void> {
  const { call, plan } = run;
  const { sizes, end } = call.plan.inputs;
  const { leavesAfter, pauseMs } = plan.reading;
  const reader = inputs[Symbol.asyncIterator]();
  for (let index = 0; ; index++) {
    if (index === leavesAfter) {
      place.ledger.saw('inputs left by the handler');
      await reader.return?.();
      return;
    }
    if (pauseMs > 0) await pause(place, pauseOf(place.chance, pauseMs), undefined);
    call.inputsAsked++;
    const step = await reader.next();
    if (step.done === true) {
      const isWhole = end === 'ends' && index === sizes.length;
      if (!isWhole && run.state === 'running')
        place.ledger.broken(4, `the inputs of call ${call.plan.id} end behind ${index}`);
      return;
    }
    place.ledger.piece(call, step.value, index, sizes[index]);
  }
}

/** Waits for so long, or for the signal; true where that has ended. */
function pause({ port }: Workplace, ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve(true);
    signal?.addEventListener('abort', () => resolve(true), { once: true });
    if (ms !== Number.POSITIVE_INFINITY) port.after(ms, () => resolve(false));
  });
}
