/** The rounds of the event loop, as blob calles share them: how much each may do in one, and when the next begins. */
import type { Share, ShareHost } from './share.ts';
import type { Turn } from './turn.ts';

/** A share while nobody sends messages: what a round costs hardly counts then. */
const LARGE_SHARE_BYTES = 512 * 1024;

/** A share while messages come and go: two records of TLS. With twice as much, messages are half as many; with half as much, streams lose a tenth. */
const SMALL_SHARE_BYTES = 32 * 1024;

/** So long after bytes of messages more are expected. */
const MESSAGES_RECENT_MS = 100;

export class Rounds implements ShareHost {
  private readonly turn: Pick<Turn, 'measuredNow'>;
  /** When bytes came last on a callis that carries messages. */
  private messagesAt: number = Number.NEGATIVE_INFINITY;
  /**
   * Shares that are used up. Not a set: clearing one that is old takes old memory each time, and where buffers come and go at a
   * high rate each such step lets V8 mark its heap.
   */
  private readonly spent: Share[] = [];

  constructor(turn: Pick<Turn, 'measuredNow'>) {
    this.turn = turn;
  }

  /** Bytes have come on a callis that carries messages. */
  noteMessages(now: number): void {
    this.messagesAt = now;
  }

  /** Bytes that a blob callis may read, and write, in one round. */
  get shareBytes(): number {
    return this.turn.measuredNow() - this.messagesAt < MESSAGES_RECENT_MS ? SMALL_SHARE_BYTES : LARGE_SHARE_BYTES;
  }

  /** Renews a share when the event loop has looked at every connection. */
  renewLater(share: Share): void {
    if (this.spent.push(share) === 1) setImmediate(this.begin);
  }

  private readonly begin = (): void => {
    const { spent } = this;
    for (let left = spent.length; left > 0; left--) spent.shift()!.renew();
    if (spent.length > 0) setImmediate(this.begin);
  };
}
