/**
 * One send, as its sender and its receiver know it: the ledger's line. It is the waiter that the machine tells the
 * outcome to.
 */
import type { SendFailure, SendWaiter } from '@flaminia/delivery-a1/internal';
import type { End } from './connection.ts';
import type { StreamEntry } from './stream-entry.ts';

/** What the receiving program has said. */
export type Decision = 'none' | 'accepted' | 'refused';

/** Who is told when an entry settles. */
export interface Ledger {
  settled(entry: Entry): void;
}

export class Entry implements SendWaiter {
  readonly number: number;
  /** Index of the sending domus. */
  readonly from: number;
  /** Address of the receiving domus. */
  readonly address: string;
  readonly tier: 'a2' | 'a3';
  readonly dstHi: number;
  readonly dstLo: number;
  readonly msgType: number;
  readonly payload: Uint8Array;
  /** In the time of the sending domus. */
  readonly deadline: number;
  private readonly ledger: Ledger;
  /** The stream that the message opens. */
  stream: StreamEntry | undefined = undefined;

  state: 'pending' | 'accepted' | 'failed' | 'abandoned' = 'pending';
  failure: SendFailure | undefined = undefined;
  /** How often the machine told an outcome. */
  told = 0;
  /** How often it was encoded. */
  writes = 0;
  /** Which of these has arrived last. */
  arrivedWrite = 0;
  /** The id of its first transmission. */
  id = 0;
  /** The end that it was written at last. */
  carrier: End | undefined = undefined;
  /** How often a handler has seen it. */
  deliveries = 0;
  decision: Decision = 'none';
  /** First response that was encoded for it: -1 none, 0 an ack, else an error id. */
  answer = -1;

  constructor(
    number: number,
    from: number,
    address: string,
    tier: 'a2' | 'a3',
    dstHi: number,
    dstLo: number,
    msgType: number,
    payload: Uint8Array,
    deadline: number,
    ledger: Ledger,
  ) {
    this.number = number;
    this.from = from;
    this.address = address;
    this.tier = tier;
    this.dstHi = dstHi;
    this.dstLo = dstLo;
    this.msgType = msgType;
    this.payload = payload;
    this.deadline = deadline;
    this.ledger = ledger;
  }

  accepted(): void {
    this.told++;
    if (this.state === 'pending') this.state = 'accepted';
    this.ledger.settled(this);
  }

  failed(failure: SendFailure): void {
    this.told++;
    this.failure = failure;
    if (this.state === 'pending') this.state = 'failed';
    this.ledger.settled(this);
  }
}
