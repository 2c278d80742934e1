/**
 * Plays cases against one implementation. It owns the subjects, which cases of one configuration share, and what they
 * stand on.
 *
 * 1. Each case has a raw peer of its own, so cases of one subject may run at once. Its address may be that of an earlier one
 *    which the subject has surely forgotten.
 * 2. After `close` no subject, socket or file is left.
 */
import { DomusError } from '@flaminia/transport-a0';
import { BlobReadings } from './blob-readings.ts';
import { type ConformanceCase, play, type Verdict } from './conformance-case.ts';
import { Ground, type Place, type Transport } from './ground.ts';
import type { Implementation, SubjectConfig } from './implementation.ts';
import { RawPeer } from './raw-peer.ts';
import { SeenMessages } from './seen-messages.ts';
import { SHARED_CONFIG } from './shared-config.ts';
import { type SharedSubject, Stage } from './stage.ts';

/** How often a port may be taken by somebody else between its choice and its use. */
const BIND_ATTEMPTS = 5;
const FIRST_TABERNA = 0x1000n;

export class Theatre {
  readonly #implementation: Implementation;
  readonly #ground: Ground;
  readonly #subjects = new Map<string, Promise<SharedSubject>>();
  /** Places of raw peers that the subject of a key has forgotten: a certificate costs more than most cases. */
  readonly #freePlaces = new Map<string, Place[]>();
  #lastTaberna = FIRST_TABERNA;

  static async open(implementation: Implementation): Promise<Theatre> {
    return new Theatre(implementation, await Ground.make());
  }

  private constructor(implementation: Implementation, ground: Ground) {
    this.#implementation = implementation;
    this.#ground = ground;
  }

  /** Plays a case over a transport, to its verdict. */
  async play(conformanceCase: ConformanceCase, transport: Transport): Promise<Verdict> {
    const { config = {}, alone, script } = conformanceCase;
    const key = alone === true ? `${transport} ${conformanceCase.id}` : `${transport} ${JSON.stringify(config)}`;
    let stage: Stage | undefined;
    let place: Place | undefined;
    try {
      const shared = await this.#subject(key, transport, { ...SHARED_CONFIG, ...config });
      const raw = await this.#open(
        transport,
        (found) => {
          place = found;
          return RawPeer.open(found);
        },
        this.#freePlaces.get(key)?.pop(),
      );
      stage = new Stage(shared, raw);
      return await play(script, stage);
    } catch (error) {
      return { kind: 'differs', step: 'open both sides', why: String(error) };
    } finally {
      const isForgotten = (await stage?.close()) === true && this.#implementation.forgetsAtClose === true;
      if (isForgotten && place !== undefined) this.#freePlaces.set(key, [...(this.#freePlaces.get(key) ?? []), place]);
      if (alone === true) await stage?.subject.stop();
    }
  }

  async close(): Promise<void> {
    for (const opening of this.#subjects.values()) await (await opening.catch(() => undefined))?.subject.stop();
    await this.#ground.close();
  }

  #subject(key: string, transport: Transport, config: SubjectConfig): Promise<SharedSubject> {
    const known = this.#subjects.get(key) ?? this.#open(transport, (place) => this.#openSubject(place, config));
    this.#subjects.set(key, known);
    return known;
  }

  async #openSubject({ address, material }: Place, config: SubjectConfig): Promise<SharedSubject> {
    const seen = new SeenMessages();
    const readings = new BlobReadings();
    const subject = await this.#implementation.open({
      address,
      material,
      config,
      received: (taberna, message) => seen.note(taberna, message),
      blobRead: (_, reading) => readings.note(reading),
    });
    return { subject, address, seen, readings, nextTaberna: () => ++this.#lastTaberna };
  }

  async #open<T>(transport: Transport, open: (place: Place) => Promise<T>, known?: Place): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await open(attempt === 1 && known !== undefined ? known : await this.#ground.place(transport));
      } catch (error) {
        if (attempt === BIND_ATTEMPTS || !(DomusError.is(error) && error.kind === 'bind-failed')) throw error;
      }
    }
  }
}
