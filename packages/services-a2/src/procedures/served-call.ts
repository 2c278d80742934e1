/**
 * A call that this node serves, from its arrival to its answer: the handler's context, its streams, its deadline.
 *
 * 1. It is answered at most once; after an answer, a cancel or a loss nothing more is sent for it.
 * 2. Its signal ends when nobody waits for the handler any more.
 */
import { DomusError } from '@flaminia/transport-a0';
import type { Caller } from '../authorization/caller.ts';
import type { FlushProgram, SendFailure, SendWaiter, TabernaKey } from '../port.ts';
import type { Metadata } from './call-metadata.ts';
import type { CallContext } from './call-types.ts';
import { cannotTravel, type Timed } from './calls.ts';
import type { Due } from './core/deadlines.ts';
import type { IdTable } from './core/id-table.ts';
import type { WaitingCall, WaitingList, WaitingPeer } from './core/waiting-calls.ts';
import { ANSWER, CREDIT, END, FIRST_INPUT_CREDIT, HeadWriter, NO_LIMIT } from './core/wire.ts';
import { ItemsIn, type ItemsInHost } from './items-in.ts';
import { ItemsOut, type ItemsOutHost } from './items-out.ts';
import { payloadBehind } from './payload.ts';
import { ProcedureError } from './procedure-error.ts';
import { CreditWaiter, isCrowdedOut, isOverdue } from './send-waiters.ts';
import type { Procedure } from './service.ts';
import { type AnswerHost, type AnswerPeer, failurePayload, MESSAGE_COST_BYTES, Told } from './told.ts';
import { misfit } from './unary-call.ts';

const NEVER = Number.POSITIVE_INFINITY;

const writer = new HeadWriter(256);

/** A caller's side. */
export interface ServedPeer extends AnswerPeer, WaitingPeer<ServedCall> {
  readonly calls: IdTable<ServedCall>;
  /** How many of its calls wait for a handler, or for itself, and the bytes of their messages. */
  waiting: number;
  waitingBytes: number;
}

/** What a call says as it comes in. */
export interface CallHead {
  readonly id: number;
  readonly peer: ServedPeer;
  /** Where answers go; undefined for a one-way call. */
  readonly reply: TabernaKey | undefined;
  readonly remainingMs: number;
  /** Bytes of items that the caller takes before it gives more credit. */
  readonly credit: number;
  readonly caller: Caller;
  readonly metadata: Metadata;
  /** Of its message. */
  readonly bytes: number;
}

/** What a served call needs of whoever serves it. */
export interface ServedHost extends AnswerHost {
  now(): number;
  runBeforeFlush(program: FlushProgram): void;
  /** Nobody waits for the call any more; its handler may still run. */
  closed(call: ServedCall): void;
  handlerFailed(call: ServedCall, error: unknown): void;
}

export class ServedCall implements Timed, WaitingCall<ServedCall>, ItemsInHost, ItemsOutHost, SendWaiter {
  readonly id: number;
  readonly peer: ServedPeer;
  readonly procedure: Procedure;
  /** The one input, checked; undefined where inputs are a stream. */
  readonly input: unknown;
  readonly inputs: ItemsIn | undefined;
  readonly caller: Caller;
  readonly metadata: Metadata;
  /** Bytes of the message that it came in. */
  readonly callBytes: number;
  deadline: number;
  isDue = false;
  dueBefore: Due | undefined = undefined;
  dueAfter: Due | undefined = undefined;
  order = 0;
  waitsIn: WaitingList<ServedCall> | undefined = undefined;
  waitBefore: ServedCall | undefined = undefined;
  waitAfter: ServedCall | undefined = undefined;
  private readonly host: ServedHost;
  private readonly reply: TabernaKey | undefined;
  /** What the caller has given before there is a stream that it is for. */
  private credit: number;
  private controller: AbortController | undefined = undefined;
  private outputs: ItemsOut | undefined = undefined;
  private creditWaiter: CreditWaiter | undefined = undefined;
  private reason: ProcedureError | undefined = undefined;
  private isOver = false;
  /** Its answer, as long as the caller has not acknowledged it. */
  private untaken: Uint8Array | undefined = undefined;
  /** Its host finds it by its id. */
  isEntered = false;

