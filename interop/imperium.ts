/**
 * The ground of one interoperation test: a folder, a certificate authority, and what hands out addresses and
 * certificates to the domus of both languages. It ends all that was made on it with the test, the last made first, and
 * fails a test of which a socket, timer, process or other handle is left.
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
import { activeResources, expectNoMoreThan, type Resources } from '@flaminia/testkit';
import { type DomusAddr, tcpAddress, unixAddress } from '@flaminia/transport-a0';
import { freePort } from './free-port.ts';
import { NodeDomus, type NodeDomusOptions } from './node-domus.ts';
import { RustDomus, type RustDomusOptions, writeMaterial } from './rust-domus.ts';
import type { MaterialFiles } from './rust-peer.ts';

export type Transport = 'tcp' | 'unix';

export const TRANSPORTS: readonly Transport[] = ['tcp', 'unix'];
export const ALGORITHMS: readonly KeyAlgorithm[] = ['P-256', 'RSA-2048', 'Ed25519'];

let living = 0;
/** What was there before the first of those that live. */
let before: Resources = new Map();

export class Imperium {
  readonly transport: Transport;
  readonly #folder: string;
  readonly #authority: Authority;
  readonly #algorithm: KeyAlgorithm;
  readonly #ends: (() => Promise<unknown>)[] = [];
  #lastName = 0;

  /** Makes the ground for one test. The authority and every leaf have keys of one kind. */
  static async make(t: TestContext, transport: Transport, algorithm: KeyAlgorithm = 'P-256'): Promise<Imperium> {
    if (living++ === 0) before = activeResources();
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

  /** A certificate for an address, with a new key. */
  material(address: DomusAddr, nodeId: string, pkcs8: 1 | 2 = 1): Promise<PemMaterial> {
    return issueAuth({ ca: this.#authority, nodeId, algorithm: this.#algorithm, pkcs8 })(address);
  }

  /** A Node domus, open, in this process. */
  async node(options: NodeDomusOptions = {}): Promise<NodeDomus> {
    const address = await this.address();
    const auth = await this.material(address, `node-${++this.#lastName}`);
    const domus = new NodeDomus({ ...options, address, bind: await this.#bindOf(address, options.proxied), auth });
    this.onEnd(() => domus.crash());
    await domus.start();
    return domus;
  }

  /** A Rust domus, open, in a process of its own. */
  async rust(options: RustDomusOptions = {}): Promise<RustDomus> {
    const address = await this.address();
    const nodeId = `rust-${++this.#lastName}`;
    // A Rust domus on Unix sockets loads an Ed25519 key in no other form than version 2.
    const material = await this.material(address, nodeId, this.#algorithm === 'Ed25519' ? 2 : 1);
    const files = await writeMaterial(join(this.#folder, nodeId), material);
    const domus = new RustDomus({ ...options, address, bind: await this.#bindOf(address, options.proxied), files });
    this.onEnd(() => domus.stop());
    await domus.start();
    return domus;
  }

  /** The same as files, for a program that takes paths. */
  async materialFiles(address: DomusAddr, nodeId: string): Promise<MaterialFiles> {
    return writeMaterial(join(this.#folder, nodeId), await this.material(address, nodeId));
  }

  /** Ends something with the test, before what was made earlier. */
  onEnd(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  /** Behind a relay a TCP domus binds a port that its certificate does not name. */
  async #bindOf(address: DomusAddr, proxied: boolean | undefined): Promise<DomusAddr> {
    return proxied === true && this.transport === 'tcp' ? this.address() : address;
  }

  async #end(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) await end();
    // With the last one of a test, nothing may be left.
    if (--living === 0) await expectNoMoreThan(before);
  }
}
