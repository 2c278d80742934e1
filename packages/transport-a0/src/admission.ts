/**
 * The permits that bound how many inbound connections may be between raw accept and the end of A0
 * (a0-transport, admission and time limits).
 *
 * It owns the count and the order of age. It sets no timer and touches a connection only to end it for a newer one.
 * 1. Never more than the limit are held, once a lowered limit has been met.
 * 2. A permit counts until its first `release`; later ones do nothing.
 * 3. A connection is ended only when a newer one comes and none is free, oldest first: one that has not sent a byte for
 *    `GRACE_MS`; or one of the source that has the most, and more than its share. That one is ended after `SHORT_GRACE_MS`
 *    without a byte, for a source with less than its share without any grace, and for such a one after `GRACE_MS` even if it
 *    speaks.
 * 4. Nobody counts as silent before what it may have sent could be read.
 */
import { isIPv6 } from 'node:net';

/** How long a connection keeps its permit in any case, in milliseconds, unless its source has more than its share. */
export const GRACE_MS = 250;
/** How long a silent one of such a source does: a dialler's first bytes come right behind the connection. */
export const SHORT_GRACE_MS = 50;
/**
 * How many connections may wait to be accepted, as far as the system allows: of what comes beyond that the system of a dialler hears
 * nothing for a second (TCP), or is told to come again (Unix sockets).
 */
export const ACCEPT_BACKLOG = 4_096;
/** A source that holds more than one in this many permits, and more than one, may lose some to other sources. */
const SHARES = 4;

/** What admission must know of a raw connection; every `net.Socket` has it. */
export interface AdmittedConnection {
  /** Bytes received so far. */
  readonly bytesRead: number;
  /** Where it comes from; undefined on a Unix socket, whose peers are one source. */
  readonly remoteAddress?: string | undefined;
  destroy(): void;
}

/** The right of one connection to be in A0. */
export interface Permit {
  /** Gives the permit back. Idempotent. */
  release(): void;
}

interface Holder {
  readonly connection: AdmittedConnection;
  readonly source: string | undefined;
  readonly since: number;
  /** What it may have sent at first has been read. */
  hadItsTurn: boolean;
}

/** Hands out permits. One per backend. */
export class Admission {
  readonly #limit: () => number;
  readonly #now: () => number;
  readonly #afterReading: (then: () => void) => void;
  /** Oldest first. */
  readonly #holders = new Map<Permit, Holder>();

  /**
   * `limit` is read at each new connection, `now` is a monotonic clock in milliseconds. `afterReading` calls back once all
   * sockets have been read.
   */
  constructor(
    limit: () => number,
    now: () => number = () => performance.now(),
    afterReading: (then: () => void) => void = afterNextPoll,
  ) {
    this.#limit = limit;
    this.#now = now;
    this.#afterReading = afterReading;
  }

  /** How many permits are held. */
  get held(): number {
    return this.#holders.size;
  }

  /** A permit for a connection just accepted, or undefined: then the caller closes it without writing a byte. */
  admit(connection: AdmittedConnection): Permit | undefined {
    const source = sourceOf(connection.remoteAddress);
    while (this.held >= this.#limit()) {
      if (!this.#endOldest(GRACE_MS, isSilent) && !this.#takeBack(source)) return undefined;
    }
    const permit: Permit = { release: () => this.#holders.delete(permit) };
    const holder: Holder = { connection, source, since: this.#now(), hadItsTurn: false };
    this.#holders.set(permit, holder);
    this.#afterReading(() => {
      holder.hadItsTurn = true;
    });
    return permit;
  }

  /** Ends the oldest of the greediest source, if that has more than its share: see 3 above. */
  #takeBack(source: string | undefined): boolean {
    const share = Math.max(1, this.#limit() / SHARES);
    const counts = new Map<string | undefined, number>();
    for (const holder of this.#holders.values()) counts.set(holder.source, (counts.get(holder.source) ?? 0) + 1);
    const [greediest, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
    if (most <= share) return false;
    const isTheirs = (holder: Holder): boolean => holder.source === greediest;
    const isModest = source !== undefined && (counts.get(source) ?? 0) < share;
    const grace = isModest ? 0 : SHORT_GRACE_MS;
    if (this.#endOldest(grace, (holder) => isTheirs(holder) && isSilent(holder))) return true;
    return isModest && this.#endOldest(GRACE_MS, isTheirs);
  }

  #endOldest(graceMs: number, isMeant: (holder: Holder) => boolean): boolean {
    for (const [permit, holder] of this.#holders) {
      if (this.#now() - holder.since < graceMs) return false; // Those behind it are younger.
      if (!isMeant(holder)) continue;
      permit.release();
      holder.connection.destroy();
      return true;
    }
    return false;
  }
}

function isSilent({ connection, hadItsTurn }: Holder): boolean {
  return hadItsTurn && connection.bytesRead === 0;
}

/** An immediate runs behind the reading of this round of the event loop, which a connection of now has missed. */
function afterNextPoll(then: () => void): void {
  setImmediate(() => setImmediate(then));
}

/** Whose share a connection counts to: an IPv4 address, or the /64 around an IPv6 address, which belongs to one owner. */
function sourceOf(remoteAddress: string | undefined): string | undefined {
  if (remoteAddress === undefined || !isIPv6(remoteAddress) || remoteAddress.includes('.')) return remoteAddress;
  const [head = [], tail = []] = remoteAddress
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = new Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  return [...head, ...zeros, ...tail].slice(0, 4).join(':');
}
