/**
 * etcd's requests for keys, in the shape of its JSON gateway: keys and values in base64, numbers of 64 bits as texts. A key is
 * a text with a character for each byte (latin1): others may write keys that are no UTF-8, and each is a key of its own.
 */
import { ENTRIES_MAX, type Entry } from './entry-table.ts';
import { type EtcdGateway, isNotFound, isTooLarge, type JsonObject, objectOf } from './etcd-gateway.ts';
import { VALUE_MAX_BYTES } from './etcd-value.ts';

const PAGE = 500;

/** All entries of a prefix as they were in one revision. */
export interface PrefixState {
  readonly revision: bigint;
  readonly entries: readonly Entry[];
}

/**
 * At most one page more than a table keeps: whatever answers, the reading ends. What is too large for one answer comes in
 * smaller pages, and a value that is too large by itself without it.
 */
export async function rangePrefix(gateway: EtcdGateway, prefix: string, signal: AbortSignal): Promise<PrefixState> {
  const entries: Entry[] = [];
  let revision = 0n;
  let from = prefix;
  // 0 for the next key without its value.
  let limit = PAGE;
  for (;;) {
    const at = revision === 0n ? {} : { revision: String(revision) };
    const size = limit === 0 ? { limit: '1', keys_only: true } : { limit: String(limit) };
    const range = { key: base64(from), range_end: base64(prefixEnd(prefix)), ...size, ...at };
    let answer: JsonObject;
    try {
      answer = await gateway.call('/v3/kv/range', range, signal);
    } catch (error) {
      if (limit === 0 || !isTooLarge(error)) throw error;
      limit >>= 1;
      continue;
    }
    if (limit === 0) limit = PAGE;
    if (revision === 0n) revision = revisionOf(answer);
    const page = listOf(answer.kvs).map(entryOf);
    entries.push(...page);
    if (answer.more !== true || page.length === 0 || entries.length > ENTRIES_MAX) return { revision, entries };
    from = `${page.at(-1)!.key}\0`;
  }
}

/** How many keys the prefix has, and the newest revision of one. */
export async function prefixDigest(
  gateway: EtcdGateway,
  prefix: string,
  signal: AbortSignal,
): Promise<{ readonly count: number; readonly newest: bigint }> {
  const newestFirst = { limit: '1', sort_target: 'MOD', sort_order: 'DESCEND', keys_only: true };
  const answer = await gateway.call(
    '/v3/kv/range',
    { key: base64(prefix), range_end: base64(prefixEnd(prefix)), ...newestFirst },
    signal,
  );
  const [first] = listOf(answer.kvs);
  return { count: Number(answer.count ?? 0), newest: first === undefined ? 0n : entryOf(first).revision };
}

/** What a watch tells. */
export type WatchNews =
  | { readonly kind: 'put'; readonly entry: Entry }
  | { readonly kind: 'delete'; readonly key: string; readonly revision: bigint }
  /** The watch is at its end: the revisions it would begin with are compacted, or etcd wants it so. */
  | { readonly kind: 'cancelled' };

/** What happens under the prefix from a revision on; a list for each message, empty for one without news. */
export async function* watchPrefix(
  gateway: EtcdGateway,
  prefix: string,
  from: bigint,
  signal: AbortSignal,
): AsyncGenerator<readonly WatchNews[], void, undefined> {
  const request = { key: base64(prefix), range_end: base64(prefixEnd(prefix)), start_revision: String(from) };
  for await (const message of gateway.stream('/v3/watch', { create_request: request }, signal)) {
    const result = objectOf(message.result);
    yield result.canceled === true ? [{ kind: 'cancelled' }] : listOf(result.events).map(newsOf);
  }
}

/** The lease's id, which etcd chooses. */
export async function grantLease(gateway: EtcdGateway, ttlMs: number, signal: AbortSignal): Promise<string> {
  const answer = await gateway.call('/v3/lease/grant', { TTL: String(Math.ceil(ttlMs / 1000)) }, signal);
  return String(answer.ID);
}

/** False for a lease that is no more. */
export async function keepAlive(gateway: EtcdGateway, lease: string, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = objectOf((await gateway.call('/v3/lease/keepalive', { ID: lease }, signal)).result);
    return Number(answer.TTL ?? 0) > 0;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** The revision in which the key was put. */
export async function putKey(
  gateway: EtcdGateway,
  key: string,
  value: string,
  lease: string,
  signal: AbortSignal,
): Promise<bigint> {
  return revisionOf(
    await gateway.call('/v3/kv/put', { key: base64(key), value: base64(value, 'utf8'), lease }, signal),
  );
}

/** Ends a lease, and with it its keys; one that is no more is at its end. */
export async function revokeLease(gateway: EtcdGateway, lease: string, signal: AbortSignal): Promise<void> {
  try {
    await gateway.call('/v3/lease/revoke', { ID: lease }, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function newsOf(event: JsonObject): WatchNews {
  const entry = entryOf(objectOf(event.kv));
  return event.type === 'DELETE'
    ? { kind: 'delete', key: entry.key, revision: entry.revision }
    : { kind: 'put', entry };
}

function entryOf(kv: JsonObject): Entry {
  const bytes = (field: unknown): Buffer => Buffer.from(typeof field === 'string' ? field : '', 'base64');
  const value = bytes(kv.value);
  return {
    key: bytes(kv.key).toString('latin1'),
    // What is too large for a peer is rubbish without it too, and a table's worth of such values would fill the memory.
    value: value.length > VALUE_MAX_BYTES ? Buffer.alloc(0) : value,
    revision: numberOf(kv.mod_revision),
  };
}

function revisionOf(answer: JsonObject): bigint {
  return numberOf(objectOf(answer.header).revision);
}

function numberOf(value: unknown): bigint {
  return typeof value === 'string' && /^\d{1,19}$/.test(value) ? BigInt(value) : 0n;
}

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}

/** The first key behind all keys of the prefix, which is ASCII and does not end in its last character. */
function prefixEnd(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

function base64(text: string, encoding: 'latin1' | 'utf8' = 'latin1'): string {
  return Buffer.from(text, encoding).toString('base64');
}
