/**
 * The pair: two (or more) domus on a virtual network and clock, for scenarios that read like the text of the contract.
 * A scenario says what the programs do, then `drive`s time on, `cut`s, `heal`s and `delay`s, and looks at outcomes, at
 * the wire and at the machines. Nothing happens between two verbs, and a scenario takes microseconds.
 *
 * The network has no faults of its own: a latency of one millisecond, whole writes, all that is in flight arrives.
 */
import type { Callis, CoreEvent, DeliverySettings, PeerSession, Taberna } from '@flaminia/delivery-a1/internal';
import { ReadingHand, WritingHand } from './blob-hands.ts';
import type { End } from './connection.ts';
import { Entry, type Ledger } from './entry.ts';
import type { Observer, Taken } from './observer.ts';
import { lineOf, RawPeer } from './raw-peer.ts';
import { ReferenceReader } from './reference-reader.ts';
import { type PeerDriver, VirtualDomus } from './virtual-domus.ts';
import { World } from './world.ts';

/** What a scenario runs with unless it says otherwise; times in milliseconds, as everywhere in the settings. */
export const SCENARIO_SETTINGS: DeliverySettings = {
  sendQueueSize: 128,
  sendQueueBytes: 64 * 1024 * 1024,
  sendTimeoutMs: 30_000,
  callisConnectTimeoutMs: 15_000,
  acceptTimeoutMs: 5_000,
  tabernaAcceptQueueSize: 1024,
  tabernaAcceptQueueBytes: 64 * 1024 * 1024,
  keepaliveIntervalMs: 15_000,
  listenerDelayMs: 0,
  listenerReconnectTimeoutMs: 20_000,
  reconnectBackoffMs: [1000, 2000, 4000],
  inboundHandshakeLimitPerPeer: 3,
  maxParallelCallisPerPeer: 8,
  maxPayloadLen: 8 * 1024 * 1024,
  blobChunkBytes: 64 * 1024,
  blobWindow: 64,
  blobProofMs: 20,
  blobPiecesFromBytes: 16 * 1024,
  blobWaitingBytes: 384 * 1024,
  blobOutboundBufferBytes: 256 * 1024 * 1024,
  blobInboundBufferBytes: 256 * 1024 * 1024,
  nudge: true,
};

export interface PairOptions {
  readonly settings?: Partial<DeliverySettings>;
  /** How many domus; two by default. */
  readonly domus?: number;
  /** The machines run as over TCP, where they nudge. */
  readonly nudges?: boolean;
  /** Where the message ids of each session begin; bit 31 is set on it. */
  readonly firstId?: number;
  readonly seed?: number;
}

/** How a message is sent, where it is not the ordinary way. */
export interface SendOptions {
  readonly tier?: 'a2' | 'a3';
  readonly wait?: boolean;
  /** Milliseconds from now; `sendTimeout` by default. */
  readonly timeoutMs?: number;
}

/** A request in the hands of a scenario's handler. */
export interface Request {
  readonly text: string;
  readonly taken: Taken;
  /** The stream that the message offers. */
  readonly stream: ReadingHand | undefined;
  accept(): boolean;
  reject(): boolean;
}

/** Begins a scenario with all its domus listening. */
export function pair(options: PairOptions = {}): Pair {
  return new Pair(options);
}

/** One place of the scenario, whoever runs there now. */
export class Place {
  readonly index: number;
  readonly address: string;
  domus!: VirtualDomus;
  /** What handlers of this place have seen, in order, over all its lives. */
  readonly seen: string[] = [];
  private readonly pair: Pair;

  constructor(pair: Pair, index: number) {
    this.pair = pair;
    this.index = index;
    this.address = pair.world.addressOf(index);
  }

  /** The session with another place, which must exist. */
  session(other: Place): PeerSession {
    const session = this.domus.core.peers.get(other.address);
    if (session === undefined) throw new Error(`no session with ${other.address}`);
    return session;
  }

  /** Is there a session with that place? */
  knows(other: Place): boolean {
    return this.domus.core.peers.has(other.address);
  }

  /** Events of one kind since the place started. */
  events<K extends CoreEvent['kind']>(kind: K): Extract<CoreEvent, { kind: K }>[] {
    return this.domus.events.filter((event): event is Extract<CoreEvent, { kind: K }> => event.kind === kind);
  }

  /** Registers a taberna whose handler sees each request in the turn in which it came; it accepts by default. */
  serve(id: number, handler: (request: Request) => void = (request) => void request.accept()): Taberna {
    return this.domus.register(0, id, {
      arrivals: (domus, taberna) => {
        for (let taken = domus.take(taberna); taken !== undefined; taken = domus.take(taberna))
          handler(this.request(domus, taken));
      },
    });
  }

