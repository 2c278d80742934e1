/**
 * The TCP backend: it listens, hands connections with a permit to TLS and to the handshake, and dials
 * (a0-transport, TCP handshake, admission and rotation).
 *
 * It owns the listener, the permits, the callback table and every handshake under way. Streams that A0 has handed over
 * are no longer its own.
 * 1. The accept loop never waits for a handshake.
 * 2. A permit is held from raw accept until the handshake ends or the connection closes, whichever is first.
 * 3. A handshake keeps the material that it began with; the next one takes what `material` gives then.
 * 4. After `close` nothing is told any more, and every handshake under way has ended.
 */
import { createServer, isIP, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type DomusAddr, parseAddress } from './address.ts';
import { ACCEPT_BACKLOG, Admission, type Permit } from './admission.ts';
import { type AuthMaterial, requireAddress } from './auth-material.ts';
import type { BackendOptions, CertifiedBackend } from './backend.ts';
import { CallbackTable } from './callback-table.ts';
import { DomusError, outOfRange } from './domus-error.ts';
import { type HandshakeEnd, HandshakeScope } from './handshake-scope.ts';
import { bindFailure, handshakeFailure, ignoreError } from './node-errors.ts';
import type { AuthenticatedStream } from './stream.ts';
import { type InboundContext, receivePeer } from './tcp-inbound.ts';
import { abandoned, dialPeer, HANDSHAKE_TIMEOUT_TEXT } from './tcp-outbound.ts';
import { createTlsCredentials, type TlsCredentials } from './tls-credentials.ts';
import { type DialSource, KEEP_ALIVE_MS, type TcpAddress } from './tls-dial.ts';

/** Bytes of the one buffer that all dialled sockets read into: four TLS records. */
const READ_BUFFER_BYTES = 64 * 1024;

/** A connection accepted and not yet through A0. */
interface Inbound {
  readonly scope: HandshakeScope;
  secured(socket: TLSSocket): void;
}

export class TcpBackend implements CertifiedBackend {
  readonly kind = 'tcp';
  readonly #options: BackendOptions;
  readonly #source: DialSource;
  readonly #where: { readonly host: string; readonly port: number };
  readonly #admission: Admission;
  readonly #callbacks = new CallbackTable();
  readonly #underWay = new Set<HandshakeScope>();
  /** Accepted connections by the socket below TLS. */
  readonly #inbound = new WeakMap<Socket, Inbound>();
  #credentials: TlsCredentials;
  #server: Server | undefined;
  #closed = false;

  /** Throws `invalid-config` or `address-mismatch` for material or addresses that cannot serve. */
  constructor(options: BackendOptions) {
    const own = parseAddress(options.address);
    if (own.kind !== 'tcp' || own.port === 0) throw outOfRange('address', 'a TCP address with a port', options.address);
    this.#options = options;
    this.#source = { own, reads: Buffer.allocUnsafeSlow(READ_BUFFER_BYTES) };
    this.#where = options.listen === undefined ? { host: own.ip, port: own.port } : parseListen(options.listen);
    this.#admission = new Admission(() => options.limits().inboundHandshakeLimitTotal);
    this.#credentials = this.#ready(options.material());
  }

