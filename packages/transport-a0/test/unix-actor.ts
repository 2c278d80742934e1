/** Hand-made peers for the Unix-socket tests: any bytes, on both ends. */
import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { UnixMessageReader } from '../src/unix-message-reader.ts';
import { encodeUnixMessage, type UnixMessage, type UnixMessageKind } from '../src/unix-messages.ts';
import { until } from './tcp-imperium.ts';

type Message<Kind extends UnixMessageKind> = Extract<UnixMessage, { kind: Kind }>;

/** One end of a connection under a test's control. */
export class UnixActor {
  readonly socket: Socket;
  ended = false;
  closed = false;
  #unread: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#unread = Buffer.concat([this.#unread, chunk]);
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('error', () => {}); // How a connection ends is the business of each test.
    socket.on('close', () => {
      this.closed = true;
    });
  }

  static async connect(path: string): Promise<UnixActor> {
    const socket = createConnection({ path, allowHalfOpen: true });
    await once(socket, 'connect');
    return new UnixActor(socket);
  }

  /** Bytes that came and were not taken. */
  get unread(): Buffer {
    return this.#unread;
  }

  send(...messages: readonly (UnixMessage | Uint8Array)[]): void {
    this.socket.write(Buffer.concat(messages.map((one) => (one instanceof Uint8Array ? one : encodeUnixMessage(one)))));
  }

  /** The next message, which must be of this kind. */
  async next<Kind extends UnixMessageKind>(kind: Kind): Promise<Message<Kind>> {
    const taken = await this.take((bytes) => {
      if (bytes.length < 4) return undefined;
      const length = 4 + bytes.readUInt32BE();
      return bytes.length < length ? undefined : length;
    });
    return new UnixMessageReader().read(taken, [kind])?.message as Message<Kind>;
  }

  /** Waits until `enough` tells how many bytes to take; fails if the connection ends before. */
  async take(enough: (unread: Buffer) => number | undefined): Promise<Buffer> {
    await until(() => enough(this.#unread) !== undefined || this.ended || this.closed);
    const length = enough(this.#unread);
    if (length === undefined) throw new Error(`the connection ended with ${this.#unread.length} bytes`);
    const taken = this.#unread.subarray(0, length);
    this.#unread = this.#unread.subarray(length);
    return taken;
  }

  /** Waits for the end of the connection, and gives what came until then and was not taken. */
  async rest(): Promise<Buffer> {
    await until(() => this.closed || this.ended);
    this.close();
    return this.#unread;
  }

  close(): void {
    this.socket.destroy();
  }
}

/** A listener that only collects connections. */
export class UnixActorListener {
  readonly path: string;
  readonly connections: UnixActor[] = [];
  readonly #server: Server;
  #taken = 0;

  private constructor(path: string, server: Server) {
    this.path = path;
    this.#server = server;
    server.on('connection', (socket) => this.connections.push(new UnixActor(socket)));
  }

  static async open(path: string): Promise<UnixActorListener> {
    const server = createServer({ allowHalfOpen: true }).listen(path);
    const listener = new UnixActorListener(path, server);
    await once(server, 'listening');
    return listener;
  }

  /** The next connection that came and was not taken. */
  async next(): Promise<UnixActor> {
    await until(() => this.connections.length > this.#taken);
    return this.connections[this.#taken++]!;
  }

  close(): void {
    for (const connection of this.connections) connection.close();
    this.#server.close();
  }
}
