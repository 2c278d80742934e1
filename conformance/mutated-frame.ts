/** A valid frame with one field of its header changed, and the values worth trying. */
import type { Frame } from './frames.ts';
import { MAX_PAYLOAD_LEN } from './shared-config.ts';

/** Bytes of the name of a stream in a payload. */
const STREAM_BYTES = 4;

export type Field = 'version' | 'flags' | 'msg_type' | 'peer_msg_id' | 'src_taberna' | 'dst_taberna' | 'payload_len';

export const UNDEFINED_BITS: readonly number[] = Array.from({ length: 14 }, (_, bit) => 4 << bit);
export const IDS: readonly number[] = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
export const TABERNAE: readonly bigint[] = [1n, 2n ** 32n, 2n ** 64n - 1n];
export const OVER_THE_LIMIT: readonly number[] = [MAX_PAYLOAD_LEN + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** The frame with one field changed. A longer payload is really there, up to the limit; over it there is the header alone. */
export function mutated(frame: Frame, field: Field, value: number | bigint): Frame {
  if (field === 'src_taberna') return { ...frame, src: BigInt(value) };
  if (field === 'dst_taberna') return { ...frame, dst: BigInt(value) };
  const number = Number(value);
  if (field === 'version') return { ...frame, version: number };
  if (field === 'flags') return { ...frame, flags: number };
  if (field === 'msg_type') return { ...frame, type: number };
  if (field === 'peer_msg_id') return { ...frame, id: number };
  if (number > MAX_PAYLOAD_LEN) return { ...withoutStream(frame), payload: Buffer.alloc(0), payloadLength: number };
  const payload = Buffer.alloc(number);
  payload.set((frame.payload ?? Buffer.alloc(0)).subarray(0, number));
  return { ...(number < STREAM_BYTES ? withoutStream(frame) : frame), payload };
}

export function valueText(field: Field, value: number | bigint): string {
  if (field === 'payload_len' && value === MAX_PAYLOAD_LEN) return 'limit';
  if (field === 'payload_len' && value === MAX_PAYLOAD_LEN + 1) return 'limit+1';
  return field === 'payload_len' || field === 'version' ? String(value) : `0x${value.toString(16)}`;
}

function withoutStream({ stream: _, ...rest }: Frame): Frame {
  return rest;
}
