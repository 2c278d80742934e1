/**
 * One connection accepted over TCP, from its permit to the end of A0: mTLS, the first message, and then either the
 * receiver's side of a handshake or the end of a callback (a0-transport, TCP handshake).
 *
 * 1. At most one callback is dialled, only after the certificate and the source ip held, and only to the address that
 *    the certificate names.
 * 2. Nothing is written to a peer that fails; its connections are destroyed.
 * 3. A callback never becomes a stream.
 */
import { randomBytes } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { parseAddress } from './address.ts';
import type { A0Limits } from './backend.ts';
import type { CallbackTable } from './callback-table.ts';
import { DomusError } from './domus-error.ts';
import type { HandshakeScope } from './handshake-scope.ts';
import { identityOf } from './identity.ts';
import { handshakeFailure, isTlsError } from './node-errors.ts';
import { SocketChannel, SocketStream } from './socket-stream.ts';
import { InboundHandshake, type InboundStep } from './tcp-handshake.ts';
import { NONCE_BYTES } from './tcp-messages.ts';
import { CALLBACK_TIMEOUT_TEXT } from './tcp-outbound.ts';
import type { TlsCredentials } from './tls-credentials.ts';
import { type DialSource, dialTls, handshakeHolder } from './tls-dial.ts';
import { judgeTlsPeer, requireSource, type TlsPeer } from './tls-peer.ts';

export interface InboundContext {
  readonly source: DialSource;
  readonly limits: A0Limits;
  /** Those that the connection was accepted with. */
  readonly credentials: TlsCredentials;
  readonly callbacks: CallbackTable;
  readonly nextSequence: () => number;
}

/**
 * Takes a connection whose TLS handshake is over, within `scope`, which destroys it unless it succeeds. `done` is told the
 * stream right after the scope has succeeded; a callback succeeds without one.
 */
export function receivePeer(
  socket: TLSSocket,
  context: InboundContext,
  scope: HandshakeScope,
  done: (stream: SocketStream) => void,
): void {
  // Only now: a peer that ends its direction within the TLS handshake must not linger.
  socket.allowHalfOpen = true;
  const channel = SocketChannel.accept(socket);
  scope.run(() => {
    const dialler = judgeTlsPeer(socket);
    requireSource(dialler.address, socket.remoteAddress);
    const receiver = new Receiver(channel, dialler, context, scope, done);
    channel.attach(
      handshakeHolder(
        scope,
        (chunk) => receiver.bytesIn(chunk),
        (error) => scope.fail(handshakeFailure({ error })),
      ),
    );
  });
}

class Receiver {
  readonly #channel: SocketChannel;
  readonly #dialler: TlsPeer;
  readonly #context: InboundContext;
  readonly #scope: HandshakeScope;
  readonly #done: (stream: SocketStream) => void;
  readonly #handshake = new InboundHandshake(randomBytes(NONCE_BYTES));
  #challengeSequence = 0;

  constructor(
    channel: SocketChannel,
    dialler: TlsPeer,
    context: InboundContext,
    scope: HandshakeScope,
    done: (stream: SocketStream) => void,
  ) {
    this.#channel = channel;
    this.#dialler = dialler;
    this.#context = context;
    this.#scope = scope;
    this.#done = done;
  }

  bytesIn(chunk: Buffer): void {
    const step = this.#handshake.bytesIn(chunk);
    switch (step.kind) {
      case 'wait':
        return;
      case 'call-back':
        this.#callBack(step.callback);
        return;
      case 'called-back':
        this.#calledBack(step);
        return;
      case 'done':
        this.#authenticated(step.rest);
        return;
    }
  }

  /** This connection is the callback of a dial of ours. Its end is the answer that the peer waits for. */
  #calledBack({ echoNonceACb, nonceBCb }: Extract<InboundStep, { kind: 'called-back' }>): void {
    const shown = { address: this.#dialler.address, leaf: this.#dialler.leaf.raw };
    if (!this.#context.callbacks.fulfil(echoNonceACb, shown, nonceBCb)) {
      throw new DomusError('protocol-violation', 'a callback that nobody waits for', { detail: 'unknown-callback' });
    }
    this.#channel.socket.destroy();
    this.#scope.succeed();
  }

  #callBack(message: Buffer): void {
    const { source, credentials, limits } = this.#context;
    const claimed = parseAddress(this.#dialler.address);
    if (claimed.kind !== 'tcp') throw new Error('a leaf was judged for TCP and names another transport');
    const callbackEnded = this.#scope.limit(limits.callbackTimeoutMs, CALLBACK_TIMEOUT_TEXT);
    dialTls(claimed, source, credentials, this.#scope, (callback) => {
      const answered = (): void => {
        throw new DomusError('protocol-violation', 'bytes on a callback connection', { detail: 'early-bytes' });
      };
      const ended = (error: Error | undefined): void => {
        callback.detach();
        callback.socket.destroy();
        callbackEnded();
        if (isTlsError(error)) this.#scope.fail(handshakeFailure({ error }));
        else this.#challenge();
      };
      callback.attach(handshakeHolder(this.#scope, answered, ended));
      if (!this.#scope.over) callback.socket.write(message);
    });
  }

  #challenge(): void {
    const challenge = this.#handshake.callbackEnded();
    this.#challengeSequence = this.#context.nextSequence();
    this.#channel.socket.write(challenge);
  }

  #authenticated(rest: Buffer): void {
    // Whatever may throw comes first: once the scope has succeeded, nobody would end the connection.
    const peer = identityOf(this.#dialler.leaf, this.#dialler.address);
    this.#channel.detach(rest);
    this.#scope.succeed();
    const facts = { kind: 'tcp', direction: 'accepted', challengeSequence: this.#challengeSequence } as const;
    this.#done(new SocketStream(this.#channel, { ...facts, peer }));
  }
}
