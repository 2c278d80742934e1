/**
 * One connection accepted on a Unix socket, from its permit to the end of A0: the first message, and then either the
 * receiver's side of a handshake or the end of a callback (a0-transport, Unix-socket handshake).
 *
 * 1. At most one callback is dialled, only after destination, chain and name of AUTH_INIT held, and only to the path
 *    that the certificate names.
 * 2. Nothing is written to a peer that fails; its connections are destroyed.
 * 3. A callback never becomes a stream. What comes back on one that we dialled is never read.
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { DomusError } from './domus-error.ts';
import type { HandshakeScope } from './handshake-scope.ts';
import { handshakeFailure } from './node-errors.ts';
import { SocketChannel, SocketStream } from './socket-stream.ts';
import { handshakeHolder } from './tls-dial.ts';
import { dialUnix } from './unix-dial.ts';
import { UnixInboundHandshake, type UnixInboundStep } from './unix-handshake.ts';
import { NONCE_BYTES } from './unix-messages.ts';
import { CALLBACK_TIMEOUT_TEXT, type UnixContext } from './unix-outbound.ts';

/**
 * Takes an accepted connection within `scope`, which destroys it unless it succeeds. `done` is told the stream right after
 * the scope has succeeded; a callback succeeds without one.
 */
export function receiveUnixPeer(
  socket: Socket,
  context: UnixContext,
  scope: HandshakeScope,
  done: (stream: SocketStream) => void,
): void {
  const receiver = new Receiver(SocketChannel.accept(socket), context, scope, done);
  receiver.start();
}

type Step<Kind extends UnixInboundStep['kind']> = Extract<UnixInboundStep, { kind: Kind }>;

class Receiver {
  readonly #channel: SocketChannel;
  readonly #context: UnixContext;
  readonly #scope: HandshakeScope;
  readonly #done: (stream: SocketStream) => void;
  readonly #handshake: UnixInboundHandshake;
  #challengeSequence = 0;

  constructor(
    channel: SocketChannel,
    context: UnixContext,
    scope: HandshakeScope,
    done: (stream: SocketStream) => void,
  ) {
    this.#channel = channel;
    this.#context = context;
    this.#scope = scope;
    this.#done = done;
    const nonces = { nonceB: randomBytes(NONCE_BYTES), nonceBCb: randomBytes(NONCE_BYTES) };
    this.#handshake = new UnixInboundHandshake(context.self, nonces);
  }

  start(): void {
    const ended = (error: Error | undefined): void => this.#scope.fail(handshakeFailure({ error }));
    this.#channel.attach(handshakeHolder(this.#scope, (chunk) => this.#bytesIn(chunk), ended));
  }

  #bytesIn(chunk: Buffer): void {
    const step = this.#handshake.bytesIn(chunk, Date.now());
    switch (step.kind) {
      case 'wait':
        return;
      case 'call-back':
        this.#callBack(step);
        return;
      case 'called-back':
        this.#calledBack(step);
        return;
      case 'done':
        this.#authenticated(step);
        return;
    }
  }

  /** This connection is the callback of a dial of ours. */
  #calledBack({ address, echoNonceACb, nonceBCb }: Step<'called-back'>): void {
    if (!this.#context.callbacks.fulfil(echoNonceACb, { address }, nonceBCb)) {
      throw new DomusError('protocol-violation', 'a callback that nobody waits for', { detail: 'unknown-callback' });
    }
    this.#channel.socket.destroy();
    this.#scope.succeed();
  }

  #callBack({ path, callback }: Step<'call-back'>): void {
    const { limits, reads } = this.#context;
    const written = this.#scope.limit(limits.callbackTimeoutMs, CALLBACK_TIMEOUT_TEXT);
    dialUnix(path, reads, this.#scope, ({ socket }) => {
      socket.end(callback, (error?: Error | null) => {
        socket.destroy();
        if (this.#scope.over) return;
        written();
        if (error) this.#scope.fail(handshakeFailure({ error }));
        else this.#scope.run(() => this.#challenge());
      });
    });
  }

  #challenge(): void {
    const challenge = this.#handshake.callbackWritten();
    this.#challengeSequence = this.#context.nextSequence();
    this.#channel.socket.write(challenge);
  }

  #authenticated({ peer, rest }: Step<'done'>): void {
    this.#channel.detach(rest);
    this.#scope.succeed();
    const facts = { kind: 'unix', direction: 'accepted', challengeSequence: this.#challengeSequence } as const;
    this.#done(new SocketStream(this.#channel, { ...facts, peer }));
  }
}
