/**
 * The permits that bound how many inbound connections may be between raw accept and the end of A0
 * (a0-transport, admission and time limits).
 *
 * It owns the count and the order of age. It sets no timer and touches a connection only to end a silent one.
 * 1. Never more than the limit are held, once a lowered limit has been met.
 * 2. A permit counts until its first `release`; later ones do nothing.
 * 3. Only a connection that has not sent a byte for `SILENT_MS` is ended for a newer one, oldest first; it is ended
 *    when the newer one comes, not before.
 */

/** How long a connection may be silent before its permit may go to a newer one, in milliseconds. */
export const SILENT_MS = 250;

/** What admission must know of a raw connection; every `net.Socket` has it. */
export interface AdmittedConnection {
  /** Bytes received so far. */
  readonly bytesRead: number;
  destroy(): void;
}

/** The right of one connection to be in A0. */
export interface Permit {
  /** Gives the permit back. Idempotent. */
  release(): void;
}

/** Hands out permits. One per backend. */
export class Admission {
  readonly #limit: () => number;
  readonly #now: () => number;
  /** Connections with a permit that had not spoken when last looked at, oldest first. */
  readonly #silent = new Map<Permit, { readonly connection: AdmittedConnection; readonly since: number }>();
  #held = 0;

  /** `limit` is read at each new connection, `now` is a monotonic clock in milliseconds. */
  constructor(limit: () => number, now: () => number = () => performance.now()) {
    this.#limit = limit;
    this.#now = now;
  }

  /** How many permits are held. */
  get held(): number {
    return this.#held;
  }

  /** A permit for a connection just accepted, or undefined: then the caller closes it without writing a byte. */
  admit(connection: AdmittedConnection): Permit | undefined {
    while (this.#held >= this.#limit()) {
      if (!this.#endOldestSilent()) return undefined;
    }
    let released = false;
    const permit: Permit = {
      release: () => {
        if (released) return;
        released = true;
        this.#held--;
        this.#silent.delete(permit);
      },
    };
    this.#held++;
    this.#silent.set(permit, { connection, since: this.#now() });
    return permit;
  }

  #endOldestSilent(): boolean {
    for (const [permit, { connection, since }] of this.#silent) {
      if (connection.bytesRead > 0) {
        this.#silent.delete(permit); // It has spoken, so only its time limit ends it.
        continue;
      }
      if (this.#now() - since < SILENT_MS) return false; // Those behind it are younger.
      permit.release();
      connection.destroy();
      return true;
    }
    return false;
  }
}
