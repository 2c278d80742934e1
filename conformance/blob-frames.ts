/** Frames of blob streams as a case writes them, right or wrong (a1-wire, payloads). */
import { BLOB, CHUNK, CHUNK_HEAD_BYTES, COMPLETE, type Frame, HELLO, HELLO_RESPONSE, LAST_CHUNK } from './frames.ts';
import { ACK_WINDOW, CHUNK_BYTES } from './shared-config.ts';

/** Chunk size and window. */
export type Numbers = readonly [chunkBytes: number, window: number];

export const OWN_NUMBERS: Numbers = [CHUNK_BYTES, ACK_WINDOW];

/** The hello of a blob callis. `flags` are added to BLOB. */
export function blobHello(numbers: Numbers = OWN_NUMBERS, flags = 0, over: Partial<Frame> = {}): Frame {
  return { type: HELLO, flags: BLOB | flags, payload: numbersPayload(numbers), ...over };
}

export function blobResponse(numbers: Numbers = OWN_NUMBERS, flags = 0): Frame {
  return { type: HELLO_RESPONSE, flags: BLOB | flags, payload: numbersPayload(numbers) };
}

export function numbersPayload([chunkBytes, window]: Numbers): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(chunkBytes, 0);
  payload.writeUInt32BE(window, 4);
  return payload;
}

/** What a chunk says of itself, where it is not the truth or not the usual. */
export interface ChunkSays {
  readonly flags?: number;
  readonly length?: number;
}

/** A chunk of the stream that the raw peer sends, under a message id of its own. */
export function part(id: number, stream: number, chunk: number | bigint, text: string, says: ChunkSays = {}): Frame {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(CHUNK_HEAD_BYTES);
  head.writeBigUInt64BE(BigInt(chunk), 4);
  head.writeUInt16BE(says.flags ?? 0, 12);
  head.writeUInt32BE(says.length ?? bytes.length, 14);
  return { type: CHUNK, id, stream, payload: Buffer.concat([head, bytes]) };
}

/** The same, marked as the last. */
export function lastPart(id: number, stream: number, chunk: number, text: string): Frame {
  return part(id, stream, chunk, text, { flags: LAST_CHUNK });
}

/** Says that all of a stream has come. */
export function completeOf(id: number, stream: number | string): Frame {
  return { type: COMPLETE, id, stream, payload: Buffer.alloc(4) };
}
