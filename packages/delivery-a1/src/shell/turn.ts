/**
 * One turn of the event loop: when what it brings is flushed, and what time it is meanwhile.
 *
 * 1. One flush a turn. It runs behind all promise jobs of the turn, since these make answers and messages too; at the end
 *    of the reading itself where the bytes that came woke nobody who goes on in one.
 * 2. The clock is read once a turn, and again after TIME_USES times of asking: reading it costs as much as the rest of a
 *    send, and a program may take long over a few sends.
 */
import type { Clock } from './clock.ts';

/** How often one reading of the clock serves. */
const TIME_USES = 16;

/** For jobs: cheaper than `queueMicrotask`, which makes an async resource for each. */
const resolved = Promise.resolve();

export class Turn {
  private readonly clock: Clock;
  private readonly flush: () => void;
  private isPlanned = false;
  private readsBytes = false;
  private goesOn = false;
  private time = 0;
  private timeUses = 0;

  /** `flush` is called once for a turn in which `plan` was. */
  constructor(clock: Clock, flush: () => void) {
    this.clock = clock;
    this.flush = flush;
  }

  /** The time of this turn, for whatever a program does in it. */
  now(): number {
    if (this.timeUses === 0) this.readClock();
    this.timeUses--;
    return this.time;
  }

  /** As `now`, for what is only measured: it does not count as a time of asking. */
  measuredNow(): number {
    return this.timeUses === 0 ? this.readClock() : this.time;
  }

  /** Reads the clock: something begins. */
  readClock(): number {
    this.time = this.clock.now();
    this.timeUses = TIME_USES;
    // The flush ends the turn.
    this.plan();
    return this.time;
  }

  /** Makes sure that the turn ends with a flush. */
  plan(): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    if (!this.readsBytes) this.planBehindJobs();
  }

  /** Bytes are being read, and the machine is at work. */
  get isReading(): boolean {
    return this.readsBytes;
  }

  /** Begins to read bytes. Give the result to `endReading`. */
  beginReading(): boolean {
    this.readsBytes = true;
    return this.isPlanned;
  }

  /** They are read. `woke`: somebody goes on in a promise job. */
  endReading(wasPlanned: boolean, woke: boolean): void {
    this.readsBytes = false;
    if (wasPlanned || !this.isPlanned) return;
    if (woke || this.goesOn) this.planBehindJobs();
    else this.run();
  }

  /** The program goes on in promise jobs with what has come: the flush waits for these. */
  programGoesOn(): void {
    this.goesOn = true;
  }

  /** First behind the promise jobs that are queued now, then behind all that these bring. */
  private planBehindJobs(): void {
    void resolved.then(this.planBehindMicrotasks);
  }

  private readonly planBehindMicrotasks = (): void => process.nextTick(this.run);

  private readonly run = (): void => {
    this.isPlanned = false;
    this.goesOn = false;
    this.timeUses = 0;
    this.flush();
  };
}
