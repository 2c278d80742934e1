/**
 * Delivery to a taberna of the same domus: the lanes, limits, deadlines and errors of a peer session without a wire
 * (a1-delivery, what a send means). A message is offered to its taberna as soon as it is in the lane, and keeps its slot
 * until it is decided.
 */
import { ERROR_IDS } from '@flaminia/transport-a0';
import { type Lane, NONE, SlotList } from './lane.ts';
import type { RequestOrigin } from './origin.ts';
import { Retention } from './retention.ts';
import type { SendFailure, SendWaiter } from './send-waiter.ts';
import type { SessionContext } from './session-context.ts';

const UNKNOWN_TABERNA = ERROR_IDS['unknown-taberna'];
const BUSY = ERROR_IDS['taberna-busy'];
const DOMUS_CLOSED = ERROR_IDS['domus-closed'];
/** Sessions of peers begin anew; this one is as old as its domus. */
const EPOCH = 0;

export class LocalSession implements RequestOrigin {
  readonly address: string;
  readonly retained: Retention;
  private readonly context: SessionContext;
  /** What was offered to a taberna and not decided, by lane: a list holds slots of one lane. */
  private readonly offeredA2 = new SlotList();
  private readonly offeredA3 = new SlotList();

  constructor(address: string, context: SessionContext) {
    this.address = address;
    this.context = context;
    this.retained = new Retention(address, 0, context);
  }

  /** As `PeerSession.send`. */
  send(
    lane: Lane,
    dstHi: number,
    dstLo: number,
    msgType: number,
    payload: Uint8Array,
    deadline: number,
    wait: boolean,
    waiter: SendWaiter,
    now: number,
  ): void {
    if (this.retained.take(lane, dstHi, dstLo, msgType, payload, deadline, wait, waiter)) this.offerReady(lane, now);
  }

  decide(_epoch: number, id: number, errorId: number, text: string, now: number): boolean {
    if (!this.retained.answer(id, errorId, text)) return false;
    this.offerAll(now);
    return true;
  }

  get hasWork(): boolean {
    return !this.retained.isEmpty;
  }

  nextDeadline(): number {
    return this.retained.deadline;
  }

  tick(now: number): void {
    this.retained.expire(now, undefined);
    this.offerAll(now);
  }

  /** Lane limits may have changed. */
  settingsChanged(now: number): void {
    this.retained.settingsChanged();
    this.offerAll(now);
  }

  /** Fails all that is under way. */
  end(failure: SendFailure): void {
    this.retained.failAll(failure);
  }

  private offerAll(now: number): void {
    this.offerReady(this.retained.a2, now);
    this.offerReady(this.retained.a3, now);
  }

  /** Offers what is in the lane to its tabernae; refused messages settle at once. */
  private offerReady(lane: Lane, now: number): void {
    const offered = lane === this.retained.a2 ? this.offeredA2 : this.offeredA3;
    for (let slot = lane.peek(); slot !== NONE; slot = lane.peek()) {
      const errorId = this.offer(lane, slot, now);
      if (errorId === 0) this.retained.write(lane, slot, offered);
      else
        this.retained.settle(
          lane,
          slot,
          errorId,
          errorId === BUSY ? 'the ingress is full' : 'no such taberna (inbox) here',
        );
    }
  }

  /** Offers one message under the id that it will have; 0, or the error id that refuses it. */
  private offer(lane: Lane, slot: number, now: number): number {
    const { registry, settings, sink, counters, closing } = this.context;
    const taberna = registry.find(lane.dstHi(slot), lane.dstLo(slot));
    if (taberna === undefined) return closing ? DOMUS_CLOSED : UNKNOWN_TABERNA;
    const id = this.retained.idOfNext();
    // The sender may change its bytes once the send has settled, so a payload that stays queued is copied.
    const { buffer, byteOffset, length } = lane.payload[slot]!;
    const payload = new Uint8Array(buffer, byteOffset, length);
    const place = { payload, payloadStart: 0, payloadLength: length, payloadOwned: false };
    if (!taberna.offer(this, EPOCH, id, lane.msgType(slot), place, now, settings)) {
      counters.tabernaBusy++;
      const { hi: tabernaHi, lo: tabernaLo } = taberna;
      sink.event({ kind: 'backpressure-triggered', address: this.address, tabernaHi, tabernaLo });
      return BUSY;
    }
    if (!taberna.announced) {
      taberna.announced = true;
      sink.arrived(taberna);
    }
    return 0;
  }
}
