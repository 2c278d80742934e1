/** What the Unix-socket tests are made of: leaves of any kind, domus in a folder of their own, and waiting without sleeping. */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CertificateRequest, IssuedCertificate } from '@flaminia/certificates/internal';
import { type DomusAddr, unixAddress } from '../src/address.ts';
import { type AuthMaterial, loadAuthMaterial } from '../src/auth-material.ts';
import type { A0Limits, InboundFailure } from '../src/backend.ts';
import type { AuthenticatedStream } from '../src/stream.ts';
import { UnixBackend } from '../src/unix-backend.ts';
import { issueLeaf, LIMITS, until } from './tcp-imperium.ts';

export const UNIX_LIMITS: A0Limits = LIMITS;

/** A new, empty folder whose path is canonical. */
export async function makeFolder(): Promise<string> {
  return realpath(await mkdtemp(join(tmpdir(), 'a0-')));
}

/** The material of a domus at `path`. `chain` stands behind the leaf. */
export async function issueUnixMaterial(
  issuer: IssuedCertificate,
  path: string,
  over: Partial<CertificateRequest> = {},
  chain: { readonly ca?: string; readonly rest?: string } = {},
): Promise<AuthMaterial> {
  const leaf = await issueLeaf(issuer, unixAddress(path), over);
  const cert = leaf.chain + (chain.rest ?? '');
  return loadAuthMaterial({ ca: chain.ca ?? issuer.certificatePem, cert, key: leaf.issued.privateKeyPem }, 'unix');
}

export interface UnixDomusOptions {
  readonly limits?: Partial<A0Limits>;
  readonly fileMode?: number;
}

/** One backend with a record of what it told. */
export class UnixDomus {
  readonly path: string;
  readonly address: DomusAddr;
  readonly backend: UnixBackend;
  readonly accepted: AuthenticatedStream[] = [];
  readonly failures: InboundFailure[] = [];
  refusals = 0;
  limits: A0Limits;
  material: AuthMaterial;
  #sequence = 0;

  constructor(path: string, material: AuthMaterial, options: UnixDomusOptions = {}) {
    this.path = path;
    this.address = unixAddress(path);
    this.material = material;
    this.limits = { ...UNIX_LIMITS, ...options.limits };
    this.backend = new UnixBackend({
      address: this.address,
      limits: () => this.limits,
      material: () => this.material,
      nextSequence: () => ++this.#sequence,
      ...(options.fileMode === undefined ? {} : { fileMode: options.fileMode }),
      events: {
        accepted: (stream) => this.accepted.push(stream),
        inboundFailed: (failure) => this.failures.push(failure),
        admissionRefused: () => this.refusals++,
        listenerFailed: (error) => {
          throw error;
        },
      },
    });
  }

  dial(peer: DomusAddr, signal: AbortSignal = new AbortController().signal): Promise<AuthenticatedStream> {
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

  /** Ends the domus and every stream that it accepted and nobody took. */
  async close(): Promise<void> {
    for (const stream of this.accepted) stream.destroy();
    await this.backend.close();
  }
}

/** The domus of one test, in one folder; `close` ends them all and removes the folder. */
export class UnixImperium {
  readonly folder: string;
  readonly authority: IssuedCertificate;
  readonly #domus: UnixDomus[] = [];

  private constructor(folder: string, authority: IssuedCertificate) {
    this.folder = folder;
    this.authority = authority;
  }

  static async open(authority: IssuedCertificate): Promise<UnixImperium> {
    return new UnixImperium(await makeFolder(), authority);
  }

  pathOf(name: string): string {
    return join(this.folder, name);
  }

  /** A domus that does not listen yet. */
  async domus(name: string, options: UnixDomusOptions & { material?: AuthMaterial } = {}): Promise<UnixDomus> {
    const path = this.pathOf(name);
    const material = options.material ?? (await issueUnixMaterial(this.authority, path));
    const domus = new UnixDomus(path, material, options);
    this.#domus.push(domus);
    return domus;
  }

  async listening(name: string, options: UnixDomusOptions & { material?: AuthMaterial } = {}): Promise<UnixDomus> {
    const domus = await this.domus(name, options);
    await domus.backend.listen();
    return domus;
  }

  async close(): Promise<void> {
    for (const domus of this.#domus) await domus.close();
    await rm(this.folder, { recursive: true });
  }
}

/** Waits until no socket, server or timer of this process is left beyond `base`; tests run one after the other. */
export async function untilUnixQuiet(base: readonly string[] = []): Promise<void> {
  const counted = (kinds: readonly string[]): number => kinds.filter((kind) => HANDLES.has(kind)).length;
  await until(() => counted(process.getActiveResourcesInfo()) <= counted(base));
}

const HANDLES: ReadonlySet<string> = new Set(['PipeWrap', 'PipeServerWrap', 'PipeConnectWrap', 'Timeout']);
