/**
 * Payloads of the program's own, copied out of read buffers. A small typed array lies in the heap of the engine and is
 * cheap; a separate `ArrayBuffer` costs microseconds. So what is neither small nor large shares slabs: each place in one is
 * given out once and never again, and a slab is freed with the last payload in it.
 */
import { markAsUntransferable } from 'node:worker_threads';

/** Up to here an array lies in the heap of the engine. */
const IN_HEAP_BYTES = 64;
/** From here on the copy itself costs as much as memory of its own. */
const ALONE_FROM_BYTES = 4096;
const SLAB_BYTES = 64 * 1024;

let slab = new Uint8Array(0);
let used = 0;

/** A copy of `bytes[start..start + length]`; `bytes` must be no `Buffer`, whose `slice` does not copy. */
export function ownBytes(bytes: Uint8Array, start: number, length: number): Uint8Array {
  if (length <= IN_HEAP_BYTES || length >= ALONE_FROM_BYTES) return bytes.slice(start, start + length);
  if (slab.length - used < length) renewSlab();
  const own = slab.subarray(used, used + length);
  own.set(bytes.subarray(start, start + length));
  // Eight bytes at a time, as the memory of an array of its own would begin.
  used = (used + length + 7) & ~7;
  return own;
}

function renewSlab(): void {
  // Not cleared first: every byte that is given out is written before.
  const memory = Buffer.allocUnsafeSlow(SLAB_BYTES).buffer as ArrayBuffer;
  // Whoever transferred it would take the payloads of others away.
  markAsUntransferable(memory);
  slab = new Uint8Array(memory);
  used = 0;
}
