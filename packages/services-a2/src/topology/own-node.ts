/** What a program says of its own node: checks it before it is signed (topology, records). */
import { outOfRange } from '@flaminia/transport-a0';
import type { HealthState } from '../health/health-state.ts';
import { BODY_MAX_BYTES, SERVICE_MAX_BYTES, TABERNAE_MAX } from './core/limits.ts';
import type { AnnouncedTaberna } from './core/record.ts';
import { bodyFault, encodeBody } from './core/record-codec.ts';
import type { OwnNode } from './core/topology-core.ts';

/** A taberna (inbox) to announce. */
export interface TabernaToAnnounce {
  /** Its u64 id. */
  readonly id: bigint;
  readonly name?: string;
}

/** What can be changed of the own node; what is left out stays. */
export interface OwnNodeChange {
  /** Each as `service/version`, without doubles; at most 128. */
  readonly services?: readonly string[];
  /** Without doubles; at most 256. */
  readonly tabernae?: readonly TabernaToAnnounce[];
  readonly health?: HealthState;
  /** At most 64 entries; keys up to 128 bytes, values up to 1,024. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Most bytes of a taberna in a record beside its name: an array, its id, and the head of the name. */
const TABERNA_BYTES = 1 + 9 + 3;
/** By how much the head of their list grows at most. */
const ARRAY_HEAD_BYTES = 2;

const HEALTH_STATES: readonly unknown[] = ['unknown', 'healthy', 'unhealthy', 'draining'];

/** The own node with a change; `invalid-config` names what cannot be announced. */
export function changedNode(own: OwnNode, change: OwnNodeChange): OwnNode {
  return mustFit(checkedNode(own, change));
}

/**
 * The same with those of its tabernae, the first ones first, that fit: they give way to everything else, since whoever knows
 * the address can send to a taberna that is not announced.
 */
export function fittedNode(own: OwnNode, change: OwnNodeChange): OwnNode {
  const whole = checkedNode(own, change);
  const bare = mustFit({ ...whole, tabernae: [] });
  // By their sizes: this runs for each taberna that opens, and there may be thousands.
  let room = BODY_MAX_BYTES - bodyOf(bare).length - ARRAY_HEAD_BYTES;
  const tabernae: AnnouncedTaberna[] = [];
  for (const taberna of whole.tabernae) {
    if (tabernae.length === TABERNAE_MAX) break;
    const nameBytes = Buffer.byteLength(taberna.name ?? '');
    if (nameBytes > SERVICE_MAX_BYTES) continue;
    room -= TABERNA_BYTES + nameBytes;
    if (room < 0) break;
    tabernae.push(taberna);
  }
  return { ...bare, tabernae };
}

function checkedNode(own: OwnNode, change: OwnNodeChange): OwnNode {
  return {
    ...own,
    services: change.services === undefined ? own.services : checkServices(change.services),
    tabernae: change.tabernae === undefined ? own.tabernae : checkTabernae(change.tabernae),
    health: change.health === undefined ? own.health : checkHealth(change.health),
    metadata: change.metadata === undefined ? own.metadata : checkMetadata(change.metadata),
  };
}

function mustFit(node: OwnNode): OwnNode {
  const fault = faultOf(node);
  if (fault !== undefined) throw outOfRange('the own node', 'one that fits into a record', fault);
  return node;
}

function faultOf(node: OwnNode): ReturnType<typeof bodyFault> {
  return bodyFault(bodyOf(node));
}

/** With the longest incarnation: it shall fit at any time. */
function bodyOf(node: OwnNode): Uint8Array {
  return encodeBody({ ...node, incarnation: Number.MAX_SAFE_INTEGER, left: false });
}

function checkServices(services: readonly string[]): readonly string[] {
  if (!Array.isArray(services)) throw outOfRange('services', 'a list of texts', services);
  const seen = new Set<string>();
  for (const service of services as readonly unknown[]) {
    if (typeof service !== 'string' || !/^.+\/[^/]+$/s.test(service) || !isUnicode(service)) {
      throw outOfRange('services', 'texts of the form "name/version"', service);
    }
    if (seen.has(service)) throw outOfRange('services', 'without doubles', service);
    seen.add(service);
  }
  return [...services];
}

/** Tabernae as a record has them. */
export function checkTabernae(tabernae: readonly TabernaToAnnounce[]): readonly AnnouncedTaberna[] {
  if (!Array.isArray(tabernae)) throw outOfRange('tabernae', 'a list', tabernae);
  const seen = new Set<bigint>();
  return tabernae.map(({ id, name }: TabernaToAnnounce) => {
    if (typeof id !== 'bigint' || id < 0n || id >= 2n ** 64n) throw outOfRange('id of a taberna', 'a u64', id);
    if (name !== undefined && (typeof name !== 'string' || !isUnicode(name))) {
      throw outOfRange('name of a taberna', 'a text', name);
    }
    if (seen.has(id)) throw outOfRange('tabernae', 'without doubles', id);
    seen.add(id);
    return { id: id.toString(16).padStart(16, '0'), name };
  });
}

function checkHealth(health: HealthState): HealthState {
  if (HEALTH_STATES.includes(health)) return health;
  throw outOfRange('health', HEALTH_STATES.join(', '), health);
}

function checkMetadata(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw outOfRange('metadata', 'an object of texts', metadata);
  }
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string' || !isUnicode(value) || !isUnicode(key)) {
      throw outOfRange(`metadata.${key}`, 'a text', value);
    }
  }
  return { ...metadata };
}

/** Without half surrogates, which UTF-8 cannot carry. */
function isUnicode(text: string): boolean {
  return Buffer.from(text).toString() === text;
}
