/** Dialling one Unix socket: from a path to a connection. Used for primary channels and for callbacks alike. */
import { createConnection } from 'node:net';
import { unixAddress } from './address.ts';
import { DialAgain } from './dial-again.ts';
import { DomusError } from './domus-error.ts';
import type { HandshakeScope } from './handshake-scope.ts';
import { handshakeFailure } from './node-errors.ts';
import { SocketChannel } from './socket-stream.ts';
import { handshakeHolder } from './tls-dial.ts';
import { fitsSocketAddress, realSocketPath, SOCKET_PATH_MAX_BYTES } from './unix-path.ts';

/**
 * Dials `path` within `scope`: its end destroys the connection unless it is a success. `reads` is the buffer into which
 * all dialled sockets of a backend read; undefined gives each read its own memory. `connected` is told once the connection
 * stands; nobody holds its channel then. `again`: the tries of the dial that this is part of.
 */
export function dialUnix(
  path: string,
  reads: Buffer | undefined,
  scope: HandshakeScope,
  connected: (channel: SocketChannel) => void,
  again: DialAgain = new DialAgain(scope),
): void {
  const peer = unixAddress(path);
  if (!fitsSocketAddress(path)) {
    const text = `this system cannot reach a socket whose path is longer than ${SOCKET_PATH_MAX_BYTES} bytes`;
    throw new DomusError('peer-unavailable', text, { peer, detail: 'path-too-long' });
  }
  const failed = (error: Error): void => scope.fail(handshakeFailure({ error, peer }));
  const attempt = (): void =>
    connect(path, reads, scope, connected, (channel, error) => {
      if (!again.after(channel, error, attempt)) scope.fail(handshakeFailure({ error, peer }));
    });
  realSocketPath(path).then((real) => {
    if (scope.over) return;
    scope.run(() => {
      requireCanonical(path, real);
      attempt();
    });
  }, failed);
}

function connect(
  path: string,
  reads: Buffer | undefined,
  scope: HandshakeScope,
  connected: (channel: SocketChannel) => void,
  ended: (channel: SocketChannel, error: Error | undefined) => void,
): void {
  const channel = SocketChannel.dial(reads, (how) => createConnection({ path, ...how, allowHalfOpen: true }));
  scope.onEnd((end) => {
    if (end !== undefined) channel.socket.destroy();
  });
  const early = (): void => {
    throw new DomusError('protocol-violation', 'bytes before AUTH_INIT', { detail: 'early-bytes' });
  };
  channel.attach(handshakeHolder(scope, early, (error) => ended(channel, error)));
  channel.socket.once('connect', () => {
    if (scope.over) return;
    channel.detach();
    scope.run(() => connected(channel));
  });
}

/** A path that leads elsewhere names another domus than the one that lives there. */
function requireCanonical(path: string, real: string): void {
  if (path === real) return;
  throw new DomusError('address-mismatch', `the path is not canonical: it leads to ${JSON.stringify(real)}`, {
    peer: unixAddress(path),
    detail: 'not-canonical',
  });
}
