/**
 * An authenticated stream over a socket of Node (TLS or Unix), and the channel below it, which the handshake uses first.
 *
 * The channel owns the socket and its listeners from the first byte on. Whoever holds it is told what happens: first the
 * handshake, then the reader of the stream. It knows neither A0 nor A1.
 * 1. The socket always has an `error` listener, so no peer can cause an unhandled error.
 * 2. While nobody holds the channel, reading is paused; what comes all the same is copied and told first to the next
 *    holder, in order, and so are an end and a close.
 * 3. `closed` is told to one holder, once, last.
 * 4. On the way of the bytes nothing is copied and nothing allocated beyond what Node does.
 */
import type { OnReadOpts, Socket } from 'node:net';
import type { PeerIdentity } from './identity.ts';
import type { AuthenticatedStream, StreamReceiver } from './stream.ts';

const CHANNEL = Symbol('channel');

/** Sockets know their channel, so that all share the listeners below: thousands of idle ones would pay for closures. */
type ChannelSocket = Socket & { [CHANNEL]?: SocketChannel };

function onError(this: Socket, error: Error): void {
  channelOf(this).failed(error);
}

function onEnd(this: Socket): void {
  channelOf(this).ended();
}

function onDrain(this: Socket): void {
  channelOf(this).drained();
}

function onClose(this: Socket): void {
  channelOf(this).closed();
}

function onData(this: Socket, chunk: Buffer): void {
  channelOf(this).bytes(chunk, false);
}

function channelOf(socket: Socket): SocketChannel {
  return (socket as ChannelSocket)[CHANNEL]!;
}

/** A socket whose bytes go to one holder at a time. */
export class SocketChannel {
  readonly socket: Socket;
  #holder: StreamReceiver | undefined;
  #held: Buffer[] = [];
  #ended = false;
  #closed = false;
  #isPaused = false;
  #error: Error | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    (socket as ChannelSocket)[CHANNEL] = this;
    socket.on('error', onError).on('end', onEnd).on('drain', onDrain).on('close', onClose);
  }

  /** Takes an accepted socket, which gives each read its own memory (Node takes no `onread` there). */
  static accept(socket: Socket): SocketChannel {
    const channel = new SocketChannel(socket);
    socket.pause();
    socket.on('data', onData);
    return channel;
  }

  /**
   * Dials a socket that reads into `shared`, one buffer for all sockets of a backend: each read is told before the next
   * is made. `connect` must hand the given `onread` to Node. Without a buffer each read has its own memory.
   */
  static dial(shared: Buffer | undefined, connect: (how: { onread?: OnReadOpts }) => Socket): SocketChannel {
    if (shared === undefined) {
      const channel = new SocketChannel(connect({}));
      channel.socket.on('data', onData);
      return channel;
    }
    // Reads of one length follow each other in a quiet conversation, and a view costs more than a comparison.
    let view = shared;
    const callback = (length: number): boolean => {
      if (view.length !== length) view = shared.subarray(0, length);
      return channel.bytes(view, true);
    };
    const channel: SocketChannel = new SocketChannel(connect({ onread: { buffer: shared, callback } }));
    return channel;
  }

  /** Why the socket failed, once it has. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Makes `holder` the one that is told, beginning at once with what was held back. */
  attach(holder: StreamReceiver): void {
    this.#holder = holder;
    while (this.#holder === holder) {
      const chunk = this.#held.shift();
      if (chunk === undefined) break;
      holder.bytes(chunk, false);
    }
    if (this.#holder === holder && this.#ended) holder.ended();
    if (this.#holder !== holder) return;
    if (this.#closed) this.#tellClosed(holder);
    else if (!this.#isPaused) this.socket.resume();
  }

  /** Lets go; `rest` is what the holder was told but leaves to the next one, and may lie in the shared buffer. */
  detach(rest?: Buffer): void {
    this.#holder = undefined;
    if (rest !== undefined && rest.length > 0) this.#held.unshift(Buffer.from(rest));
    if (!this.#closed) this.socket.pause();
  }

  // --- what the socket tells ---

  /** The result tells Node whether to read on. */
  bytes(chunk: Buffer, reused: boolean): boolean {
    if (this.#holder === undefined) {
      this.#held.push(reused ? Buffer.from(chunk) : chunk);
      this.socket.pause();
      return false;
    }
    this.#holder.bytes(chunk, reused);
    return this.#holder !== undefined && !this.#isPaused;
  }

  /** The holder wants no more for now. */
  pause(): void {
    this.#isPaused = true;
    if (!this.#closed) this.socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#closed && this.#holder !== undefined) this.socket.resume();
  }

  failed(error: Error): void {
    this.#error ??= error;
    this.socket.destroy(); // An alert of TLS alone does not.
  }

  ended(): void {
    if (this.#error !== undefined) return; // Not an orderly end: `closed` will tell.
    this.#ended = true;
    this.#holder?.ended();
  }

  drained(): void {
    this.#holder?.drained();
  }

  closed(): void {
    this.#closed = true;
    if (this.#holder !== undefined) this.#tellClosed(this.#holder);
  }

  #tellClosed(holder: StreamReceiver): void {
    this.#holder = undefined;
    this.#held = [];
    holder.closed(this.#error);
  }
}

/** What A0 has proved about a stream. */
export interface StreamFacts {
  readonly kind: 'tcp' | 'unix';
  readonly direction: 'dialled' | 'accepted';
  readonly peer: PeerIdentity;
  readonly challengeSequence: number;
}

/** The stream that A0 hands over. The channel must have no holder. */
export class SocketStream implements AuthenticatedStream {
  readonly kind: 'tcp' | 'unix';
  readonly direction: 'dialled' | 'accepted';
  readonly peer: PeerIdentity;
  readonly challengeSequence: number;
  readonly #channel: SocketChannel;
  readonly #socket: Socket;
  #started = false;

  constructor(channel: SocketChannel, facts: StreamFacts) {
    this.kind = facts.kind;
    this.direction = facts.direction;
    this.peer = facts.peer;
    this.challengeSequence = facts.challengeSequence;
    this.#channel = channel;
    this.#socket = channel.socket;
  }

  get writableLength(): number {
    return this.#socket.writableLength;
  }

  start(receiver: StreamReceiver): void {
    if (this.#started) throw new Error('a stream has one reader');
    this.#started = true;
    process.nextTick(() => this.#channel.attach(receiver));
  }

  write(chunk: Uint8Array, flushed?: () => void): boolean {
    if (this.#socket.writable) return this.#socket.write(chunk, flushed);
    if (flushed !== undefined) process.nextTick(flushed);
    return true;
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  pause(): void {
    this.#channel.pause();
  }

  resume(): void {
    this.#channel.resume();
  }

  end(): void {
    if (this.#socket.writable) this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
