/**
 * Several sources of peers as one (a2-services, providers and picking).
 *
 * 1. A peer is one by its address, and across sources by its node id too: the address of the earlier source counts.
 * 2. What an earlier source does not tell of a peer, later ones fill in.
 * 3. A source that fails, or is late to start, is a degraded one; it stops no other. So is one with a peer that is none: the peer is left out.
 */
import { outOfRange } from '@flaminia/transport-a0';
import { dropPromise } from '@flaminia/transport-a0/internal';
import {
  type DiscoveredPeer,
  type Discovery,
  type DiscoveryChange,
  type DiscoveryHost,
  requireDiscovery,
} from './discovery.ts';
import { timingOf } from './host-clock.ts';
import { PeerBook } from './peer-book.ts';
import { checkClaim, vouchFor } from './peer-claim.ts';
import { reasonOf } from './reason.ts';
import { pause } from './retry-pause.ts';

/**
 * Joins sources into one discovery that starts, announces through and stops all of them.
 *
 * @param sources one or more, each in no other use; where two differ about a peer the earlier counts.
 */
export function combineDiscoveries(...sources: readonly Discovery[]): Discovery {
  if (sources.length === 0) throw outOfRange('sources', 'one discovery or more', 'none');
  for (const source of sources) requireDiscovery('sources', source);
  if (new Set(sources).size !== sources.length) throw outOfRange('sources', 'different discoveries', 'one twice');
  return new CombinedDiscovery(sources);
}

/** How long a source may take to start before the others go on without it. */
const START_MS = 5_000;

class CombinedDiscovery implements Discovery {
  readonly serviceType = 'combined';
  private readonly sources: readonly Discovery[];
  private readonly book = new PeerBook();
  private readonly stopping = new AbortController();
  private merging: NodeJS.Immediate | undefined = undefined;

  constructor(sources: readonly Discovery[]) {
    this.sources = sources;
  }

  get peerCount(): number {
    return this.peers().length;
  }

  peers(): readonly DiscoveredPeer[] {
    this.merge();
    return this.book.peers();
  }

  async start(host: DiscoveryHost): Promise<void> {
    this.book.open(host);
    await Promise.all(this.sources.map((source, index) => this.startOne(source, partOf(source, index), host)));
    if (this.book.isOpen) this.merge();
  }

  announce(): void {
    for (const [index, source] of this.sources.entries()) {
      const part = partOf(source, index);
      const note = (failure: string | undefined): void => this.book.setTrouble(`announcement to ${part}`, failure);
      note(
        failureOf(part, () => {
          // It gives nothing to wait for, and yet may be asynchronous.
          Promise.resolve(source.announce() as unknown).catch((error: unknown) => note(failureText(part, error)));
        }),
      );
    }
  }

  async stop(): Promise<void> {
    this.book.close();
    clearImmediate(this.merging);
    this.stopping.abort();
    await Promise.allSettled(this.sources.map(async (source) => source.stop()));
  }

  changes(options?: { readonly signal?: AbortSignal }): AsyncIterable<DiscoveryChange> {
    return this.book.changes(options);
  }

  /** Resolves once the source runs, has failed, or is late: then it is degraded until it runs. */
  private async startOne(source: Discovery, part: string, host: DiscoveryHost): Promise<void> {
    const lateness = `start of ${part}`;
    const started = new AbortController();
    void this.run(source, part, host).then(() => {
      started.abort();
      this.book.setTrouble(lateness, undefined);
    });
    await pause(timingOf(host), START_MS, AbortSignal.any([started.signal, this.stopping.signal]));
    if (!started.signal.aborted) this.book.setTrouble(lateness, `${part}: it has not started in ${START_MS} ms`);
  }

  private async run(source: Discovery, part: string, host: DiscoveryHost): Promise<void> {
    try {
      const changes = source.changes({ signal: this.stopping.signal });
      void this.follow(part, changes);
      await source.start(host);
    } catch (error) {
      this.book.setTrouble(part, failureText(part, error));
    }
  }

  private async follow(part: string, changes: AsyncIterable<DiscoveryChange>): Promise<void> {
    try {
      for await (const change of changes) {
        if (change.kind === 'degraded') this.book.setTrouble(part, `${part}: ${change.reason}`);
        else if (change.kind === 'restored') this.book.setTrouble(part, undefined);
        else this.mergeSoon();
      }
      if (!this.stopping.signal.aborted) this.book.setTrouble(part, `${part}: it has stopped`);
    } catch (error) {
      this.book.setTrouble(part, failureText(part, error));
    }
    this.mergeSoon();
  }

  /** Once for all changes of this turn: a source may tell of a thousand peers at once. */
  private mergeSoon(): void {
    if (!this.book.isOpen) return;
    this.merging ??= setImmediate(() => this.merge());
  }

  private merge(): void {
    clearImmediate(this.merging);
    this.merging = undefined;
    this.book.replace(mergePeers(this.sources.map((source, index) => this.peersOf(source, index))));
  }

  private peersOf(source: Discovery, index: number): readonly DiscoveredPeer[] {
    const part = partOf(source, index);
    const peers: DiscoveredPeer[] = [];
    let refusal: string | undefined;
    const failure = failureOf(part, () => {
      const given = source.peers();
      if (dropPromise(given)) throw new TypeError('its list of peers is asynchronous');
      for (const peer of given) {
        const checked = checkClaim(peer);
        if (checked.ok) peers.push(checked.peer);
        else refusal ??= `${part}: a peer was left out, its ${checked.reason}`;
      }
    });
    this.book.setTrouble(`peers of ${part}`, failure ?? refusal);
    return peers;
  }
}

/** The union of what several sources know, the earlier before the later. */
export function mergePeers(sources: readonly (readonly DiscoveredPeer[])[]): readonly DiscoveredPeer[] {
  const merged = new Map<string, DiscoveredPeer>();
  const addressOf = new Map<string, string>();
  for (const peers of sources) {
    const added: DiscoveredPeer[] = [];
    for (const peer of peers) {
      const known = merged.has(peer.address) ? peer.address : addressOf.get(peer.nodeId ?? '');
      const before = known === undefined ? undefined : merged.get(known);
      const whole = before === undefined ? peer : filled(before, peer);
      merged.set(whole.address, whole);
      added.push(whole);
    }
    // Only now: within one source two addresses with one node id are two peers.
    for (const { nodeId, address } of added) {
      if (nodeId !== undefined && !addressOf.has(nodeId)) addressOf.set(nodeId, address);
    }
  }
  return [...merged.values()];
}

/** Both have passed: what they come to together may be more than one alone may say, and passes again in another combination. */
function filled(peer: DiscoveredPeer, later: DiscoveredPeer): DiscoveredPeer {
  const whole: DiscoveredPeer = {
    address: peer.address,
    nodeId: peer.nodeId ?? later.nodeId,
    nodeType: peer.nodeType ?? later.nodeType,
    services: peer.services.length > 0 ? peer.services : later.services,
    health: peer.health === 'unknown' ? later.health : peer.health,
    metadata: Object.freeze({ ...later.metadata, ...peer.metadata }),
  };
  return vouchFor(Object.freeze(whole));
}

/** Why a source could not do something; undefined where it could. */
function failureOf(part: string, act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return failureText(part, error);
  }
}

function failureText(part: string, error: unknown): string {
  return `${part}: ${reasonOf(error)}`;
}

/** How a source is called in reasons; sources of one kind are told apart by their place. */
function partOf(source: Discovery, index: number): string {
  return `${source.serviceType} (${index + 1})`;
}
