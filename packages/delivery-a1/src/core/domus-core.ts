/**
 * The pure machine of one domus (node): its peers, its tabernae and itself as a destination. Drivers (the shell over
 * real streams, the simulator over virtual ones) feed it and carry its effects out; see `sink.ts` for the order.
 *
 * 1. One session per peer address. A session that has ended is forgotten, and the next contact begins a new one.
 * 2. Time is an argument, in milliseconds of a clock that never goes back; randomness is a function passed in.
 * 3. Shutdown goes through three steps: `beginShutdown` refuses and drains, `endShutdown` closes every peer, `abort` cuts.
 */
import { ERROR_IDS } from '@flaminia/transport-a0';
import { BlobBudget } from './blob-budget.ts';
import { Counters } from './counters.ts';
import { LocalSession } from './local-session.ts';
import { OutboundBlob } from './outbound-blob.ts';
import { PeerSession } from './peer-session.ts';
import { Registry } from './registry.ts';
import type { SessionContext } from './session-context.ts';
import { SHUT_DOWN } from './session-failures.ts';
import type { DeliverySettings } from './settings.ts';
import type { CoreSink } from './sink.ts';
import type { Taberna } from './taberna.ts';

const BUSY = ERROR_IDS['taberna-busy'];
const DOMUS_CLOSED = ERROR_IDS['domus-closed'];

export interface DomusCoreOptions {
  /** Canonical address of this domus. */
  readonly address: string;
  readonly settings: DeliverySettings;
  readonly sink: CoreSink;
  /** A random u32. */
  readonly random: () => number;
}

export class DomusCore implements SessionContext {
  readonly address: string;
  readonly sink: CoreSink;
  readonly registry: Registry = new Registry();
  readonly counters: Counters = new Counters();
  readonly local: LocalSession;
  readonly peers: Map<string, PeerSession> = new Map();
  settings: DeliverySettings;
  closing = false;
  readonly blobsOut: BlobBudget = new BlobBudget();
  readonly blobsIn: BlobBudget = new BlobBudget();
  readonly idSalt: number;
  private readonly random: () => number;
  private sequence = 0;
  private serial = 0;

  constructor(options: DomusCoreOptions) {
    this.address = options.address;
    this.settings = options.settings;
    this.sink = options.sink;
    this.random = options.random;
    this.idSalt = options.random();
    this.local = new LocalSession(options.address, this);
  }

  nextSequence(): number {
    return ++this.sequence;
  }

  nextSerial(): number {
    return ++this.serial;
  }

  /** The session with the domus of this canonical address (not the own one), begun if there is none. */
  peer(address: string): PeerSession {
    let peer = this.peers.get(address);
    if (peer === undefined) {
      // Bit 31 set and the rest random: see a1-delivery, peer message ids.
      peer = new PeerSession(address, (this.random() | 0x8000_0000) >>> 0, this);
      this.peers.set(address, peer);
    }
    return peer;
  }

  forget(address: string): void {
    const peer = this.peers.get(address);
    if (peer === undefined) return;
    this.peers.delete(address);
    this.sink.forgotten(peer);
  }

  /** A blob stream that is to be sent; `owner` is told when it moves. */
  newBlob(owner: unknown): OutboundBlob {
    return new OutboundBlob(owner, this.sink);
  }

  /** Registers a taberna (inbox); a second one of the same id: `taberna-already-registered`. */
  register(hi: number, lo: number, owner: unknown): Taberna {
    return this.registry.add(hi, lo, owner);
  }

  /** Closes a taberna; what it still holds is answered with `errorId`. */
  unregister(taberna: Taberna, errorId: number, now: number): void {
    this.registry.delete(taberna);
    taberna.remove(
      () => true,
      (arrival) => void arrival.origin!.decide(arrival.epoch, arrival.id, errorId, '', now),
    );
  }

  /** Puts new settings in force, on running peers too. */
  updateSettings(settings: DeliverySettings, now: number): void {
    this.settings = settings;
    for (const peer of this.peers.values()) peer.settingsChanged();
    this.local.settingsChanged(now);
  }

  /** When `tick` is due for the tabernae and the local deliveries; peers have deadlines of their own. */
  nextDeadline(): number {
    let due = this.local.nextDeadline();
    for (const taberna of this.registry.all) due = Math.min(due, taberna.deadline);
    return due;
  }

  tick(now: number): void {
    this.local.tick(now);
    for (const taberna of this.registry.all) {
      if (taberna.deadline > now) continue;
      taberna.remove(
        (arrival) => arrival.acceptBy <= now,
        (arrival) =>
          void arrival.origin!.decide(arrival.epoch, arrival.id, BUSY, 'not taken within acceptTimeout', now),
      );
    }
  }

  /** True when nothing is under way: no send, no undecided request, no answer that waits, no blob stream. */
  get isQuiet(): boolean {
    if (this.local.hasWork || this.local.hasStreams) return false;
    for (const peer of this.peers.values()) if (!peer.isQuiet) return false;
    return true;
  }

  /** Refuses what is new and answers what nobody has taken with `domus-closed`; the rest may still end by itself. */
  beginShutdown(now: number): void {
    this.closing = true;
    for (const taberna of this.registry.all) this.unregister(taberna, DOMUS_CLOSED, now);
  }

  /** Fails what is left with `domus-closed` and closes every peer; done when `peers` is empty. */
  endShutdown(now: number): void {
    this.local.end(SHUT_DOWN);
    for (const peer of [...this.peers.values()]) peer.close(SHUT_DOWN, now, now + this.settings.sendTimeoutMs);
  }

  /** Drops whatever is left at once. */
  abort(now: number): void {
    this.endShutdown(now);
    for (const peer of [...this.peers.values()]) peer.abort(now);
  }
}
