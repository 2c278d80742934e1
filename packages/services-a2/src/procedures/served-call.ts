/**
 * A call that this node serves, from its arrival to its answer: the handler's context, its streams, its deadline.
 *
 * 1. It is answered at most once; after an answer, a cancel or a loss nothing more is sent for it.
 * 2. Its signal ends when nobody waits for the handler any more.
 */
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import type { Caller } from '../authorization/caller.ts';
import type { FlushProgram, SendFailure, SendWaiter, TabernaKey } from '../port.ts';
import { encodeCbor } from '../values/cbor-values.ts';
import type { Metadata } from './call-metadata.ts';
import type { CallContext } from './call-types.ts';
import { cannotTravel, nobody, type Timed } from './calls.ts';
import type { Due } from './core/deadlines.ts';
import { ANSWER, CREDIT, FAILURE, FIRST_INPUT_CREDIT, HeadWriter, NO_LIMIT } from './core/wire.ts';
import { ItemsIn, type ItemsInHost } from './items-in.ts';
import { ItemsOut, type ItemsOutHost } from './items-out.ts';
import { payloadBehind } from './payload.ts';
import { ProcedureError } from './procedure-error.ts';
import type { Procedure } from './service.ts';
import { misfit } from './unary-call.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** Longest message of an error that travels. */
const MESSAGE_MAX_CHARS = 4096;
/** Largest details of an error that travel, as CBOR. */
const DETAILS_MAX_BYTES = 65_536;

const writer = new HeadWriter(256);

/** What a call says as it comes in. */
export interface CallHead {
  readonly id: number;
  readonly from: DomusAddr;
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
export interface ServedHost {
  now(): number;
  send(to: DomusAddr, reply: TabernaKey, type: number, payload: Uint8Array, waiter: SendWaiter): void;
  runBeforeFlush(program: FlushProgram): void;
  /** Nobody waits for the call any more; its handler may still run. */
  closed(call: ServedCall): void;
  handlerFailed(call: ServedCall, error: unknown): void;
}

export class ServedCall implements Timed, ItemsInHost, ItemsOutHost, SendWaiter {
  readonly id: number;
  readonly from: DomusAddr;
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
  private readonly host: ServedHost;
  private readonly reply: TabernaKey | undefined;
  /** What the caller has given before there is a stream that it is for. */
  private credit: number;
  private controller: AbortController | undefined = undefined;
  private outputs: ItemsOut | undefined = undefined;
  private reason: ProcedureError | undefined = undefined;
  private isOver = false;
  /** Its host finds it by its id. */
  isEntered = false;

  constructor(head: CallHead, procedure: Procedure, input: unknown, host: ServedHost, windowBytes: number) {
    const { remainingMs } = head;
    const { kind } = procedure.definition;
    this.id = head.id;
    this.from = head.from;
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

  /** In epoch milliseconds; undefined where the time has no limit. */
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
    this.host.send(this.from, this.reply, ANSWER, payload, this);
  }

  /** The stream of outputs; resolves when it is at its end, or nobody reads it any more. */
  async stream(items: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
    this.outputs = new ItemsOut(this, this.credit);
    await this.outputs.pump(items);
    if (!this.isOver) this.close();
  }

  /** The handler threw. A `ProcedureError` is an answer; of anything else the caller learns nothing. */
  threw(error: unknown): void {
    if (this.isOver) return;
    if (ProcedureError.is(error)) this.fail(error);
    else {
      this.host.handlerFailed(this, error);
      this.fail(new ProcedureError('internal', 'the handler failed'));
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
    this.fail(new ProcedureError('deadline-exceeded', `the time of ${this.procedure.fullName} is over`));
  }

  /** Ends the call with a failure that the caller is told. */
  fail(error: ProcedureError): void {
    if (this.isOver) return;
    this.close(error);
    if (this.reply !== undefined)
      this.host.send(this.from, this.reply, FAILURE, failurePayload(this.id, error), nobody);
  }

  // --- streams ---------------------------------------------------------------------------------------------------

  giveCredit(bytes: number): void {
    if (this.isOver || this.reply === undefined) return;
    writer.begin(2);
    writer.uint(this.id);
    writer.uint(bytes);
    this.host.send(this.from, this.reply, CREDIT, writer.copy(), nobody);
  }

  left(): void {}

  misfit(error: unknown): ProcedureError {
    const told = misfit('input', error);
    this.fail(told);
    return told;
  }

  runBeforeFlush(program: FlushProgram): void {
    this.host.runBeforeFlush(program);
  }

  sendItems(type: number, payload: Uint8Array, waiter: SendWaiter): void {
    if (this.reply !== undefined) this.host.send(this.from, this.reply, type, payload, waiter);
  }

  itemsFailed(failure: SendFailure): void {
    if (cannotTravel(failure)) {
      this.host.handlerFailed(this, failureOf(failure));
      this.fail(new ProcedureError('internal', 'an output of the handler cannot travel'));
    } else this.cancel(new ProcedureError('unavailable', 'the caller takes no more items'));
  }

  // --- the fate of the answer ------------------------------------------------------------------------------------

  accepted(): void {}

  /** An answer that is too large for a message is not silence. */
  failed(failure: SendFailure): void {
    if (!cannotTravel(failure) || this.reply === undefined) return;
    this.host.handlerFailed(this, failureOf(failure));
    const told = failurePayload(this.id, new ProcedureError('internal', 'the output of the handler cannot travel'));
    this.host.send(this.from, this.reply, FAILURE, told, nobody);
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
  #deadline: number | undefined = undefined;

  constructor(call: ServedCall) {
    this.#call = call;
  }

  get deadline(): number | undefined {
    this.#deadline ??= this.#call.deadlineEpoch();
    return this.#deadline;
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

/** A failure as it travels. Details that cannot travel are left out. */
export function failurePayload(id: number, { code, message, details }: ProcedureError): Uint8Array {
  writer.begin(3);
  writer.uint(id);
  writer.text(code);
  writer.text(message.slice(0, MESSAGE_MAX_CHARS));
  if (details === undefined) return writer.copy();
  const head = writer.copy();
  try {
    const item = encodeCbor(details);
    if (item.length > DETAILS_MAX_BYTES) return head;
    const whole = new Uint8Array(head.length + item.length);
    whole.set(head);
    whole.set(item, head.length);
    return whole;
  } catch {
    return head;
  }
}
