/**
 * The peer session: the relationship with one peer that outlives its connections (a1-delivery). It owns the retained
 * lanes, the inbox, the calles and the dial policy of that peer, and is the only place where they meet. The hello
 * exchange stands in `greeting.ts`, arriving frames in `receiving.ts`, frames to write in `sending.ts`.
 *
 * 1. Every send settles once, no later than its deadline plus one tick, and nothing extends the deadline.
 * 2. An ack leaves only for a request that was accepted.
 * 3. What a lost callis carried unanswered is written again, with its old id, on the next one.
 * 4. `epoch` changes whenever the peer's memory of us is gone; requests of an older epoch are answered to nobody.
 * 5. `gone` is terminal: every method is then without effect.
 */
import { DomusError, errorKindOf } from '@flaminia/transport-a0';
import { Callis } from './callis.ts';
import { DialPolicy } from './dial-policy.ts';
import { IdTable } from './id-table.ts';
import { Inbox } from './inbox.ts';
import { Lane, NONE } from './lane.ts';
import type { RequestOrigin } from './origin.ts';
import { ResponseLane } from './response-lane.ts';
import type { SendFailure, SendWaiter } from './send-waiter.ts';
import type { SessionContext } from './session-context.ts';
import { A2_LANE_CAPACITY, ackLaneCapacity, errorLaneCapacity, LINGER_MS, STALLED_AFTER_MS } from './settings.ts';
import type { EndReason, LaneName } from './sink.ts';

const NEVER = Number.POSITIVE_INFINITY;

/** The life of the session as a whole. */
export type SessionState =
  | { readonly kind: 'open' }
  /** Waiting answers drain until `until`, then close is sent. */
  | { readonly kind: 'closing'; readonly until: number }
  | { readonly kind: 'gone' };

/** The dial of a primary. */
export type Dial =
  | { readonly kind: 'idle' }
  /** A0 is under way. */
  | { readonly kind: 'dialling'; readonly beganAt: number; readonly deadline: number }
  /** The hello exchange is under way. */
  | { readonly kind: 'greeting'; readonly callis: Callis };

const IDLE: Dial = { kind: 'idle' };

export class PeerSession implements RequestOrigin {
  readonly address: string;
  readonly context: SessionContext;
  /** For the driver: whatever it keeps for this peer. */
  driver: unknown = undefined;

  state: SessionState = { kind: 'open' };
  /** A hello exchange has succeeded, and the peer may hold this session too. */
  live = false;
  epoch = 1;
  readonly calles: Callis[] = [];
  /** The oldest healthy active primary: it carries fresh work. */
  outlet: Callis | undefined = undefined;
  /** When a primary of this session last became active, in the domus-wide sequence. */
  lastActivation = 0;
  dial: Dial = IDLE;
  readonly policy: DialPolicy = new DialPolicy();
  lastDialError: unknown = undefined;
  /** The session ends then, unless a callis comes up. */
  impairedUntil: number = NEVER;

  readonly a2: Lane = new Lane();
  readonly a3: Lane = new Lane();
  readonly acks: ResponseLane = new ResponseLane();
  readonly errors: ResponseLane = new ResponseLane();
  readonly inbox: Inbox = new Inbox();
  /** Written and unanswered ids: `slot * 2`, plus 1 in the A3 lane. */
  readonly outstanding: IdTable = new IdTable();
  nextId: number;
  private writeAnnounced = false;

  /** `firstId`: where the message ids begin; a random u32 with bit 31 set (a1-delivery, peer message ids). */
  constructor(address: string, firstId: number, context: SessionContext) {
    this.address = address;
    this.nextId = firstId;
    this.context = context;
  }

  // --- sends of this domus ---------------------------------------------------------------------------------------

