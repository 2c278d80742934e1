/** FNV-1a over bytes, 32 bits: to compare and to name, not to protect. */
export function hashOf(bytes: Uint8Array, start = 0, end: number = bytes.length, from = 0x811c_9dc5): number {
  let hash = from;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x0100_0193);
  return hash >>> 0;
}
