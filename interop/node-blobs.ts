/** The blobs of a Node domus in an interoperation test: it sends seeded ones, and hashes those that come. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type BlobEndpoint,
  type BlobSender,
  type Domus,
  type DomusAddr,
  DomusError,
  type ErrorKind,
} from '@flaminia/domus';
import { EventBacklog } from './event-backlog.ts';
import { numberedPayload } from './numbered-payload.ts';
import { SeededBytes } from './seeded-bytes.ts';

const MESSAGE_BYTES = 64;
const PIECE_BYTES = 64 * 1024;

/** What a handler has read of a blob. */
export interface NodeBlobRead {
  /** The number of the message that opened it. */
  readonly number: number;
  readonly bytes: number;
  readonly sha256: string;
  /** Why it ended early; undefined where it was whole. */
  readonly failure: ErrorKind | undefined;
  /** The error's detail, where it has one. */
  readonly detail: string | undefined;
}

export class NodeBlobs {
  readonly #domus: Domus;
  readonly #reads = new EventBacklog<NodeBlobRead>('the blobs of Node', ({ number }) => `blob ${number}`);

  constructor(domus: Domus) {
    this.#domus = domus;
  }

  /** Reads all blobs of an endpoint, as fast as they come. */
  async serve(endpoint: BlobEndpoint<Uint8Array>): Promise<void> {
    await this.#domus.serve(endpoint, async (message, { blob }) => {
      this.#reads.add(await readBlob(numberOf(message), blob));
    });
  }

  /** The reading of a blob that has ended, or is the next to end. */
  read(number: number, withinMs?: number): Promise<NodeBlobRead> {
    const isIt = (read: NodeBlobRead): read is NodeBlobRead => read.number === number;
    return this.#reads.next(`reading of blob ${number}`, isIt, withinMs);
  }

  /** Opens a blob; its number seeds the bytes that {@link fill} writes. */
  open(endpoint: BlobEndpoint<Uint8Array>, to: DomusAddr, number: number): Promise<BlobSender> {
    return this.#domus.sendBlob(endpoint, numberedPayload(number, MESSAGE_BYTES), { to });
  }

  /** Sends a whole blob, and resolves when all of it has arrived. */
  async send(endpoint: BlobEndpoint<Uint8Array>, to: DomusAddr, number: number, sizeBytes: number): Promise<void> {
    await fill(await this.open(endpoint, to, number), number, sizeBytes);
  }
}

/** Writes the bytes of a blob to its end. */
export async function fill(sender: BlobSender, number: number, sizeBytes: number): Promise<void> {
  const pieces = new SeededBytes(number).pieces(sizeBytes, PIECE_BYTES);
  await pipeline(Readable.from(pieces, { objectMode: false }), sender);
}

/** The number of a message that opens a blob. */
export function numberOf(message: Uint8Array): number {
  return Number(new DataView(message.buffer, message.byteOffset).getBigUint64(0));
}

/** Reads a blob to its end, whatever that is. */
export async function readBlob(number: number, blob: AsyncIterable<Buffer>): Promise<NodeBlobRead> {
  const hash = createHash('sha256');
  let bytes = 0;
  let error: DomusError | undefined;
  try {
    for await (const piece of blob) {
      bytes += piece.length;
      hash.update(piece);
    }
  } catch (thrown) {
    if (!DomusError.is(thrown)) throw thrown;
    error = thrown;
  }
  return { number, bytes, sha256: hash.digest('hex'), failure: error?.kind, detail: error?.detail };
}
