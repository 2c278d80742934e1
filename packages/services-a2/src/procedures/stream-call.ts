/**
 * A call with a stream of inputs, of outputs, or both: one try on one provider, since what has passed cannot be taken back.
 *
 * 1. The call is over once, and then nothing of it is under way at this side: its inputs are left, its outputs end.
 * 2. A program that leaves the outputs early has given the call up.
 */
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import type { FlushProgram, SendFailure, SendWaiter } from '../port.ts';
import type { CallOutcome } from '../providers/core/admission.ts';
import type { ProviderCall } from '../providers/core/provider-table.ts';
import { decodeCbor } from '../values/cbor-values.ts';
import { remainingMs } from './call-limits.ts';
import type { CallOptions, Inputs } from './call-types.ts';
import { CONTROL_TIMEOUT_MS, errorOfSend, type Try } from './calls.ts';
import type { CallParts } from './client-options.ts';
import { CALL, FIRST_INPUT_CREDIT } from './core/wire.ts';
import { ItemsIn, type ItemsInHost } from './items-in.ts';
import { ItemsOut, type ItemsOutHost } from './items-out.ts';
import { payloadBehind, valueAt } from './payload.ts';
import { PendingCall } from './pending-call.ts';
import { ProcedureError } from './procedure-error.ts';
import { CreditWaiter, isOverdue } from './send-waiters.ts';
import type { Procedure } from './service.ts';
import { misfit, outcomeOf } from './unary-call.ts';

const NEVER = Number.POSITIVE_INFINITY;
const NO_ONE = 'tcp://0.0.0.0:0';

/** Who is told how the call ended, where that is one answer. */
export interface AnswerWaiter {
  resolve(value: unknown): void;
  reject(error: ProcedureError): void;
}

export class StreamCall extends PendingCall implements Try, SendWaiter, ItemsInHost, ItemsOutHost {
  id = 0;
  to: DomusAddr = NO_ONE;
  isTaken = false;
  /** What the program reads, where outputs are a stream. */
  readonly outputs: ItemsIn | undefined;
  private readonly input: unknown;
  private readonly inputs: ItemsOut | undefined;
  private readonly source: Inputs<unknown> | undefined;
  private readonly answer: AnswerWaiter | undefined;
  private load: ProviderCall | undefined = undefined;
  private creditWaiter: CreditWaiter | undefined = undefined;

  /** `input` is the one input, or the stream of them; `answer` waits where there is one output. */
  constructor(
    procedure: Procedure,
    input: unknown,
    options: CallOptions | undefined,
    parts: CallParts,
    answer: AnswerWaiter | undefined,
  ) {
    const { windowBytes, callTimeoutMs } = parts.settings;
    super(procedure, options, answer === undefined ? NEVER : callTimeoutMs, parts);
    this.answer = answer;
    const isStreamIn = procedure.definition.kind !== 'server-stream';
    if (isStreamIn) requireIterable(procedure, input);
    this.input = isStreamIn ? null : input;
    this.source = isStreamIn ? (input as Inputs<unknown>) : undefined;
    this.inputs = isStreamIn ? new ItemsOut(this, FIRST_INPUT_CREDIT) : undefined;
    const { checkOutput } = procedure.parts;
    this.outputs = answer === undefined ? new ItemsIn(this, checkOutput, windowBytes, windowBytes) : undefined;
  }

  /** Makes the try, now or once there is a provider. */
  start(): void {
    if (!this.enter() || this.tryNow() || this.isOver) return;
    this.awaitProvider(() => {
      if (this.parts.calls.isClosed || !this.tryNow()) this.fail(this.noProviders);
    });
  }

  // --- what the provider says ------------------------------------------------------------------------------------

  accepted(): void {
    this.isTaken = true;
    this.load?.taken(this.parts.calls.port.now());
  }

  failed(failure: SendFailure): void {
    if (this.isOver || this.isExpiredBy(failure, this.to)) return;
    if (isOverdue(failure)) this.parts.calls.cancel(this);
    this.finish(errorOfSend(failure, this.to));
  }

  answered(payload: Uint8Array, at: number): void {
    if (this.answer === undefined) {
      this.giveUp(new ProcedureError('internal', 'an answer has come where a stream belongs'));
      return;
    }
    let value: unknown;
    try {
      value = this.procedure.parts.checkOutput(valueAt(payload, at));
    } catch (error) {
      this.finish(misfit('output', error));
      return;
    }
    this.finish(undefined, value);
  }

  itemsIn(sequence: number, payload: Uint8Array, at: number): void {
    let items: unknown;
    try {
      items = decodeCbor(payload.subarray(at));
    } catch (error) {
      this.giveUp(misfit('output', error));
      return;
    }
    const fault =
      this.outputs === undefined
        ? new ProcedureError('internal', 'items have come where one answer belongs')
        : this.outputs.arrived(sequence, items, payload.length - at);
    if (fault !== undefined) this.giveUp(fault);
  }

