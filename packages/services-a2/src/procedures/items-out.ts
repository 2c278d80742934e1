/**
 * The items of one direction of a stream on their way out: encoded when the program gives them, gathered in the turn, and
 * sent as far as the credit of the far side allows.
 *
 * 1. What is gathered, and what waits in the lane, is bounded by the credit and one item.
 * 2. Nothing leaves behind `end` or `drop`.
 */
import type { FlushProgram, SendFailure, SendWaiter } from '../port.ts';
import { encodeCbor } from '../values/cbor-values.ts';
import { Outflow } from './core/flow.ts';
import { END, HeadWriter, ITEMS } from './core/wire.ts';

/** Gathered so much leaves at once. */
const BATCH_BYTES = 32 * 1024;
const BATCH_ITEMS = 1024;

/** What the items need of their call. */
export interface ItemsOutHost {
  readonly id: number;
  runBeforeFlush(program: FlushProgram): void;
  /** Sends a message of the stream to its far side. */
  sendItems(type: number, payload: Uint8Array, waiter: SendWaiter): void;
  /** A message of the stream was not taken: the stream is broken. */
  itemsFailed(failure: SendFailure): void;
}

const writer = new HeadWriter(64);

export class ItemsOut implements FlushProgram, SendWaiter {
  announced = false;
  private readonly host: ItemsOutHost;
  private readonly flow: Outflow;
  private batch: Uint8Array[] = [];
  private batchBytes = 0;
  private sequence = 0;
  private isOver = false;
  private wake: (() => void) | undefined = undefined;

  constructor(host: ItemsOutHost, firstCredit: number) {
    this.host = host;
    this.flow = new Outflow(firstCredit);
  }

  /** Pulls everything out of a program's stream and sends it. Rejects with what the program, or an item's encoding, throws. */
  async pump(items: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
    // Not for-await of everything: a program that gave up must not be asked for one item more.
    for await (const item of items) {
      if (this.isOver) return;
      this.push(encodeCbor(item));
      while (!this.flow.isOpen && !this.isOver) await this.room();
    }
    this.end();
  }

  granted(bytes: number): void {
    if (this.flow.grant(bytes)) this.wakeUp();
  }

  /** Nothing more is sent; the program's stream is left at its next item. */
  drop(): void {
    this.isOver = true;
    this.batch = [];
    this.wakeUp();
  }

  beforeFlush(): void {
    if (!this.isOver && this.batch.length > 0) this.flush();
  }

  accepted(): void {}

  failed(failure: SendFailure): void {
    if (this.isOver) return;
    this.drop();
    this.host.itemsFailed(failure);
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
    writer.array(batch.length);
    const payload = new Uint8Array(writer.length + this.batchBytes);
    payload.set(writer.bytes.subarray(0, writer.length));
    let at = writer.length;
    for (const item of batch) {
      payload.set(item, at);
      at += item.length;
    }
    this.batch = [];
    this.batchBytes = 0;
    this.host.sendItems(ITEMS, payload, this);
  }

  private end(): void {
    if (this.isOver) return;
    if (this.batch.length > 0) this.flush();
    this.isOver = true;
    writer.begin(2);
    writer.uint(this.host.id);
    writer.uint(this.sequence);
    this.host.sendItems(END, writer.copy(), this);
  }

  private room(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }

  private wakeUp(): void {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }
}