  /** Registers a taberna that nobody reads until the scenario says `take`. */
  shelve(id: number): Taberna {
    return this.domus.register(0, id, { arrivals: () => {} });
  }

  /** Takes the oldest request of a taberna. */
  take(taberna: Taberna): Request | undefined {
    const taken = this.domus.take(taberna);
    return taken === undefined ? undefined : this.request(this.domus, taken);
  }

  /** Sends a text to a taberna of a place. */
  send(to: Place, id: number, text: string | Uint8Array, options: SendOptions = {}): Entry {
    return this.pair.send(this, to, id, text, options);
  }

  /** Sends a message that opens a blob stream. */
  sendBlob(to: Place, id: number, text: string, options: SendOptions = {}): WritingHand {
    return this.pair.sendBlob(this, to, id, text, options);
  }

  /** Registers a taberna whose handler accepts each stream; the streams, in order, which nobody reads yet. */
  serveBlobs(id: number, isGreedy = false): ReadingHand[] {
    const streams: ReadingHand[] = [];
    this.serve(id, (request) => {
      const stream = request.stream!;
      stream.isGreedy = isGreedy;
      streams.push(stream);
      request.accept();
    });
    return streams;
  }

  /** Bytes that are reserved here: for what it sends, and for what it receives. */
  get reserved(): readonly [number, number] {
    const { blobsOut, blobsIn } = this.domus.core;
    return [blobsOut.reserved, blobsIn.reserved];
  }

  private request(domus: VirtualDomus, taken: Taken): Request {
    const text = Buffer.from(taken.payload).toString();
    const stream = taken.blob === undefined ? undefined : new ReadingHand(domus, taken.blob);
    this.seen.push(text);
    const decide = (errorId: number): boolean => {
      const counted = domus.decide(taken, errorId);
      domus.endTurn();
      return counted;
    };
    return { text, taken, stream, accept: () => decide(0), reject: () => decide(4) };
  }
}

export class Pair {
  readonly world: World;
  readonly places: readonly Place[];
  /** Every frame that was written, a line each: `a>b hello #0 (0 B)`. */
  readonly wire: string[] = [];
  readonly settings: DeliverySettings;
  private readonly reader = new ReferenceReader();
  private readonly ledger: Ledger = { settled: () => {} };
  private sends = 0;

  constructor(options: PairOptions) {
    const { domus = 2, firstId, seed = 1, nudges = false } = options;
    this.settings = { ...SCENARIO_SETTINGS, ...options.settings };
    const route = {
      latencyLeast: 1000,
      latencyMost: 1000,
      bandwidth: 1000,
      pieceLeast: 2 ** 30,
      pieceMost: 2 ** 30,
      capacity: 256 * 1024,
      open: true,
    };
    this.world = new World({ seed, parties: domus, route, firstId: firstId === undefined ? undefined : () => firstId });
    this.world.nudges = nudges;
    this.world.poisons = true;
    this.world.observer = this.observer();
    this.places = Array.from({ length: domus }, (_, index) => new Place(this, index));
    for (const place of this.places) this.start(place);
  }

  get a(): Place {
    return this.places[0]!;
  }

  get b(): Place {
    return this.places[1]!;
  }

  /** Carries out one event; false when nothing is left to happen. */
  step(): boolean {
    return this.world.step();
  }

  /** Lets time pass. */
  drive(ms: number): void {
    const until = this.world.time + ms * 1000;
    while (this.world.agenda.nextTime <= until) this.world.step();
    this.world.time = until;
  }

  /** Lets time pass until a condition holds, at most for `limitMs`; says whether it came to hold. */
  driveUntil(holds: () => boolean, limitMs = 600_000): boolean {
    const until = this.world.time + limitMs * 1000;
    while (!holds()) {
      if (this.world.agenda.nextTime > until) return false;
      this.world.step();
    }
    return true;
  }

  /** Milliseconds since the scenario began. */
  get elapsedMs(): number {
    return this.world.time / 1000;
  }

  send(from: Place, to: Place, id: number, text: string | Uint8Array, options: SendOptions): Entry {
    const entry = this.entry(from, to, id, text, options);
    from.domus.send(entry, options.wait ?? false);
    return entry;
  }

  sendBlob(from: Place, to: Place, id: number, text: string, options: SendOptions): WritingHand {
    const hand = new WritingHand(from.domus);
    from.domus.sendBlob(this.entry(from, to, id, text, options), hand.blob);
    return hand;
  }

