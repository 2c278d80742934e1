/** Whom an allow list lets in: one node, or every node of a type. */
import { outOfRange } from '@flaminia/transport-a0';
import type { Caller } from './caller.ts';

/** One line of an allow list; made by {@link nodeId} and {@link nodeType}. */
export type AllowEntry =
  | { readonly kind: 'node-id'; readonly nodeId: string }
  | { readonly kind: 'node-type'; readonly nodeType: string };

/** The node whose certificate has this subject CN, letter by letter. An empty id is `invalid-config`. */
export function nodeId(id: string): AllowEntry {
  return Object.freeze({ kind: 'node-id', nodeId: requireName('nodeId', id) });
}

/** Every node whose certificate has this subject OU, letter by letter. An empty type is `invalid-config`. */
export function nodeType(type: string): AllowEntry {
  return Object.freeze({ kind: 'node-type', nodeType: requireName('nodeType', type) });
}

/**
 * The entries that were given for a field, as copies. `invalid-config` where it is no list, or holds anything else: a text
 * in the place of an entry does not say whether it means an id or a type.
 */
export function checkedEntries(field: string, given: unknown): readonly AllowEntry[] {
  if (!Array.isArray(given)) throw outOfRange(field, 'a list of nodeId(...) and nodeType(...)', given);
  return Object.freeze(Array.from(given, (entry: unknown, index) => checkedEntry(`${field}[${index}]`, entry)));
}

/** Whether an entry means this caller; never one whose certificate does not say who it is. */
export function isListed(entry: AllowEntry, caller: Caller): boolean {
  if (typeof caller.nodeId !== 'string' || caller.nodeId === '') return false;
  return entry.kind === 'node-id' ? entry.nodeId === caller.nodeId : entry.nodeType === caller.nodeType;
}

function checkedEntry(field: string, given: unknown): AllowEntry {
  const { kind, nodeId: id, nodeType: type } = (given ?? {}) as Record<string, unknown>;
  if (kind === 'node-id') return nodeId(id as string);
  if (kind === 'node-type') return nodeType(type as string);
  throw outOfRange(field, 'nodeId(...) or nodeType(...)', given);
}

function requireName(field: string, given: unknown): string {
  if (typeof given === 'string' && given !== '') return given;
  throw outOfRange(field, 'a text that is not empty', given);
}
