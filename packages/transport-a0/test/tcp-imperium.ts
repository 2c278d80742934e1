/** What the TCP tests are made of: an authority, leaves of any kind, domus on free ports, and waiting without sleeping. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import {
  authorityExtensions,
  type CertificateRequest,
  domusExtensions,
  type IssuedCertificate,
  issueCertificate,
} from '@flaminia/certificates/internal';
import { type DomusAddr, parseAddress, tcpAddress } from '../src/address.ts';
import { type AuthMaterial, loadAuthMaterial } from '../src/auth-material.ts';
import type { A0Limits, InboundFailure } from '../src/backend.ts';
import type { AuthenticatedStream } from '../src/stream.ts';
import { TcpBackend } from '../src/tcp-backend.ts';
import type { TcpAddress } from '../src/tls-dial.ts';

/** An ip of this test process alone where the system has all of 127/8, so that no other process takes its free ports. */
export const LOOPBACK: string =
  process.platform === 'linux' ? `127.${1 + ((process.pid >> 8) % 254)}.${1 + (process.pid % 254)}.1` : '127.0.0.1';

const HOUR_MS = 3_600_000;
const IDLE: AbortSignal = new AbortController().signal;

/** A certificate with key and the chain that a peer shows. */
export interface Leaf {
  readonly issued: IssuedCertificate;
  /** PEM, leaf first. */
  readonly chain: string;
}

/** Issues with sensible dates; `over` changes anything. */
export function issue(
  over: Partial<CertificateRequest> & Pick<CertificateRequest, 'extensions'>,
): Promise<IssuedCertificate> {
  const now = Date.now();
  return issueCertificate({
    subject: [{ type: 'CN', value: 'test' }],
    notBefore: new Date(now - HOUR_MS),
    notAfter: new Date(now + HOUR_MS),
    ...over,
  });
}

export function issueAuthority(over: Partial<CertificateRequest> = {}): Promise<IssuedCertificate> {
  return issue({ subject: [{ type: 'CN', value: 'authority' }], extensions: authorityExtensions(), ...over });
}

/** A good leaf of a domus, as far as `over` leaves it one. */
export async function issueLeaf(
  issuer: IssuedCertificate,
  address: DomusAddr,
  over: Partial<CertificateRequest> = {},
): Promise<Leaf> {
  const subject = [{ type: 'CN', value: 'node-1' } as const, { type: 'OU', value: 'worker' } as const];
  const issued = await issue({ subject, issuer, extensions: domusExtensions(address), ...over });
  return { issued, chain: issued.certificatePem };
}

export function materialOf(authority: IssuedCertificate, leaf: Leaf): AuthMaterial {
  return loadAuthMaterial({ ca: authority.certificatePem, cert: leaf.chain, key: leaf.issued.privateKeyPem }, 'tcp');
}

/** An address that nobody listens at. */
export async function freeAddress(ip: string = LOOPBACK): Promise<TcpAddress> {
  const server = createServer().listen(0, ip);
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has a port');
  const address = parseAddress(tcpAddress(ip, bound.port));
  if (address.kind !== 'tcp') throw new Error('a TCP address was made');
  return address;
}

/** Times beyond the length of any test, on the slowest of machines too: where a limit is tested, a test moves the timers. */
export const LIMITS: A0Limits = {
  handshakeTimeoutMs: 300_000,
  callbackTimeoutMs: 300_000,
  inboundHandshakeLimitTotal: 64,
};

export interface DomusOptions {
  readonly limits?: Partial<A0Limits>;
  readonly listen?: string;
  readonly leaf?: Leaf;
  readonly silent?: boolean;
}

/** One backend with a record of what it told. */
export class TestDomus {
  readonly address: TcpAddress;
  readonly backend: TcpBackend;
  readonly accepted: AuthenticatedStream[] = [];
  readonly failures: InboundFailure[] = [];
  readonly listenerErrors: Error[] = [];
  refusals = 0;
  limits: A0Limits;
  material: AuthMaterial;
  #sequence = 0;

  constructor(address: TcpAddress, material: AuthMaterial, options: DomusOptions) {
    this.address = address;
    this.material = material;
    this.limits = { ...LIMITS, ...options.limits };
    this.backend = new TcpBackend({
      address: address.text,
      limits: () => this.limits,
      material: () => this.material,
      nextSequence: () => ++this.#sequence,
      ...(options.listen === undefined ? {} : { listen: options.listen }),
      events: {
        accepted: (stream) => this.accepted.push(stream),
        inboundFailed: (failure) => this.failures.push(failure),
        admissionRefused: () => this.refusals++,
        listenerFailed: (error) => this.listenerErrors.push(error),
      },
    });
  }

  dial(peer: DomusAddr, signal: AbortSignal = IDLE): Promise<AuthenticatedStream> {
    return this.backend.dial(peer, signal);
  }

  async nextAccepted(): Promise<AuthenticatedStream> {
    await until(() => this.accepted.length > 0);
    return this.accepted.shift()!;
  }

  async nextFailure(): Promise<InboundFailure> {
    await until(() => this.failures.length > 0);
    return this.failures.shift()!;
  }

  /** Ends the domus and every stream that it accepted. */
  async close(): Promise<void> {
    for (const stream of this.accepted) stream.destroy();
    await this.backend.close();
  }
}

/** A domus that listens, with a fresh leaf unless one is given. */
export async function openDomus(
  authority: IssuedCertificate,
  options: DomusOptions & { address?: TcpAddress } = {},
): Promise<TestDomus> {
  const address = options.address ?? (await freeAddress());
  const leaf = options.leaf ?? (await issueLeaf(authority, address.text));
  const domus = new TestDomus(address, materialOf(authority, leaf), options);
  await domus.backend.listen();
  return domus;
}

/** Waits for a state that some event will bring about, turn by turn; fails where nothing can bring it about any more. */
export async function until(reached: () => boolean): Promise<void> {
  const givenUp = performance.now() + GIVE_UP_MS;
  for (let turns = 0; !reached(); turns++) {
    if (performance.now() > givenUp) throw new Error(`never reached: ${reached}`);
    // A long wait leaves the processor to whoever is waited for.
    await (turns < 100 ? turn() : pause(1));
  }
}

/** Only a test that fails ever waits so long. */
const GIVE_UP_MS = 120_000;

/** Waits until no socket, server or timer of this process is left beyond `base`; tests run one after the other. */
export async function untilQuiet(base: readonly string[] = []): Promise<void> {
  const counted = (kinds: readonly string[]): number => kinds.filter((kind) => HANDLES.has(kind)).length;
  await until(() => counted(process.getActiveResourcesInfo()) <= counted(base));
}

const HANDLES: ReadonlySet<string> = new Set([
  'TCPSocketWrap',
  'TCPServerWrap',
  'TLSWrap',
  'Timeout',
  'TCPConnectWrap',
]);
