/** A program of its own that announces itself over mDNS until it is killed. Arguments: address, service name, port, time to live. */
import type { DomusAddr } from '@flaminia/transport-a0';
import { mdnsDiscovery } from '../../src/discovery/mdns/mdns-discovery.ts';
import { testHost } from './discovery-host.ts';

const [address, serviceName, port, ttl] = process.argv.slice(2);
const discovery = mdnsDiscovery({
  serviceName: serviceName!,
  port: Number(port),
  ttl: Number(ttl),
  browseInterval: 60_000,
});
try {
  await discovery.start(testHost(address as DomusAddr, { nodeId: 'child', services: ['child/v1'] }));
  process.stdout.write('started\n');
} catch (error) {
  const { kind, detail } = error as { kind?: string; detail?: string };
  process.stdout.write(`${kind} ${detail}\n`);
}