  listen(): Promise<void> {
    if (this.#server !== undefined || this.#closed) {
      return Promise.reject(new DomusError('invalid-state', 'a backend listens once'));
    }
    const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }, (socket) =>
      this.#accept(socket),
    );
    this.#server = server;
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => {
        this.#server = undefined;
        reject(bindFailure(error, `${this.#where.host}:${this.#where.port}`));
      };
      server.once('error', failed);
      // Node calls nobody back where it is closed before it listens.
      server.once('close', () => reject(shutDown()));
      // A domus is one process: workers of a cluster must not share its port.
      server.listen({ ...this.#where, exclusive: true, backlog: ACCEPT_BACKLOG }, () => {
        server.off('error', failed);
        server.on('error', (error) => this.#acceptFailed(server, error));
        if (this.#closed) reject(shutDown());
        else resolve();
      });
    });
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
      scope.run(() => dialPeer(peer, this.#context(reads), scope, resolve));
    });
  }

  prepare(material: AuthMaterial): void {
    this.#credentials = this.#ready(material);
  }

  async close(): Promise<void> {
    this.#closed = true;
    // The port is free at once. Node's own callback would wait for every stream that was ever accepted.
    this.#server?.close();
    this.#server = undefined;
    for (const scope of [...this.#underWay]) scope.fail(shutDown());
  }

  #accept(socket: Socket): void {
    // Whatever happens to it before TLS has it, it must not end the process.
    socket.on('error', ignoreError);
    const permit = this.#closed ? undefined : this.#admission.admit(socket);
    if (permit === undefined) {
      socket.destroy();
      if (!this.#closed) this.#options.events.admissionRefused();
      return;
    }
    const scope = this.#admitted(socket, permit);
    scope.run(() => {
      const context = this.#context();
      const secured = (secure: TLSSocket): void =>
        receivePeer(secure, context, scope, (stream) => this.#options.events.accepted(stream));
      this.#inbound.set(socket, { scope, secured });
      context.credentials.server.emit('connection', socket);
    });
  }

  /** The scope of an accepted connection: it holds the permit and the time limit, and reports a failure. */
  #admitted(socket: Socket, permit: Permit): HandshakeScope {
    const remote = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
    const scope = this.#scope((end) => {
      if (end !== undefined && !this.#closed) this.#options.events.inboundFailed({ remote, error: end });
    });
    const closed = (): void => {
      permit.release();
      // TLS tells why a little later, if it knows.
      setImmediate(() => scope.fail(handshakeFailure({ error: undefined })));
    };
    socket.once('close', closed);
    scope.onEnd((end) => {
      permit.release();
      this.#inbound.delete(socket); // A stream that lives long keeps nothing of its handshake.
      socket.off('close', closed);
      if (end !== undefined) socket.destroy();
    });
    scope.limit(this.#options.limits().handshakeTimeoutMs, HANDSHAKE_TIMEOUT_TEXT);
    return scope;
  }

  #scope(ended: (end: HandshakeEnd) => void, peer?: DomusAddr): HandshakeScope {
    const scope = new HandshakeScope((end) => {
      this.#underWay.delete(scope);
      ended(end);
    }, peer);
    this.#underWay.add(scope);
    return scope;
  }

  #dialable(address: DomusAddr, signal: AbortSignal): TcpAddress {
    if (this.#closed) throw new DomusError('domus-closed', 'the domus was shut down', { peer: address });
    if (signal.aborted) throw abandoned(address);
    const peer = parseAddress(address);
    if (peer.kind === 'tcp') return peer;
    throw new DomusError('address-mismatch', `a TCP domus cannot dial ${address}`, { peer: address, detail: 'kind' });
  }

  /** What a handshake that begins now works with, to its end. */
  #context(reads: 'shared' | 'own' = 'shared'): InboundContext {
    return {
      source: reads === 'shared' ? this.#source : { own: this.#source.own, reads: undefined },
      limits: this.#options.limits(),
      credentials: this.#current(),
      callbacks: this.#callbacks,
      nextSequence: this.#options.nextSequence,
    };
  }

  /** Credentials of the material of now; those of a handshake under way stay alive with it. */
  #current(): TlsCredentials {
    const material = this.#options.material();
    if (material !== this.#credentials.material) this.#credentials = this.#ready(material);
    return this.#credentials;
  }

  #ready(material: AuthMaterial): TlsCredentials {
    requireAddress(material, this.#source.own.text);
    const credentials = createTlsCredentials(material);
    credentials.server.on('secureConnection', (socket) => {
      socket.on('error', ignoreError);
      const inbound = this.#inboundOf(socket);
      if (inbound === undefined || inbound.scope.over) socket.destroy();
      else inbound.secured(socket);
    });
    credentials.server.on('tlsClientError', (error, socket) => {
      const failure = handshakeFailure({ error, refusal: socket.authorizationError });
      this.#inboundOf(socket)?.scope.fail(failure);
    });
    return credentials;
  }

  /**
   * Node gives no documented way from a TLS socket to the accepted one below it; `_parent` has been that way since its
   * first versions. Should it go, no connection is accepted, and every test of this file fails.
   */
  #inboundOf(socket: TLSSocket): Inbound | undefined {
    const below = (socket as { readonly _parent?: Socket })._parent;
    return below === undefined ? undefined : this.#inbound.get(below);
  }

  /** An error of the listener: it may have failed to accept one connection (out of files), or be gone. */
  #acceptFailed(server: Server, error: Error): void {
    if (this.#closed) return;
    if (server.listening) this.#options.events.inboundFailed({ remote: 'unknown', error: handshakeFailure({ error }) });
    else this.#options.events.listenerFailed(error);
  }
}

function parseListen(listen: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(listen);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || isIP(host) === 0 || port === 0 || port > 65_535) {
    throw outOfRange('listen', '<ip literal>:<port 1..65535>, an IPv6 literal in brackets', listen);
  }
  return { host, port };
}

function shutDown(): DomusError {
  return new DomusError('domus-closed', 'the domus was shut down');
}
