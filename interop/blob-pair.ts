/** A Node domus and a Rust one that send each other blobs of seeded bytes, and what each of them reads. */
import assert from 'node:assert/strict';
import { type BlobEndpoint, blobEndpoint, bytes } from '@flaminia/domus';
import type { Imperium } from './imperium.ts';
import { type NodeBlobRead, NodeBlobs } from './node-blobs.ts';
import type { NodeDomus, NodeDomusOptions } from './node-domus.ts';
import { openPair, type Pair, PROMPT } from './pair.ts';
import type { RustDomus, RustDomusOptions } from './rust-domus.ts';
import type { RustBlob, RustBlobRead, RustBlobReport, RustReading } from './rust-protocol.ts';
import { SeededBytes } from './seeded-bytes.ts';
import { until } from './until.ts';

/** Where the Rust domus of a pair takes blobs, and the Node domus: the second one by hand, if at all. */
export const BLOBS_AT_RUST: BlobEndpoint<Uint8Array> = blobEndpoint(2n ** 63n, bytes());
export const BLOBS_AT_NODE: BlobEndpoint<Uint8Array> = blobEndpoint(8n, bytes());
export const HELD_AT_NODE: BlobEndpoint<Uint8Array> = blobEndpoint(9n, bytes());

const KIB = 1024;

/** The crate's own window over TCP (over Unix sockets the crate makes 128 KiB × 32 of it), and ours. */
export const CRATE_WINDOW = { chunkSize: 1200, ackWindow: 1024 } as const;
export const OWN_WINDOW = { chunkSize: 64 * KIB, ackWindow: 64 } as const;

/** Both with our window: what it holds, 4 MiB, no reader at Rust is too slow for. */
export const WITH_OWN_WINDOW = {
  node: { config: { blobWindow: OWN_WINDOW } },
  rust: { config: { ...PROMPT, blobWindow: OWN_WINDOW } },
} as const satisfies BlobPairOptions;

export interface BlobPair extends Pair {
  readonly blobs: NodeBlobs;
}

export interface BlobPairOptions {
  readonly node?: NodeDomusOptions;
  readonly rust?: RustDomusOptions;
  /** How Rust reads. */
  readonly reading?: RustReading;
}

/** Opens both, each with a taberna that reads whatever blobs come. */
export async function openBlobPair(imperium: Imperium, options: BlobPairOptions = {}): Promise<BlobPair> {
  const pair = await openPair(imperium, options);
  await openTabernaAtRust(pair, options.reading);
  return { ...pair, blobs: await readAtNode(pair.node) };
}

/** What a Rust domus of a pair has, once more after a restart. */
export async function openTabernaAtRust({ node, rust }: Pair, reading?: RustReading): Promise<void> {
  await rust.peer.route(BLOBS_AT_NODE.id, node.address);
  await rust.peer.route(HELD_AT_NODE.id, node.address);
  await rust.peer.taberna(BLOBS_AT_RUST.id, 'accept', { quiet: true, ...(reading === undefined ? {} : { reading }) });
}

/** The same for a Node domus. */
export async function readAtNode(node: NodeDomus): Promise<NodeBlobs> {
  const blobs = new NodeBlobs(node.domus);
  await blobs.serve(BLOBS_AT_NODE);
  return blobs;
}

/** A blob from Node to Rust, checked to the byte. */
export async function nodeSendsBlob({ rust, blobs }: BlobPair, number: number, sizeBytes: number): Promise<void> {
  await blobs.send(BLOBS_AT_RUST, rust.address, number, sizeBytes);
  const { bytes: count, sha256, failure } = await readAtRust(rust, number);
  assert.deepEqual({ count, failure }, { count: sizeBytes, failure: null }, `blob ${number} of ${sizeBytes} bytes`);
  assert.equal(sha256, new SeededBytes(number).sha256(sizeBytes), `blob ${number} of ${sizeBytes} bytes`);
}

/** A blob from Rust to Node, checked to the byte. */
export async function rustSendsBlob(pair: BlobPair, number: number, sizeBytes: number): Promise<RustBlobReport> {
  const [report] = await Promise.all([sendFromRust(pair, { number, sizeBytes }), checkRead(pair, number, sizeBytes)]);
  const { end, failure, written } = report;
  assert.deepEqual({ end, failure, written }, { end: 'whole', failure: null, written: sizeBytes }, `blob ${number}`);
  return report;
}

/** A blob from Rust to Node, by default to its own reader; resolves with what Rust says of it. */
export function sendFromRust(
  { rust }: Pair,
  blob: Omit<RustBlob, 'taberna'> & { readonly taberna?: bigint },
): Promise<RustBlobReport> {
  return rust.peer.sendBlob({ taberna: BLOBS_AT_NODE.id, ...blob });
}

/** Rust's reading of a blob that has ended, or is the next to end. */
export function readAtRust(rust: RustDomus, number: number): Promise<RustBlobRead> {
  return rust.peer.next('blob-read', (read) => read.number === number, LONG_MS);
}

/** Both have given back what they had reserved for streams, at Node; waits for the last answers. */
export function untilFree({ node }: Pair): Promise<void> {
  return until('no bytes are reserved for blobs', () => {
    const { blobsIn, blobsOut } = node.domus.delivery.core;
    return blobsIn.reserved === 0 && blobsOut.reserved === 0;
  });
}

/** For blobs of any size, in milliseconds. */
const LONG_MS = 200_000;

async function checkRead({ blobs }: BlobPair, number: number, sizeBytes: number): Promise<NodeBlobRead> {
  const read = await blobs.read(number, LONG_MS);
  const { bytes: count, failure, sha256 } = read;
  assert.deepEqual(
    { count, failure },
    { count: sizeBytes, failure: undefined },
    `blob ${number} of ${sizeBytes} bytes`,
  );
  assert.equal(sha256, new SeededBytes(number).sha256(sizeBytes), `blob ${number} of ${sizeBytes} bytes`);
  return read;
}
