/** The messages of the topology as bytes (topology, messages). Readers throw {@link MalformedItem}. */
import { CborReader, MalformedItem } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import * as limits from './limits.ts';
import { fromHex, toHex } from './record-codec.ts';

/** Names one record of one incarnation: what a claim is about. */
export interface RecordName {
  /** {@link SignedRecord.key} */
  readonly key: string;
  readonly incarnation: number;
  readonly stampHi: number;
  readonly stampLo: number;
}

/** One thing that a node tells another. */
export type Fact =
  /** A record. `claimer`: who has declared its node dead; empty for one that left; undefined for one that lives. */
  | {
      readonly kind: 'record';
      readonly bytes: Uint8Array;
      readonly claimer: string | undefined;
      /** How long ago it died or left; 0 for one that lives. Whole seconds travel. */
      readonly ageMs: number;
    }
  /** Somebody suspects that a node is dead. */
  | { readonly kind: 'suspect'; readonly about: RecordName; readonly claimer: string }
  /** Somebody has declared a node dead. */
  | { readonly kind: 'dead'; readonly about: RecordName; readonly claimer: string; readonly ageMs: number };

export interface GossipMessage {
  /** The sender's number of links. */
  readonly degree: number;
  readonly rootHi: number;
  readonly rootLo: number;
  readonly facts: readonly Fact[];
}

export interface ExchangeMessage {
  readonly token: number;
  /** True for the answer to one. */
  readonly isAnswer: boolean;
  /** Of an answer: how many of the wants, from the first, were looked at. */
  readonly served: number;
  readonly facts: readonly Fact[];
  readonly wants: readonly string[];
}

/** A bucket whose digests differ, and all that the sender holds in it. */
export interface BucketListing {
  readonly bucket: number;
  readonly names: readonly RecordName[];
}

export interface DifferencesMessage {
  readonly token: number;
  readonly listings: readonly BucketListing[];
}

export const BUCKETS = 256;
const SAFE_TOKEN = 0xffff_ffff;
const MOST_FACTS = 4096;
const FACT = { live: 0, gone: 1, suspect: 2, dead: 3 } as const;

export function encodeFact(fact: Fact): Uint8Array {
  const writer = new CborWriter();
  if (fact.kind === 'record') {
    if (fact.claimer === undefined) return writer.array(2).uint(FACT.live).bytes(fact.bytes).finish();
    return writer.array(4).uint(FACT.gone).bytes(fact.bytes).text(fact.claimer).uint(seconds(fact.ageMs)).finish();
  }
  writer.array(fact.kind === 'dead' ? 4 : 3).uint(FACT[fact.kind]);
  writeName(writer, fact.about).text(fact.claimer);
  return (fact.kind === 'dead' ? writer.uint(seconds(fact.ageMs)) : writer).finish();
}

/** `facts` are encoded already, so that their sizes could be counted. */
export function encodeGossip(degree: number, rootHi: number, rootLo: number, facts: readonly Uint8Array[]): Uint8Array {
  const writer = new CborWriter().array(3).uint(degree).bytes(word64(rootHi, rootLo));
  return writeFacts(writer, facts).finish();
}

export function decodeGossip(payload: Uint8Array): GossipMessage {
  const reader = new CborReader(payload);
  reader.tuple(3);
  const degree = reader.uint();
  const [rootHi, rootLo] = readWord64(reader);
  const facts = readFacts(reader);
  reader.end();
  return { degree, rootHi, rootLo, facts };
}

export function encodeNumber(value: number): Uint8Array {
  return new CborWriter().uint(value).finish();
}

/** The one number of `link` and `infoRequest`. */
export function decodeNumber(payload: Uint8Array): number {
  const reader = new CborReader(payload);
  const value = reader.uint();
  reader.end();
  return value;
}

/** `digests`: one u32 for each bucket. */
export function encodeCompare(token: number, digests: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(BUCKETS * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, digest] of digests.entries()) view.setUint32(index * 4, digest);
  return new CborWriter().array(2).uint(token).bytes(bytes).finish();
}

export function decodeCompare(payload: Uint8Array): { readonly token: number; readonly digests: Uint32Array } {
  const reader = new CborReader(payload);
  reader.tuple(2);
  const token = readToken(reader);
  const bytes = reader.bytes(BUCKETS * 4);
  reader.end();
  if (bytes.length !== BUCKETS * 4) throw new MalformedItem('not a digest for each bucket');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { token, digests: Uint32Array.from({ length: BUCKETS }, (_, index) => view.getUint32(index * 4)) };
}

export function encodeListing({ bucket, names }: BucketListing): Uint8Array {
  const writer = new CborWriter().array(2).uint(bucket).array(names.length);
  for (const name of names) writeName(writer, name);
  return writer.finish();
}

/** `listings` are encoded already, so that their sizes could be counted. */
export function encodeDifferences(token: number, listings: readonly Uint8Array[]): Uint8Array {
  const writer = new CborWriter().array(2).uint(token).array(listings.length);
  for (const listing of listings) writer.raw(listing);
  return writer.finish();
}

