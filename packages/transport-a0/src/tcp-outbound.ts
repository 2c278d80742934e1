/**
 * Dialling a peer over TCP: mTLS, then the initiator's side of the handshake (a0-transport, TCP handshake).
 *
 * 1. The callback is expected before AUTH_INIT is written, and no longer once the dial has ended.
 * 2. The stream is handed over only after AUTH_PROOF was given to the socket.
 */
import { randomBytes } from 'node:crypto';
import type { DomusAddr } from './address.ts';
import type { A0Limits } from './backend.ts';
import type { CallbackTable } from './callback-table.ts';
import { DomusError } from './domus-error.ts';
import type { HandshakeScope } from './handshake-scope.ts';
import { identityOf } from './identity.ts';
import { handshakeFailure } from './node-errors.ts';
import { type SocketChannel, SocketStream } from './socket-stream.ts';
import { OutboundHandshake } from './tcp-handshake.ts';
import { NONCE_BYTES } from './tcp-messages.ts';
import type { TlsCredentials } from './tls-credentials.ts';
import { type DialSource, dialTls, handshakeHolder, type TcpAddress } from './tls-dial.ts';
import type { TlsPeer } from './tls-peer.ts';

/** Texts of the time limits, the same as a Rust peer's. */
export const HANDSHAKE_TIMEOUT_TEXT = 'tcp handshake timeout';
export const CALLBACK_TIMEOUT_TEXT = 'tcp callback timeout';

export interface OutboundContext {
  readonly source: DialSource;
  readonly limits: A0Limits;
  readonly credentials: TlsCredentials;
  readonly callbacks: CallbackTable;
}

/** Dials within `scope`, which must be fresh; `done` is told the stream right after the scope has succeeded. */
export function dialPeer(
  peer: TcpAddress,
  context: OutboundContext,
  scope: HandshakeScope,
  done: (stream: SocketStream) => void,
): void {
  const { source, limits, credentials } = context;
  scope.limit(limits.handshakeTimeoutMs, HANDSHAKE_TIMEOUT_TEXT);
  dialTls(peer, source, credentials, scope, (channel, listener) =>
    initiate(peer, context, scope, channel, listener, done),
  );
}

function initiate(
  peer: TcpAddress,
  { limits, callbacks }: OutboundContext,
  scope: HandshakeScope,
  channel: SocketChannel,
  listener: TlsPeer,
  done: (stream: SocketStream) => void,
): void {
  const nonce = randomBytes(NONCE_BYTES);
  const handshake = new OutboundHandshake(nonce);
  const callbackCame = scope.limit(limits.callbackTimeoutMs, CALLBACK_TIMEOUT_TEXT);
  const expected = { address: peer.text, leaf: listener.leaf.raw };
  const forget = callbacks.expect(nonce, expected, (nonceBCb) => {
    callbackCame();
    handshake.calledBack(nonceBCb);
  });
  scope.onEnd(forget);

  const bytes = (chunk: Buffer): void => {
    const proof = handshake.bytesIn(chunk);
    if (proof === undefined) return;
    // Whatever may throw comes first: once the scope has succeeded, nobody would settle the dial.
    const identity = identityOf(listener.leaf, peer.text);
    channel.socket.write(proof);
    channel.detach();
    scope.succeed();
    const facts = { kind: 'tcp', direction: 'dialled', challengeSequence: 0 } as const;
    done(new SocketStream(channel, { ...facts, peer: identity }));
  };
  const ended = (error: Error | undefined): void => scope.fail(handshakeFailure({ error }));
  channel.attach(handshakeHolder(scope, bytes, ended));
  if (!scope.over) channel.socket.write(handshake.authInit);
}

/** The failure of a dial that was given up by its caller. */
export function abandoned(peer: DomusAddr): DomusError {
  return new DomusError('peer-unavailable', 'the dial was given up', { peer, detail: 'aborted' });
}
