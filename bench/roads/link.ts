/** Bare sockets for the pumps: mutual TLS 1.3 without tickets, or a plain Unix socket. No A0, no frames. */
import { constants } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import {
  connect as connectTls,
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { parseAddress } from '@flaminia/transport-a0';
import type { Side } from '../credentials.ts';
import type { Receiving, Run } from '../road.ts';

/** Takes bytes that arrived: the first `length` of `chunk`, which is valid during the call only. */
export type BytesIn = (chunk: Uint8Array, length: number) => void;

/** What dialled sockets read into; one for all of them, since nobody keeps what it holds. */
const readBuffer = Buffer.alloc(64 * 1024);

/** Listens as the receiver of the run, and hands each accepted socket to `accept`. */
export async function listenOn({ receiver }: Run, accept: (socket: Socket) => void): Promise<Receiving> {
  const sockets = new Set<Socket>();
  const accepted = (socket: Socket): void => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    // A sender that is closed first resets the connection. One that breaks earlier is noticed by the sender.
    socket.on('error', () => {});
    accept(socket);
  };
  const address = parseAddress(receiver.address);
  const server =
    address.kind === 'unix'
      ? createServer(accepted).listen(address.path)
      : createTlsServer(listenerOptions(receiver), accepted).listen(address.port, address.ip);
  await once(server, 'listening');
  return { close: () => closeServer(server, sockets) };
}

/** Dials the receiver of the run as its sender; resolves when the socket may carry bytes. */
export async function dialOn({ receiver, sender }: Run, bytesIn: BytesIn): Promise<Socket> {
  const onread = {
    buffer: readBuffer,
    callback: (length: number, chunk: Uint8Array): boolean => {
      bytesIn(chunk, length);
      return true;
    },
  };
  const address = parseAddress(receiver.address);
  if (address.kind === 'unix') {
    const socket = connect({ path: address.path, onread });
    await once(socket, 'connect');
    return socket;
  }
  const options = { ...secureOptions(sender), host: address.ip, port: address.port, onread };
  const socket = connectTls(options);
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  return socket;
}

/** The TLS settings of either end. */
export function secureOptions({ auth }: Side): SecureContextOptions {
  return { ca: auth.ca, cert: auth.cert, key: auth.key, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' };
}

/** The TLS settings of a listener, as A0 has them: certificates on both sides, and no ticket to resume with. */
export function listenerOptions(side: Side): TlsOptions {
  return {
    ...secureOptions(side),
    requestCert: true,
    rejectUnauthorized: true,
    secureOptions: constants.SSL_OP_NO_TICKET,
    noDelay: true,
  };
}

/** The cipher of a socket, for the report; empty for a plain one. */
export function cipherOf(socket: Socket): string {
  return 'getCipher' in socket ? (socket as TLSSocket).getCipher().standardName : '';
}

/** Closes a socket whose other end may vanish at the same time. */
export async function closeSocket(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  socket.destroy();
  await closed;
}

async function closeServer(server: Server, sockets: Iterable<Socket>): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await Promise.all([...sockets].map(closeSocket));
  await closed;
}
