/** One direction of a relayed connection: bytes from one socket to another, with backpressure, unless told otherwise. */
import type { Socket } from 'node:net';

/**
 * What a direction does with bytes: passes them, leaves them in the system's buffers until the sender blocks, or reads
 * and drops them, the end included, as a link does whose far end has silently gone.
 */
export type Flow = 'passing' | 'stalled' | 'swallowing';

export class OneWay {
  readonly #from: Socket;
  readonly #to: Socket;
  #flow: Flow = 'passing';
  /** How many more bytes may pass, and what happens behind them. */
  #limit: { bytesLeft: number; readonly reached: () => void } | undefined;
  #passedBytes = 0;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    from.on('data', (chunk: Buffer) => this.#pass(chunk));
    from.on('end', () => {
      if (this.#flow !== 'swallowing') to.end();
    });
    to.on('drain', () => {
      if (this.#flow === 'passing') from.resume();
    });
  }

  get passedBytes(): number {
    return this.#passedBytes;
  }

  set flow(flow: Flow) {
    this.#flow = flow;
    if (flow === 'stalled') this.#from.pause();
    else this.#from.resume();
  }

  get flow(): Flow {
    return this.#flow;
  }

  /** Lets `bytes` more pass, and calls `reached` when they have been handed on; nothing passes after them. */
  limit(bytes: number, reached: () => void): void {
    this.#limit = { bytesLeft: bytes, reached };
  }

  /** Ends this direction towards its receiver, whatever the sender still sends; the other direction goes on. */
  end(): void {
    this.#flow = 'swallowing';
    this.#from.resume();
    this.#to.end();
  }

  #pass(chunk: Buffer): void {
    if (this.#flow === 'swallowing') return;
    const limit = this.#limit;
    if (limit !== undefined && chunk.length >= limit.bytesLeft) {
      const last = chunk.subarray(0, limit.bytesLeft);
      this.#flow = 'swallowing';
      this.#limit = undefined;
      this.#passedBytes += last.length;
      this.#to.write(last, limit.reached);
      return;
    }
    if (limit !== undefined) limit.bytesLeft -= chunk.length;
    this.#passedBytes += chunk.length;
    if (!this.#to.write(chunk)) this.#from.pause();
  }
}
