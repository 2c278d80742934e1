/** Hashes that spread well and are quick; none that withstands an adversary. */

/** FNV-1a over UTF-16 units, then mixed: it alone leaves the high bits of short texts alike. A u32. */
export function textHash(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  return mixBits(hash);
}

/** The finisher of MurmurHash3: every bit of the input reaches every bit of the output. A u32. */
export function mixBits(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** An index below `limit` from a random u32. By the high bits: the remainder would favour the first ones. */
export function indexBelow(limit: number, number: number): number {
  return Math.floor((number / 0x1_0000_0000) * limit);
}
