/**
 * The items of one direction of a stream as they arrive: kept until the program takes them, within the credit that the far
 * side was given. One consumer.
 *
 * 1. Items come out in order; what has arrived before an end or a failure comes out before it.
 * 2. More than the credit, or a gap, breaks the stream.
 */
import { inspectAsJson } from '../inspect-as-json.ts';
import type { SchemaCheck } from '../values/schema-check.ts';
import { Inflow } from './core/flow.ts';
import { ProcedureError } from './procedure-error.ts';

/** Items of one message, or of several small ones, and how far the program has come. */
interface Batch {
  readonly items: unknown[];
  /** What it cost in credit: all that stood behind the heads of its messages. */
  bytes: number;
  at: number;
}

/**
 * Messages are joined up to so much: there may be one for each two bytes of a window, which would take many times the room of
 * what they hold. Little beside the window, since a batch is credited as a whole: its part of that, where this is less.
 */
const JOINED_MAX_BYTES = 4096;
const JOINED_PART = 1 / 16;

export interface ItemsInHost {
  /** The program has read on: the far side may send so many bytes more. */
  giveCredit(bytes: number): void;
  /** The program has left before the end. */
  left(): void;
  /** An item does not fit its schema. Gives what the program is told. */
  misfit(error: unknown): ProcedureError;
}

type State =
  | { readonly kind: 'open' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly error: ProcedureError };

type Result = IteratorResult<unknown, undefined>;
interface Waiting {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

const DONE: Result = { value: undefined, done: true };

export class ItemsIn implements AsyncIterableIterator<unknown, undefined> {
  private readonly host: ItemsInHost;
  private readonly check: SchemaCheck;
  private readonly flow: Inflow;
  private readonly joinedMaxBytes: number;
  private queue: Batch[] = [];
  private sequence = 0;
  private state: State = { kind: 'open' };
  private waiting: Waiting | undefined = undefined;

  constructor(host: ItemsInHost, check: SchemaCheck, window: number, firstCredit: number) {
    this.host = host;
    this.check = check;
    this.flow = new Inflow(window, firstCredit);
    this.joinedMaxBytes = Math.min(JOINED_MAX_BYTES, window * JOINED_PART);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.waiting !== undefined) {
      return Promise.reject(new ProcedureError('failed-precondition', 'the stream is being read already'));
    }
    if (this.queue.length > 0) return this.taken();
    if (this.state.kind === 'failed') {
      const { error } = this.state;
      this.state = { kind: 'ended' };
      return Promise.reject(error);
    }
    if (this.state.kind === 'ended') return Promise.resolve(DONE);
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
  }

  return(): Promise<Result> {
    const wasOpen = this.state.kind === 'open';
    this.state = { kind: 'ended' };
    this.queue = [];
    this.settle();
    if (wasOpen) this.host.left();
    return Promise.resolve(DONE);
  }

  /** For JSON, and for `console.log`: no item of the stream. */
  toJSON(): { readonly state: State['kind'] } {
    return { state: this.state.kind };
  }

  /** The far side has given something. */
  get hasBegun(): boolean {
    return this.sequence > 0;
  }

  /** Says how much the far side may send at once, beyond what it knows. */
  begin(): void {
    this.credit();
  }

  /** Items have come, and cost so many bytes of credit; undefined, or what is wrong with them. */
  arrived(sequence: number, items: unknown, bytes: number): ProcedureError | undefined {
    if (this.state.kind !== 'open') return undefined;
    if (sequence !== this.sequence++) return new ProcedureError('data-loss', 'items of the stream are missing');
    if (!Array.isArray(items)) return new ProcedureError('internal', 'items of a stream are no array');
    if (!this.flow.arrived(bytes))
      return new ProcedureError('resource-exhausted', 'more items than there was credit for');
    if (items.length > 0) this.keep(items, bytes);
    else this.taking(bytes);
    if (this.waiting !== undefined && items.length > 0) {
      const { resolve, reject } = this.waiting;
      this.waiting = undefined;
      this.taken().then(resolve, reject);
    }
    return undefined;
  }

  /** The far side has ended; undefined, or what is missing. */
  ended(sequence: number): ProcedureError | undefined {
    if (this.state.kind !== 'open') return undefined;
    if (sequence !== this.sequence) return new ProcedureError('data-loss', 'the end of the stream is missing');
    this.finish();
    return undefined;
  }

  /** No item will follow. */
  finish(): void {
    if (this.state.kind !== 'open') return;
    this.state = { kind: 'ended' };
    this.settle();
  }

  failed(error: ProcedureError): void {
    if (this.state.kind !== 'open') return;
    this.state = { kind: 'failed', error };
    this.settle();
  }

  get isOpen(): boolean {
    return this.state.kind === 'open';
  }

  private keep(items: unknown[], bytes: number): void {
    const last = this.queue.at(-1);
    if (last === undefined || last.bytes + bytes > this.joinedMaxBytes) {
      this.queue.push({ items, bytes, at: 0 });
      return;
    }
    for (const item of items) last.items.push(item);
    last.bytes += bytes;
  }

  private taken(): Promise<Result> {
    const batch = this.queue[0]!;
    const item = batch.items[batch.at++];
    if (batch.at === batch.items.length) {
      this.queue.shift();
      this.taking(batch.bytes);
    }
    try {
      return Promise.resolve({ value: this.check(item), done: false });
    } catch (error) {
      const told = this.host.misfit(error);
      this.queue = [];
      this.state = { kind: 'ended' };
      return Promise.reject(told);
    }
  }

  private taking(bytes: number): void {
    this.flow.taken(bytes);
    this.credit();
  }

  private credit(): void {
    if (this.state.kind !== 'open') return;
    const due = this.flow.due();
    if (due > 0) this.host.giveCredit(due);
  }

  private settle(): void {
    const { waiting } = this;
    if (waiting === undefined || this.queue.length > 0) return;
    this.waiting = undefined;
    this.next().then(waiting.resolve, waiting.reject);
  }
}

inspectAsJson({ name: 'Items', prototype: ItemsIn.prototype });
