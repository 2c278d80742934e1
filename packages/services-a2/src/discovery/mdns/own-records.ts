/** The DNS-SD records by which a domus announces itself: its canonical address and nothing else of its host. */
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { parseAddress } from '@flaminia/transport-a0';
import type { DiscoveredPeer } from '../discovery.ts';
import { encodeTxt } from '../txt-record.ts';
import type { OwnInstance } from './core/mdns-core.ts';

/** Larger TXT records are not recommended (RFC 6763, section 6.2). */
export const TXT_MAX_BYTES = 1_300;

/** The own instance, and how many of its services and metadata had no room. */
export interface OwnRecords {
  readonly own: OwnInstance;
  readonly left: number;
}

/** Undefined for a domus that has no ip address, and so nothing that DNS could announce. */
export function ownRecords(peer: DiscoveredPeer, serviceName: string, ttlMs: number): OwnRecords | undefined {
  const parsed = parseAddress(peer.address);
  if (parsed.kind !== 'tcp') return undefined;
  const ttl = Math.ceil(ttlMs / 1000);
  const name = `${instanceLabel(peer)}.${serviceName}`;
  const host = `${hostLabel(parsed.ip)}.local`;
  const { texts, left } = encodeTxt(peer, TXT_MAX_BYTES);
  const srv = { target: host, port: parsed.port, priority: 0, weight: 0 };
  const own: OwnInstance = {
    name,
    host,
    ttl,
    records: [
      { name: serviceName, type: 'PTR', ttl, data: name },
      { name, type: 'SRV', ttl, flush: true, data: srv },
      { name, type: 'TXT', ttl, flush: true, data: texts },
      { name: host, type: parsed.family === 4 ? 'A' : 'AAAA', ttl, flush: true, data: parsed.ip },
    ],
  };
  return { own, left };
}

/**
 * The node id, as far as a label can show it, and a hash of the address. The hash makes the name unique, so that no probing
 * is needed; dots would split the label, since the packets' encoder knows no escape.
 */
function instanceLabel({ nodeId, address }: DiscoveredPeer): string {
  const shown = (nodeId ?? 'node').replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 50);
  return `${shown}-${createHash('sha256').update(address).digest('hex').slice(0, 8)}`;
}

/** One name per ip: every domus there announces the same records for it. */
function hostLabel(ip: string): string {
  return `flaminia-${ip.replace(isIPv6(ip) ? /:/g : /\./g, '-').replace(/^-|-$/g, '0')}`;
}
