/** From so many bytes on a copy is worth the view of the source that it takes. */
const VIEW_FROM_BYTES = 128;

/** Copies `from[start..end]` to `to[at..]`. Most of what travels here is one small frame. */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start >= VIEW_FROM_BYTES) to.set(from.subarray(start, end), at);
  else for (let i = start; i < end; i++) to[at + i - start] = from[i]!;
}
