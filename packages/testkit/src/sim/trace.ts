/**
 * What happened, as one number and, where asked for, as text. The number is 64 bits over every event, frame, outcome
 * and decision: two runs of one seed that differ anywhere differ in it.
 */
export class Trace {
  /** Takes readable lines; undefined where nobody reads them, and then none is made. */
  readonly print: ((line: string) => void) | undefined;
  private high = 0x6c62_272e;
  private low = 0x07bb_0142;

  constructor(print?: (line: string) => void) {
    this.print = print;
  }

  note(a: number, b: number, c: number): void {
    this.low = Math.imul(this.low ^ a, 0x0100_0193) ^ (b >>> 3);
    this.high = Math.imul(this.high ^ b, 0x85eb_ca6b) ^ (this.low >>> 7);
    this.low = (Math.imul(this.low ^ c, 0xc2b2_ae35) + this.high) | 0;
  }

  /** 16 hex digits. */
  get hash(): string {
    return hex(this.high) + hex(this.low);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
