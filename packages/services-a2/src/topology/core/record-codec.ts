/**
 * Records as bytes (topology, records). A record is `[body, signature, chain]`; the owner signs {@link SIGNED_PREFIX} and the
 * body. The encoding is canonical: one content has one form, and the reader takes no other.
 */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { HealthState } from '../../health/health-state.ts';
import { CborReader, MalformedItem } from './cbor-reader.ts';
import { CborWriter, utf8 } from './cbor-writer.ts';
import * as limits from './limits.ts';
import type { AnnouncedTaberna, NodeRecord } from './record.ts';

/** Stands before the body in what is signed, so that the signature means nothing elsewhere. */
export const SIGNED_PREFIX: Uint8Array = utf8('flaminia/topology record 1\0');

const VERSION = 1;
const HEALTH: readonly HealthState[] = ['unknown', 'healthy', 'unhealthy', 'draining'];

/** A record taken apart, not yet verified. */
export interface RecordParts {
  readonly record: NodeRecord;
  /** The whole, in a copy. */
  readonly bytes: Uint8Array;
  /** What is signed, behind the prefix. */
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  /** DER, leaf first, without the anchor; empty in an imperium without certificates. */
  readonly chain: readonly Uint8Array[];
}

/** The canonical body; lists are brought into order. Does not check bounds: {@link bodyFault} does. */
export function encodeBody(record: NodeRecord): Uint8Array {
  const writer = new CborWriter().array(10).uint(VERSION).text(record.nodeId);
  if (record.nodeType === null) writer.null();
  else writer.text(record.nodeType);
  writer.text(record.address).uint(record.incarnation).boolean(record.left).uint(HEALTH.indexOf(record.health));
  writer.array(record.services.length);
  for (const service of sorted(record.services, (text) => text)) writer.text(service);
  writer.array(record.tabernae.length);
  for (const { id, name } of sorted(record.tabernae, (taberna) => taberna.id)) {
    writer.array(2).bytes(fromHex(id));
    if (name === undefined) writer.null();
    else writer.text(name);
  }
  const metadata = Object.entries(record.metadata);
  writer.array(metadata.length);
  for (const [key, value] of sorted(metadata, ([name]) => name)) writer.array(2).text(key).text(value);
  return writer.finish();
}

/** Joins a body with its proof. */
export function encodeRecord(body: Uint8Array, signature: Uint8Array, chain: readonly Uint8Array[]): Uint8Array {
  const writer = new CborWriter().array(3).bytes(body).bytes(signature).array(chain.length);
  for (const certificate of chain) writer.bytes(certificate);
  return writer.finish();
}

/** Takes a record apart, copying what it keeps; throws {@link MalformedItem}. */
export function decodeRecord(source: Uint8Array): RecordParts {
  const bytes = source.slice();
  const reader = new CborReader(bytes);
  reader.tuple(3);
  const body = reader.bytes(limits.BODY_MAX_BYTES);
  const signature = reader.bytes(limits.SIGNATURE_MAX_BYTES);
  const chain: Uint8Array[] = [];
  for (let left = reader.array(limits.CHAIN_MAX); left > 0; left--) chain.push(reader.bytes(limits.CHAIN_MAX_BYTES));
  reader.end();
  return { record: decodeBody(body), bytes, body, signature, chain };
}

/** What of a body is out of bounds, in words; undefined for one that others will take. For the owner, before it signs. */
export function bodyFault(body: Uint8Array): string | undefined {
  if (body.length > limits.BODY_MAX_BYTES)
    return `takes ${body.length} bytes, and at most ${limits.BODY_MAX_BYTES} fit`;
  try {
    decodeBody(body);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function decodeBody(body: Uint8Array): NodeRecord {
  const reader = new CborReader(body);
  reader.tuple(10);
  if (reader.uint() !== VERSION) throw new MalformedItem('a record of another version');
  const nodeId = reader.text(limits.NAME_MAX_BYTES);
  if (nodeId === '') throw new MalformedItem('an empty node id');
  const nodeType = reader.takeNull() ? null : reader.text(limits.NAME_MAX_BYTES);
  const address = reader.text(limits.ADDRESS_MAX_BYTES) as DomusAddr;
  const incarnation = reader.uint();
  const left = reader.boolean();
  const health = HEALTH[reader.uint()];
  if (health === undefined) throw new MalformedItem('an unknown state of health');
  const services = readServices(reader);
  const tabernae = readTabernae(reader);
  const metadata = readMetadata(reader);
  reader.end();
  return Object.freeze({ nodeId, nodeType, address, incarnation, left, health, services, tabernae, metadata });
}

function readServices(reader: CborReader): readonly string[] {
  const services: string[] = [];
  for (let left = reader.array(limits.SERVICES_MAX); left > 0; left--) {
    const service = reader.text(limits.SERVICE_MAX_BYTES);
    const slash = service.lastIndexOf('/');
    if (slash <= 0 || slash === service.length - 1) throw new MalformedItem('a service that is not "name/version"');
    requireAscending(services.at(-1), service);
    services.push(service);
  }
  return Object.freeze(services);
}

function readTabernae(reader: CborReader): readonly AnnouncedTaberna[] {
  const tabernae: AnnouncedTaberna[] = [];
  for (let left = reader.array(limits.TABERNAE_MAX); left > 0; left--) {
    reader.tuple(2);
    const id = reader.bytes(8);
    if (id.length !== 8) throw new MalformedItem('a taberna id that is not 8 bytes');
    const name = reader.takeNull() ? undefined : reader.text(limits.SERVICE_MAX_BYTES);
    const taberna = Object.freeze({ id: toHex(id), name });
    requireAscending(tabernae.at(-1)?.id, taberna.id);
    tabernae.push(taberna);
  }
  return Object.freeze(tabernae);
}

function readMetadata(reader: CborReader): Readonly<Record<string, string>> {
  const entries: [string, string][] = [];
  for (let left = reader.array(limits.METADATA_MAX); left > 0; left--) {
    reader.tuple(2);
    const key = reader.text(limits.METADATA_KEY_MAX_BYTES);
    requireAscending(entries.at(-1)?.[0], key);
    entries.push([key, reader.text(limits.METADATA_VALUE_MAX_BYTES)]);
  }
  return Object.freeze(Object.fromEntries(entries));
}

function requireAscending(before: string | undefined, next: string): void {
  if (before !== undefined && compareUtf8(before, next) >= 0) throw new MalformedItem('a list out of order');
}

function sorted<Item>(items: readonly Item[], textOf: (item: Item) => string): Item[] {
  return [...items].sort((a, b) => compareUtf8(textOf(a), textOf(b)));
}

/** The order of the UTF-8 bytes, which other languages have too. */
export function compareUtf8(a: string, b: string): number {
  const left = utf8(a);
  const right = utf8(b);
  const shared = Math.min(left.length, right.length);
  for (let index = 0; index < shared; index++) {
    if (left[index] !== right[index]) return left[index]! - right[index]!;
  }
  return left.length - right.length;
}

/** Lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  let digits = '';
  for (const byte of bytes) digits += HEX[byte]!;
  return digits;
}

/** The bytes of an even number of hexadecimal digits. */
export function fromHex(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
