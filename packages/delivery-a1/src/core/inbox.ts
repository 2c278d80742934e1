/**
 * What a session remembers of the messages that it received (a1-delivery, inbound messages): which ids are undecided,
 * how the answered ones were answered, and which callis brought them last. It makes delivery exactly-once within a session.
 *
 * 1. An undecided id is never forgotten.
 * 2. The newest HISTORY answered ids are remembered, twice the largest lanes that a peer can have: a correct peer
 *    cannot repeat an older one. That of a blob stream is known to that as well, as long as it lives.
 * 3. Grows on demand; an idle peer pays for a handful of cells.
 */
import { IdTable } from './id-table.ts';

/** Answered ids that are remembered: 2 × (4096 + 128). */
export const HISTORY = 8448;

const FIRST_CELLS = 8;
const NO_HISTORY = new Uint32Array(0);
// The value of an id: in its low bits what was answered, above them the callis.
const STATE_BITS = 10;
const STATE = (1 << STATE_BITS) - 1;
const CALLIS = 0x1f_ffff;
const UNDECIDED = 0;
/** Answered ids hold `ANSWERED + errorId * 2`, plus 1 while the response still waits in its lane. */
const ANSWERED = 2;

export type InboxState = 'unknown' | 'undecided' | 'answered';

export class Inbox {
  private readonly table: IdTable;
  private history: Uint32Array = NO_HISTORY;
  private newest = 0;
  private answered = 0;
  private reading = 0;

  /** `salt`: as for {@link IdTable}. */
  constructor(salt: number) {
    this.table = new IdTable(salt);
  }

  /** Ids whose request nobody has decided yet. */
  get undecided(): number {
    return this.table.size - this.answered;
  }

  /** Ids whose answers are remembered. */
  get remembered(): number {
    return this.answered;
  }

  stateOf(id: number): InboxState {
    const value = this.table.get(id);
    if (value < 0) return 'unknown';
    return (value & STATE) === UNDECIDED ? 'undecided' : 'answered';
  }

  /** The callis with this serial is read: it brings what comes next. */
  reads(serial: number): void {
    this.reading = (serial & CALLIS) << STATE_BITS;
  }

  /** Notes a message that was handed to a taberna; its id is unknown so far. */
  begin(id: number): void {
    this.table.add(id, this.reading | UNDECIDED);
  }

  /** Notes that a known message has come once more. */
  cameAgain(id: number): void {
    this.table.set(id, this.reading | (this.table.get(id) & STATE));
  }

  /** Was this callis the last to bring `id`? */
  isFrom(id: number, serial: number): boolean {
    return this.table.get(id) >> STATE_BITS === (serial & CALLIS);
  }

  /** Is `id` one that nobody has decided? */
  isUndecided(id: number): boolean {
    const value = this.table.get(id);
    return value >= 0 && (value & STATE) === UNDECIDED;
  }

  /** As `answer`, of an id that is undecided. */
  decide(id: number, errorId: number, waiting: boolean): void {
    this.table.set(id, (this.table.get(id) & ~STATE) | stateFor(errorId, waiting));
    this.remember(id);
  }

  /** Remembers the answer of `id` (error id, 0 for an ack) and whether its response now waits in a lane. */
  answer(id: number, errorId: number, waiting: boolean): void {
    const value = this.table.get(id);
    const origin = value < 0 ? this.reading : value & ~STATE;
    this.table.set(id, origin | stateFor(errorId, waiting));
    if (value < 0 || (value & STATE) === UNDECIDED) this.remember(id);
  }

  /** The error id that answered `id`, 0 for an ack. Only for answered ids. */
  answerOf(id: number): number {
    return ((this.table.get(id) & STATE) - ANSWERED) >> 1;
  }

  /** Does a response for `id` wait in a lane? */
  isWaiting(id: number): boolean {
    const value = this.table.get(id);
    return value >= 0 && (value & STATE) >= ANSWERED && (value & 1) === 1;
  }

  /** Notes that the response of `id` has left its lane. */
  responseLeft(id: number): void {
    this.table.clearLowBit(id);
  }

  clear(): void {
    this.table.clear();
    this.newest = 0;
    this.answered = 0;
  }

  private remember(id: number): void {
    if (this.answered === HISTORY) {
      this.table.delete(this.history[this.newest]!);
      this.answered--;
    } else if (this.answered === this.history.length) {
      this.growHistory();
    }
    this.history[this.newest] = id;
    this.newest = this.newest + 1 === this.history.length ? 0 : this.newest + 1;
    this.answered++;
  }

  private growHistory(): void {
    const grown = new Uint32Array(Math.min(HISTORY, Math.max(FIRST_CELLS, this.history.length * 2)));
    grown.set(this.history.subarray(this.newest));
    grown.set(this.history.subarray(0, this.newest), this.history.length - this.newest);
    this.newest = this.history.length;
    this.history = grown;
  }
}

function stateFor(errorId: number, waiting: boolean): number {
  return ANSWERED + errorId * 2 + (waiting ? 1 : 0);
}
