/**
 * The items of one direction of a stream on their way out: encoded when the program gives them, gathered in the turn, and
 * sent as far as the credit of the far side allows.
 *
 * 1. What is gathered, and what waits in the lane, is bounded by the credit and one item, and whatever the credit by
 *    UNDER_WAY_MAX_BYTES and one message: a far side may give all credit there is and never read its socket.
 * 2. Nothing leaves behind the end or `drop`.
 * 3. The program's stream is left at once when nobody wants its items any more, also while it waits for something.
 */
import type { FlushProgram, SendFailure, SendWaiter } from '../port.ts';
import { Outflow } from './core/flow.ts';
import { END, HeadWriter, ITEMS } from './core/wire.ts';
import { payloadBehind } from './payload.ts';

/** Gathered so much leaves at once. */
const BATCH_BYTES = 32 * 1024;
const BATCH_ITEMS = 1024;
/** So much may be sent and not acknowledged (A1) yet; a message counts as MESSAGE_COST_BYTES more than it holds. */
const UNDER_WAY_MAX_BYTES = 1024 * 1024;
const MESSAGE_COST_BYTES = 256;

/** What the items need of their call. */
export interface ItemsOutHost {
  readonly id: number;
  runBeforeFlush(program: FlushProgram): void;
  /** Sends a message of the stream to its far side. */
  sendItems(type: number, payload: Uint8Array, waiter: SendWaiter): void;
  /** A message of the stream was not taken: the stream is broken. */
  itemsFailed(failure: SendFailure): void;
}

/** A program's stream, of either kind. */
interface Source {
  next(): Promise<IteratorResult<unknown>> | IteratorResult<unknown>;
  return?(): unknown;
}

const NO_HEAD = new Uint8Array(0);
const writer = new HeadWriter(64);

export class ItemsOut implements FlushProgram, SendWaiter {
  announced = false;
  private readonly host: ItemsOutHost;
  private readonly flow: Outflow;
  private batch: Uint8Array[] = [];
  private batchBytes = 0;
  private sequence = 0;
  /** Costs of the messages that are under way, the oldest first, and their sum. */
  private readonly costs: number[] = [];
  private underWayBytes = 0;
  private source: Source | undefined = undefined;
  private leaving: Promise<unknown> | undefined = undefined;
  /** The program's stream runs right now, and cannot be left from inside. */
  private isPulling = false;
  private isOver = false;
  private hasEnded = false;
  private wake: (() => void) | undefined = undefined;

  constructor(host: ItemsOutHost, firstCredit: number) {
    this.host = host;
    this.flow = new Outflow(firstCredit);
  }

  /**
   * Pulls everything out of a program's stream and sends it. Resolves when the stream is at its end, or was left and has
   * done so. Rejects with what the program, or an item's encoding, throws; what came before that is sent.
   */
  async pump(items: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
    const { source, isAsync } = sourceOf(items);
    this.source = source;
    try {
      for (;;) {
        if (!this.isOpen) await this.room();
        if (this.isOver) break;
        const step = await this.pull(source);
        if (typeof step !== 'object' || step === null)
          throw new TypeError(`next() of the stream gave ${typeof step}, no object`);
        if (step.done) break;
        // As for-await does: an iterable that is not asynchronous may hold promises.
        const item: unknown = isAsync ? step.value : await step.value;
        const encoded = payloadBehind(NO_HEAD, 0, item);
        // An item that may travel alone must not be too large for what was gathered before it.
        if (this.batch.length > 0 && this.batchBytes + encoded.length > BATCH_BYTES) this.flush();
        // What was gathered before may have left meanwhile, and the head of its message has cost credit too.
        if (!this.isOpen) await this.room();
        if (this.isOver) break;
        this.push(encoded);
      }
      if (this.isOver) await this.leave();
      else this.end();
    } catch (error) {
      if (!this.isOver && this.batch.length > 0) this.flush();
      await this.leave();
      throw error;
    }
  }

  /** There is room for an item, and the program has not given one: the far side has nothing to do. */
  get awaitsProgram(): boolean {
    return this.isOpen && !this.hasEnded;
  }

  granted(bytes: number): void {
    this.flow.grant(bytes);
    if (this.isOpen) this.wakeUp();
  }

  /** Nothing more is sent; the program's stream is left. */
  drop(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.batch = [];
    if (!this.isPulling && this.source !== undefined) void this.leave();
    this.wakeUp();
  }

  beforeFlush(): void {
    if (!this.isOver && this.batch.length > 0) this.flush();
  }

  accepted(): void {
    this.underWayBytes -= this.costs.shift() ?? 0;
    if (this.isOpen) this.wakeUp();
  }

  failed(failure: SendFailure): void {
    if (this.isOver) return;
    this.drop();
    this.host.itemsFailed(failure);
  }

  private get isOpen(): boolean {
    return this.flow.isOpen && this.underWayBytes < UNDER_WAY_MAX_BYTES;
  }

  private pull(source: Source): Promise<IteratorResult<unknown>> | IteratorResult<unknown> {
    this.isPulling = true;
    try {
      return source.next();
    } finally {
      this.isPulling = false;
    }
  }

  private push(item: Uint8Array): void {
    this.batch.push(item);
    this.batchBytes += item.length;
    this.flow.spend(item.length);
    if (this.batchBytes >= BATCH_BYTES || this.batch.length >= BATCH_ITEMS) this.flush();
    else this.host.runBeforeFlush(this);
  }

  private flush(): void {
    const { batch } = this;
    writer.begin(2);
    writer.uint(this.host.id);
    writer.uint(this.sequence++);
    const headLength = writer.length;
    writer.array(batch.length);
    // All that stands behind the head costs credit: the receiver sees nothing but its length.
    this.flow.spend(writer.length - headLength);
    const payload = new Uint8Array(writer.length + this.batchBytes);
    payload.set(writer.bytes.subarray(0, writer.length));
    let at = writer.length;
    for (const item of batch) {
      payload.set(item, at);
      at += item.length;
    }
    this.batch = [];
    this.batchBytes = 0;
    this.send(ITEMS, payload);
  }

  private end(): void {
    if (this.batch.length > 0) this.flush();
    // Its last items may have been refused at once, as too large for a message.
    if (this.isOver) return;
    writer.begin(2);
    writer.uint(this.host.id);
    writer.uint(this.sequence);
    this.send(END, writer.copy());
    this.hasEnded = true;
    this.source = undefined;
  }

  private send(type: number, payload: Uint8Array): void {
    const cost = payload.length + MESSAGE_COST_BYTES;
    this.costs.push(cost);
    this.underWayBytes += cost;
    this.host.sendItems(type, payload, this);
  }

  /** Tells the program's stream once that nobody reads it; resolves when it knows, also where it fails at that. */
  private leave(): Promise<unknown> {
    this.leaving ??= left(this.source);
    return this.leaving;
  }

  /** Resolves once there is room for an item, or nobody wants one any more. */
  private async room(): Promise<void> {
    while (!this.isOpen && !this.isOver) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  private wakeUp(): void {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }
}

function sourceOf(items: AsyncIterable<unknown> | Iterable<unknown>): { source: Source; isAsync: boolean } {
  const ofAsync = (items as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator];
  if (typeof ofAsync === 'function') return { source: ofAsync.call(items), isAsync: true };
  return { source: (items as Iterable<unknown>)[Symbol.iterator](), isAsync: false };
}

async function left(source: Source | undefined): Promise<void> {
  try {
    await source?.return?.();
  } catch {
    // Nobody is there to be told.
  }
}
