/** The topology as a source of peers (a2-services, providers and picking). It stands on a topology that others start and end. */
import { DomusError } from '@flaminia/transport-a0';
import { ChangeFeed } from '../discovery/change-feed.ts';
import type { DiscoveredPeer, Discovery, DiscoveryChange, DiscoveryHost } from '../discovery/discovery.ts';
import { vouchFor } from '../discovery/peer-claim.ts';
import { signalOf } from '../feed.ts';
import type { NodeRecord } from './core/record.ts';
import type { TopologyEvent } from './core/topology-sink.ts';
import type { Topology } from './topology.ts';

const TROUBLE = 'the topology has no link to any other node';

export class TopologyDiscovery implements Discovery {
  readonly serviceType = 'topology';
  private readonly topology: Topology;
  private readonly feeds = new Set<ChangeFeed>();
  private host: DiscoveryHost | undefined = undefined;
  private isStopped = false;
  private readonly unlisten: (() => void)[] = [];

  constructor(topology: Topology) {
    this.topology = topology;
  }

  get peerCount(): number {
    return this.topology.nodes().length - 1;
  }

  peers(): readonly DiscoveredPeer[] {
    return this.topology.nodes().flatMap((node) => (node.isSelf ? [] : [peerOf(node)]));
  }

  async start(host: DiscoveryHost): Promise<void> {
    if (this.host !== undefined || this.isStopped) {
      throw new DomusError('invalid-state', 'this discovery has been started before');
    }
    this.host = host;
    this.unlisten.push(
      this.topology.onChange((event) => this.told(event)),
      this.topology.onAlone(() => this.aloneChanged()),
    );
    this.announce();
  }

  /** What has no room in the record is `invalid-config`; the health, and that a service is no more, are told all the same. */
  announce(): void {
    if (this.host === undefined || this.isStopped) return;
    const { services, health, metadata } = this.host.announcement();
    try {
      this.topology.update({ services, health, metadata });
    } catch (error) {
      const own = this.topology.nodes().find(({ isSelf }) => isSelf);
      this.topology.update({ health, services: (own?.services ?? []).filter((service) => services.includes(service)) });
      throw error;
    }
  }

  /** Ends the feeds. The announcement is withdrawn when the topology leaves. */
  async stop(): Promise<void> {
    this.isStopped = true;
    for (const unlisten of this.unlisten.splice(0)) unlisten();
    for (const feed of [...this.feeds]) feed.close();
  }

  changes(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<DiscoveryChange> {
    const trouble = this.topology.isAlone ? TROUBLE : undefined;
    const feed = new ChangeFeed(trouble, signalOf(options), (ended) => this.feeds.delete(ended));
    if (this.isStopped) feed.close();
    else if (options.signal?.aborted !== true) this.feeds.add(feed);
    return feed;
  }

  private told(event: TopologyEvent): void {
    const kind = KINDS[event.kind];
    if (kind === undefined || !('node' in event) || event.node.address === this.host?.address) return;
    const peer = peerOf(event.node);
    if (event.kind === 'changed' && event.previous.address !== peer.address) {
      this.push({ kind: 'gone', peer: peerOf(event.previous) });
      this.push({ kind: 'found', peer });
    } else this.push({ kind, peer });
  }

  private push(change: Extract<DiscoveryChange, { readonly peer: DiscoveredPeer }>): void {
    for (const feed of this.feeds) feed.pushPeer(change);
  }

  private aloneChanged(): void {
    for (const feed of this.feeds) feed.pushTrouble(this.topology.isAlone ? TROUBLE : undefined);
  }
}

/** What a change of the topology is to a discovery; a suspicion alone changes nothing there. */
const KINDS: Partial<Record<TopologyEvent['kind'], 'found' | 'changed' | 'gone'>> = {
  joined: 'found',
  changed: 'changed',
  dead: 'gone',
  left: 'gone',
};

function peerOf({ address, nodeId, nodeType, services, health, metadata }: NodeRecord): DiscoveredPeer {
  return vouchFor(Object.freeze({ address, nodeId, nodeType: nodeType ?? undefined, services, health, metadata }));
}