  /** Takes a message, or fails it at once. `wait` parks it where the lane is full. */
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
    if (this.state.kind !== 'open') {
      waiter.failed({
        kind: 'peer-unavailable',
        text: 'the peer is being closed',
        delivery: 'not-sent',
        cause: undefined,
      });
      return;
    }
    const hasRoom = lane.hasRoom(payload.length, this.laneCount(lane), this.laneBytes(lane));
    if (!hasRoom && !wait) {
      this.reportOverrun(lane === this.a2 ? 'a2' : 'a3', this.laneCount(lane), msgType);
      waiter.failed(laneFull(lane === this.a2 ? 'A2' : 'A3', this.laneCount(lane)));
      return;
    }
    lane.add(dstHi, dstLo, msgType, payload, deadline, waiter, !hasRoom);
    this.policy.noteWork(now);
    if (this.outlet !== undefined) this.requestWrite();
    else this.considerDial(now);
  }

  /** Settles the send with this id. Late answers, for work that is settled, do nothing. */
  answered(callis: Callis, id: number, errorId: number, text: string): void {
    const entry = this.outstanding.delete(id);
    if (entry < 0) return;
    if (!callis.madeProgress) {
      callis.madeProgress = true;
      this.policy.noteProgress();
    }
    const lane = (entry & 1) === 1 ? this.a3 : this.a2;
    const waiter = this.release(lane, entry >> 1);
    if (errorId === 0) {
      this.context.counters.sendsAccepted++;
      waiter.accepted();
    } else {
      this.fail(waiter, { kind: errorKindOf(errorId)!, text, delivery: 'refused', cause: undefined });
    }
  }

  // --- answers to requests of the peer ---------------------------------------------------------------------------

  decide(epoch: number, id: number, errorId: number, text: string, now: number): boolean {
    if (this.state.kind === 'gone' || epoch !== this.epoch || this.inbox.stateOf(id) !== 'undecided') return false;
    return this.respond(id, errorId, text, now);
  }

  /** Puts an answer into its lane and remembers it. False where it found no room, and so is lost. */
  respond(id: number, errorId: number, text: string, now: number): boolean {
    const { settings, sink } = this.context;
    if (this.inbox.isWaiting(id)) {
      sink.event({ kind: 'limited-log', id: errorId === 0 ? 1005 : 1006, address: this.address });
      return false;
    }
    const lane = errorId === 0 ? this.acks : this.errors;
    const capacity = errorId === 0 ? ackLaneCapacity(settings) : errorLaneCapacity(settings);
    const taken = lane.push(id, errorId, text, now, capacity);
    this.inbox.answer(id, errorId, taken);
    if (!taken) {
      this.reportOverrun(errorId === 0 ? 'ack' : 'error', capacity, 0);
      return false;
    }
    if (this.outlet !== undefined) this.requestWrite();
    else this.considerDial(now);
    return true;
  }

  // --- calles ----------------------------------------------------------------------------------------------------

  /**
   * An inbound connection of this peer has passed A0. Returns its callis, or undefined when it is to be dropped
   * without a byte (too many hellos under way, log id 1002).
   */
  accepted(challengeSequence: number, nudges: boolean, now: number): Callis | undefined {
    const { settings, sink } = this.context;
    const greeting = this.calles.filter((callis) => callis.phase === 'awaiting-hello').length;
    if (this.state.kind !== 'open' || greeting >= settings.inboundHandshakeLimitPerPeer) {
      if (this.state.kind === 'open') sink.event({ kind: 'limited-log', id: 1002, address: this.address });
      return undefined;
    }
    return this.addCallis(false, nudges, challengeSequence, now, now + settings.callisConnectTimeoutMs);
  }

  /** The dial has passed A0. Returns its callis, or undefined when the dial is not wanted any more. */
  dialled(nudges: boolean, now: number): Callis | undefined {
    if (this.dial.kind !== 'dialling') return undefined;
    const callis = this.addCallis(true, nudges, this.dial.beganAt, now, this.dial.deadline);
    callis.askedReconnect = this.live;
    this.dial = { kind: 'greeting', callis };
    this.requestWrite();
    return callis;
  }

  /** The dial under way has failed. */
  dialFailed(error: unknown, now: number): void {
    if (this.dial.kind === 'idle') return;
    const { counters, sink } = this.context;
    this.dial = IDLE;
    this.lastDialError = error;
    this.policy.noteFailure(now);
    counters.dialFailures++;
    if (DomusError.is(error) && (error.kind === 'address-mismatch' || error.kind === 'protocol-violation')) {
      counters.identityMismatches++;
    }
    sink.event({ kind: 'peer-dial-failed', address: this.address, error });
    this.considerDial(now);
    this.forgetIfEmpty();
  }

  /** The stream of a callis has ended or failed by itself. */
  callisDown(callis: Callis, detail: string, now: number): void {
    this.lose(callis, callis.phase === 'leaving' ? 'closed-locally' : 'connection-lost', detail, now);
  }

  /** The stream takes no more bytes for now. */
  blocked(callis: Callis, now: number): void {
    if (callis.blockedSince === 0) callis.blockedSince = now;
  }

  /** The stream takes bytes again. */
  drained(callis: Callis, now: number): void {
    callis.blockedSince = 0;
    this.chooseOutlet(now);
    if (this.hasWork || callis.owes) this.requestWrite();
  }

  /** Ends a callis at once and gives what it carried to the others, or to the next. The one terminal path. */
  lose(callis: Callis, reason: EndReason, detail: string, now: number, error?: unknown): void {
    const { phase } = callis;
    if (phase === 'ended') return;
    callis.become('ended');
    this.calles.splice(this.calles.indexOf(callis), 1);
    this.context.sink.endCallis(callis, 'destroy');
    if (phase === 'active') this.noteInactive(callis, reason, detail, now);
    if (this.dial.kind === 'greeting' && this.dial.callis === callis) {
      this.dialFailed(error ?? new DomusError('connection-lost', detail || reason, { peer: this.address }), now);
    }
    if (this.state.kind === 'closing') this.closeIfDrained(now);
    this.forgetIfEmpty();
  }

  /** Ends the own direction of a callis once it has written what it owes, and discards what still comes. */
  leave(callis: Callis, reason: EndReason, detail: string, now: number): void {
    const wasActive = callis.phase === 'active';
    callis.become('leaving');
    callis.deadline = now + LINGER_MS;
    callis.owesKeepalive = false;
    if (wasActive) this.noteInactive(callis, reason, detail, now);
    this.requestWrite();
  }

  /** A primary that was active is so no more. */
  private noteInactive(callis: Callis, reason: EndReason, detail: string, now: number): void {
    const { counters, sink, settings } = this.context;
    counters.primaryClosed++;
    sink.event({ kind: 'primary-callis-disconnected', address: this.address, reason, detail });
    this.a2.reclaim(callis.carriedA2);
    this.a3.reclaim(callis.carriedA3);
    this.chooseOutlet(now);
    if (this.state.kind !== 'open' || !this.live) return;
    if (this.outlet !== undefined) {
      this.requestWrite();
      return;
    }
    const lived = callis.madeProgress || now - callis.activeSince >= STALLED_AFTER_MS;
    this.policy.noteLastPrimaryLost(now, callis.dialled, lived);
    if (lived) this.policy.noteProgress();
    this.impairedUntil = now + settings.sendTimeoutMs;
    this.considerDial(now);
  }

  /**
   * Stays on the primary that carries fresh work while that is active and not stalled, so that order holds; otherwise
   * picks the oldest active one that is not stalled, or else the oldest.
   */
  chooseOutlet(now: number): void {
    if (this.outlet?.phase === 'active' && !isStalled(this.outlet, now)) return;
    let oldest: Callis | undefined;
    let healthy: Callis | undefined;
    for (const callis of this.calles) {
      if (callis.phase !== 'active') continue;
      oldest ??= callis;
      if (!isStalled(callis, now)) healthy ??= callis;
    }
    this.outlet = healthy ?? oldest;
  }

  // --- the ends of a session -------------------------------------------------------------------------------------

  /**
   * Closes gracefully: refuses new work, fails tracked work with `failure`, lets waiting answers drain until `until`,
   * then sends close and ends every connection.
   */
  close(failure: SendFailure, now: number, until: number): void {
    if (this.state.kind !== 'open') return;
    this.state = { kind: 'closing', until };
    this.cancelDial();
    this.failAll(this.a2, failure);
    this.failAll(this.a3, failure);
    this.closeIfDrained(now);
  }

  /** Cuts a close short: no more draining and lingering. */
  abort(now: number): void {
    for (const callis of [...this.calles]) this.lose(callis, 'closed-locally', '', now);
    this.end('closed-locally', closedFailure('the peer was closed'), now);
  }

  /** Ends the session for good and forgets the peer. */
  end(reason: EndReason, failure: SendFailure, now: number): void {
    if (this.state.kind === 'gone') return;
    this.state = { kind: 'gone' };
    const wasLive = this.live;
    this.live = false;
    this.epoch++;
    this.cancelDial();
    for (const callis of [...this.calles]) this.lose(callis, reason, '', now);
    this.failAll(this.a2, failure);
    this.failAll(this.a3, failure);
    this.forgetInbound();
    if (wasLive) this.context.sink.event({ kind: 'peer-disconnected', address: this.address, reason });
    this.context.forget(this.address);
  }

  /** The peer has lost its memory of this session: clean up, and go on as a fresh one (a1-delivery, hello table). */
  restart(survivor: Callis, now: number): void {
    const { counters, sink } = this.context;
    this.epoch++;
    counters.sessionRestarts++;
    for (const lane of [this.a2, this.a3]) {
      this.failAll(
        lane,
        { kind: 'peer-restarted', text: 'the peer has restarted', delivery: 'unknown', cause: undefined },
        true,
      );
    }
    this.forgetInbound();
    this.live = false;
    for (const callis of [...this.calles]) {
      const older = callis.phase === 'active' || callis.phase === 'leaving';
      if (older && callis !== survivor) this.lose(callis, 'session-restarted', '', now);
    }
    this.policy.restart(survivor.dialled);
    if (!this.a2.isEmpty || !this.a3.isEmpty) this.policy.noteWork(now);
    sink.event({ kind: 'peer-session-restarted', address: this.address });
  }

  /** In a session that closes: sends close and leaves, once no answer waits or nothing can carry one. */
  closeIfDrained(now: number): void {
    if (this.state.kind !== 'closing') return;
    const waiting = this.acks.size + this.errors.size > 0 && now < this.state.until;
    if (waiting && this.outlet !== undefined) return;
    for (const callis of [...this.calles]) {
      if (callis.phase === 'active') {
        callis.owesClose = true;
        this.leave(callis, 'closed-locally', '', now);
      } else if (callis.phase !== 'leaving') {
        this.lose(callis, 'closed-locally', '', now);
      }
    }
    if (this.calles.length === 0) this.end('closed-locally', closedFailure('the peer was closed'), now);
  }

  // --- time ------------------------------------------------------------------------------------------------------

  /** When `tick` is to be called, in the time of `now`; Infinity where nothing is due. */
  nextDeadline(): number {
    if (this.state.kind === 'gone') return NEVER;
    const { settings } = this.context;
    let due = Math.min(
      this.impairedUntil,
      this.acks.deadline,
      this.errors.deadline,
      this.laneDeadline(this.a2),
      this.laneDeadline(this.a3),
    );
    if (this.state.kind === 'closing') due = Math.min(due, this.state.until);
    if (this.dial.kind === 'dialling') due = Math.min(due, this.dial.deadline);
    else if (this.mayDial) due = Math.min(due, this.policy.dialAt(settings, this.hasWork));
    for (const callis of this.calles) due = Math.min(due, this.callisDeadline(callis));
    return due;
  }

  /** Does whatever is due at `now`. */
  tick(now: number): void {
    if (this.state.kind === 'gone') return;
    this.expire(this.a2, now);
    this.expire(this.a3, now);
    this.expireResponses(this.acks, now);
    this.expireResponses(this.errors, now);
    if (this.dial.kind === 'dialling' && this.dial.deadline <= now) {
      this.context.sink.cancelDial(this);
      this.dialFailed(connectTimeout(this.address), now);
    }
    for (const callis of [...this.calles]) this.tickCallis(callis, now);
    if (this.impairedUntil <= now) {
      this.end('unreachable', unreachable(this.lastDialError), now);
      return;
    }
    if (this.state.kind === 'closing') this.closeIfDrained(now);
    this.considerDial(now);
    this.forgetIfEmpty();
  }

  private callisDeadline(callis: Callis): number {
    const { keepaliveIntervalMs, sendTimeoutMs } = this.context.settings;
    let due = callis.deadline;
    if (callis.phase !== 'active') return due;
    if (keepaliveIntervalMs > 0 && callis.blockedSince === 0)
      due = Math.min(due, callis.lastWriteAt + keepaliveIntervalMs);
    if (callis.blockedSince !== 0) {
      due = Math.min(due, callis.blockedSince + sendTimeoutMs);
      if (callis === this.outlet && this.calles.length > 1) due = Math.min(due, callis.blockedSince + STALLED_AFTER_MS);
    }
    return due;
  }

  private tickCallis(callis: Callis, now: number): void {
    const { keepaliveIntervalMs, sendTimeoutMs } = this.context.settings;
    if (callis.phase === 'ended') return;
    if (callis.deadline <= now) {
      const reason = callis.phase === 'leaving' ? 'closed-locally' : 'connect-timeout';
      this.lose(callis, reason, '', now, connectTimeout(this.address));
      return;
    }
    if (callis.phase !== 'active') return;
    if (callis.blockedSince !== 0) {
      if (callis.blockedSince + sendTimeoutMs <= now) this.lose(callis, 'write-stalled', '', now);
      else if (callis === this.outlet && this.calles.length > 1) this.moveOutlet(now);
    } else if (keepaliveIntervalMs > 0 && callis.lastWriteAt + keepaliveIntervalMs <= now) {
      callis.owesKeepalive = true;
      this.requestWrite();
    }
  }

  private moveOutlet(now: number): void {
    const before = this.outlet;
    this.chooseOutlet(now);
    if (this.outlet !== before && this.hasWork) this.requestWrite();
  }

  private laneDeadline(lane: Lane): number {
    return lane.earliest === NONE ? NEVER : lane.deadline[lane.earliest]!;
  }

  private expire(lane: Lane, now: number): void {
    for (let slot = lane.earliest; slot !== NONE && lane.deadline[slot]! <= now; slot = lane.earliest) {
      const written = lane.wasWritten(slot);
      if (written) this.outstanding.delete(lane.id[slot]!);
      const cause = this.outlet === undefined ? this.lastDialError : undefined;
      const text = written ? 'no answer before the deadline' : 'not written before the deadline';
      this.fail(this.release(lane, slot), {
        kind: 'send-timeout',
        text,
        delivery: written ? 'unknown' : 'not-sent',
        cause,
      });
    }
  }

  private expireResponses(lane: ResponseLane, now: number): void {
    while (lane.deadline <= now) {
      this.inbox.responseLeft(lane.headId);
      lane.shift();
    }
  }

  // --- dialling --------------------------------------------------------------------------------------------------

  /** Starts a dial where the policy says so. */
  considerDial(now: number): void {
    const { settings, sink, counters } = this.context;
    if (!this.mayDial || this.policy.dialAt(settings, this.hasWork) > now) return;
    this.dial = {
      kind: 'dialling',
      beganAt: this.context.nextSequence(),
      deadline: now + settings.callisConnectTimeoutMs,
    };
    this.policy.noteDial();
    counters.dialAttempts++;
    sink.dial(this);
  }

  private get mayDial(): boolean {
    return this.state.kind === 'open' && this.dial.kind === 'idle' && this.outlet === undefined;
  }

  private cancelDial(): void {
    if (this.dial.kind === 'dialling') this.context.sink.cancelDial(this);
    this.dial = IDLE;
  }

  // --- small steps that several of the above share ---------------------------------------------------------------

  /** Work that waits for a primary, or for an answer. */
  get hasWork(): boolean {
    return !this.a3.isEmpty || !this.a2.isEmpty || this.acks.size > 0 || this.errors.size > 0;
  }

  /** Tells the driver, once until the next flush, that there is something to write. */
  requestWrite(): void {
    if (this.writeAnnounced) return;
    this.writeAnnounced = true;
    this.context.sink.wantsWrite(this);
  }

  /** The driver begins to poll the calles of this session. */
  flushBegins(): void {
    this.writeAnnounced = false;
  }

  /** Lane limits may have changed: lets in what waits for room. */
  settingsChanged(): void {
    for (const lane of [this.a2, this.a3]) lane.letParkedIn(this.laneCount(lane), this.laneBytes(lane));
    if (this.outlet !== undefined && this.hasWork) this.requestWrite();
  }

  private addCallis(dialled: boolean, nudges: boolean, beganAt: number, now: number, deadline: number): Callis {
    const callis = new Callis(this.context.nextSerial(), dialled, nudges, beganAt, now, deadline);
    this.calles.push(callis);
    return callis;
  }

  private laneCount(lane: Lane): number {
    return lane === this.a2 ? A2_LANE_CAPACITY : this.context.settings.sendQueueSize;
  }

  private laneBytes(lane: Lane): number {
    return lane === this.a2 ? NEVER : this.context.settings.sendQueueBytes;
  }

  private release(lane: Lane, slot: number): SendWaiter {
    const waiter = lane.waiter[slot]!;
    lane.release(slot, this.laneCount(lane), this.laneBytes(lane));
    if (lane.hasReady && this.outlet !== undefined) this.requestWrite();
    return waiter;
  }

  private fail(waiter: SendWaiter, failure: SendFailure): void {
    waiter.failed(failure);
  }

  /** Fails everything in a lane, or only what was ever written. */
  private failAll(lane: Lane, failure: SendFailure, writtenOnly = false): void {
    for (let slot = lane.earliest, next = NONE; slot !== NONE; slot = next) {
      next = lane.following(slot);
      const written = lane.wasWritten(slot);
      if (writtenOnly && !written) continue;
      if (written) this.outstanding.delete(lane.id[slot]!);
      this.fail(this.release(lane, slot), { ...failure, delivery: written ? 'unknown' : 'not-sent' });
    }
  }

  /** Drops what belongs to the peer's side of the session: history, answers and requests that nobody has taken. */
  private forgetInbound(): void {
    this.inbox.clear();
    this.acks.clear();
    this.errors.clear();
    for (const taberna of this.context.registry) {
      taberna.remove(
        (arrival) => arrival.origin === this,
        () => {},
      );
    }
  }

  private reportOverrun(tier: LaneName, limit: number, msgType: number): void {
    const { counters, sink } = this.context;
    if (tier === 'ack') counters.overrunsAck++;
    else if (tier === 'error') counters.overrunsError++;
    else if (tier === 'a2') counters.overrunsA2++;
    else counters.overrunsA3++;
    sink.event({ kind: 'outbound-queue-overrun', address: this.address, tier, limit, msgType });
    sink.event({ kind: 'limited-log', id: 1004, address: this.address });
  }

  private forgetIfEmpty(): void {
    if (this.state.kind === 'gone' || this.live || this.calles.length > 0 || this.dial.kind !== 'idle') return;
    if (this.hasWork) return;
    this.state = { kind: 'gone' };
    this.context.forget(this.address);
  }
}

function isStalled(callis: Callis, now: number): boolean {
  return callis.blockedSince !== 0 && now - callis.blockedSince >= STALLED_AFTER_MS;
}

function laneFull(tier: string, limit: number): SendFailure {
  return {
    kind: 'local-queue-full',
    text: `the ${tier} lane to this peer is full (${limit} messages)`,
    delivery: 'not-sent',
    cause: undefined,
  };
}

function closedFailure(text: string): SendFailure {
  return { kind: 'peer-unavailable', text, delivery: 'not-sent', cause: undefined };
}

function unreachable(cause: unknown): SendFailure {
  return {
    kind: 'peer-unavailable',
    text: 'the peer could not be reached again within sendTimeout',
    delivery: 'not-sent',
    cause,
  };
}

function connectTimeout(address: string): DomusError {
  return new DomusError('peer-unavailable', 'callis connect timeout', {
    peer: address,
    detail: 'callis-connect-timeout',
  });
}
