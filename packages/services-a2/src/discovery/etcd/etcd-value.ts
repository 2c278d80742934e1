/** How a peer stands in etcd: a JSON object of version 1 under the prefix and the node's id. */
import type { DiscoveredPeer } from '../discovery.ts';
import { checkClaim, type PeerClaim } from '../peer-claim.ts';

const VERSION = 1;
/** No peer within its bounds is larger. */
export const VALUE_MAX_BYTES: number = 256 * 1024;

/** The key of a peer; that of one without an id is named for its address. */
export function keyOf(prefix: string, { nodeId, address }: Pick<DiscoveredPeer, 'nodeId' | 'address'>): string {
  // Through bytes, since a lone surrogate has no percent-encoding.
  return prefix + encodeURIComponent(Buffer.from(nodeId ?? address).toString());
}

export function encodeValue({ address, nodeId, nodeType, services, health, metadata }: DiscoveredPeer): string {
  return JSON.stringify({ v: VERSION, address, nodeId, nodeType, services, health, metadata });
}

/** The peer of an entry; undefined for rubbish: no JSON of this version, out of bounds, or under the key of another node. */
export function decodeValue(prefix: string, key: string, value: Buffer): DiscoveredPeer | undefined {
  if (value.length > VALUE_MAX_BYTES) return undefined;
  const parsed = parsedJson(value.toString());
  if (typeof parsed !== 'object' || parsed === null || (parsed as { v?: unknown }).v !== VERSION) return undefined;
  const checked = checkClaim(parsed as PeerClaim);
  if (!checked.ok) return undefined;
  const { peer } = checked;
  return peer.nodeId === undefined || key === keyOf(prefix, peer) ? peer : undefined;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
