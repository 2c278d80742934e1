/**
 * Dialling again where the listener had no permit free: then it ends the connection before it has sent a byte, and a moment later
 * there may be one (a0-transport, admission and time limits).
 */
import type { HandshakeScope } from './handshake-scope.ts';
import { isEnd, isListenerFull } from './node-errors.ts';
import type { SocketChannel } from './socket-stream.ts';

/** For so long; whoever dialled has a pause of its own behind that. */
const AGAIN_FOR_MS = 1_000;
/** Between two connections: not all that were turned away come back at once. */
const PAUSE_LEAST_MS = 25;
const PAUSE_MOST_MS = 75;

/** The tries of one dial, within its scope. */
export class DialAgain {
  readonly #scope: HandshakeScope;
  readonly #until = performance.now() + AGAIN_FOR_MS;

  constructor(scope: HandshakeScope) {
    this.#scope = scope;
  }

  /** Whether `attempt` will run: the connection was turned away, and there is time. Then the channel is destroyed, and tells no more. */
  after(channel: SocketChannel, error: Error | undefined, attempt: () => void): boolean {
    const { socket } = channel;
    const isTurnedAway = (isEnd(error) && socket.bytesRead === 0) || isListenerFull(error);
    if (!isTurnedAway || this.#scope.over || performance.now() >= this.#until) return false;
    channel.detach();
    socket.destroy();
    const pauseMs = PAUSE_LEAST_MS + Math.random() * (PAUSE_MOST_MS - PAUSE_LEAST_MS);
    const timer = setTimeout(() => this.#scope.run(attempt), pauseMs);
    this.#scope.onEnd(() => clearTimeout(timer));
    return true;
  }
}
