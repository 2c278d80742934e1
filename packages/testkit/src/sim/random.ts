/** The only source of chance in a simulation: sfc32, seeded. The same seed gives the same numbers on every machine. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: number) {
    this.a = seed | 0;
    this.b = Math.trunc(seed / 0x1_0000_0000) | 0;
    this.c = 0x2f6b_5c11;
    for (let i = 0; i < 12; i++) this.u32();
  }

  /** 0 .. 2^32 - 1. */
  u32(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** 0 .. limit - 1, for limits up to 2^32. */
  below(limit: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * limit);
  }

  /** least .. most, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** Like `between`, but each power of two of the range is as likely as the next: small values are frequent. */
  skewed(least: number, most: number): number {
    const span = Math.log(most + 1 - least + 1);
    return Math.min(most, least + Math.floor(Math.exp((this.u32() / 0x1_0000_0000) * span)) - 1);
  }

  /** True `percent` times of a hundred. */
  chance(percent: number): boolean {
    return this.u32() < percent * 42_949_672.96;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}
