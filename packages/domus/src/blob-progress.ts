/** The `'progress'` events of a blob stream: at most ten a second, and none that nobody listens to. */
import type { EventEmitter } from 'node:events';
import type { Clock, TimerHandle } from '@flaminia/delivery-a1/internal';

const EVERY_MS = 100;

export class ProgressPulse {
  private readonly stream: EventEmitter;
  private readonly clock: Clock;
  private nextAt = Number.NEGATIVE_INFINITY;
  private timer: TimerHandle | undefined = undefined;
  private isStopped = false;

  constructor(stream: EventEmitter, clock: Clock) {
    this.stream = stream;
    this.clock = clock;
  }

  /** The stream has moved: tells it now, or when the time has come. */
  beat(): void {
    if (this.isStopped || this.timer !== undefined || this.stream.listenerCount('progress') === 0) return;
    const now = this.clock.now();
    if (now >= this.nextAt) {
      this.nextAt = now + EVERY_MS;
      this.stream.emit('progress');
      return;
    }
    this.timer = this.clock.startTimer(this.nextAt - now, () => {
      this.timer = undefined;
      this.beat();
    });
  }

  /** Nothing is told any more. */
  stop(): void {
    if (this.timer !== undefined) this.clock.stopTimer(this.timer);
    this.timer = undefined;
    this.isStopped = true;
  }
}
