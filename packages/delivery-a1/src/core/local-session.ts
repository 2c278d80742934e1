/**
 * Delivery to a taberna of the same domus: the lanes, limits, deadlines and errors of a peer session without a wire
 * (a1-delivery, what a send means). A message is offered to its taberna as soon as it is in the lane, and keeps its slot
 * until it is decided.
 */
import { errorKindOf } from '@flaminia/transport-a0';
import { IdTable } from './id-table.ts';
import { Lane, NONE, SlotList } from './lane.ts';
import type { RequestOrigin } from './origin.ts';
import type { SendFailure, SendWaiter } from './send-waiter.ts';
import type { SessionContext } from './session-context.ts';
import { A2_LANE_CAPACITY } from './settings.ts';

const UNKNOWN_TABERNA = 1;
const BUSY = 11;
const DOMUS_CLOSED = 23;

export class LocalSession implements RequestOrigin {
  readonly address: string;
  readonly a2: Lane = new Lane();
  readonly a3: Lane = new Lane();
  private readonly context: SessionContext;
  private readonly offered = new SlotList();
  /** Offered and undecided: `slot * 2`, plus 1 in the A3 lane. */
  private readonly outstanding = new IdTable();
  private nextId = 0;

  constructor(address: string, context: SessionContext) {
    this.address = address;
    this.context = context;
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
    const hasRoom = lane.hasRoom(payload.length, this.laneCount(lane), this.laneBytes(lane));
    if (!hasRoom && !wait) {
      this.reportOverrun(lane, msgType);
      const text = `the lane to this domus itself is full (${this.laneCount(lane)} messages)`;
      waiter.failed({ kind: 'local-queue-full', text, delivery: 'not-sent', cause: undefined });
      return;
    }
    lane.add(dstHi, dstLo, msgType, payload, deadline, waiter, !hasRoom);
    this.offerReady(lane, now);
  }

  decide(_epoch: number, id: number, errorId: number, text: string, now: number): boolean {
    const entry = this.outstanding.delete(id);
    if (entry < 0) return false;
    const lane = (entry & 1) === 1 ? this.a3 : this.a2;
    this.settle(lane, entry >> 1, errorId, text);
    this.offerReady(lane, now);
    return true;
  }

  get hasWork(): boolean {
    return !this.a2.isEmpty || !this.a3.isEmpty;
  }

  nextDeadline(): number {
    return Math.min(laneDeadline(this.a2), laneDeadline(this.a3));
  }

  tick(now: number): void {
    for (const lane of [this.a2, this.a3]) {
      for (let slot = lane.earliest; slot !== NONE && lane.deadline[slot]! <= now; slot = lane.earliest) {
        const offered = lane.wasWritten(slot);
        if (offered) this.outstanding.delete(lane.id[slot]!);
        const delivery = offered ? 'unknown' : 'not-sent';
        this.release(lane, slot).failed({
          kind: 'send-timeout',
          text: 'no answer before the deadline',
          delivery,
          cause: undefined,
        });
      }
      this.offerReady(lane, now);
    }
  }

  /** Lane limits may have changed. */
  settingsChanged(now: number): void {
    for (const lane of [this.a2, this.a3]) {
      lane.letParkedIn(this.laneCount(lane), this.laneBytes(lane));
      this.offerReady(lane, now);
    }
  }

  /** Fails all that is under way. */
  end(failure: SendFailure): void {
    for (const lane of [this.a2, this.a3]) {
      for (let slot = lane.earliest; slot !== NONE; slot = lane.earliest) {
        const offered = lane.wasWritten(slot);
        if (offered) this.outstanding.delete(lane.id[slot]!);
        this.release(lane, slot).failed({ ...failure, delivery: offered ? 'unknown' : 'not-sent' });
      }
    }
  }

  /** Offers what is in the lane to its tabernae; refused messages settle at once. */
  private offerReady(lane: Lane, now: number): void {
    const { registry, settings, sink, counters } = this.context;
    for (let slot = lane.peek(); slot !== NONE; slot = lane.peek()) {
      const taberna = registry.find(lane.dstHi[slot]!, lane.dstLo[slot]!);
      if (taberna === undefined) {
        this.settle(lane, slot, this.context.closing ? DOMUS_CLOSED : UNKNOWN_TABERNA, 'no such taberna on this domus');
        continue;
      }
      const id = this.takeId();
      // The sender may change its bytes once the send has settled, so a payload that stays queued is copied.
      if (!taberna.offer(this, 0, id, lane.msgType[slot]!, lane.payload[slot]!, true, now, settings)) {
        counters.tabernaBusy++;
        sink.event({
          kind: 'backpressure-triggered',
          address: this.address,
          tabernaHi: taberna.hi,
          tabernaLo: taberna.lo,
        });
        this.settle(lane, slot, BUSY, 'the ingress of the taberna is full');
        continue;
      }
      lane.id[slot] = id;
      this.outstanding.set(id, slot * 2 + (lane === this.a3 ? 1 : 0));
      lane.markWritten(slot, this.offered);
      if (!taberna.announced) {
        taberna.announced = true;
        sink.arrived(taberna);
      }
    }
  }

  private settle(lane: Lane, slot: number, errorId: number, text: string): void {
    const waiter = this.release(lane, slot);
    if (errorId === 0) {
      this.context.counters.sendsAccepted++;
      waiter.accepted();
    } else {
      waiter.failed({ kind: errorKindOf(errorId)!, text, delivery: 'refused', cause: undefined });
    }
  }

  private release(lane: Lane, slot: number): SendWaiter {
    const waiter = lane.waiter[slot]!;
    lane.release(slot, this.laneCount(lane), this.laneBytes(lane));
    return waiter;
  }

  private takeId(): number {
    while (this.outstanding.get(this.nextId) >= 0) this.nextId = (this.nextId + 1) >>> 0;
    const id = this.nextId;
    this.nextId = (id + 1) >>> 0;
    return id;
  }

  private laneCount(lane: Lane): number {
    return lane === this.a2 ? A2_LANE_CAPACITY : this.context.settings.sendQueueSize;
  }

  private laneBytes(lane: Lane): number {
    return lane === this.a2 ? Number.POSITIVE_INFINITY : this.context.settings.sendQueueBytes;
  }

  private reportOverrun(lane: Lane, msgType: number): void {
    const { counters, sink } = this.context;
    const tier = lane === this.a2 ? 'a2' : 'a3';
    if (tier === 'a2') counters.overrunsA2++;
    else counters.overrunsA3++;
    sink.event({ kind: 'outbound-queue-overrun', address: this.address, tier, limit: this.laneCount(lane), msgType });
  }
}

function laneDeadline(lane: Lane): number {
  return lane.earliest === NONE ? Number.POSITIVE_INFINITY : lane.deadline[lane.earliest]!;
}
