/**
 * The oracle of calls: what was planned, what handlers did, and how each call ended.
 *
 * 2. A call ends once, with an answer that its handler gave or an error of a known code that something explains.
 * 3. A handler starts once at most for each try, and no procedure that is not idempotent is tried twice.
 * 4. Pieces come in order, without gap and repetition; an end stands behind all of them.
 * 6. A handler is aborted at its deadline. Neither a call nor whoever reads its outputs waits beyond it, but for the sleep of its own
 *    process.
 * 12. No stream stands still.
 * 13. In calm, handlers of a call that is over are aborted as soon as they can hear of it.
 */
import { type CallContext, ProcedureError } from '@flaminia/services-a2';
import type { Random } from '../sim/random.ts';
import { RuleBroken } from '../sim/rule-broken.ts';
import type { Trace } from '../sim/trace.ts';
import type { CallPlan, HandlerPlan } from './call-plan.ts';
import type { Situation, Situations } from './situations.ts';
import type { VirtualPort } from './virtual-port.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Weather } from './weather.ts';
import { faultOf } from './work-service.ts';

/** Timers wait for whole milliseconds, at least one, and ring up to one late. */
const SLACK_MS = 3.5;
const MOST_TRIES = 5;
/** A cancel may wait for a dial, and for its call to leave before it. */
const CANCEL_TRIPS = 3;

/** A handler that was started. */
export interface Run {
  readonly call: CallRecord;
  readonly port: VirtualPort;
  readonly plan: HandlerPlan;
  /** 0 for the first start for its call. */
  readonly number: number;
  readonly context: Pick<CallContext, 'signal' | 'deadline' | 'callId'>;
  state: 'running' | 'answered' | 'failed' | 'threw' | 'left';
}

export interface CallRecord {
  readonly plan: CallPlan;
  readonly port: VirtualPort;
  /** Infinity for none. */
  readonly deadline: number;
  readonly parent: AbortSignal | undefined;
  readonly runs: Run[];
  tries: number;
  /** Ids of tries for which no handler has started. */
  readonly unserved: Set<number>;
  /** A1 has taken a try that was not cancelled. */
  isTaken: boolean;
  /** Since when its program waits for it, or for the next output. */
  waitsSince: number;
  isWaiting: boolean;
  outputsAsked: number;
  inputsAsked: number;
  isAborted: boolean;
  haveInputsThrown: boolean;
  end: string | undefined;
}

export class Ledger {
  readonly calls: Map<number, CallRecord> = new Map();
  failure: Error | undefined = undefined;
  readonly trace: Trace;
  readonly situations: Situations;
  readonly weather: Weather;
  private readonly time: VirtualTime;

  constructor(time: VirtualTime, trace: Trace, situations: Situations, weather: Weather) {
    this.time = time;
    this.trace = trace;
    this.situations = situations;
    this.weather = weather;
  }

  /** The first broken rule counts. */
  broken(rule: number, text: string): void {
    this.note(99, rule, 0, () => `BROKEN ${rule}: ${text}`);
    this.failure ??= new RuleBroken(rule, text);
  }

  note(kind: number, a: number, b: number, text: () => string): void {
    this.trace.note(kind, a, b);
    this.trace.note(Math.floor(this.time.now * 100), kind, a);
    this.trace.print?.(`${this.time.now.toFixed(2)} ${text()}`);
  }

  saw(situation: Situation): void {
    this.situations.saw(situation);
  }

  /** A program makes a call. */
  begin(plan: CallPlan, port: VirtualPort, deadline: number, parent: AbortSignal | undefined): CallRecord {
    const record: CallRecord = {
      plan,
      port,
      deadline,
      parent,
      runs: [],
      tries: 0,
      unserved: new Set(),
      isTaken: false,
      waitsSince: this.time.now,
      isWaiting: true,
      outputsAsked: 0,
      inputsAsked: 0,
      isAborted: false,
      haveInputsThrown: false,
      end: undefined,
    };
    this.calls.set(plan.id, record);
    this.note(1, plan.id, port.life, () => `call ${plan.id} ${plan.procedure} at ${port.life}`);
    return record;
  }

