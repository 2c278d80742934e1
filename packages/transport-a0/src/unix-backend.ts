/**
 * The Unix-socket backend: it listens, hands connections with a permit to the handshake, and dials
 * (a0-transport, Unix-socket handshake, admission and rotation).
 *
 * It owns the listener and its file, the permits, the callback table and every handshake under way. Streams that A0 has
 * handed over are no longer its own.
 * 1. The accept loop never waits for a handshake.
 * 2. A permit is held from raw accept until the handshake ends or the connection closes, whichever is first.
 * 3. A handshake keeps the material that it began with; the next one takes what `material` gives then.
 * 4. After `close` nothing is told any more, and every handshake under way has ended.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { type DomusAddr, parseAddress, unixAddress } from './address.ts';
import { Admission, type Permit } from './admission.ts';
import { type AuthMaterial, requireAddress } from './auth-material.ts';
import type { BackendOptions, CertifiedBackend } from './backend.ts';
import { CallbackTable } from './callback-table.ts';
import { DomusError, outOfRange } from './domus-error.ts';
import { HandshakeScope } from './handshake-scope.ts';
import { bindFailure, handshakeFailure, ignoreError } from './node-errors.ts';
import type { AuthenticatedStream } from './stream.ts';
import { abandoned } from './tcp-outbound.ts';
import { receiveUnixPeer } from './unix-inbound.ts';
import { dialUnixPeer, HANDSHAKE_TIMEOUT_TEXT, type UnixContext } from './unix-outbound.ts';
import { fitsSocketAddress, realSocketPath, SOCKET_PATH_MAX_BYTES } from './unix-path.ts';
import { listenAtFile, type SocketFile } from './unix-socket-file.ts';

/** Bytes of the one buffer that all dialled sockets read into. */
const READ_BUFFER_BYTES = 64 * 1024;
/** Connections from other users are refused by the system. */
const DEFAULT_FILE_MODE = 0o600;

export interface UnixBackendOptions extends BackendOptions {
  /** Mode of the socket file. Default 0600: nobody but this user may connect. */
  readonly fileMode?: number;
}

export class UnixBackend implements CertifiedBackend {
  readonly kind = 'unix';
  readonly #options: UnixBackendOptions;
  readonly #path: string;
  readonly #admission: Admission;
  readonly #callbacks = new CallbackTable();
  readonly #underWay = new Set<HandshakeScope>();
  readonly #reads: Buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  #server: Server | undefined;
  #file: Promise<SocketFile> | undefined;
  #closed = false;

  /** Throws `invalid-config` or `address-mismatch` for material or an address that cannot serve. */
  constructor(options: UnixBackendOptions) {
    const own = parseAddress(options.address);
    if (own.kind !== 'unix') throw outOfRange('address', 'a Unix-socket address', options.address);
    if (!fitsSocketAddress(own.path)) {
      throw outOfRange('address', `a path of at most ${SOCKET_PATH_MAX_BYTES} bytes`, options.address);
    }
    requireAddress(options.material(), own.text);
    this.#options = options;
    this.#path = own.path;
    this.#admission = new Admission(() => options.limits().inboundHandshakeLimitTotal);
  }

