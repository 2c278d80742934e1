/**
 * When a peer session may dial a primary (a1-delivery, dial policy and losing a callis). Owns the role, the count of
 * failures in a row and the moments that delays are counted from; the session owns the dial itself.
 *
 * 1. A session starts as its listener; the first own dial makes it an originator until the session ends.
 * 2. An originator redials at once, then after each entry of `reconnectBackoff`.
 * 3. A listener that lost its last primary gives the peer min(listenerReconnectTimeout, sendTimeout / 3) to come back.
 */
import { type DeliverySettings, EMPTY_BACKOFF_MS } from './settings.ts';

const NEVER = Number.POSITIVE_INFINITY;

export class DialPolicy {
  private role: 'listener' | 'originator' = 'listener';
  private failures = 0;
  private failedAt = 0;
  private firstWorkAt = NEVER;
  private lostAt = NEVER;
  /** The last primary that was lost was dialled by this side, so this side redials, with or without work. */
  private owesRedial = false;

  /** A dial may start at this time, if the other conditions hold. */
  dialAt(settings: DeliverySettings, hasWork: boolean): number {
    if (!hasWork && !this.owesRedial) return NEVER;
    if (this.role === 'originator') {
      return this.failures === 0 ? 0 : this.failedAt + backoffAfter(settings, this.failures);
    }
    if (this.lostAt !== NEVER) {
      return this.lostAt + Math.min(settings.listenerReconnectTimeoutMs, settings.sendTimeoutMs / 3);
    }
    return this.firstWorkAt + settings.listenerDelayMs;
  }

  noteWork(now: number): void {
    if (this.firstWorkAt === NEVER) this.firstWorkAt = now;
  }

  noteDial(): void {
    this.role = 'originator';
  }

  noteFailure(now: number): void {
    this.failures++;
    this.failedAt = now;
  }

  noteActive(): void {
    this.lostAt = NEVER;
    this.owesRedial = false;
  }

  /** The connection has proved good: the next loss is redialled at once again. */
  noteProgress(): void {
    this.failures = 0;
  }

  /** The last active primary is gone. One that never made progress counts as a failed dial, or a loop would spin. */
  noteLastPrimaryLost(now: number, dialledByUs: boolean, madeProgress: boolean): void {
    this.lostAt = now;
    this.owesRedial = dialledByUs;
    if (dialledByUs && !madeProgress) this.noteFailure(now);
  }

  /** A fresh session begins; `dialledByUs` tells who opened it. */
  restart(dialledByUs: boolean): void {
    this.role = dialledByUs ? 'originator' : 'listener';
    this.failures = 0;
    this.lostAt = NEVER;
    this.owesRedial = false;
  }
}

/** The wait before the next dial after so many failures in a row, one at least. */
export function backoffAfter({ reconnectBackoffMs: steps }: DeliverySettings, failures: number): number {
  return steps[Math.min(failures, steps.length) - 1] ?? EMPTY_BACKOFF_MS;
}
