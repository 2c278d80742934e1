/** [case-64] over real sockets: who is found by a discovery is called at the address that this tells, and only mDNS speaks mDNS. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { realDnsmasq, realEtcd, skippedWithout } from '../../../interop/real-servers.ts';
import type { DomusAddr } from '../src/index.ts';
import {
  type DiscoveredPeer,
  type Discovery,
  type DiscoveryChange,
  dnsSrvDiscovery,
  etcdDiscovery,
  type Imperium,
  mdnsDiscovery,
} from '../src/services.ts';
import { Hello, listing, Members } from './services-members.ts';

const SERVICES = ['hello/v1'];
/** What no discovery tells of a peer that is only listed. */
const UNTOLD = { nodeId: undefined, nodeType: undefined, health: 'unknown', metadata: {} } as const;

test('[case-64] a provider of a static list is called at its address, and no mDNS packet is sent', async (t) => {
  const udp = udpSockets(t);
  const members = new Members(t);
  const provider = await members.provider('provider');
  await called(members, provider, listing(provider.address));
  assert.equal(udp.opened, 0);
});

test('[case-64] a provider that a custom discovery tells of is called at its address, and no mDNS packet is sent', async (t) => {
  const udp = udpSockets(t);
  const members = new Members(t);
  const provider = await members.provider('provider');
  await called(members, provider, new Registry(provider.address));
  assert.equal(udp.opened, 0);
});

test('[case-64] a provider that DNS SRV tells of is called at its address, and no mDNS packet is sent', {
  skip: skippedWithout('dnsmasq', 'dnsmasq-base'),
}, async (t) => {
  const udp = udpSockets(t);
  const members = new Members(t);
  const server = await realDnsmasq();
  members.onEnd(() => server.remove());
  const provider = await members.provider('provider');
  const name = '_hello._tcp.test';
  const { port } = new URL(provider.address);
  await server.start([`--srv-host=${name},provider.test,${port}`, '--host-record=provider.test,127.0.0.1']);
  await called(members, provider, dnsSrvDiscovery({ name, servers: [server.url], services: SERVICES }));
  assert.equal(udp.opened, 0);
});

test('[case-64] a provider that announces itself in etcd is called at its address, and no mDNS packet is sent', {
  skip: skippedWithout('etcd', 'etcd-server'),
}, async (t) => {
  const udp = udpSockets(t);
  const members = new Members(t);
  const server = await realEtcd();
  members.onEnd(() => server.remove());
  await server.start();
  const discovery = (): Discovery => etcdDiscovery({ endpoints: [server.url] });
  const provider = await members.provider('provider', { discovery: discovery() });
  await called(members, provider, discovery());
  assert.equal(udp.opened, 0);
});

test('[case-64] a provider that announces itself over mDNS is called at its address', async (t) => {
  const udp = udpSockets(t);
  const members = new Members(t);
  const own = { port: await freeUdpPort(), serviceName: '_case64._tcp.local', browseInterval: 1_000 };
  const provider = await members.provider('provider', { discovery: mdnsDiscovery(own) });
  await called(members, provider, mdnsDiscovery(own));
  assert.ok(udp.opened > 0, 'the sockets of mDNS are seen, so those of the other tests would be');
});

/** A client that knows providers from this discovery alone calls the provider, and has dialled nobody but it. */
async function called(members: Members, provider: Imperium, discovery: Discovery): Promise<void> {
  const gateway = await members.join('gateway', { discovery });
  assert.equal(await gateway.client(Hello, { discoverTimeout: 60_000 }).greet('you'), 'hi you');
  const { reporting } = gateway.domus;
  assert.equal(reporting.snapshot().dials.attempts, 1);
  assert.deepEqual(
    reporting.connectedPeers().map(({ address, identity }) => [address, identity.nodeId]),
    [[provider.address, 'provider']],
  );
}

/** Counts the UDP sockets of Node that this process opens: mDNS has no other way, and names are resolved without one. */
function udpSockets(t: TestContext): { opened: number } {
  const seen = { opened: 0 };
  const count = (): void => void seen.opened++;
  subscribe('udp.socket', count);
  t.after(() => unsubscribe('udp.socket', count));
  return seen;
}

/** A discovery as an application writes one: a provider that is found as soon as somebody watches, and never changes. */
class Registry implements Discovery {
  readonly serviceType = 'registry';
  private readonly address: DomusAddr;
  private readonly known: DiscoveredPeer[] = [];
  private readonly stopped = new AbortController();

  constructor(address: DomusAddr) {
    this.address = address;
  }

  get peerCount(): number {
    return this.known.length;
  }

  peers(): readonly DiscoveredPeer[] {
    return [...this.known];
  }

  async start(): Promise<void> {}

  announce(): void {}

  async stop(): Promise<void> {
    this.stopped.abort();
  }

  async *changes({ signal }: { readonly signal?: AbortSignal } = {}): AsyncIterable<DiscoveryChange> {
    const ends = [this.stopped.signal, ...(signal === undefined ? [] : [signal])];
    const peer: DiscoveredPeer = { ...UNTOLD, address: this.address, services: SERVICES };
    this.known.push(peer);
    yield { kind: 'found', peer };
    const ended = AbortSignal.any(ends);
    if (!ended.aborted) await once(ended, 'abort');
  }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
