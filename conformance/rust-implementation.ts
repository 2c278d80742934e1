/** The crate `aurelia` 0.2.0, as the program of interop/rust-peer: a process for each domus. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RustDomus, writeMaterial } from '../interop/rust-domus.ts';
import type { RustBlobRead, RustReceived } from '../interop/rust-protocol.ts';
import type { BlobTemper, Temper } from './frames.ts';
import type {
  BlobOrder,
  BlobOutcome,
  Decision,
  Implementation,
  Opening,
  Order,
  Outcome,
  Subject,
} from './implementation.ts';

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
    return new RustSubject(domus, folder, opening);
  },
};

/** Longest time between two requests, in milliseconds: that of the suite, for all it knows. */
const FOR_EVER_MS = 2 ** 31 - 1;

class RustSubject implements Subject {
  readonly #domus: RustDomus;
  readonly #folder: string;
  readonly #held = new Map<bigint, number[]>();

  constructor(domus: RustDomus, folder: string, opening: Opening) {
    this.#domus = domus;
    this.#folder = folder;
    void this.#listen(opening);
    void this.#listenToBlobs(opening);
  }

  taberna(id: bigint, temper: Exclude<Temper, 'unknown'> | BlobTemper): Promise<void> {
    const { peer } = this.#domus;
    if (temper === 'blob-reader') return peer.taberna(id, 'accept');
    if (temper === 'blob-sleeper') return peer.taberna(id, 'accept', { reading: { stopAfterBytes: 0 } });
    if (temper === 'blob-reject') return peer.taberna(id, 'reject');
    return peer.taberna(id, temper === 'blob-hold' ? 'hold' : temper);
  }

  async send({ to, taberna, payload }: Order): Promise<Outcome> {
    await this.#domus.peer.route(taberna, to);
    const { failures } = await this.#domus.peer.send({ taberna, payload });
    return failures[0]?.kind ?? 'accepted';
  }

  async sendBlob({ to, ...blob }: BlobOrder): Promise<BlobOutcome> {
    await this.#domus.peer.route(blob.taberna, to);
    const { end, failure } = await this.#domus.peer.sendBlob(blob);
    if (failure !== null) return failure.kind;
    return end === 'dropped' ? 'dropped' : 'whole';
  }

  async orderBlob(side: 'sending' | 'reading', number: number, order: 'go-on' | 'drop'): Promise<void> {
    const { peer } = this.#domus;
    await peer.next('blob-stopped', (event) => event.side === side && event.number === number);
    await peer.orderBlob(side, number, order);
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
  async #listen({ received }: Opening): Promise<void> {
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

  async #listenToBlobs({ blobRead }: Opening): Promise<void> {
    const { peer } = this.#domus;
    for (;;) {
      let event: RustBlobRead;
      try {
        event = await peer.next('blob-read', () => true, FOR_EVER_MS);
      } catch {
        return;
      }
      const { taberna, number, bytes, sha256, end, failure } = event;
      blobRead(taberna, { number, bytes, sha256, end: failure?.kind ?? (end === 'dropped' ? 'dropped' : 'whole') });
    }
  }
}
