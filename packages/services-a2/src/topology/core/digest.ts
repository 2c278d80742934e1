/**
 * A digest of the table: records fall into 256 buckets by their key, and each bucket is the exclusive or of what stands for
 * its records. Equal tables have equal digests, and one change touches one bucket.
 */
import { BUCKETS } from './messages.ts';
import type { SignedRecord } from './record.ts';

/** What is mixed into the stamp of a record whose node is dead. */
const DEAD_HI = 0x9e37_79b9;
const DEAD_LO = 0x7f4a_7c15;

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

/** What stands for a record in digests and listings. */
export function stampHiOf(signed: SignedRecord, isDead: boolean): number {
  return (isDead ? signed.stampHi ^ DEAD_HI : signed.stampHi) >>> 0;
}

export function stampLoOf(signed: SignedRecord, isDead: boolean): number {
  return (isDead ? signed.stampLo ^ DEAD_LO : signed.stampLo) >>> 0;
}