  constructor(head: CallHead, procedure: Procedure, input: unknown, host: ServedHost, windowBytes: number) {
    const { remainingMs } = head;
    const { kind } = procedure.definition;
    this.id = head.id;
    this.peer = head.peer;
    this.procedure = procedure;
    this.input = input;
    this.caller = head.caller;
    this.metadata = head.metadata;
    this.callBytes = head.bytes;
    this.host = host;
    this.reply = head.reply;
    this.credit = head.credit;
    this.deadline = remainingMs === NO_LIMIT ? NEVER : host.now() + remainingMs;
    this.inputs =
      kind === 'client-stream' || kind === 'bidi-stream'
        ? new ItemsIn(this, procedure.parts.checkInput, windowBytes, FIRST_INPUT_CREDIT)
        : undefined;
  }

  /** What the handler is given. */
  get context(): CallContext {
    return new HandlerContext(this);
  }

  get callId(): number {
    return this.id;
  }

  /** In epoch milliseconds; undefined where the time has no limit. Not kept: the wall clock may be set. */
  deadlineEpoch(): number | undefined {
    return this.deadline === NEVER ? undefined : Date.now() + this.deadline - this.host.now();
  }

  /** Made for a handler that looks at it. */
  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.reason !== undefined && !this.controller.signal.aborted) this.controller.abort(this.reason);
    return this.controller.signal;
  }

  get isClosed(): boolean {
    return this.isOver;
  }

  /** Nobody waits for an answer, and once taken it runs. */
  get isOneWay(): boolean {
    return this.reply === undefined;
  }

  // --- what the handler brings -----------------------------------------------------------------------------------

  /** The one output. */
  answer(value: unknown): void {
    if (this.isOver) return;
    if (this.reply === undefined) {
      this.close();
      return;
    }
    let payload: Uint8Array;
    writer.begin(1);
    writer.uint(this.id);
    try {
      payload = payloadBehind(writer.bytes, writer.length, value);
    } catch (error) {
      this.threw(error);
      return;
    }
    this.close();
    this.untaken = payload;
    this.peer.untakenBytes += payload.length + MESSAGE_COST_BYTES;
    this.host.send(this.peer.address, this.reply, ANSWER, payload, this);
  }

  /** The stream of outputs; resolves when it is at its end, or nobody reads it any more. */
  async stream(items: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
    this.outputs = new ItemsOut(this, this.credit);
    // The handler itself may have ended it.
    if (this.isOver) this.outputs.drop();
    await this.outputs.pump(items);
    if (!this.isOver) this.close();
  }

  /** The handler threw. A `ProcedureError` is an answer; of anything else the caller learns nothing. */
  threw(error: unknown): void {
    if (this.isOver) return;
    if (ProcedureError.is(error)) this.fail(error);
    else {
      this.fail(new ProcedureError('internal', 'the handler failed'));
      this.host.handlerFailed(this, error);
    }
  }

  // --- what the caller says --------------------------------------------------------------------------------------

  /** A message of the stream of inputs. */
  itemsIn(sequence: number, items: unknown, bytes: number): void {
    if (!Array.isArray(items)) {
      this.fail(new ProcedureError('invalid-argument', 'items of a stream are no array'));
      return;
    }
    const fault = this.inputs?.arrived(sequence, items, bytes);
    if (fault !== undefined) this.fail(fault);
  }

  itemsEnded(sequence: number): void {
    const fault = this.inputs?.ended(sequence);
    if (fault !== undefined) this.fail(fault);
  }

  creditIn(bytes: number): void {
    if (this.outputs === undefined) this.credit += bytes;
    else this.outputs.granted(bytes);
  }

  /** The caller has given up, or is lost: nobody is told anything. */
  cancel(error: ProcedureError): void {
    if (this.isOver) return;
    this.close(error);
  }

  expired(): void {
    const error = new ProcedureError('deadline-exceeded', `the time of ${this.procedure.fullName} is over`);
    if (!this.isOneWay) this.fail(error);
    else if (!this.isOver) {
      this.reason = error;
      this.controller?.abort(error);
    }
  }

  /** Ends the call with a failure that the caller is told. */
  fail(error: ProcedureError): void {
    if (this.isOver) return;
    this.close(error);
    this.tell(error);
  }

  // --- streams ---------------------------------------------------------------------------------------------------

  giveCredit(bytes: number): void {
    if (this.isOver || this.reply === undefined) return;
    writer.begin(2);
    writer.uint(this.id);
    writer.uint(bytes);
    this.creditWaiter ??= new CreditWaiter(this);
    this.host.send(this.peer.address, this.reply, CREDIT, writer.copy(), this.creditWaiter);
  }

  creditFailed(): void {
    this.fail(new ProcedureError('unavailable', 'the caller has taken no credit in time'));
  }

  left(): void {}

  misfit(error: unknown): ProcedureError {
    const told = misfit('input', error);
    this.fail(told);
    if (told.code === 'internal') this.host.handlerFailed(this, told.cause);
    return told;
  }

  runBeforeFlush(program: FlushProgram): void {
    this.host.runBeforeFlush(program);
  }

  sendItems(type: number, payload: Uint8Array, waiter: SendWaiter): void {
    // The end of the outputs is that of the call, though the handler may read inputs in the same turn.
    if (type === END) this.close();
    if (this.reply !== undefined) this.host.send(this.peer.address, this.reply, type, payload, waiter);
  }

  itemsFailed(failure: SendFailure): void {
    if (cannotTravel(failure)) {
      this.host.handlerFailed(this, failureOf(failure));
      this.fail(new ProcedureError('internal', 'an output of the handler cannot travel'));
      return;
    }
    const error = new ProcedureError('unavailable', 'the caller has taken no items in time');
    this.cancel(error);
    // It may have been asleep, or had no room, and would wait for the rest for ever.
    if (isOverdue(failure) || isCrowdedOut(failure)) this.tell(error);
  }

  // --- the fate of the answer ------------------------------------------------------------------------------------

  accepted(): void {
    const bytes = this.untaken!.length + MESSAGE_COST_BYTES;
    this.untaken = undefined;
    this.host.taken(this.peer, bytes);
  }

  /** An answer that is too large for a message, came to nobody in time or found no room is not silence. */
  failed(failure: SendFailure): void {
    if (isCrowdedOut(failure)) new Told(this.host, this.peer, this.reply!, this.untaken!, ANSWER).sendLater();
    this.accepted();
    if (cannotTravel(failure)) {
      this.host.handlerFailed(this, failureOf(failure));
      this.tell(new ProcedureError('internal', 'the output of the handler cannot travel'));
    } else if (isOverdue(failure)) {
      this.tell(new ProcedureError('unavailable', 'the caller has not taken the answer in time'));
    }
  }

  private tell(error: ProcedureError): void {
    if (this.reply !== undefined && !this.peer.isLost)
      new Told(this.host, this.peer, this.reply, failurePayload(this.id, error)).send();
  }

  private close(error?: ProcedureError): void {
    this.isOver = true;
    this.reason = error;
    if (error !== undefined) {
      this.outputs?.drop();
      this.inputs?.failed(error);
      this.controller?.abort(error);
    } else this.inputs?.finish();
    this.host.closed(this);
  }
}

/** What handlers see of a call, and no more. */
class HandlerContext implements CallContext {
  readonly #call: ServedCall;

  constructor(call: ServedCall) {
    this.#call = call;
  }

  get deadline(): number | undefined {
    return this.#call.deadlineEpoch();
  }

  get caller(): Caller {
    return this.#call.caller;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get metadata(): Metadata {
    return this.#call.metadata;
  }

  get callId(): number {
    return this.#call.id;
  }
}

function failureOf({ kind, text, delivery, cause }: SendFailure): DomusError {
  return new DomusError(kind, text, { delivery, cause });
}
