/** Who waits for the fate of messages without which a call would stand still: its side may be there and have been asleep. */
import type { SendFailure, SendWaiter } from '../port.ts';

/** So often a message is sent again: for five minutes, as a message waits for 30 s. */
const MOST_REPEATS = 9;

/** The time of the message was over before its peer had acknowledged it; it may have come all the same. */
export function isOverdue({ kind }: SendFailure): boolean {
  return kind === 'send-timeout';
}

/** A message that is sent again where it was not taken in its time. */
export abstract class Insistent implements SendWaiter {
  private repeats = 0;

  abstract send(): void;
  protected abstract get isWanted(): boolean;
  /** Told at each fate of the message. */
  protected settled(): void {}

  accepted(): void {
    this.settled();
  }

  failed(failure: SendFailure): void {
    this.settled();
    if (isOverdue(failure) && this.isWanted && this.repeats++ < MOST_REPEATS) this.send();
  }
}

/** For the credit of a stream: without it the far side sends nothing more. */
export class CreditWaiter implements SendWaiter {
  private readonly host: { creditOverdue(): void };

  constructor(host: { creditOverdue(): void }) {
    this.host = host;
  }

  accepted(): void {}

  failed(failure: SendFailure): void {
    if (isOverdue(failure)) this.host.creditOverdue();
  }
}