  private entry(from: Place, to: Place, id: number, text: string | Uint8Array, options: SendOptions): Entry {
    const { tier = 'a3', timeoutMs } = options;
    const { domus } = from;
    const payload = typeof text === 'string' ? Buffer.from(text) : text;
    const deadline = domus.now() + (timeoutMs ?? domus.core.settings.sendTimeoutMs);
    const type = tier === 'a3' ? 0x0100_0000 : 0x0001_0000;
    const number = this.sends++;
    return new Entry(number, from.index, to.address, tier, 0, id, type, payload, deadline, this.ledger);
  }

  /** Breaks every connection between two places now: what is in flight is lost and both ends know at once. */
  cut(one: Place = this.a, other: Place = this.b): void {
    for (const end of this.ends(one, other)) {
      end.inward.truncate(0);
      end.inward.unread = true;
    }
    for (const end of this.ends(one, other)) end.party.ended(end, 'connection reset');
  }

  /** Breaks one connection now, as `cut` does: that of a callis of the first place. */
  cutCallis(callis: Callis): void {
    const own = callis.driver as End;
    for (const end of [own, own.other]) {
      end.inward.truncate(0);
      end.inward.unread = true;
    }
    for (const end of [own, own.other]) end.party.ended(end, 'connection reset');
  }

  /** Closes the way in one direction: what travels there waits. */
  block(from: Place, to: Place): void {
    this.world.network.setOpen(from.index, to.index, false);
  }

  /** Closes the way in both directions. */
  partition(one: Place = this.a, other: Place = this.b): void {
    this.block(one, other);
    this.block(other, one);
  }

  /** Opens the way again in both directions. */
  heal(one: Place = this.a, other: Place = this.b): void {
    this.world.network.setOpen(one.index, other.index, true);
    this.world.network.setOpen(other.index, one.index, true);
  }

  /** Sets how long bytes travel from one place to another, from now on. */
  delay(from: Place, to: Place, ms: number): void {
    const route = this.world.network.route(from.index, to.index);
    route.latencyLeast = ms * 1000;
    route.latencyMost = ms * 1000;
  }

  /** Lets writes arrive in pieces of so many bytes. */
  pieces(bytes: number): void {
    for (const route of this.world.network.routes) {
      route.pieceLeast = bytes;
      route.pieceMost = bytes;
    }
  }

  /** The process at a place is gone with all its memory; its kernel resets what was open, unless `silently`. */
  crash(place: Place, silently = false): void {
    place.domus.isUp = false;
    this.world.crashed(place.domus, silently);
  }

  /** Starts a fresh domus at a place. */
  start(place: Place, settings: Partial<DeliverySettings> = {}): void {
    place.domus = new VirtualDomus(this.world, place.index, { ...this.settings, ...settings });
    this.world.parties[place.index] = place.domus;
  }

  /** Puts a peer without a machine at a place. */
  raw(place: Place): RawPeer {
    place.domus.isUp = false;
    return new RawPeer(this.world, place.index);
  }

  /** Frames of the wire that contain a word, from one place to another. */
  frames(from: Place, to: Place, word = ''): string[] {
    const prefix = `${nameOf(from.index)}>${nameOf(to.index)} `;
    return this.wire.filter((line) => line.startsWith(prefix) && line.includes(word));
  }

  /** The open ends between two places, those of the first place first. */
  ends(one: Place, other: Place): End[] {
    const ends: End[] = [];
    for (const place of [one, other]) {
      const far = place === one ? other : one;
      for (const connection of this.world.network.connections) {
        for (const end of connection.ends) {
          const between = end.party.index === place.index && end.other.party.index === far.index;
          if (between && end.joined && !end.closed) ends.push(end);
        }
      }
    }
    return ends;
  }

  private observer(): Observer {
    return {
      sent: () => {},
      written: (end, offset) => this.log(end, offset),
      flushed: () => {},
      received: () => {},
      taken: () => undefined,
      deciding: () => {},
      decided: () => {},
      dialling: () => {},
      accepted: () => {},
      ending: () => {},
      forgotten: () => {},
      event: () => {},
    };
  }

  private log(end: End, offset: number): void {
    const { outward, party, other } = end;
    for (let at = outward.head + offset; at < outward.tail; at = this.reader.at) {
      this.reader.read(outward.view, at, outward.tail);
      this.wire.push(`${nameOf(party.index)}>${nameOf(other.party.index)} ${lineOf(this.reader)}`);
    }
  }
}

function nameOf(index: number): string {
  return String.fromCharCode(97 + index);
}

/** The driver that a world keeps for a session. */
export function driverOf(session: PeerSession): PeerDriver {
  return session.driver as PeerDriver;
}
