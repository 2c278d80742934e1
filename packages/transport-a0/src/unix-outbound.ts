/**
 * Dialling a peer over a Unix socket: the initiator's side of the handshake (a0-transport, Unix-socket handshake).
 *
 * 1. The callback is expected before AUTH_INIT is written, and no longer once the dial has ended.
 * 2. The stream is handed over only after AUTH_PROOF was given to the socket.
 */
import { randomBytes } from 'node:crypto';
import { unixAddress } from './address.ts';
import type { A0Limits } from './backend.ts';
import type { CallbackTable } from './callback-table.ts';
import { DialAgain } from './dial-again.ts';
import type { HandshakeScope } from './handshake-scope.ts';
import { handshakeFailure } from './node-errors.ts';
import { type SocketChannel, SocketStream } from './socket-stream.ts';
import { handshakeHolder } from './tls-dial.ts';
import { dialUnix } from './unix-dial.ts';
import { type UnixOutboundDone, UnixOutboundHandshake, type UnixSelf } from './unix-handshake.ts';
import { NONCE_BYTES } from './unix-messages.ts';

/** Texts of the time limits, the same as a Rust peer's. */
export const HANDSHAKE_TIMEOUT_TEXT = 'socket handshake timeout';
export const CALLBACK_TIMEOUT_TEXT = 'socket callback timeout';

/** What a handshake works with, to its end. */
export interface UnixContext {
  readonly self: UnixSelf;
  readonly limits: A0Limits;
  readonly callbacks: CallbackTable;
  readonly nextSequence: () => number;
  /** One buffer into which all dialled sockets of the backend read; undefined: each read has its own memory. */
  readonly reads: Buffer | undefined;
}

/** Dials within `scope`, which must be fresh; `done` is told the stream right after the scope has succeeded. */
export function dialUnixPeer(
  peer: string,
  context: UnixContext,
  scope: HandshakeScope,
  done: (stream: SocketStream) => void,
): void {
  scope.limit(context.limits.handshakeTimeoutMs, HANDSHAKE_TIMEOUT_TEXT);
  const again = new DialAgain(scope);
  const attempt = (): void => {
    const nonces = { nonceA: randomBytes(NONCE_BYTES), nonceACb: randomBytes(NONCE_BYTES) };
    const handshake = new UnixOutboundHandshake(context.self, peer, nonces);
    const connected = (channel: SocketChannel): void => {
      const turnedAway = (error: Error | undefined): boolean => again.after(channel, error, attempt);
      initiate(peer, nonces.nonceACb, handshake, context, scope, channel, turnedAway, done);
    };
    dialUnix(peer, context.reads, scope, connected, again);
  };
  attempt();
}

function initiate(
  peer: string,
  nonceACb: Buffer,
  handshake: UnixOutboundHandshake,
  { limits, callbacks }: UnixContext,
  scope: HandshakeScope,
  channel: SocketChannel,
  turnedAway: (error: Error | undefined) => boolean,
  done: (stream: SocketStream) => void,
): void {
  const address = unixAddress(peer);
  const proceed = (end: UnixOutboundDone | undefined): void => {
    if (end === undefined) return;
    channel.socket.write(end.proof);
    channel.detach();
    scope.succeed();
    const facts = { kind: 'unix', direction: 'dialled', challengeSequence: 0 } as const;
    done(new SocketStream(channel, { ...facts, peer: end.peer }));
  };
  const callbackCame = scope.limit(limits.callbackTimeoutMs, CALLBACK_TIMEOUT_TEXT);
  const forget = callbacks.expect(nonceACb, { address }, (nonceBCb) => {
    callbackCame();
    scope.run(() => proceed(handshake.calledBack(nonceBCb)));
  });
  scope.onEnd(forget);

  const bytes = (chunk: Buffer): void => proceed(handshake.bytesIn(chunk, Date.now()));
  const ended = (error: Error | undefined): void => {
    callbackCame();
    forget();
    // Whoever has read AUTH_INIT, and refuses it, ends the connection in order; one that is ended unread is reset.
    if (error === undefined || !turnedAway(error)) scope.fail(handshakeFailure({ error, peer: address }));
  };
  channel.attach(handshakeHolder(scope, bytes, ended));
  if (!scope.over) channel.socket.write(handshake.authInit);
}
