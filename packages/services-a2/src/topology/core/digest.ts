/**
 * A digest of the table: records fall into 256 buckets by their key, and each bucket is the exclusive or of what stands for
 * its records. Equal tables have equal digests, and one change touches one bucket.
 */
import { BUCKETS } from './messages.ts';
import type { SignedRecord } from './record.ts';

export class Digest {
  rootHi = 0;
  rootLo = 0;
  /** One u32 for each bucket. */
  readonly buckets: Uint32Array = new Uint32Array(BUCKETS);

  /** Takes a record in, or out again. */
  toggle(signed: SignedRecord, isDead: boolean): void {
    const hi = stampHiOf(signed, isDead);
    const lo = stampLoOf(signed, isDead);
    this.rootHi = (this.rootHi ^ hi) >>> 0;
    this.rootLo = (this.rootLo ^ lo) >>> 0;
    this.buckets[bucketOf(signed.key)]! ^= hi ^ lo;
  }
}

/** The bucket of a key: its first byte. */
export function bucketOf(key: string): number {
  return Number.parseInt(key.slice(0, 2), 16);
}

/**
 * What stands for a record in digests and listings. That of a dead node is the same bits stirred, not the same bits with
 * others flipped: flips of two nodes would cancel.
 */
export function stampHiOf(signed: SignedRecord, isDead: boolean): number {
  return isDead ? stirred(signed.stampLo) : signed.stampHi;
}

export function stampLoOf(signed: SignedRecord, isDead: boolean): number {
  return isDead ? stirred(signed.stampHi) : signed.stampLo;
}

/** The last steps of MurmurHash3, which map u32 to u32 one to one. */
function stirred(word: number): number {
  let bits = word ^ (word >>> 16);
  bits = Math.imul(bits, 0x85eb_ca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