  async listen(): Promise<void> {
    if (this.#server !== undefined || this.#closed) throw new DomusError('invalid-state', 'a backend listens once');
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#server = server;
    this.#file = this.#openFile(server);
    try {
      await this.#file;
    } catch (error) {
      this.#server = undefined;
      throw error;
    }
    if (this.#closed) throw new DomusError('domus-closed', 'the domus was shut down');
  }

  dial(address: DomusAddr, signal: AbortSignal, reads: 'shared' | 'own' = 'shared'): Promise<AuthenticatedStream> {
    return new Promise((resolve, reject) => {
      const peer = this.#dialable(address, signal);
      const scope = this.#scope((end) => {
        if (end !== undefined) reject(end);
      }, address);
      const abort = (): void => scope.fail(abandoned(address));
      signal.addEventListener('abort', abort);
      scope.onEnd(() => signal.removeEventListener('abort', abort));
      scope.run(() => dialUnixPeer(peer, this.#context(reads), scope, resolve));
    });
  }

  prepare(material: AuthMaterial): void {
    requireAddress(material, unixAddress(this.#path));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const scope of [...this.#underWay]) scope.fail(new DomusError('domus-closed', 'the domus was shut down'));
    // Node's own callback would wait for every stream that was ever accepted.
    this.#server?.close();
    const file = await this.#file?.catch(() => undefined);
    this.#server?.close(); // It may have begun to listen in the meantime.
    await file?.remove();
  }

  async #openFile(server: Server): Promise<SocketFile> {
    const real = await realSocketPath(this.#path).catch((error: Error) => {
      throw bindFailure(error, this.#path);
    });
    if (real !== this.#path) {
      throw outOfRange('address', `canonical, and it leads to ${JSON.stringify(real)}`, this.#options.address);
    }
    server.on('error', (error) => this.#acceptFailed(server, error));
    return listenAtFile(server, this.#path, this.#options.fileMode ?? DEFAULT_FILE_MODE);
  }

  #accept(socket: Socket): void {
    // Whatever happens to it before anybody holds it, it must not end the process.
    socket.on('error', ignoreError);
    const permit = this.#closed ? undefined : this.#admission.admit(socket);
    if (permit === undefined) {
      socket.destroy();
      if (!this.#closed) this.#options.events.admissionRefused();
      return;
    }
    const scope = this.#admitted(socket, permit);
    scope.run(() => receiveUnixPeer(socket, this.#context(), scope, (stream) => this.#options.events.accepted(stream)));
  }

  /** The scope of an accepted connection: it holds the permit and the time limit, and reports a failure. */
  #admitted(socket: Socket, permit: Permit): HandshakeScope {
    const scope = this.#scope((end) => {
      if (end !== undefined && !this.#closed) this.#options.events.inboundFailed({ remote: 'unix', error: end });
    });
    const closed = (): void => scope.fail(handshakeFailure({ error: undefined }));
    socket.once('close', closed);
    scope.onEnd((end) => {
      permit.release();
      socket.off('close', closed);
      if (end !== undefined) socket.destroy();
    });
    scope.limit(this.#options.limits().handshakeTimeoutMs, HANDSHAKE_TIMEOUT_TEXT);
    return scope;
  }

  #scope(ended: (end: DomusError | undefined) => void, peer?: DomusAddr): HandshakeScope {
    const scope = new HandshakeScope((end) => {
      this.#underWay.delete(scope);
      ended(end);
    }, peer);
    this.#underWay.add(scope);
    return scope;
  }

  /** The path to dial. */
  #dialable(address: DomusAddr, signal: AbortSignal): string {
    if (this.#closed) throw new DomusError('domus-closed', 'the domus was shut down', { peer: address });
    if (signal.aborted) throw abandoned(address);
    const peer = parseAddress(address);
    if (peer.kind === 'unix') return peer.path;
    throw new DomusError('address-mismatch', `a Unix-socket domus cannot dial ${address}`, {
      peer: address,
      detail: 'kind',
    });
  }

  /** What a handshake that begins now works with, to its end. */
  #context(reads: 'shared' | 'own' = 'shared'): UnixContext {
    return {
      self: { path: this.#path, material: this.#material() },
      limits: this.#options.limits(),
      callbacks: this.#callbacks,
      nextSequence: this.#options.nextSequence,
      reads: reads === 'shared' ? this.#reads : undefined,
    };
  }

  #material(): AuthMaterial {
    const material = this.#options.material();
    this.prepare(material);
    return material;
  }

  /** An error of a listener that stands: it failed to accept one connection (out of files, say) and goes on. */
  #acceptFailed(server: Server, error: Error): void {
    if (this.#closed || !server.listening) return;
    this.#options.events.inboundFailed({ remote: 'unix', error: handshakeFailure({ error }) });
  }
}
