/**
 * The ground of one interoperation test: a folder, a certificate authority, and what hands out addresses and
 * certificates to the domus of both languages. It ends all that was made on it with the test, the last made first.
 */
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  type Authority,
  createAuthority,
  issueAuth,
  type KeyAlgorithm,
  type PemMaterial,
} from '@flaminia/certificates';
import { type DomusAddr, tcpAddress, unixAddress } from '@flaminia/transport-a0';
import { freePort } from './free-port.ts';
import { RustDomus, type RustDomusOptions, writeMaterial } from './rust-domus.ts';

export type Transport = 'tcp' | 'unix';

export const TRANSPORTS: readonly Transport[] = ['tcp', 'unix'];
export const ALGORITHMS: readonly KeyAlgorithm[] = ['P-256', 'RSA-2048', 'Ed25519'];

export class Imperium {
  readonly transport: Transport;
  readonly #folder: string;
  readonly #authority: Authority;
  readonly #algorithm: KeyAlgorithm;
  readonly #ends: (() => Promise<unknown>)[] = [];
  #lastName = 0;

  /** Makes the ground for one test. The authority and every leaf have keys of one kind. */
  static async make(t: TestContext, transport: Transport, algorithm: KeyAlgorithm = 'P-256'): Promise<Imperium> {
    // A Unix socket is known by its real path, and the path must be short.
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'flaminia-')));
    const imperium = new Imperium(transport, folder, await createAuthority({ algorithm }), algorithm);
    imperium.onEnd(() => rm(folder, { recursive: true, force: true }));
    t.after(() => imperium.#end());
    return imperium;
  }

  private constructor(transport: Transport, folder: string, authority: Authority, algorithm: KeyAlgorithm) {
    this.transport = transport;
    this.#folder = folder;
    this.#authority = authority;
    this.#algorithm = algorithm;
  }

  /** An address of this transport that nobody has. */
  async address(): Promise<DomusAddr> {
    if (this.transport === 'tcp') return tcpAddress('127.0.0.1', await freePort());
    return unixAddress(join(this.#folder, `${++this.#lastName}.sock`));
  }

  /** Where a domus binds whose connections go through a relay: over TCP at a port that its certificate does not name. */
  async addressBehindProxy(address: DomusAddr): Promise<DomusAddr> {
    return this.transport === 'tcp' ? this.address() : address;
  }

  /** A certificate for an address, with a new key. */
  material(address: DomusAddr, nodeId: string): Promise<PemMaterial> {
    const algorithm = this.#algorithm;
    // A Rust domus on Unix sockets loads an Ed25519 key in no other form, and everybody reads this one.
    const pkcs8 = algorithm === 'Ed25519' ? 2 : 1;
    return issueAuth({ ca: this.#authority, nodeId, algorithm, pkcs8 })(address);
  }

  /** A Rust domus, open, in a process of its own. */
  async rust(options: RustDomusOptions = {}): Promise<RustDomus> {
    const address = await this.address();
    const bind = options.proxied === true ? await this.addressBehindProxy(address) : address;
    const nodeId = `rust-${++this.#lastName}`;
    const files = await writeMaterial(join(this.#folder, nodeId), await this.material(address, nodeId));
    const domus = new RustDomus({ ...options, address, bind, files });
    this.onEnd(() => domus.stop());
    await domus.start();
    return domus;
  }

  /** Ends something with the test, before what was made earlier. */
  onEnd(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  async #end(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) await end();
  }
}
