/** The crate `aurelia` 0.2.0, as the program of interop/rust-peer: a process for each domus. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RustDomus, writeMaterial } from '../interop/rust-domus.ts';
import type { RustReceived } from '../interop/rust-protocol.ts';
import type { Temper } from './frames.ts';
import type { Decision, Implementation, Opening, Order, Outcome, Subject } from './implementation.ts';

export const RUST: Implementation = {
  name: 'aurelia 0.2.0 (Rust)',
  async open(opening) {
    const folder = await mkdtemp(join(tmpdir(), 'flaminia-rust-'));
    const { address, config } = opening;
    const files = await writeMaterial(join(folder, 'auth'), opening.material);
    const domus = new RustDomus({ address, bind: address, files, config });
    try {
      await domus.start();
    } catch (error) {
      await rm(folder, { recursive: true });
      throw error;
    }
    return new RustSubject(domus, folder, opening.received);
  },
};

/** Longest time between two requests, in milliseconds: that of the suite, for all it knows. */
const FOR_EVER_MS = 2 ** 31 - 1;

class RustSubject implements Subject {
  readonly #domus: RustDomus;
  readonly #folder: string;
  readonly #held = new Map<bigint, number[]>();

  constructor(domus: RustDomus, folder: string, received: Opening['received']) {
    this.#domus = domus;
    this.#folder = folder;
    void this.#listen(received);
  }

  taberna(id: bigint, temper: Exclude<Temper, 'unknown'>): Promise<void> {
    return this.#domus.peer.taberna(id, temper);
  }

  async send({ to, taberna, payload }: Order): Promise<Outcome> {
    await this.#domus.peer.route(taberna, to);
    const { failures } = await this.#domus.peer.send({ taberna, payload });
    return failures[0]?.kind ?? 'accepted';
  }

  async decide(taberna: bigint, decision: Decision): Promise<void> {
    const held = this.#held.get(taberna)?.shift();
    if (held === undefined) throw new Error(`no request is held of taberna ${taberna}`);
    await this.#domus.peer.decide(held, decision);
  }

  async shutdown(): Promise<void> {
    await this.#domus.peer.shutdown();
  }

  async stop(): Promise<void> {
    await this.#domus.crash();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Hands requests on until the process ends. */
  async #listen(received: Opening['received']): Promise<void> {
    const { peer } = this.#domus;
    for (;;) {
      let event: RustReceived;
      try {
        event = await peer.next('received', () => true, FOR_EVER_MS);
      } catch {
        return;
      }
      if (event.held !== null) this.#held.set(event.taberna, [...(this.#held.get(event.taberna) ?? []), event.held]);
      received(event.taberna, event);
    }
  }
}
