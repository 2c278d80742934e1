/**
 * What a peer says of itself, checked: every source takes its peers through here, whoever wrote them.
 *
 * 1. A peer that passes is frozen, canonical and bounded; nothing of the given object is kept.
 * 2. A refusal is a text that names the field. It never throws.
 */
import { type DomusAddr, DomusError, parseAddress } from '@flaminia/transport-a0';
import type { HealthState } from '../health/health-state.ts';
import type { DiscoveredPeer } from './discovery.ts';

/** Bounds of a peer. Characters are UTF-16 units. */
export const CLAIM_LIMITS = {
  nameChars: 255,
  services: 256,
  metadata: 64,
  metadataKeyChars: 64,
  metadataValueChars: 1_024,
} as const;

const HEALTH_STATES: ReadonlySet<unknown> = new Set<HealthState>(['unknown', 'healthy', 'unhealthy', 'draining']);

/** What may be known of a peer, of any shape; what is absent or undefined is not told. */
export interface PeerClaim {
  readonly address: unknown;
  readonly nodeId?: unknown;
  readonly nodeType?: unknown;
  readonly services?: unknown;
  readonly health?: unknown;
  readonly metadata?: unknown;
}

/** A claim that holds, or why it does not. */
export type CheckedClaim =
  | { readonly ok: true; readonly peer: DiscoveredPeer }
  | { readonly ok: false; readonly reason: string };

/** Peers that have passed, which pass again at no cost. */
const passed = new WeakSet<object>();

/** For a source that has checked its peer by rules of its own. */
export function vouchFor(peer: DiscoveredPeer): DiscoveredPeer {
  passed.add(peer);
  return peer;
}

export function checkClaim(claim: PeerClaim): CheckedClaim {
  try {
    return passed.has(claim) ? { ok: true, peer: claim as DiscoveredPeer } : checked(claim);
  } catch {
    return refused('fields cannot be read');
  }
}

function checked(claim: PeerClaim): CheckedClaim {
  const address = canonical(claim.address);
  if (address === undefined) return refused('address must be a canonical address with a port');
  const { nodeId, nodeType, services = [], health = 'unknown', metadata = {} } = claim;
  if (!isOptionalName(nodeId)) return refused(`nodeId must be 1..${CLAIM_LIMITS.nameChars} characters`);
  if (!isOptionalName(nodeType)) return refused(`nodeType must be 1..${CLAIM_LIMITS.nameChars} characters`);
  if (!HEALTH_STATES.has(health)) return refused('health must be unknown, healthy, unhealthy or draining');
  const names = checkedServices(services);
  if (names === undefined) {
    return refused(`services must be at most ${CLAIM_LIMITS.services} texts of the form name/version`);
  }
  const pairs = checkedMetadata(metadata);
  if (pairs === undefined) {
    const { metadata: most, metadataKeyChars: key, metadataValueChars: value } = CLAIM_LIMITS;
    return refused(`metadata must be at most ${most} texts of ${value} characters, keys of 1..${key} characters`);
  }
  const peer = { address, nodeId, nodeType, services: names, health: health as HealthState, metadata: pairs };
  return { ok: true, peer: vouchFor(Object.freeze(peer)) };
}

/** The part of an own announcement that every reader takes, and how much is left out: with the rest they would take nothing. */
export function fittingPeer(peer: DiscoveredPeer): { readonly peer: DiscoveredPeer; readonly left: number } {
  const services = peer.services.slice(0, CLAIM_LIMITS.services);
  const all = Object.entries(peer.metadata);
  const pairs = all.filter(([key, value]) => isPair(key, value)).slice(0, CLAIM_LIMITS.metadata);
  const left = peer.services.length - services.length + all.length - pairs.length;
  return left === 0 ? { peer, left } : { peer: { ...peer, services, metadata: Object.fromEntries(pairs) }, left };
}

/** Whether two peers are equal in everything; metadata as a set of pairs. */
export function samePeer(a: DiscoveredPeer, b: DiscoveredPeer): boolean {
  if (a === b) return true;
  const keys = Object.keys(a.metadata);
  return (
    a.address === b.address &&
    a.nodeId === b.nodeId &&
    a.nodeType === b.nodeType &&
    a.health === b.health &&
    a.services.length === b.services.length &&
    a.services.every((name, index) => name === b.services[index]) &&
    keys.length === Object.keys(b.metadata).length &&
    keys.every((key) => a.metadata[key] === b.metadata[key])
  );
}

/** The canonical form of an address that can be dialled; undefined for anything else. */
function canonical(address: unknown): DomusAddr | undefined {
  try {
    const parsed = parseAddress(address as string);
    return parsed.kind === 'tcp' && parsed.port === 0 ? undefined : parsed.text;
  } catch (error) {
    if (DomusError.is(error)) return undefined;
    throw error;
  }
}

function isOptionalName(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && isWithin(value, CLAIM_LIMITS.nameChars));
}

function isWithin(text: string, maxChars: number): boolean {
  return text.length >= 1 && text.length <= maxChars;
}

/** In the order of their names, each once. */
function checkedServices(services: unknown): readonly string[] | undefined {
  if (!Array.isArray(services) || services.length > CLAIM_LIMITS.services) return undefined;
  const names = services as readonly unknown[];
  if (!names.every((name) => typeof name === 'string' && isWithin(name, CLAIM_LIMITS.nameChars) && isService(name))) {
    return undefined;
  }
  return Object.freeze([...new Set(names as readonly string[])].sort());
}

function isService(name: string): boolean {
  const slash = name.indexOf('/');
  return slash > 0 && slash < name.length - 1;
}

function checkedMetadata(metadata: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return undefined;
  const pairs = Object.entries(metadata as Readonly<Record<string, unknown>>);
  if (pairs.length > CLAIM_LIMITS.metadata) return undefined;
  if (!pairs.every(([key, value]) => isPair(key, value))) return undefined;
  return Object.freeze(Object.fromEntries(pairs) as Record<string, string>);
}

function isPair(key: string, value: unknown): boolean {
  // It would set a prototype where somebody copies the pairs by assignment.
  if (key === '__proto__' || !isWithin(key, CLAIM_LIMITS.metadataKeyChars)) return false;
  return typeof value === 'string' && value.length <= CLAIM_LIMITS.metadataValueChars;
}

function refused(reason: string): CheckedClaim {
  return { ok: false, reason };
}