  /** A message of a call leaves. */
  tried(call: CallRecord, id: number): void {
    const { plan } = call;
    call.tries++;
    call.unserved.add(id);
    if (call.tries > (plan.isIdempotent ? MOST_TRIES : 1))
      this.broken(3, `call ${plan.id} is tried ${call.tries} times`);
    if (call.tries === 2) this.saw('second try made');
    if (call.tries === 3) this.saw('third try made');
  }

  /** A handler starts, for a try that its message names. */
  started(call: CallRecord, port: VirtualPort, context: Run['context']): Run {
    const { plan, runs } = call;
    const handler = plan.handlers[runs.length % plan.handlers.length]!;
    const run: Run = { call, port, plan: handler, number: runs.length, context, state: 'running' };
    runs.push(run);
    if (!call.unserved.delete(context.callId)) this.broken(3, `a try of call ${plan.id} has a second start`);
    const { deadline } = context;
    if (deadline !== undefined) port.after(deadline - Date.now() + SLACK_MS, () => this.mustBeAborted(run, 6));
    if (call.port.isGone) this.saw('handler ran for a caller that is gone');
    this.note(2, plan.id, port.life, () => `handler of call ${plan.id} starts at ${port.life}`);
    return run;
  }

  ran(run: Run, state: Exclude<Run['state'], 'running'>): void {
    if (run.state !== 'running') return;
    run.state = state;
    if (state === 'threw') this.saw('handler threw');
    this.note(3, run.call.plan.id, run.number, () => `handler ${run.number} of call ${run.call.plan.id} ${state}`);
  }

  /** A piece has come, where that of this index belongs. */
  piece(call: CallRecord, found: unknown, index: number, bytes: number | undefined): void {
    const { id } = call.plan;
    const fault =
      bytes === undefined ? `piece ${index} of call ${id} was never given` : faultOf(found, id, index, bytes);
    if (fault !== undefined) this.broken(4, fault);
    this.note(4, id, index, () => `piece ${index} of call ${id}`);
  }

  /** One answer has come. */
  answered(call: CallRecord, value: unknown): void {
    this.ended(call, 'answered');
    const { plan, runs } = call;
    if (plan.kind === 'one-way') {
      if (!call.isTaken) this.broken(2, `call ${plan.id} ends well, and no try that stands was taken`);
      this.saw('one-way call taken');
      return;
    }
    const run = runs[(value as { index: number }).index];
    if (run?.state !== 'answered') this.broken(2, `call ${plan.id} has an answer that no handler gave`);
    else {
      const fault = faultOf(value, plan.id, run.number, run.plan.answerBytes);
      if (fault !== undefined) this.broken(2, fault);
      if (run.number > 0) this.saw('second try answered');
      if (run.number > 0 && runs[0]!.state === 'running') this.saw('hedge won');
    }
    this.saw('call answered');
  }

  /** The outputs are at their end, behind so many pieces. */
  outputsEnded(call: CallRecord, pieces: number): void {
    this.ended(call, 'read to its end');
    const outputs = call.runs[0]?.plan.outputs;
    if (outputs?.end !== 'ends' || outputs.sizes.length !== pieces)
      this.broken(4, `the outputs of call ${call.plan.id} end behind ${pieces} pieces`);
    this.saw('stream read to its end');
  }

  failed(call: CallRecord, error: unknown): void {
    if (!(error instanceof ProcedureError)) {
      this.broken(2, `call ${call.plan.id} fails with ${String(error)}`);
      return;
    }
    this.ended(call, error.code);
    if (!this.explains(call, error.code))
      this.broken(2, `call ${call.plan.id} fails for no reason: ${error.code}: ${error.message}`);
    if (error.message.endsWith('calls are under way already')) this.saw('call refused: maxPending');
    if (error.message.endsWith('has too many calls under way')) this.saw('call refused: no place');
    const name = `call failed: ${error.code}` as Situation;
    if (error.code !== 'unknown-procedure' && error.code !== 'failed-precondition') this.saw(name);
  }

