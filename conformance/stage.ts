/** What one case works on: a subject, a raw peer of its own, and the names that its script gives to things. */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { AuthenticatedStream } from '@flaminia/transport-a0/internal';
import type { BlobReadings } from './blob-readings.ts';
import { type BlobTemper, encodeFrame, type Frame, type PlainFrame, type Temper } from './frames.ts';
import { happeningText } from './happenings.ts';
import type { BlobOutcome, Outcome, Subject } from './implementation.ts';
import { RawCallis } from './raw-callis.ts';
import type { RawPeer } from './raw-peer.ts';
import type { ReceivedFrame } from './received-frame.ts';
import type { SeenMessages } from './seen-messages.ts';

/** The callis of a script that names none. */
export const MAIN = 'main';
/** Ids of markers: nowhere near those that cases use. */
const FIRST_MARKER_ID = 0x6d00_0000;

/** A subject as it is shared by cases. */
export interface SharedSubject {
  readonly subject: Subject;
  readonly address: DomusAddr;
  readonly seen: SeenMessages;
  /** A taberna id that nobody has, here or elsewhere. */
  nextTaberna(): bigint;
  /** What its tabernae have read of blobs. */
  readonly readings: BlobReadings;
}

export class Stage {
  readonly shared: SharedSubject;
  readonly raw: RawPeer;
  /** Sends of the implementation, by their texts. */
  readonly outcomes: Map<string, Promise<Outcome | BlobOutcome>> = new Map();
  /** Where they go, by their texts. */
  readonly destinations: Map<string, bigint> = new Map();
  /** Ids of messages of the implementation that have come, by their texts. */
  readonly messageIds: Map<string, number> = new Map();
  /** Numbers of blobs, by the texts of those that the implementation sends and the ids of those that it gets. */
  readonly #blobNumbers = new Map<string | number, number>();
  shutdown: Promise<void> | undefined;
  readonly #calles = new Map<string, RawCallis>();
  readonly #tabernae = new Map<Temper | BlobTemper, Promise<bigint>>();
  #markers = 0;

  constructor(shared: SharedSubject, raw: RawPeer) {
    this.shared = shared;
    this.raw = raw;
  }

  get subject(): Subject {
    return this.shared.subject;
  }

  callis(name: string): RawCallis {
    const callis = this.#calles.get(name);
    if (callis === undefined) throw new Error(`the script has no callis "${name}" yet`);
    return callis;
  }

  /** Gives a connection a name. */
  join(name: string, stream: AuthenticatedStream): void {
    this.#calles.set(name, new RawCallis(name, stream, (event) => this.raw.happenings.add(event)));
  }

  /** The taberna of a temper at the implementation, registered when it is first named. */
  taberna(temper: Temper | BlobTemper): Promise<bigint> {
    const known = this.#tabernae.get(temper) ?? this.#register(temper);
    this.#tabernae.set(temper, known);
    return known;
  }

  /** The number of a blob, which nobody else uses. */
  blobNumber(name: string | number): number {
    const number = this.#blobNumbers.get(name) ?? Number(this.shared.nextTaberna());
    this.#blobNumbers.set(name, number);
    return number;
  }

  /** The bytes of a frame whose names mean something here. */
  async encode(frame: Frame): Promise<Buffer> {
    const { id, dst, stream, ...rest } = frame;
    const plain: PlainFrame = {
      ...rest,
      ...(id === undefined ? {} : { id: this.#idOf(id) }),
      ...(stream === undefined ? {} : { stream: this.#idOf(stream) }),
      ...(dst === undefined ? {} : { dst: typeof dst === 'bigint' ? dst : await this.taberna(dst) }),
    };
    return encodeFrame(plain);
  }

  /** The next frame on one of these calles, or undefined for the end. Throws for a frame that nobody may write. */
  async next(names: readonly string[], wanted: string, keepalives = false): Promise<ReceivedFrame | undefined> {
    const calles = names.map((name) => this.callis(name));
    const happening = await this.raw.happenings.onCallis(calles, wanted, keepalives);
    if (happening.kind === 'end') return undefined;
    if (happening.fault !== undefined) throw new Error(`wrote ${happeningText(happening)} with ${happening.fault}`);
    return happening.frame;
  }

  /** A message that nobody else writes. */
  nextMarker(dst: Temper): Frame & { readonly id: number; readonly text: string } {
    const id = FIRST_MARKER_ID + ++this.#markers;
    const text = `marker ${this.#markers}`;
    return { type: 0x0100_0000, id, dst, payload: Buffer.from(text), text };
  }

  /** Ends what the case has left open. True if the implementation has surely heard that the session is over. */
  async close(): Promise<boolean> {
    const heard = await Promise.all([...this.#calles.values()].map((callis) => callis.part()));
    const isUntaken = this.raw.happenings.rest().some(({ kind }) => kind === 'connection');
    await this.raw.close();
    return heard.includes(true) && !isUntaken;
  }

  #idOf(id: number | string): number {
    if (typeof id === 'number') return id;
    const known = this.messageIds.get(id);
    if (known === undefined) throw new Error(`the script has seen no message "${id}" yet`);
    return known;
  }

  async #register(temper: Temper | BlobTemper): Promise<bigint> {
    const id = this.shared.nextTaberna();
    if (temper !== 'unknown') await this.subject.taberna(id, temper);
    return id;
  }
}
