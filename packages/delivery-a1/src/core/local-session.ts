/**
 * Delivery to a taberna of the same domus: the lanes, limits, deadlines and errors of a peer session without a wire
 * (a1-delivery, what a send means). A message is offered to its taberna as soon as it is in the lane, and keeps its slot
 * until it is decided.
 */
import { ERROR_IDS } from '@flaminia/transport-a0';
import { bytesOf, ownNumbers } from './blob-numbers.ts';
import type { InboundBlob } from './inbound-blob.ts';
import { Carried, type Lane, NONE } from './lane.ts';
import { LocalBlobs } from './local-blobs.ts';
import type { RequestOrigin } from './origin.ts';
import type { OutboundBlob } from './outbound-blob.ts';
import { reserveOutbound } from './reserve-outbound.ts';
import { Retention } from './retention.ts';
import type { SendFailure, SendWaiter } from './send-waiter.ts';
import type { SessionContext } from './session-context.ts';

const UNKNOWN_TABERNA = ERROR_IDS['unknown-taberna'];
const BUSY = ERROR_IDS['taberna-busy'];
const BUFFER_FULL = ERROR_IDS['blob-buffer-full'];
const DOMUS_CLOSED = ERROR_IDS['domus-closed'];
const REFUSALS: Readonly<Record<number, string>> = {
  [BUSY]: 'the ingress is full',
  [BUFFER_FULL]: 'the inbound blob buffer is full',
};
/** Sessions of peers begin anew; this one is as old as its domus. */
const EPOCH = 0;

export class LocalSession implements RequestOrigin {
  readonly address: string;
  readonly retained: Retention;
  private readonly context: SessionContext;
  private readonly blobs: LocalBlobs;
  /** What was offered to a taberna and is not decided. */
  private readonly offered = new Carried();

  constructor(address: string, context: SessionContext) {
    this.address = address;
    this.context = context;
    this.retained = new Retention(address, 0, context);
    this.blobs = new LocalBlobs(context);
    this.retained.otherIds = this.blobs;
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

  /** As `PeerSession.sendBlob`. */
  sendBlob(
    lane: Lane,
    dstHi: number,
    dstLo: number,
    msgType: number,
    payload: Uint8Array,
    deadline: number,
    blob: OutboundBlob,
    now: number,
  ): void {
    const bytes = bytesOf(ownNumbers(this.context.settings));
    if (!reserveOutbound(this.context, blob, bytes, this.address)) return;
    blob.host = this.blobs;
    if (this.retained.takeOpener(lane, dstHi, dstLo, msgType, payload, deadline, blob)) this.offerReady(lane, now);
  }

  decide(_epoch: number, id: number, errorId: number, text: string, now: number): boolean {
    this.blobs.noteTime(now);
    if (errorId !== 0) this.blobs.declined(id, errorId);
    if (!this.retained.answer(id, errorId, text)) return false;
    this.offerAll(now);
    return true;
  }

  get hasWork(): boolean {
    return !this.retained.isEmpty;
  }

  /** Streams that are open, or offered. */
  get hasStreams(): boolean {
    return this.blobs.size > 0;
  }

  /** Is this a stream within the domus? */
  carries(blob: OutboundBlob | InboundBlob): boolean {
    return blob.host === this.blobs;
  }

  /** Bytes of all chunks that such streams have moved so far. */
  get chunkBytesMoved(): number {
    return this.blobs.bytesMoved;
  }

  nextDeadline(): number {
    return Math.min(this.retained.deadline, this.blobs.nextDeadline());
  }

  tick(now: number): void {
    this.retained.expire(now, undefined);
    this.blobs.tick(now);
    this.offerAll(now);
  }

  /** Lane limits may have changed. */
  settingsChanged(now: number): void {
    this.retained.settingsChanged();
    this.blobs.settingsChanged();
    this.offerAll(now);
  }

  /** Fails all that is under way. */
  end(failure: SendFailure): void {
    this.retained.failAll(failure);
    this.blobs.failAll(failure);
  }

  private offerAll(now: number): void {
    this.offerReady(this.retained.a2, now);
    this.offerReady(this.retained.a3, now);
  }

  /** Offers what is in the lane to its tabernae; refused messages settle at once. */
  private offerReady(lane: Lane, now: number): void {
    for (let slot = lane.peek(); slot !== NONE; slot = lane.peek()) {
      const errorId = this.offer(lane, slot, now);
      if (errorId === 0) this.retained.write(lane, slot, this.offered);
      else this.retained.settle(lane, slot, errorId, REFUSALS[errorId] ?? 'no such taberna (inbox) here');
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
    if (!taberna.hasRoom(length, settings)) {
      counters.tabernaBusy++;
      const { hi: tabernaHi, lo: tabernaLo } = taberna;
      sink.event({ kind: 'backpressure-triggered', address: this.address, tabernaHi, tabernaLo });
      return BUSY;
    }
    const opener = lane.openers?.get(slot);
    const blob = opener === undefined ? undefined : this.blobs.offer(opener, id, this.address);
    if (opener !== undefined && blob === undefined) return BUFFER_FULL;
    taberna.offer(this, EPOCH, id, lane.msgType(slot), place, now, settings, blob);
    if (!taberna.announced) {
      taberna.announced = true;
      sink.arrived(taberna);
    }
    return 0;
  }
}
