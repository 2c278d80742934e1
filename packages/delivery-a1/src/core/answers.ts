/**
 * The answers that one peer is owed: what was received and how it was decided, and the two lanes in which acks and errors
 * wait for a callis (a1-delivery, inbound messages and retained lanes).
 *
 * 1. An ack enters its lane only through a decision.
 * 2. At most one answer per id waits; a second one is dropped and logged (1005, 1006).
 * 3. An answer that finds its lane full is dropped and counted; the peer will hear nothing until it asks again.
 */
import { Inbox } from './inbox.ts';
import { ResponseLane } from './response-lane.ts';
import type { SessionContext } from './session-context.ts';
import { ackLaneCapacity, errorLaneCapacity } from './settings.ts';

export class Answers {
  readonly acks: ResponseLane = new ResponseLane();
  readonly errors: ResponseLane = new ResponseLane();
  readonly inbox: Inbox;
  private readonly address: string;
  private readonly context: SessionContext;

  constructor(address: string, context: SessionContext) {
    this.address = address;
    this.context = context;
    this.inbox = new Inbox(context.idSalt);
  }

  /** Answers that wait to be written. */
  get waiting(): number {
    return this.acks.size + this.errors.size;
  }

  /** When the oldest answer expires, or Infinity. */
  get deadline(): number {
    return Math.min(this.acks.deadline, this.errors.deadline);
  }

  /** Puts the answer of an undecided request into its lane and remembers it; error id 0 is an ack. False where it was dropped. */
  decide(id: number, errorId: number, text: string, now: number): boolean {
    const taken = this.enqueue(id, errorId, text, now);
    this.inbox.decide(id, errorId, taken);
    return taken;
  }

  /** As `decide`, for a message in any state. */
  put(id: number, errorId: number, text: string, now: number): boolean {
    if (this.inbox.isWaiting(id)) {
      this.reportSecond(errorId);
      return false;
    }
    const taken = this.enqueue(id, errorId, text, now);
    this.inbox.answer(id, errorId, taken);
    return taken;
  }

  /** Repeats the answer of a message that was answered before. */
  repeat(id: number, now: number): boolean {
    return this.put(id, this.inbox.answerOf(id), '', now);
  }

  /** Takes the oldest ack or error out of its lane: it is written, or too old. */
  leave(lane: ResponseLane): void {
    this.inbox.responseLeft(lane.headId);
    lane.shift();
  }

  /** Drops answers that have waited too long. */
  expire(now: number): void {
    while (this.acks.deadline <= now) this.leave(this.acks);
    while (this.errors.deadline <= now) this.leave(this.errors);
  }

  /** Forgets everything: the peer has forgotten its side too. */
  clear(): void {
    this.inbox.clear();
    this.acks.clear();
    this.errors.clear();
  }

  private enqueue(id: number, errorId: number, text: string, now: number): boolean {
    const { settings } = this.context;
    const isAck = errorId === 0;
    // The history may have forgotten an id whose error waits.
    if (!isAck && this.errors.hasError(id)) {
      this.reportSecond(errorId);
      return false;
    }
    const limit = isAck ? ackLaneCapacity(settings) : errorLaneCapacity(settings);
    const taken = isAck ? this.acks.push(id, now, limit) : this.errors.pushError(id, errorId, text, now, limit);
    if (!taken) this.reportOverrun(isAck, limit);
    return taken;
  }

  private reportSecond(errorId: number): void {
    this.context.sink.event({ kind: 'limited-log', id: errorId === 0 ? 1005 : 1006, address: this.address });
  }

  private reportOverrun(isAck: boolean, limit: number): void {
    const { counters, sink } = this.context;
    if (isAck) counters.overrunsAck++;
    else counters.overrunsError++;
    sink.event({
      kind: 'outbound-queue-overrun',
      address: this.address,
      tier: isAck ? 'ack' : 'error',
      limit,
      msgType: 0,
    });
    sink.event({ kind: 'limited-log', id: 1004, address: this.address });
  }
}