export function decodeDifferences(payload: Uint8Array): DifferencesMessage {
  const reader = new CborReader(payload);
  reader.tuple(2);
  const token = readToken(reader);
  const listings: BucketListing[] = [];
  for (let left = reader.array(BUCKETS); left > 0; left--) {
    reader.tuple(2);
    const bucket = reader.uint();
    if (bucket >= BUCKETS) throw new MalformedItem('no such bucket');
    const names: RecordName[] = [];
    for (let more = reader.array(MOST_FACTS); more > 0; more--) names.push(readName(reader));
    listings.push({ bucket, names });
  }
  reader.end();
  return { token, listings };
}

export function encodeExchange(
  head: { readonly token: number; readonly isAnswer: boolean; readonly served: number },
  facts: readonly Uint8Array[],
  wants: readonly string[],
): Uint8Array {
  const writer = new CborWriter().array(5).uint(head.token).boolean(head.isAnswer).uint(head.served);
  writeFacts(writer, facts).array(wants.length);
  for (const key of wants) writer.bytes(fromHex(key));
  return writer.finish();
}

export function decodeExchange(payload: Uint8Array): ExchangeMessage {
  const reader = new CborReader(payload);
  reader.tuple(5);
  const token = readToken(reader);
  const isAnswer = reader.boolean();
  const served = reader.uint();
  const facts = readFacts(reader);
  const wants: string[] = [];
  for (let left = reader.array(limits.WANTS_MAX); left > 0; left--) wants.push(readKey(reader));
  reader.end();
  return { token, isAnswer, served, facts, wants };
}

export function encodeProbeRequest(token: number, address: string): Uint8Array {
  return new CborWriter().array(2).uint(token).text(address).finish();
}

export function decodeProbeRequest(payload: Uint8Array): { readonly token: number; readonly address: string } {
  const reader = new CborReader(payload);
  reader.tuple(2);
  const token = readToken(reader);
  const address = reader.text(limits.ADDRESS_MAX_BYTES);
  reader.end();
  return { token, address };
}

export function encodeProbeResult(token: number, reached: boolean): Uint8Array {
  return new CborWriter().array(2).uint(token).boolean(reached).finish();
}

export function decodeProbeResult(payload: Uint8Array): { readonly token: number; readonly reached: boolean } {
  const reader = new CborReader(payload);
  reader.tuple(2);
  const token = readToken(reader);
  const reached = reader.boolean();
  reader.end();
  return { token, reached };
}

export function encodeInfo(token: number, record: Uint8Array): Uint8Array {
  return new CborWriter().array(2).uint(token).bytes(record).finish();
}

/** The record is a view into the payload. */
export function decodeInfo(payload: Uint8Array): { readonly token: number; readonly record: Uint8Array } {
  const reader = new CborReader(payload);
  reader.tuple(2);
  const token = readToken(reader);
  const record = reader.bytes(limits.RECORD_MAX_BYTES);
  reader.end();
  return { token, record };
}

function writeFacts(writer: CborWriter, facts: readonly Uint8Array[]): CborWriter {
  writer.array(facts.length);
  for (const fact of facts) writer.raw(fact);
  return writer;
}

function readFacts(reader: CborReader): Fact[] {
  const facts: Fact[] = [];
  for (let left = reader.array(MOST_FACTS); left > 0; left--) facts.push(readFact(reader));
  return facts;
}

function readFact(reader: CborReader): Fact {
  const length = reader.array(4);
  const kind = reader.uint();
  if (kind === FACT.live && length === 2) {
    return { kind: 'record', bytes: reader.bytes(limits.MESSAGE_MAX_BYTES), claimer: undefined, ageMs: 0 };
  }
  if (kind === FACT.gone && length === 4) {
    const bytes = reader.bytes(limits.MESSAGE_MAX_BYTES);
    return { kind: 'record', bytes, claimer: reader.text(limits.NAME_MAX_BYTES), ageMs: reader.uint() * 1000 };
  }
  if (kind === FACT.suspect && length === 3) {
    const about = readName(reader);
    return { kind: 'suspect', about, claimer: reader.text(limits.NAME_MAX_BYTES) };
  }
  if (kind !== FACT.dead || length !== 4) throw new MalformedItem('an unknown kind of fact');
  const about = readName(reader);
  return { kind: 'dead', about, claimer: reader.text(limits.NAME_MAX_BYTES), ageMs: reader.uint() * 1000 };
}

function writeName(writer: CborWriter, name: RecordName): CborWriter {
  writer.array(3).bytes(fromHex(name.key)).uint(name.incarnation);
  return writer.bytes(word64(name.stampHi, name.stampLo));
}

function readName(reader: CborReader): RecordName {
  reader.tuple(3);
  const key = readKey(reader);
  const incarnation = reader.uint();
  const [stampHi, stampLo] = readWord64(reader);
  return { key, incarnation, stampHi, stampLo };
}

function readKey(reader: CborReader): string {
  const bytes = reader.bytes(8);
  if (bytes.length !== 8) throw new MalformedItem('a key that is not 8 bytes');
  return toHex(bytes);
}

function readToken(reader: CborReader): number {
  const token = reader.uint();
  if (token > SAFE_TOKEN) throw new MalformedItem('a token beyond 32 bits');
  return token;
}

function word64(hi: number, lo: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, hi);
  view.setUint32(4, lo);
  return bytes;
}

function readWord64(reader: CborReader): readonly [number, number] {
  const bytes = reader.bytes(8);
  if (bytes.length !== 8) throw new MalformedItem('not 8 bytes');
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return [view.getUint32(0), view.getUint32(4)];
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}
