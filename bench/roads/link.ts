/** Bare sockets for the pumps: mutual TLS 1.3 without tickets, or a plain Unix socket. No A0, no frames. */
import { constants } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import {
  connect as connectTls,
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { materialFor } from '../credentials.ts';
import type { Receiving, Run } from '../road.ts';

/** Takes bytes that arrived: the first `length` of `chunk`, which is valid during the call only. */
export type BytesIn = (chunk: Uint8Array, length: number) => void;

const LOOPBACK = '127.0.0.1';

/** What dialled sockets read into; one for all of them, since nobody keeps what it holds. */
const readBuffer = Buffer.alloc(64 * 1024);

/** Listens on the link of the plan, and hands each accepted socket to `accept`. */
export async function listenOn(run: Run, accept: (socket: Socket) => void): Promise<Receiving> {
  const sockets = new Set<Socket>();
  const accepted = (socket: Socket): void => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    // A sender that is closed first resets the connection. One that breaks earlier is noticed by the sender.
    socket.on('error', () => {});
    accept(socket);
  };
  const server = run.plan.link === 'tls' ? await tlsServer(run, accepted) : createServer(accepted);
  if (run.plan.link === 'tls') server.listen(0, LOOPBACK);
  else server.listen(join(run.directory, 'raw.sock'));
  await once(server, 'listening');
  return { target: targetOf(server), close: () => closeServer(server, sockets) };
}

/** Dials what {@link listenOn} listens on; resolves when the socket may carry bytes. */
export async function dialOn(run: Run, target: string, bytesIn: BytesIn): Promise<Socket> {
  const onread = {
    buffer: readBuffer,
    callback: (length: number, chunk: Uint8Array): boolean => {
      bytesIn(chunk, length);
      return true;
    },
  };
  if (run.plan.link === 'unix') {
    const socket = connect({ path: target, onread });
    await once(socket, 'connect');
    return socket;
  }
  const [host = LOOPBACK, port] = target.split(':');
  const options = { host, port: Number(port), onread, ...(await tlsMaterial(run)) };
  const socket = connectTls(options);
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  return socket;
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

/** The TLS settings that both ends share. A resumed session would skip the certificate check: no tickets. */
export async function tlsMaterial(run: Run): Promise<SecureContextOptions> {
  const material = await materialFor(run.credentials, `tcp://${LOOPBACK}:1`);
  return { ...material, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' };
}

/** What a listener asks for beyond {@link tlsMaterial}. */
export const LISTENER_OPTIONS: TlsOptions = {
  requestCert: true,
  rejectUnauthorized: true,
  secureOptions: constants.SSL_OP_NO_TICKET,
};

async function tlsServer(run: Run, accept: (socket: Socket) => void): Promise<Server> {
  const server = createTlsServer({ ...(await tlsMaterial(run)), ...LISTENER_OPTIONS, noDelay: true });
  return server.on('secureConnection', accept);
}

function targetOf(server: Server): string {
  const address = server.address() as AddressInfo | string;
  return typeof address === 'string' ? address : `${address.address}:${address.port}`;
}

async function closeServer(server: Server, sockets: Iterable<Socket>): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await Promise.all([...sockets].map(closeSocket));
  await closed;
}
