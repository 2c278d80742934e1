/**
 * Plays cases against one implementation. It owns the subjects, which cases of one configuration share, and what they
 * stand on.
 *
 * 1. Each case has a raw peer of its own, so cases of one subject may run at once.
 * 2. After `close` no subject, socket or file is left.
 */
import { DomusError } from '@flaminia/transport-a0';
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
    try {
      const shared = await this.#subject(key, transport, { ...SHARED_CONFIG, ...config });
      stage = new Stage(shared, await this.#open(transport, (place) => RawPeer.open(place)));
      return await play(script, stage);
    } catch (error) {
      return { kind: 'differs', step: 'open both sides', why: String(error) };
    } finally {
      await stage?.close();
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
    const subject = await this.#implementation.open({
      address,
      material,
      config,
      received: (taberna, message) => seen.note(taberna, message),
    });
    return { subject, address, seen, nextTaberna: () => ++this.#lastTaberna };
  }

  async #open<T>(transport: Transport, open: (place: Place) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await open(await this.#ground.place(transport));
      } catch (error) {
        if (attempt === BIND_ATTEMPTS || !(DomusError.is(error) && error.kind === 'bind-failed')) throw error;
      }
    }
  }
}
