/**
 * The frame of one chunk of a blob stream (a1-wire, payloads): a header, eighteen bytes that say which chunk it is, and its
 * bytes. Written in front of bytes that lie there already.
 */
import { BLOB_CHUNK, HEADER_BYTES, WIRE_VERSION } from './frame.ts';

/** What stands between the header of the frame and the bytes of the chunk. */
export const CHUNK_HEAD_BYTES = 18;

/** Both together: so many bytes stand in front of the bytes of a chunk. */
export const CHUNK_FRAME_BYTES: number = HEADER_BYTES + CHUNK_HEAD_BYTES;

/** This chunk is the last of its stream. */
export const FLAG_LAST_CHUNK = 0x0001;

/** 2^32. */
const U32 = 0x1_0000_0000;

/** Writes what stands in front of a chunk at `at`: its bytes begin {@link CHUNK_FRAME_BYTES} behind. */
export function putChunkHead(
  view: DataView,
  at: number,
  peerMsgId: number,
  streamId: number,
  chunkId: number,
  flags: number,
  length: number,
): void {
  view.setUint32(at, WIRE_VERSION << 16);
  view.setUint32(at + 4, BLOB_CHUNK);
  view.setUint32(at + 8, peerMsgId);
  for (let field = at + 12; field < at + 28; field += 4) view.setUint32(field, 0);
  view.setUint32(at + 28, CHUNK_HEAD_BYTES + length);
  view.setUint32(at + 32, streamId);
  view.setUint32(at + 36, Math.floor(chunkId / U32));
  view.setUint32(at + 40, chunkId >>> 0);
  view.setUint16(at + 44, flags);
  view.setUint32(at + 46, length);
}

/** A u64 as a number; Infinity where it is beyond what a number counts exactly, which no stream reaches. */
export function wideId(hi: number, lo: number): number {
  return hi > 0x1f_ffff ? Number.POSITIVE_INFINITY : hi * U32 + lo;
}
