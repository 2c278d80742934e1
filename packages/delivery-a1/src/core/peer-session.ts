/**
 * The peer session: the relationship with one peer that outlives its connections (a1-delivery). It owns the retained
 * lanes, the inbox, the calles and the dial policy of that peer, and is the only place where they meet. The hello
 * exchange stands in `greeting.ts`, arriving frames in `receiving.ts`, frames to write in `sending.ts`.
 *
 * Long on purpose: what happens to one part of a session (a callis is lost, a peer restarts) concerns all the others, and
 * here is the one place that says how.
 *
 * 1. Every send settles once, no later than its deadline plus one tick, and nothing extends the deadline.
 * 2. An ack leaves only for a request that was accepted.
 * 3. What a lost callis carried unanswered is written again, with its old id, on the next one.
 * 4. `epoch` changes whenever the peer's memory of us is gone; requests of an older epoch are answered to nobody.
 * 5. `gone` is terminal: every method is then without effect.
 */
import { DomusError } from '@flaminia/transport-a0';
import { Answers } from './answers.ts';
import { BlobStreams } from './blob-streams.ts';
import { BlobCallis, Callis } from './callis.ts';
import { type Dial, IDLE } from './dial.ts';
import { DialPolicy } from './dial-policy.ts';
import type { InboundBlob } from './inbound-blob.ts';
import type { Lane } from './lane.ts';
import type { RequestOrigin } from './origin.ts';
import type { OutboundBlob } from './outbound-blob.ts';
import { reserveOutbound } from './reserve-outbound.ts';
import { Retention } from './retention.ts';
import type { SendFailure, SendWaiter } from './send-waiter.ts';
import type { SessionContext } from './session-context.ts';
import { connectTimeout, PEER_CLOSED, PEER_RESTARTED, unreachable } from './session-failures.ts';
import { GOOD_AFTER_MS, LINGER_MS } from './settings.ts';
import type { CallisKind, EndReason } from './sink.ts';

const NEVER = Number.POSITIVE_INFINITY;
// Shared by all peers without one; and `concat` makes arrays without room to grow.
const NO_CALLES: readonly Callis[] = [];

/** The life of the session as a whole. */
export type SessionState =
  | { readonly kind: 'open' }
  /** Waiting answers drain until `until`, then close is sent. `failure` is what tracked work fails with. */
  | { readonly kind: 'closing'; readonly until: number; readonly failure: SendFailure }
  | { readonly kind: 'gone' };

export class PeerSession implements RequestOrigin {
  readonly address: string;
  readonly context: SessionContext;
  /** For the driver: whatever it keeps for this peer. */
  driver: unknown = undefined;
  /** Likewise: who is on the primary that was read last. */
  sender: unknown = undefined;

  state: SessionState = { kind: 'open' };
  /** A hello exchange has succeeded, and the peer may hold this session too. */
  live = false;
  /**
   * The peer cannot hold an older life of the session: it began this one with a plain hello, or has answered ours, or has
   * sent a frame behind our answer to its RECONNECT. (That answer may be lost, and then it would ask for the old life again.)
   */
  confirmed = false;
  /**
   * What the peer says on a connection whose AUTH_CHALLENGE has this number of the domus-wide sequence or a later one, it says knowing
   * of this life of the session; 0: nothing has shown that it does.
   */
  heldSequence = 0;
  epoch = 1;
  /** Replaced and never changed: whoever walks along it may end some. */
  calles: readonly Callis[] = NO_CALLES;
  /** The oldest healthy active primary: it carries fresh work. */
  outlet: Callis | undefined = undefined;
  /**
   * When a primary last became active beside which a plain hello may stand, in the domus-wide sequence: one for which the peer has
   * not said RECONNECT. Whoever has said that holds the session, and a plain hello behind it is a restart.
   */
  rivalSequence = 0;
  dial: Dial = IDLE;
  readonly policy: DialPolicy = new DialPolicy();
  lastDialError: unknown = undefined;
  /** The session ends then, unless a callis comes up. */
  impairedUntil: number = NEVER;

