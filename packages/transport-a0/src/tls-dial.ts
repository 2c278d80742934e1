/**
 * Dialling one mTLS connection: from nothing to a connection whose listener has been judged. Used for primary channels
 * and for callbacks alike.
 */
import type { TcpSocketConnectOpts } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { DomusAddr, ParsedAddress } from './address.ts';
import { DialAgain } from './dial-again.ts';
import { DomusError } from './domus-error.ts';
import type { HandshakeScope } from './handshake-scope.ts';
import { handshakeFailure, isSourceUnavailable } from './node-errors.ts';
import { SocketChannel } from './socket-stream.ts';
import type { StreamReceiver } from './stream.ts';
import type { TlsCredentials } from './tls-credentials.ts';
import { judgeTlsPeer, type TlsPeer } from './tls-peer.ts';

/** How long a connection is idle before the system probes it, in milliseconds. */
export const KEEP_ALIVE_MS = 5_000;

export type TcpAddress = Extract<ParsedAddress, { kind: 'tcp' }>;

/** What dials share. */
export interface DialSource {
  /** The own address; dials leave from its ip where this machine has it. */
  readonly own: TcpAddress;
  /** One buffer into which all dialled sockets read; each read has its own memory where it is undefined. */
  readonly reads: Buffer | undefined;
}

/**
 * Dials `peer` within `scope`: its end destroys the connection unless it is a success. `secured` is told once TLS stands
 * and the listener's leaf names `peer`. Under TLS 1.3 the listener has not judged us by then.
 */
export function dialTls(
  peer: TcpAddress,
  source: DialSource,
  credentials: TlsCredentials,
  scope: HandshakeScope,
  secured: (channel: SocketChannel, listener: TlsPeer) => void,
): void {
  const again = new DialAgain(scope);
  attempt(source.own.family === peer.family ? source.own.ip : undefined);

  function attempt(localAddress: string | undefined): void {
    const channel = SocketChannel.dial(source.reads, (how) => {
      const target = { host: peer.ip, port: peer.port, ...(localAddress === undefined ? {} : { localAddress }) };
      // Node's own types do not know that `connect` passes these on to the socket.
      const options: ConnectionOptions & TcpSocketConnectOpts = { ...credentials.client, ...target, ...how };
      return connect(options);
    });
    const socket = channel.socket as TLSSocket;
    socket.once('connect', () => keepPrompt(socket));
    scope.onEnd((end) => {
      if (end !== undefined) socket.destroy();
    });
    channel.attach(
      untilSecured(scope, (error) => {
        if (localAddress !== undefined && isSourceUnavailable(error) && !scope.over) attempt(undefined);
        else if (!again.after(channel, error, () => attempt(localAddress)))
          scope.fail(handshakeFailure({ error, refusal: socket.authorizationError }));
      }),
    );
    socket.once('secureConnect', () => {
      if (scope.over) return;
      scope.run(() => {
        const listener = judgeTlsPeer(socket);
        requireDialled(listener.address, peer.text);
        channel.detach();
        secured(channel, listener);
      });
    });
  }
}

/** What holds a channel of a handshake: bytes go to `bytes`, any end to `ended`. */
export function handshakeHolder(
  scope: HandshakeScope,
  bytes: (chunk: Buffer) => void,
  ended: (error: Error | undefined) => void,
): StreamReceiver {
  return {
    bytes: (chunk) => {
      if (!scope.over) scope.run(() => bytes(chunk));
    },
    ended: () => {
      if (!scope.over) ended(undefined);
    },
    drained: () => {},
    closed: (error) => {
      if (!scope.over) ended(error);
    },
  };
}

/** No waiting for more bytes to send, and the system notices a peer that is gone. The listener's options say the same. */
function keepPrompt(socket: TLSSocket): void {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
}

function untilSecured(scope: HandshakeScope, ended: (error: Error | undefined) => void): StreamReceiver {
  const early = (): void => {
    throw new DomusError('protocol-violation', 'bytes before the TLS handshake was over', { detail: 'early-bytes' });
  };
  return handshakeHolder(scope, early, ended);
}

function requireDialled(found: DomusAddr, dialled: DomusAddr): void {
  if (found === dialled) return;
  throw new DomusError('address-mismatch', `the listener's certificate names ${found}`, { detail: 'other-address' });
}
