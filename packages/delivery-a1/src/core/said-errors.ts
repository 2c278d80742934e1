/**
 * Errors for chunks and streams that were written. One that is lost with its callis is said again, for a while: where another callis
 * has carried the chunk its sender would write nothing again, and wait for ever.
 */

const NEVER = Number.POSITIVE_INFINITY;

/** The most that are remembered. */
const MOST = 256;

interface SaidError {
  readonly errorId: number;
  readonly text: string;
  /** The serial of the callis that it was written on last. */
  carrier: number;
  /** Until when it is said again; counted from its first loss, since a callis may be half-open for long. */
  until: number;
}

export class SaidErrors {
  private readonly errors: Map<number, SaidError> = new Map();

  /** An error was written on a callis. */
  written(id: number, errorId: number, text: string, carrier: number): void {
    const known = this.errors.get(id);
    if (known?.errorId === errorId) {
      known.carrier = carrier;
      return;
    }
    this.errors.delete(id);
    this.errors.set(id, { errorId, text, carrier, until: NEVER });
    if (this.errors.size <= MOST) return;
    const [oldest] = this.errors.keys();
    this.errors.delete(oldest!);
  }

  /** A callis is lost: tells `again` what was written there last. What is lost for the first time is said again until `until`. */
  lost(carrier: number, until: number, now: number, again: (id: number, errorId: number, text: string) => void): void {
    for (const [id, error] of this.errors) {
      if (error.carrier !== carrier) continue;
      error.until = Math.min(error.until, until);
      if (error.until > now) again(id, error.errorId, error.text);
      else this.errors.delete(id);
    }
  }

  clear(): void {
    this.errors.clear();
  }
}
