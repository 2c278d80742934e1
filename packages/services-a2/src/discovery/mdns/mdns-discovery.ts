/**
 * Peers on the own network, found and announced by DNS-SD over multicast DNS (a2-services, providers and picking). Owns the
 * sockets and one timer; what is asked, kept and answered is `core/mdns-core.ts`.
 *
 * 1. Sockets that fail are a degraded discovery, never an error: they are opened anew with every browse interval.
 * 2. What is heard from outside the own subnets, or from another port, is not believed (RFC 6762, sections 6 and 11).
 */
import type { DiscoveredPeer, Discovery, DiscoveryChange, DiscoveryHost } from '../discovery.ts';
import { type Timing, timingOf } from '../host-clock.ts';
import { PeerBook } from '../peer-book.ts';
import { MdnsCore } from './core/mdns-core.ts';
import { type LinkPlan, onLinkSenders, planLinks } from './interface-plan.ts';
import { type MdnsOptions, type MdnsResolved, resolveMdnsOptions } from './mdns-options.ts';
import { loadMulticast, type MulticastFactory, MulticastLink } from './multicast-link.ts';
import { ownRecords } from './own-records.ts';

/**
 * Makes a discovery that speaks mDNS. `start` fails with `unsupported` where the package `multicast-dns` is not installed; a
 * network without multicast is `degraded`. A wrong option is `invalid-config`.
 */
export function mdnsDiscovery(options: MdnsOptions = {}): Discovery {
  return new MdnsDiscovery(resolveMdnsOptions(options));
}

class MdnsDiscovery implements Discovery {
  readonly serviceType = 'mdns';
  private readonly options: MdnsResolved;
  private readonly book = new PeerBook();
  private running: Running | undefined = undefined;

  constructor(options: MdnsResolved) {
    this.options = options;
  }

  get peerCount(): number {
    return this.book.count;
  }

  peers(): readonly DiscoveredPeer[] {
    return this.book.peers();
  }

  async start(host: DiscoveryHost): Promise<void> {
    this.book.open(host);
    try {
      const make = await loadMulticast();
      if (!this.book.isOpen) return;
      this.running = new Running(this.options, host, this.book, make);
    } catch (error) {
      this.book.close();
      throw error;
    }
  }

  announce(): void {
    this.running?.announce();
  }

  async stop(): Promise<void> {
    this.book.close();
    await this.running?.stop();
  }

  changes(options?: { readonly signal?: AbortSignal }): AsyncIterable<DiscoveryChange> {
    return this.book.changes(options);
  }
}

/** What a started discovery holds. */
class Running {
  private readonly options: MdnsResolved;
  private readonly host: DiscoveryHost;
  private readonly book: PeerBook;
  private readonly make: MulticastFactory;
  private readonly timing: Timing;
  private readonly core: MdnsCore;
  /** By the text of its plan. */
  private links = new Map<string, MulticastLink>();
  private readonly closing = new Set<Promise<void>>();
  private believes: (ip: string) => boolean = () => false;
  private timer: ReturnType<Timing['clock']['startTimer']> | undefined = undefined;
  private stopped: Promise<void> | undefined = undefined;

  constructor(options: MdnsResolved, host: DiscoveryHost, book: PeerBook, make: MulticastFactory) {
    this.options = options;
    this.host = host;
    this.book = book;
    this.make = make;
    this.timing = timingOf(host);
    this.core = new MdnsCore(
      options,
      {
        query: (questions, answers) => {
          this.renewLinks();
          for (const link of this.links.values()) link.query(questions, answers);
        },
        respond: (answers) => {
          for (const link of this.links.values()) link.respond(answers);
        },
        changed: () => this.book.replace(this.core.peers()),
      },
      this.timing.fraction,
    );
    this.renewLinks();
    this.announce();
  }

  announce(): void {
    if (this.stopped !== undefined) return;
    const peer = this.host.announcement();
    const made =
      peer.services.length === 0 ? undefined : ownRecords(peer, this.options.serviceName, this.options.ttlMs);
    this.book.setTrouble('announcement', troubleOf(peer, made));
    this.core.announce(made?.own, this.timing.clock.now());
    this.wake();
  }

  stop(): Promise<void> {
    this.stopped ??= this.close();
    return this.stopped;
  }

  private async close(): Promise<void> {
    const { clock } = this.timing;
    this.core.announce(undefined, clock.now());
    if (this.timer !== undefined) clock.stopTimer(this.timer);
    for (const link of this.links.values()) this.closeLink(link);
    await Promise.all(this.closing);
  }

  /** Opens what the machine's interfaces call for now and is not open, and anew what does not work. */
  private renewLinks(): void {
    this.believes = onLinkSenders();
    const links = new Map<string, MulticastLink>();
    for (const plan of planLinks(this.options.interface, this.host.address)) {
      const key = JSON.stringify(plan);
      const before = this.links.get(key);
      const works = before !== undefined && before.trouble === undefined;
      links.set(key, works ? before : this.open(plan, before?.trouble));
    }
    for (const [key, link] of this.links) if (links.get(key) !== link) this.closeLink(link);
    this.links = links;
    this.judge();
  }

  private open(plan: LinkPlan, trouble: string | undefined): MulticastLink {
    return new MulticastLink(this.make, plan, this.options.port, trouble, {
      heard: (packet, from) => {
        if (this.stopped !== undefined || from.port !== this.options.port || !this.believes(from.address)) return;
        this.core.heard(packet, this.timing.clock.now());
        this.wake();
      },
      judged: () => this.judge(),
    });
  }

  private closeLink(link: MulticastLink): void {
    const closed = link.close().finally(() => this.closing.delete(closed));
    this.closing.add(closed);
  }

  /** Degraded where no link works: one family of an interface may have no multicast. */
  private judge(): void {
    const troubles = [...this.links.values()].map(({ trouble }) => trouble);
    const isUp = troubles.includes(undefined);
    this.book.setTrouble('sockets', isUp ? undefined : (troubles[0] ?? 'there is no such interface'));
  }

  private wake(): void {
    const { clock } = this.timing;
    if (this.timer !== undefined) clock.stopTimer(this.timer);
    const delayMs = Math.max(0, this.core.nextDeadline() - clock.now());
    this.timer = clock.startTimer(delayMs, () => {
      this.timer = undefined;
      this.core.tick(clock.now());
      this.wake();
    });
  }
}

function troubleOf(peer: DiscoveredPeer, made: { readonly left: number } | undefined): string | undefined {
  if (peer.services.length === 0) return undefined;
  if (made === undefined) return 'a domus without an ip address cannot be announced';
  return made.left === 0 ? undefined : `${made.left} services or metadata have no room in a TXT record`;
}
