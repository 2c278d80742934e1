/**
 * The permits that bound how many inbound connections may be between raw accept and the end of A0
 * (a0-transport, admission and time limits).
 *
 * It owns the count and the order of age. It sets no timer and touches a connection only to end it for a newer one.
 * 1. Never more than the limit are held, once a lowered limit has been met.
 * 2. A permit counts until its first `release`; later ones do nothing.
 * 3. A connection is ended only when a newer one comes and none is free, after `GRACE_MS`, oldest first: one that has not
 *    sent a byte, or else one from a source with more than its share, for one from a source with less.
 */
import { isIPv6 } from 'node:net';

/** How long a connection keeps its permit in any case, in milliseconds. */
export const GRACE_MS = 250;
/** A source that holds more than one in this many permits, and more than one, may lose some to other sources. */
const SHARES = 4;

/** What admission must know of a raw connection; every `net.Socket` has it. */
export interface AdmittedConnection {
  /** Bytes received so far. */
  readonly bytesRead: number;
  /** Where it comes from; undefined on a Unix socket, whose peers have no shares. */
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
}

/** Hands out permits. One per backend. */
export class Admission {
  readonly #limit: () => number;
  readonly #now: () => number;
  /** Oldest first. */
  readonly #holders = new Map<Permit, Holder>();

  /** `limit` is read at each new connection, `now` is a monotonic clock in milliseconds. */
  constructor(limit: () => number, now: () => number = () => performance.now()) {
    this.#limit = limit;
    this.#now = now;
  }

  /** How many permits are held. */
  get held(): number {
    return this.#holders.size;
  }

  /** A permit for a connection just accepted, or undefined: then the caller closes it without writing a byte. */
  admit(connection: AdmittedConnection): Permit | undefined {
    const source = sourceOf(connection.remoteAddress);
    while (this.held >= this.#limit()) {
      if (!this.#endOldest(({ connection: { bytesRead } }) => bytesRead === 0) && !this.#takeBack(source))
        return undefined;
    }
    const permit: Permit = { release: () => this.#holders.delete(permit) };
    this.#holders.set(permit, { connection, source, since: this.#now() });
    return permit;
  }

  /** Ends the oldest of the greediest source for one that has less than its share. */
  #takeBack(source: string | undefined): boolean {
    const share = Math.max(1, this.#limit() / SHARES);
    const counts = new Map<string | undefined, number>();
    for (const holder of this.#holders.values()) counts.set(holder.source, (counts.get(holder.source) ?? 0) + 1);
    if (source === undefined || (counts.get(source) ?? 0) >= share) return false;
    const [greediest, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
    return most > share && this.#endOldest((holder) => holder.source === greediest);
  }

  #endOldest(isMeant: (holder: Holder) => boolean): boolean {
    for (const [permit, holder] of this.#holders) {
      if (this.#now() - holder.since < GRACE_MS) return false; // Those behind it are younger.
      if (!isMeant(holder)) continue;
      permit.release();
      holder.connection.destroy();
      return true;
    }
    return false;
  }
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