  /** A call has its end, for its program. */
  ended(call: CallRecord, how: string): void {
    const { plan, port, deadline, waitsSince } = call;
    if (call.end !== undefined) this.broken(2, `call ${plan.id} ends twice: ${call.end}, then ${how}`);
    call.end = how;
    const latest = Math.max(deadline, waitsSince, port.sleepsUntil) + SLACK_MS;
    if (this.time.now > latest)
      this.broken(6, `call ${plan.id} ends ${this.time.now - deadline} ms behind its deadline`);
    this.note(5, plan.id, port.life, () => `call ${plan.id} ends: ${how}`);
    if (how !== 'deadline-exceeded' && plan.kind !== 'one-way') this.watchHandlersOf(call);
  }

  /** Calls that have no end, of processes that are there. */
  open(): CallRecord[] {
    return [...this.calls.values()].filter(({ end, port }) => end === undefined && !port.isGone);
  }

  /** The session with their peer has ended. */
  mustBeOver(calls: readonly CallRecord[], served: readonly Run[]): void {
    for (const { plan, end, isWaiting } of calls)
      if (end === undefined && isWaiting && !plan.isIdempotent) this.broken(7, `call ${plan.id} outlives its session`);
    for (const run of served) this.mustBeAborted(run, 7);
  }

  /** Where nothing holds a cancel up, handlers of a call that is over hear of it. */
  private watchHandlersOf(call: CallRecord): void {
    const { isCalm, isOver, laneMessages, slowestMs } = this.weather;
    if (!isCalm || isOver || laneMessages < 128) return;
    call.port.after(CANCEL_TRIPS * slowestMs + SLACK_MS, () => {
      for (const run of call.runs) this.mustBeAborted(run, 13);
    });
  }

  private mustBeAborted({ state, context, call, number }: Run, rule: number): void {
    if (state === 'running' && !context.signal.aborted)
      this.broken(rule, `handler ${number} of call ${call.plan.id} is not aborted`);
  }

  /** In calm, with time enough: streams without a limit have come to their end, but for those that are to last. */
  mustHaveMoved(): void {
    for (const { plan, runs, deadline } of this.open())
      if (runs.some(({ plan: { outputs } }) => outputs.end !== 'lasts') && deadline === Number.POSITIVE_INFINITY)
        this.broken(12, `the stream of call ${plan.id} stands still`);
  }

  private explains(call: CallRecord, code: string): boolean {
    const { isAborted, haveInputsThrown, parent, plan, runs, deadline, port } = call;
    const { isCalm, ejectAfter, maxPayloadBytes, isOver } = this.weather;
    switch (code) {
      case 'cancelled':
        return isAborted || haveInputsThrown || parent?.aborted === true;
      case 'deadline-exceeded':
        return this.time.now >= deadline - 0.001;
      case 'not-found':
        return runs.some(({ state }) => state === 'failed');
      case 'internal':
        return runs.some(({ state }) => state === 'threw') || maxPayloadBytes < 2 ** 21;
      case 'invalid-argument':
        return plan.isWorthless;
      case 'unauthorized':
        return isForbidden(port.address, plan.procedure);
      case 'no-providers':
        return !isCalm || ejectAfter > 0;
      case 'unavailable':
      case 'data-loss':
      case 'resource-exhausted':
        return !isCalm || isOver;
      default:
        return false;
    }
  }
}

/** Who may not call what. */
export function isForbidden(address: string, procedure: string): boolean {
  return address.endsWith('2') && procedure === 'note';
}

/** A pause of a program, between nothing and this. */
export function pauseOf(chance: Random, longestMs: number): number {
  return longestMs === 0 ? 0 : chance.skewed(1, longestMs);
}
