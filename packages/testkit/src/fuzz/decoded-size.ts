/** How large and of what make a decoded message is: counted without trusting anything in it. */
import { Broken } from './broken.ts';

/** What a value costs in memory, roughly, beside its bytes. */
const NODE_BYTES = 64;

export interface DecodedSize {
  readonly nodes: number;
  readonly bytes: number;
  readonly depth: number;
  /** Of what it is made: `Map`, `bigint` and so on. */
  readonly kinds: ReadonlySet<string>;
}

/** Walks a decoded value. Throws where an object has a prototype other than its kind's, or bytes lie in `input`. */
export function sizeOf(value: unknown, input: Uint8Array): DecodedSize {
  let nodes = 0;
  let bytes = 0;
  let depth = 0;
  const kinds = new Set<string>();
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    nodes++;
    kinds.add(kindOf(next.value));
    bytes += NODE_BYTES + ownBytes(next.value, input);
    depth = Math.max(depth, next.depth);
    for (const child of childrenOf(next.value)) open.push({ value: child, depth: next.depth + 1 });
  }
  return { nodes, bytes, depth, kinds };
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.getPrototypeOf(value)?.constructor?.name ?? 'object';
}

function ownBytes(value: unknown, input: Uint8Array): number {
  if (typeof value === 'string') return value.length * 2;
  if (typeof value === 'bigint') return value.toString(16).length;
  if (!ArrayBuffer.isView(value)) return 0;
  if (value.buffer === input.buffer) throw new Broken('decoded bytes lie in the input');
  return value.byteLength;
}

function childrenOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Date) return [];
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  if (value instanceof Set) return [...value];
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype) throw new Broken('an object of a strange kind');
  if (Object.hasOwn(value, '__proto__')) throw new Broken('an own key __proto__');
  return Object.values(value);
}
