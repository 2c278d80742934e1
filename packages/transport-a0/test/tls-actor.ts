/** Hand-made peers for the TCP tests: TLS with any certificate and any bytes inside, on both ends. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createServer as createTlsServer,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import type { TcpAddress } from '../src/tls-dial.ts';
import { type Leaf, LOOPBACK, until } from './tcp-imperium.ts';

/** An actor takes and shows any certificate, weak ones too. */
const LAX = { rejectUnauthorized: false, ciphers: 'DEFAULT:@SECLEVEL=0' } as const;

/** One end of a TLS connection under a test's control. */
export class Actor {
  readonly socket: TLSSocket;
  readonly received: Buffer[] = [];
  ended = false;
  closed = false;
  error: Error | undefined;

  constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.received.push(chunk));
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.received);
  }

  async take(length: number): Promise<Buffer> {
    await until(() => this.bytes.length >= length || this.closed);
    return this.bytes;
  }
}

/** Connects to `peer` from its own loopback ip and, unless `over` says otherwise, shows `leaf`. */
export async function actorDials(
  peer: TcpAddress,
  leaf: Leaf | undefined,
  over: ConnectionOptions = {},
): Promise<Actor> {
  const shown = leaf === undefined ? {} : { cert: leaf.chain, key: leaf.issued.privateKeyPem };
  const target = { host: peer.ip, port: peer.port, localAddress: LOOPBACK };
  const actor = new Actor(connect({ ...target, ...LAX, ...shown, ...over }));
  let secure = false;
  actor.socket.once('secureConnect', () => {
    secure = true;
  });
  await until(() => secure || actor.closed);
  return actor;
}

/** A listener that shows `leaf` and asks for a certificate without judging it. */
export class ActorListener {
  readonly actors: Actor[] = [];
  /** Connections that ended within the TLS handshake. */
  failures = 0;
  readonly server: Server;

  constructor(leaf: Leaf, over: TlsOptions = {}) {
    const shown = { cert: leaf.chain, key: leaf.issued.privateKeyPem };
    const server = createTlsServer({ ...LAX, ...shown, requestCert: true, ...over });
    server.on('secureConnection', (socket) => this.actors.push(new Actor(socket)));
    server.on('tlsClientError', () => this.failures++);
    this.server = server;
  }

  async listen(address: TcpAddress): Promise<this> {
    this.server.listen(address.port, address.ip);
    await once(this.server, 'listening');
    return this;
  }

  async nextActor(): Promise<Actor> {
    await until(() => this.actors.length > 0);
    return this.actors.shift()!;
  }

  /** Waits for a connection to end; gives what came through TLS on all of them. */
  async heard(): Promise<Buffer> {
    await until(() => this.failures > 0 || this.actors.some((actor) => actor.closed));
    return Buffer.concat(this.actors.map((actor) => actor.bytes));
  }

  close(): void {
    for (const actor of this.actors) actor.socket.destroy();
    this.server.close();
  }
}

/** A plain listener that counts who comes and says nothing. */
export class Decoy {
  readonly sockets: Socket[] = [];
  connections = 0;
  readonly #server: Server = createServer((socket) => {
    this.connections++;
    socket.on('error', () => {});
    this.sockets.push(socket);
  });

  async listen(address?: TcpAddress): Promise<AddressInfo> {
    this.#server.listen(address?.port ?? 0, address?.ip ?? LOOPBACK);
    await once(this.#server, 'listening');
    return this.#server.address() as AddressInfo;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
  }
}