  /** The messages that the peer is owed. */
  readonly retained: Retention;
  /** The answers that the peer is owed. */
  readonly answers: Answers;
  /** The blob streams of both directions; undefined while the session never had one. */
  blobs: BlobStreams | undefined = undefined;
  private writeAnnounced = false;

  /** `firstId`: where the message ids begin; a random u32 with bit 31 set (a1-delivery, peer message ids). */
  constructor(address: string, firstId: number, context: SessionContext) {
    this.address = address;
    this.context = context;
    this.retained = new Retention(address, firstId, context);
    this.answers = new Answers(address, context);
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
      waiter.failed(PEER_CLOSED, this.address);
      return;
    }
    if (!this.retained.take(lane, dstHi, dstLo, msgType, payload, deadline, wait, waiter)) return;
    this.policy.noteWork(now);
    if (this.outlet !== undefined) this.requestWrite();
    else this.considerDial(now);
  }

  /** Takes a message that opens a blob stream, or fails it at once. */
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
    if (this.state.kind !== 'open') {
      blob.failed(PEER_CLOSED, this.address);
      return;
    }
    const blobs = this.blobsOrNew();
    if (!reserveOutbound(this.context, blob, blobs.mostBytes, this.address)) return;
    blobs.asking(blob);
    blob.deadline = deadline;
    if (!this.retained.takeOpener(lane, dstHi, dstLo, msgType, payload, deadline, blob)) return;
    this.policy.noteWork(now);
    if (this.outlet !== undefined) this.requestWrite();
    else this.considerDial(now);
  }

  /**
   * Settles the send with this id, or what else it stands for. Late answers, for work that is settled, do nothing. The id is
   * given signed: from 2^31 on it would be an object on its way here.
   */
  answered(callis: Callis, id: number, errorId: number, text: string, now: number): void {
    // Messages are answered on primaries. An error on a blob callis may name a stream of the peer, whose id may be that of an own
    // message by chance.
    if (callis.blob !== undefined && this.blobs!.answered(callis, id >>> 0, errorId, text, now)) return;
    this.loseOvertaken(id, now);
    if (!this.retained.answer(id, errorId, text)) {
      if (callis.blob === undefined) this.blobs?.answered(callis, id >>> 0, errorId, text, now);
      return;
    }
    // What comes on a blob callis says nothing about dialling a primary.
    if (callis.blob === undefined && !callis.madeProgress) {
      callis.madeProgress = true;
      this.policy.noteProgress();
    }
    // The freed slot may have let a parked message in.
    if (this.retained.hasReady && this.outlet !== undefined) this.requestWrite();
  }

  // --- answers to requests of the peer ---------------------------------------------------------------------------

  decide(epoch: number, id: number, errorId: number, text: string, now: number): boolean {
    if (epoch !== this.epoch || !this.answers.inbox.isUndecided(id)) return false;
    // A session that closes answers as long as it has a primary; it gets no other.
    if (this.state.kind !== 'open' && (this.state.kind !== 'closing' || this.outlet === undefined)) return false;
    const blob = this.blobs?.inbound.get(id);
    if (blob !== undefined) {
      if (blob.state !== 'offered') return false;
      if (errorId === 0) {
        this.blobs!.accept(blob, now);
        return true;
      }
      this.blobs!.declined(blob, errorId);
    }
    return this.answer(id, errorId, text, now);
  }

  /** Answers a request that is undecided. False where the answer was dropped. */
  answer(id: number, errorId: number, text: string, now: number): boolean {
    const taken = this.answers.decide(id, errorId, text, now);
    if (taken) this.answersWait(now);
    return taken;
  }

  /** A message of the peer offers a blob stream: the bytes that it may hold are reserved, or undefined is returned. */
  offerBlob(id: number): InboundBlob | undefined {
    const { settings, blobsIn } = this.context;
    const blobs = this.blobsOrNew();
    const reservation = blobsIn.reserve(blobs.mostBytes, settings.blobInboundBufferBytes);
    return reservation === undefined ? undefined : blobs.offered(id, reservation);
  }

  /** The blob streams, begun if there were none. */
  blobsOrNew(): BlobStreams {
    if (this.blobs === undefined) {
      this.blobs = new BlobStreams(this);
      this.retained.otherIds = this.blobs;
    }
    return this.blobs;
  }

  /** Answers a message; error id 0 is an ack. False where the answer was dropped. */
  respond(id: number, errorId: number, text: string, now: number): boolean {
    const taken = this.answers.put(id, errorId, text, now);
    if (taken) this.answersWait(now);
    return taken;
  }

  /** Repeats the answer of a message that came again. */
  repeatAnswer(id: number, now: number): void {
    if (this.answers.repeat(id, now)) this.answersWait(now);
  }

  /** Told to the driver without an outlet too: the first answer that waits may have set a time for the next dial. */
  private answersWait(now: number): void {
    if (this.outlet === undefined) this.considerDial(now);
    this.requestWrite();
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
  dialled(kind: CallisKind, nudges: boolean, now: number): Callis | undefined {
    if (kind === 'blob') return this.blobDialled(nudges, now);
    if (this.dial.kind !== 'dialling') return undefined;
    // A primary that came up meanwhile serves as well: a hello beside it might overtake our answer to its own, and then be taken
    // for one of another life. One that is silent by now is replaced, whether the dial began for that or before.
    if (!this.confirmed) this.loseSilent(now, true);
    if (this.outlet !== undefined && !(this.confirmed && this.outlet.isSilent)) {
      this.dial = IDLE;
      return undefined;
    }
    const callis = this.addCallis(true, nudges, this.dial.beganSequence, now, this.dial.deadline);
    callis.askedReconnect = this.isShared;
    callis.isUnsure = this.live && !this.isShared;
    this.dial = { kind: 'greeting', callis };
    this.requestWrite();
    return callis;
  }

  private blobDialled(nudges: boolean, now: number): Callis | undefined {
    const blobs = this.blobsOrNew();
    const dial = blobs.dial.state;
    if (dial.kind !== 'dialling') return undefined;
    // Another that came up meanwhile serves as well, and without a primary none would be taken.
    if (this.outlet === undefined || !blobs.needsCallis) {
      blobs.dial.ended();
      return undefined;
    }
    const callis = this.addCallis(true, nudges, dial.beganSequence, now, dial.deadline);
    callis.blob = new BlobCallis(blobs.numbers);
    callis.askedReconnect = blobs.hasHad;
    callis.isUnsure = !blobs.isCounted;
    blobs.dial.state = { kind: 'greeting', callis };
    this.requestWrite();
    return callis;
  }

  /** The dial under way has failed. */
  dialFailed(kind: CallisKind, error: unknown, now: number): void {
    if (kind === 'blob') {
      this.blobs?.dial.failed(error, now);
      return;
    }
    if (this.dial.kind === 'idle') return;
    const { counters, sink } = this.context;
    this.dial = IDLE;
    this.lastDialError = error;
    this.policy.noteFailure(now);
    counters.dialFailures++;
    if (DomusError.is(error) && (error.kind === 'address-mismatch' || error.kind === 'protocol-violation')) {
      counters.identityMismatches++;
    }
    sink.event({ kind: 'peer-dial-failed', address: this.address, callis: 'primary', error });
    this.loseSilent(now, true);
    // A hello may have waited for this.
    this.requestWrite();
    this.considerDial(now);
    this.forgetIfEmpty();
  }

  /** The stream of a callis has ended or failed by itself. */
  callisDown(callis: Callis, detail: string, now: number): void {
    this.lose(callis, callis.phase === 'leaving' ? 'closed-locally' : 'connection-lost', detail, now);
  }

  /** The stream takes no more bytes for now. */
  blocked(callis: Callis, now: number): void {
    callis.isBlocked = true;
    callis.noteWritten(now);
    // Another primary may carry the answers that found no room here.
    if (this.answers.waiting > 0) this.requestWrite();
  }

  /** The stream takes bytes again. */
  drained(callis: Callis): void {
    callis.isBlocked = false;
    callis.noteAllFlushed();
    this.chooseOutlet();
    if (this.hasWork || callis.owes) this.requestWrite();
  }

  /** Ends a callis at once and gives what it carried to the others, or to the next. The one terminal path. */
  lose(callis: Callis, reason: EndReason, detail: string, now: number, error?: unknown): void {
    const { phase } = callis;
    if (phase === 'ended') return;
    callis.become('ended');
    this.calles = this.calles.toSpliced(this.calles.indexOf(callis), 1);
    this.context.sink.endCallis(callis, 'destroy');
    if (phase === 'active') this.noteInactive(callis, reason, detail, now);
    else if (callis.mayHaveServed) {
      this.askAgain();
      this.requestWrite();
    }
    this.blobs?.dial.lostGreeting(callis, reason, detail, error, now);
    if (this.state.kind === 'open') this.blobs?.errorsLost(callis, now);
    if (this.dial.kind === 'greeting' && this.dial.callis === callis) {
      this.dialFailed(
        'primary',
        error ?? new DomusError('connection-lost', detail || reason, { peer: this.address }),
        now,
      );
    }
    if (this.state.kind === 'closing') this.closeIfDrained(now);
    this.forgetIfEmpty();
  }

  /** Ends the own direction of a callis once it has written what it owes, and discards what still comes. */
  leave(callis: Callis, reason: EndReason, detail: string, now: number): void {
    const wasActive = callis.phase === 'active';
    callis.become('leaving');
    // Answers that were drained into the stream still have until the end of the close to leave it.
    callis.deadline = (this.state.kind === 'closing' ? Math.max(now, this.state.until) : now) + LINGER_MS;
    callis.owesKeepalive = false;
    if (wasActive) this.noteInactive(callis, reason, detail, now);
    this.boundLeaving(now);
    this.requestWrite();
  }

  /** Everything that a leaving callis had to say has left: only the peer's end is awaited, and not for long. */
  saidAll(callis: Callis, now: number): void {
    if (callis.phase === 'leaving') callis.deadline = Math.min(callis.deadline, now + LINGER_MS);
  }

  /** A peer that never ends what we have ended gets no more than its share of calles that linger. */
  private boundLeaving(now: number): void {
    if (this.state.kind !== 'open') return;
    const leaving = this.calles.filter((callis) => callis.phase === 'leaving');
    const excess = leaving.length - this.context.settings.maxParallelCallisPerPeer;
    for (const callis of leaving.slice(0, Math.max(0, excess))) this.lose(callis, 'closed-locally', '', now);
  }

  /** A callis that was active is so no more. */
  private noteInactive(callis: Callis, reason: EndReason, detail: string, now: number): void {
    const { counters, sink, settings } = this.context;
    if (callis.blob !== undefined) {
      counters.blobCallesClosed++;
      sink.event({ kind: 'blob-callis-disconnected', address: this.address, reason, detail });
      this.blobs!.callisLost(callis, now);
      if (this.isCutOff) this.impairedUntil = now + settings.sendTimeoutMs;
      return;
    }
    counters.primaryClosed++;
    sink.event({ kind: 'primary-callis-disconnected', address: this.address, reason, detail });
    this.reclaim(callis);
    this.askAgain();
    this.chooseOutlet();
    if (this.state.kind !== 'open' || !this.live) return;
    if (this.outlet !== undefined) {
      this.requestWrite();
      return;
    }
    const wasGood = callis.madeProgress || now - callis.activeSince >= GOOD_AFTER_MS;
    this.policy.noteLastPrimaryLost(now, callis.dialled, wasGood);
    if (wasGood) this.policy.noteProgress();
    if (this.isCutOff) this.impairedUntil = now + settings.sendTimeoutMs;
    this.considerDial(now);
  }

  /**
   * A primary is left, or lost at last, or never came up here though it may have at the peer: an answer to what another one
   * carried may have been on its way on it, and nobody has read it. Who has given it gives it again.
   */
  private askAgain(): void {
    for (const other of this.calles) if (other.isActivePrimary) this.reclaim(other);
  }

  /** Has what a primary carried and nobody answered written again. */
  private reclaim({ carried }: Callis): void {
    this.retained.a2.reclaim(carried);
    this.retained.a3.reclaim(carried);
  }

  /** The session has had a callis, and has none that is active. */
  private get isCutOff(): boolean {
    const isOpen = this.state.kind === 'open' && this.live;
    return isOpen && this.outlet === undefined && !(this.blobs !== undefined && this.blobs.calles.length > 0);
  }

  /**
   * Stays on the primary that carries fresh work while that is active and not stalled, so that order holds; otherwise
   * picks the oldest active one that is not stalled, or else the oldest.
   */
  chooseOutlet(): void {
    if (this.outlet?.phase === 'active' && !this.outlet.stalled) return;
    let oldest: Callis | undefined;
    let healthy: Callis | undefined;
    for (const callis of this.calles) {
      if (!callis.isActivePrimary) continue;
      oldest ??= callis;
      if (!callis.stalled) healthy ??= callis;
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
    this.state = { kind: 'closing', until, failure };
    this.cancelDial();
    this.loseHalfWritten(NEVER, now);
    this.retained.failAll(failure);
    this.blobs?.failAll(failure, now);
    this.closeIfDrained(now);
  }

  /** Cuts a close short: no more draining and lingering. */
  abort(now: number): void {
    for (const callis of this.calles) this.lose(callis, 'closed-locally', '', now);
    this.end('closed-locally', PEER_CLOSED, now);
  }

  /** Ends the session for good and forgets the peer. */
  end(reason: EndReason, failure: SendFailure, now: number): void {
    if (this.state.kind === 'gone') return;
    this.state = { kind: 'gone' };
    const wasLive = this.live;
    this.live = false;
    this.epoch++;
    this.cancelDial();
    for (const callis of this.calles) this.lose(callis, reason, '', now);
    this.retained.failAll(failure);
    this.blobs?.failAll(failure, now);
    this.forgetInbound();
    if (wasLive) this.context.sink.event({ kind: 'peer-disconnected', address: this.address, reason });
    this.context.forget(this.address);
  }

  /**
   * Something has come on this primary that the peer says only where it holds this life of the session. One that it has dialled came up
   * before it dialled the next; beside one that we have dialled, a dial of its own may have been under way.
   */
  noteHeld({ dialled, beganSequence }: Callis): void {
    this.confirmed = true;
    if (!dialled && (this.heldSequence === 0 || beganSequence < this.heldSequence)) this.heldSequence = beganSequence;
    else if (this.heldSequence === 0) this.heldSequence = this.context.nextSequence();
  }

  /** The peer has lost its memory of this session: clean up, and go on as a fresh one (a1-delivery, hello table). */
  restart(survivor: Callis, now: number): void {
    const { counters, sink } = this.context;
    this.epoch++;
    counters.sessionRestarts++;
    this.retained.failWritten(PEER_RESTARTED);
    this.blobs?.restart(now);
    this.forgetInbound();
    this.live = false;
    this.confirmed = false;
    this.heldSequence = 0;
    for (const callis of this.calles) {
      // The answer to an own hello may come from the old life too.
      const older = callis.phase !== 'awaiting-hello';
      if (older && callis !== survivor) this.lose(callis, 'session-restarted', '', now);
    }
    this.policy.restart(survivor.dialled);
    sink.event({ kind: 'peer-session-restarted', address: this.address });
  }

  /** In a session that closes: sends close and leaves, once no answer waits or nothing can carry one. */
  closeIfDrained(now: number): void {
    if (this.state.kind !== 'closing') return;
    const { failure } = this.state;
    const waiting = this.answers.waiting > 0 && now < this.state.until;
    if (waiting && this.outlet !== undefined) return;
    for (const callis of this.calles) {
      if (callis.isActivePrimary) {
        callis.owesClose = true;
        this.leave(callis, 'closed-locally', '', now);
      } else if (callis.phase !== 'leaving') {
        this.lose(callis, 'closed-locally', '', now);
      }
    }
    // The close itself may come here by a callis that it loses, before it has failed what is tracked.
    if (this.calles.length === 0) this.end('closed-locally', failure, now);
  }

  // --- time ------------------------------------------------------------------------------------------------------

  /** When `tick` is to be called, in the time of `now`; Infinity where nothing is due. */
  nextDeadline(): number {
    if (this.state.kind === 'gone') return NEVER;
    const { settings } = this.context;
    let due = Math.min(this.impairedUntil, this.answers.deadline, this.retained.deadline);
    if (this.state.kind === 'closing' && this.outlet !== undefined) due = Math.min(due, this.state.until);
    if (this.dial.kind === 'dialling') due = Math.min(due, this.dial.deadline);
    else if (this.mayDial) due = Math.min(due, this.policy.dialAt(settings, this.hasWork));
    if (this.blobs !== undefined) due = Math.min(due, this.blobs.nextDeadline());
    for (const callis of this.calles) due = Math.min(due, callis.dueAt(settings, this.isAlone(callis)));
    return due;
  }

  /** Does whatever is due at `now`. */
  tick(now: number): void {
    if (this.state.kind === 'gone') return;
    if (this.retained.deadline <= now) this.loseHalfWritten(now, now);
    this.retained.expire(now, this.outlet === undefined ? this.lastDialError : undefined);
    this.answers.expire(now);
    if (this.dial.kind === 'dialling' && this.dial.deadline <= now) {
      this.context.sink.cancelDial(this, 'primary');
      this.dialFailed('primary', connectTimeout(this.address), now);
    }
    for (const callis of this.calles) this.tickCallis(callis, now);
    this.blobs?.tick(now);
    if (this.impairedUntil <= now) {
      this.end('unreachable', unreachable(this.lastDialError), now);
      return;
    }
    if (this.state.kind === 'closing') this.closeIfDrained(now);
    this.considerDial(now);
    this.forgetIfEmpty();
  }

  private tickCallis(callis: Callis, now: number): void {
    const judgement = callis.judge(now, this.context.settings, this.isAlone(callis));
    if (judgement === 'expired') {
      const reason = callis.phase === 'leaving' ? 'closed-locally' : 'connect-timeout';
      this.lose(callis, reason, '', now, connectTimeout(this.address));
    } else if (judgement === 'write-stalled') {
      this.lose(callis, 'write-stalled', '', now);
    } else if (judgement === 'silent') {
      callis.isSilent = true;
      this.loseSilent(now);
    } else if (judgement === 'stalled') {
      callis.stalled = true;
      this.chooseOutlet();
      if (this.hasWork) this.requestWrite();
    } else if (judgement === 'keepalive') {
      callis.owesKeepalive = true;
      this.requestWrite();
    }
  }

  /**
   * Ends the primaries that are silent where another can take over their work, or none can be had. Otherwise another is dialled
   * first, so that what is sent meanwhile does not wait for a connection.
   */
  loseSilent(now: number, isHopeless = false): void {
    const primaries = this.calles.filter((callis) => callis.isActivePrimary);
    const silent = primaries.filter((callis) => callis.isSilent);
    if (silent.length < primaries.length || isHopeless || this.state.kind !== 'open') {
      for (const callis of silent) this.lose(callis, 'silent', '', now);
    } else if (silent.length > 0 && this.dial.kind === 'idle') {
      this.startDial(now);
    }
  }

  /** No other callis of its kind is active. */
  private isAlone({ blob }: Callis): boolean {
    if (this.calles.length < 2) return true;
    if (blob !== undefined) return this.blobs!.calles.length < 2;
    return this.calles.filter((callis) => callis.isActivePrimary).length < 2;
  }

  /**
   * A large payload is written by reference, and its sender may change it once the send has settled. So a callis that
   * still refers to one whose send is about to fail (its deadline is no later than `until`) ends before that, whoever carries the
   * message by now.
   */
  private loseHalfWritten(until: number, now: number): void {
    for (const callis of this.calles) {
      if (callis.attached.some((id) => this.retained.isDue(id, until))) {
        this.lose(callis, 'write-stalled', 'a message failed before it was written out', now);
      }
    }
  }

  /**
   * The same where a message is about to settle by an answer to what another callis has carried. The answer may come on the very one
   * that ends.
   */
  private loseOvertaken(id: number, now: number): void {
    for (const callis of this.calles) {
      if (callis.attached.length === 0 || callis.blob !== undefined || !callis.attached.includes(id | 0)) continue;
      if (this.retained.hasMoved(id, callis.carried))
        this.lose(callis, 'write-stalled', 'a message was answered before it was written out here', now);
    }
  }

  // --- dialling --------------------------------------------------------------------------------------------------

  /** Starts a dial where the policy says so. */
  considerDial(now: number): void {
    const { settings } = this.context;
    if (this.mayDial && this.policy.dialAt(settings, this.hasWork) <= now) this.startDial(now);
  }

  private startDial(now: number): void {
    const { settings, sink, counters } = this.context;
    this.dial = {
      kind: 'dialling',
      beganSequence: this.context.nextSequence(),
      deadline: now + settings.callisConnectTimeoutMs,
    };
    this.policy.noteDial();
    counters.dialAttempts++;
    sink.dial(this, 'primary');
  }

  private get mayDial(): boolean {
    return this.state.kind === 'open' && this.dial.kind === 'idle' && this.outlet === undefined;
  }

  private cancelDial(): void {
    if (this.dial.kind === 'dialling') this.context.sink.cancelDial(this, 'primary');
    this.dial = IDLE;
    this.blobs?.dial.cancel();
  }

  // --- small steps that several of the above share ---------------------------------------------------------------

  /** Work that waits for a primary, or for an answer. */
  get hasWork(): boolean {
    return !this.retained.isEmpty || this.answers.waiting > 0 || this.blobs?.needsCallis === true;
  }

  /** Nothing is under way: no send, no undecided request, no answer that waits, no blob stream. */
  get isQuiet(): boolean {
    return !this.hasWork && this.answers.inbox.undecided === 0 && this.blobs?.isEmpty !== false;
  }

  /** The peer has as many active calles as it may have. */
  get isFull(): boolean {
    const active = this.calles.filter((callis) => callis.phase === 'active');
    return active.length >= this.context.settings.maxParallelCallisPerPeer;
  }

  /** Tells the driver, once until the next flush, that there is something to write. */
  requestWrite(): void {
    if (this.writeAnnounced) return;
    this.writeAnnounced = true;
    this.context.sink.wantsWrite(this);
  }

  /** The peer holds this life of the session too. While that is not certain, an older one of its must not go on in this one. */
  get isShared(): boolean {
    return this.live && this.confirmed;
  }

  /** Another flush was asked for since the last one began. */
  get isWriteWanted(): boolean {
    return this.writeAnnounced;
  }

  /** The driver begins to poll the calles of this session. */
  flushBegins(): void {
    this.writeAnnounced = false;
  }

  /** Lane limits may have changed: lets in what waits for room. */
  settingsChanged(): void {
    this.retained.settingsChanged();
    this.blobs?.settingsChanged();
    if (this.outlet !== undefined && this.hasWork) this.requestWrite();
  }

  private addCallis(dialled: boolean, nudges: boolean, beganSequence: number, now: number, deadline: number): Callis {
    const callis = new Callis(this.context.nextSerial(), dialled, nudges, beganSequence, now, deadline);
    this.calles = this.calles.concat(callis);
    return callis;
  }

  /** Drops what belongs to the peer's side of the session: history, answers and requests that nobody has taken. */
  private forgetInbound(): void {
    this.answers.clear();
    for (const taberna of this.context.registry.all) {
      taberna.remove(
        (arrival) => arrival.origin === this,
        () => {},
      );
    }
  }

  private forgetIfEmpty(): void {
    if (this.state.kind === 'gone' || this.live || this.calles.length > 0 || this.dial.kind !== 'idle') return;
    if (this.hasWork) return;
    this.state = { kind: 'gone' };
    this.context.forget(this.address);
  }
}
