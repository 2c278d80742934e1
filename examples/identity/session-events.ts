// The last events, for subscribers that come back: one bounded history, whoever reads it and however slowly.
import { randomUUID } from 'node:crypto';
import { ProcedureError } from '@flaminia/domus/services';
import type { Cursor, SessionEvent } from './contract.ts';

export class SessionEvents {
  private readonly history = randomUUID();
  private readonly kept: number;
  private events: SessionEvent[] = [];
  private last = 0;
  private readonly waiting = new Set<() => void>();

  /** `kept`: how many events a subscriber may be behind. */
  constructor(kept = 10_000) {
    this.kept = kept;
  }

  /** The place behind the last event. */
  get cursor(): Cursor {
    return { history: this.history, number: this.last };
  }

  add(event: Omit<SessionEvent, 'cursor'>): void {
    this.last++;
    this.events.push({ ...event, cursor: this.cursor });
    if (this.events.length > this.kept) this.events.shift();
    for (const wake of [...this.waiting]) wake();
  }

  /** Everything behind a cursor, without end. Pulled one by one: what a slow reader has not asked for lies in the history. */
  async *after(cursor: Cursor, signal: AbortSignal): AsyncGenerator<SessionEvent> {
    if (cursor.history !== this.history || cursor.number > this.last) throw this.tooOld(cursor);
    let { number } = cursor;
    while (!signal.aborted) {
      const first = this.last - this.events.length + 1;
      if (number + 1 < first) throw this.tooOld(cursor);
      const next = this.events[number + 1 - first];
      if (next === undefined) await this.added(signal);
      else {
        number++;
        yield next;
      }
    }
  }

  private tooOld(cursor: Cursor): ProcedureError {
    const text = 'the history does not reach back to this cursor: list the sessions again';
    return new ProcedureError('failed-precondition', text, { details: { cursor, kept: this.events.length } });
  }

  private added(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
