/**
 * A virtual world: a clock in whole microseconds, the agenda, the network and the domus (nodes) on it. It only moves
 * time; programs, faults and checks are those of the pair or of the simulation above.
 *
 * 1. One thread, one event after the other; nothing waits for real time.
 * 2. All chance comes from one seeded source, so the same seed gives the same run.
 */
import { WriteBatch } from '@flaminia/delivery-a1/internal';
import { Agenda } from './agenda.ts';
import type { Party } from './connection.ts';
import { DRAINED, Network, type Route } from './network.ts';
import type { Observer } from './observer.ts';
import { Random } from './random.ts';

const ALARM = 8;
const BATCH_BYTES = 16 * 1024;
/** Codes from here on belong to whoever drives the world. */
export const FIRST_OWN_CODE = 16;

/** Whoever sets alarms: a simulated domus. */
export interface Ringer extends Party {
  /** Microseconds until it reads `time` on its clock. */
  microsUntil(time: number): number;
  /** The alarm of a session (its index) or its own (-1) rings. */
  ring(session: number, token: number): void;
}

export interface WorldOptions {
  readonly seed: number;
  readonly parties: number;
  readonly route: Route;
  /** The first message id of the next session of a party; bit 31 is set by the machine. Random where it is left out. */
  readonly firstId?: ((party: number, random: Random) => number) | undefined;
  /** Carries out events with codes of whoever drives the world. */
  readonly onOwnEvent?: (code: number, a: number, b: number) => void;
}

/*
 * Functions come as options and are not assigned: V8 keeps one that is written where a property is assigned, with all that it
 * can reach, until its next full collection. Here that is the whole world of each seed.
 */

export class World {
  /** Microseconds since the beginning. */
  time = 0;
  /** Events that were carried out: inputs to machines, and steps of whoever drives the world. */
  events = 0;
  readonly random: Random;
  readonly agenda: Agenda = new Agenda();
  readonly network: Network;
  readonly parties: (Party | undefined)[];
  private readonly addresses: readonly string[];
  /** Of whoever writes at the moment. */
  readonly batch: WriteBatch = new WriteBatch(Buffer.allocUnsafe(BATCH_BYTES));
  observer: Observer | undefined = undefined;
  /** Sessions nudge, as on TCP. */
  nudges = false;
  /** Overwrites each chunk after its turn, so that whoever kept a reference to it is found. */
  poisons = false;
  private readonly ids: WorldOptions['firstId'];
  private readonly onOwnEvent: WorldOptions['onOwnEvent'];

  constructor(options: WorldOptions) {
    this.random = new Random(options.seed);
    this.ids = options.firstId;
    this.onOwnEvent = options.onOwnEvent;
    this.network = new Network(this, options.parties, options.route);
    this.parties = new Array<Party | undefined>(options.parties).fill(undefined);
    this.addresses = this.parties.map((_, index) => `tcp://10.0.0.${index + 1}:4000`);
  }

  /** The first message id of the next session of a party. */
  firstId(party: number): number {
    return this.ids === undefined ? this.random.u32() : this.ids(party, this.random);
  }

  /** The time as traces show it. */
  get clock(): string {
    return `${(this.time / 1000).toFixed(3).padStart(12)} ms`;
  }

  addressOf(index: number): string {
    return this.addresses[index]!;
  }

  indexOf(address: string): number {
    return this.addresses.indexOf(address);
  }

  /** Who listens at this place. */
  partyAt(index: number): Party | undefined {
    const party = this.parties[index];
    return party?.isUp === true && party.isListening ? party : undefined;
  }

  /** Everything that a crashed domus had open breaks; the kernel of its machine resets, or nothing does. */
  crashed(party: Party, silently = false): void {
    for (const connection of this.network.connections) {
      for (const end of connection.ends) {
        if (end.party !== party || end.closed) continue;
        if (silently) end.vanished = true;
        else this.network.destroy(end);
      }
    }
  }

  /**
   * Drops what a crashed domus has under way. Where the ids of its next life are those of this one, nobody could tell the two
   * apart by anything else than time.
   */
  silence(party: Party): void {
    for (const connection of this.network.connections) {
      if (connection.dialler.party === party) connection.dialler.outward.truncate(0);
      if (connection.listener.party === party) connection.listener.outward.truncate(0);
    }
  }

  /** Sets the alarm of a session or a domus (-1) for `deadline` in the time of the domus. */
  alarm(domus: Ringer, session: number, token: number, deadline: number): void {
    // A timer of Node waits for a whole number of milliseconds, and for one at least.
    const millis = Math.min(2 ** 31 - 1, Math.max(1, Math.ceil(domus.microsUntil(deadline) / 1000)));
    const slot = this.alarmSlot(domus, session);
    this.agenda.add(this.time + millis * 1000, ALARM, slot, token);
  }

  /** Carries out the next event; false when there is none. */
  step(): boolean {
    const { agenda } = this;
    if (!agenda.take()) return false;
    this.time = agenda.time;
    this.events++;
    const { code, a, b } = agenda;
    if (code <= DRAINED) this.network.handle(code, a, b);
    else if (code === ALARM) this.ring(a, b);
    else this.onOwnEvent?.(code, a, b);
    return true;
  }

  private readonly alarms: { readonly domus: Ringer; readonly session: number }[] = [];
  private readonly alarmSlots = new Map<Ringer, number[]>();

  private alarmSlot(domus: Ringer, session: number): number {
    let slots = this.alarmSlots.get(domus);
    if (slots === undefined) {
      slots = [];
      this.alarmSlots.set(domus, slots);
    }
    const known = slots[session + 1];
    if (known !== undefined) return known;
    slots[session + 1] = this.alarms.length;
    this.alarms.push({ domus, session });
    return this.alarms.length - 1;
  }

  private ring(slot: number, token: number): void {
    const { domus, session } = this.alarms[slot]!;
    if (!domus.isUp) return;
    if (domus.pausedUntil > this.time) this.agenda.add(domus.pausedUntil, ALARM, slot, token);
    else domus.ring(session, token);
  }
}
