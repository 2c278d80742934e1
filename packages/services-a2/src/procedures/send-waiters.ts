/** Who waits for the fate of messages without which a call would stand still: its side may be there and have been asleep. */
import type { SendFailure, SendWaiter } from '../port.ts';

/** So often a message is sent again: for five minutes, as a message waits for 30 s. */
const MOST_REPEATS = 9;
/** Half of the first pause before one is sent again that found no room; twice as long each time, up to the longest. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;

/** The time of the message was over before its peer had acknowledged it; it may have come all the same. */
export function isOverdue({ kind }: SendFailure): boolean {
  return kind === 'send-timeout';
}

/** More messages came at once than the taberna of its peer has room for: it was not taken, and may be the next time. */
export function isCrowdedOut({ kind }: SendFailure): boolean {
  return kind === 'taberna-busy';
}

/** A pause of half of this, up to all of it, by a random u32: what failed together shall not come back together. */
export function pauseMs(longestMs: number, random: number): number {
  return longestMs * (0.5 + random / 2 ** 33);
}

/** A message that is sent again where it was not taken in its time, or found no room. */
export abstract class Insistent implements SendWaiter {
  private repeats = 0;

  abstract send(): void;
  protected abstract get isWanted(): boolean;
  /** Sent again also where it was not taken in its time: its peer may have been asleep. */
  protected get insists(): boolean {
    return true;
  }
  /** Runs this behind a pause, as {@link pauseMs} gives it. */
  protected abstract later(longestMs: number, run: () => void): void;
  /** Told once, when it is sent no more. */
  protected ended(): void {}

  accepted(): void {
    this.ended();
  }

  failed(failure: SendFailure): void {
    if (isCrowdedOut(failure)) this.sendLater();
    else if (isOverdue(failure) && this.insists && this.mayRepeat()) this.send();
    else this.ended();
  }

  /** Sends it behind a pause. */
  sendLater(): void {
    if (!this.mayRepeat()) {
      this.ended();
      return;
    }
    this.later(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.repeats), () => {
      if (this.isWanted) this.send();
      else this.ended();
    });
  }

  private mayRepeat(): boolean {
    return this.isWanted && this.repeats++ < MOST_REPEATS;
  }
}

/** For the credit of a stream: without it the far side sends nothing more. */
export class CreditWaiter implements SendWaiter {
  private readonly host: { creditFailed(failure: SendFailure): void };

  constructor(host: { creditFailed(failure: SendFailure): void }) {
    this.host = host;
  }

  accepted(): void {}

  failed(failure: SendFailure): void {
    if (isOverdue(failure) || isCrowdedOut(failure)) this.host.creditFailed(failure);
  }
}
