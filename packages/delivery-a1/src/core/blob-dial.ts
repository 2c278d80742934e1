/**
 * The dial of a blob callis: at most one is under way, none without a primary, and after a failure none before its backoff.
 * Whether one is needed is for the streams to say.
 */
import { DomusError } from '@flaminia/transport-a0';
import type { BlobNumbers } from './blob-numbers.ts';
import type { BlobSession } from './blob-session.ts';
import type { Callis } from './callis.ts';
import { type Dial, IDLE } from './dial.ts';
import { backoffAfter } from './dial-policy.ts';
import { connectTimeout } from './session-failures.ts';
import { GOOD_AFTER_MS } from './settings.ts';
import type { EndReason } from './sink.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class BlobDial {
  state: Dial = IDLE;
  /** Why the last one failed. */
  lastError: unknown = undefined;
  private failures = 0;
  private failedAt = 0;
  private readonly session: BlobSession;

  constructor(session: BlobSession) {
    this.session = session;
  }

  /** When one that is needed may start; Infinity while none may. */
  get startsAt(): number {
    const { session } = this;
    if (session.state.kind !== 'open' || session.outlet === undefined || this.state.kind !== 'idle') return NEVER;
    return this.failures === 0 ? 0 : this.failedAt + backoffAfter(session.context.settings, this.failures);
  }

  /** When the one that is under way has taken too long. */
  get deadline(): number {
    return this.state.kind === 'dialling' ? this.state.deadline : NEVER;
  }

  /** The hello of a blob callis that this side dials has been sent and not been answered. */
  get isAskingPlainly(): boolean {
    return this.state.kind === 'greeting' && !this.state.callis.askedReconnect;
  }

  /** What its hello proposes, while that is unanswered. */
  get proposed(): BlobNumbers | undefined {
    return this.state.kind === 'greeting' ? this.state.callis.blob!.numbers : undefined;
  }

  start(now: number): void {
    const { context } = this.session;
    const deadline = now + context.settings.callisConnectTimeoutMs;
    this.state = { kind: 'dialling', beganSequence: context.nextSequence(), deadline };
    context.counters.dialAttempts++;
    context.sink.dial(this.session, 'blob');
  }

  failed(error: unknown, now: number): void {
    if (this.state.kind === 'idle') return;
    this.state = IDLE;
    this.lastError = error;
    this.noteFailure(now);
    const { counters, sink } = this.session.context;
    counters.dialFailures++;
    sink.event({ kind: 'peer-dial-failed', address: this.session.address, callis: 'blob', error });
    // A hello may have waited for this.
    this.session.requestWrite();
  }

  expire(now: number): void {
    if (this.deadline > now) return;
    this.session.context.sink.cancelDial(this.session, 'blob');
    this.failed(connectTimeout(this.session.address), now);
  }

  cancel(): void {
    if (this.state.kind === 'dialling') this.session.context.sink.cancelDial(this.session, 'blob');
    this.state = IDLE;
  }

  /** Its callis is up, or refused. */
  ended(): void {
    this.state = IDLE;
  }

  /** The callis of the dial was lost during the hello exchange. */
  lostGreeting(callis: Callis, reason: EndReason, detail: string, error: unknown, now: number): void {
    if (this.state.kind !== 'greeting' || this.state.callis !== callis) return;
    const peer = this.session.address;
    this.failed(error ?? new DomusError('connection-lost', detail || reason, { peer }), now);
  }

  /** The last active blob callis is gone. One that never served counts as a failed dial, or a loop would spin. */
  noteLost(callis: Callis, now: number): void {
    if (callis.madeProgress || now - callis.activeSince >= GOOD_AFTER_MS) this.noteProgress();
    else this.noteFailure(now);
  }

  /** A connection has proved good: the next loss is redialled at once again. */
  noteProgress(): void {
    this.failures = 0;
  }

  private noteFailure(now: number): void {
    this.failures++;
    this.failedAt = now;
  }
}