  itemsEnded(sequence: number): void {
    const fault =
      this.outputs === undefined
        ? new ProcedureError('internal', 'a stream ends where one answer belongs')
        : this.outputs.ended(sequence);
    if (fault === undefined) this.finish(undefined);
    else this.giveUp(fault);
  }

  creditIn(bytes: number): void {
    this.inputs?.granted(bytes);
  }

  broken(error: ProcedureError): void {
    this.finish(error);
  }

  lost(): boolean {
    return false;
  }

  // --- what this side does ---------------------------------------------------------------------------------------

  override expired(cause?: ProcedureError): void {
    this.finish(new ProcedureError('deadline-exceeded', `the time of ${this.procedure.fullName} is over`, { cause }));
  }

  override aborted(reason: unknown): void {
    this.giveUp(new ProcedureError('cancelled', `${this.procedure.fullName} was given up`, { cause: reason }));
  }

  giveCredit(bytes: number): void {
    if (this.load === undefined || this.isOver) return;
    this.creditWaiter ??= new CreditWaiter(this);
    this.parts.calls.credit(this, bytes, this.creditWaiter);
  }

  creditFailed(failure: SendFailure): void {
    this.giveUp(errorOfSend(failure, this.to));
  }

  left(): void {
    this.giveUp(new ProcedureError('cancelled', 'the outputs were left before their end'));
  }

  misfit(error: unknown): ProcedureError {
    const told = misfit('output', error);
    this.giveUp(told);
    return told;
  }

  runBeforeFlush(program: FlushProgram): void {
    this.parts.calls.port.runBeforeFlush(program);
  }

  sendItems(type: number, payload: Uint8Array, waiter: SendWaiter): void {
    const { calls } = this.parts;
    calls.send(this, type, payload, Math.min(this.deadline, calls.port.now() + CONTROL_TIMEOUT_MS), waiter);
  }

  itemsFailed(failure: SendFailure): void {
    if (!this.isExpiredBy(failure, this.to)) this.giveUp(errorOfSend(failure, this.to));
  }

  private tryNow(): boolean {
    const { calls, providers } = this.parts;
    const provider = this.picked(undefined, false);
    if (provider === undefined) return false;
    const now = calls.port.now();
    this.to = provider.address;
    calls.begin(this);
    const credit = this.outputs === undefined ? 0 : this.parts.settings.windowBytes;
    const head = calls.callHead(this, remainingMs(this.deadline, now), credit, this.metadata);
    let payload: Uint8Array;
    try {
      payload = payloadBehind(head.bytes, head.length, this.input);
    } catch (cause) {
      calls.end(this);
      this.finish(new ProcedureError('invalid-argument', 'the input cannot travel as CBOR', { cause }));
      return true;
    }
    this.load = providers.begin(provider);
    calls.send(this, CALL, payload, Math.min(this.deadline, now + CONTROL_TIMEOUT_MS), this);
    if (this.inputs !== undefined) void this.pump(this.inputs, this.source!);
    return true;
  }

  private async pump(inputs: ItemsOut, source: Inputs<unknown>): Promise<void> {
    try {
      await inputs.pump(source);
    } catch (cause) {
      const isOurs = DomusError.is(cause) && cause.kind === 'encode-failure';
      const text = isOurs ? 'an input cannot travel as CBOR' : 'the stream of inputs failed';
      this.giveUp(new ProcedureError(isOurs ? 'invalid-argument' : 'cancelled', text, { cause }));
    }
  }

  private giveUp(error: ProcedureError): void {
    if (this.isOver) return;
    if (this.load !== undefined) this.parts.calls.cancel(this);
    this.finish(error);
  }

  protected override fail(error: ProcedureError): void {
    this.finish(error);
  }

  /** What the end says of the provider. A stream that merely lasts is none of its faults, unless it had all and gave nothing. */
  private outcome(error: ProcedureError | undefined): CallOutcome {
    if (error === undefined) return 'answered';
    const isAtWork = this.outputs?.hasBegun === true || this.inputs?.awaitsProgram === true;
    return isAtWork && error.code === 'deadline-exceeded' ? 'given-up' : outcomeOf(error);
  }

  private finish(error: ProcedureError | undefined, value?: unknown): void {
    if (this.isOver) return;
    const outcome = this.outcome(error);
    this.exit();
    const { calls } = this.parts;
    this.inputs?.drop();
    if (this.load !== undefined) {
      calls.end(this);
      this.load.end(outcome, calls.port.now());
    }
    if (error === undefined) {
      this.outputs?.finish();
      this.answer?.resolve(value);
    } else {
      this.outputs?.failed(error);
      this.answer?.reject(error);
    }
  }
}

function requireIterable({ fullName }: Procedure, inputs: unknown): void {
  const { [Symbol.asyncIterator]: ofAsync, [Symbol.iterator]: ofSync } = (inputs ?? {}) as Partial<
    AsyncIterable<unknown> & Iterable<unknown>
  >;
  if (typeof ofAsync === 'function' || typeof ofSync === 'function') return;
  throw new ProcedureError('invalid-argument', `the inputs of ${fullName} must be an iterable`);
}
