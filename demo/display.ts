/** The progress of the demo: a live line for each activity in a terminal, plain lines elsewhere. */
const PLAIN_EVERY_MS = 1_000;
/** So few that the text beside it fits a line of 80. */
const BAR_CELLS = 10;

export class Display {
  private readonly live: boolean = process.stdout.isTTY === true;
  /** The live lines, by their name, in the order in which they came. */
  private readonly bars = new Map<string, string>();
  private readonly lastPlainAt = new Map<string, number>();
  /** Live lines that stand on the screen; the cursor is at the end of the last one. */
  private drawn = 0;

  /** A line that stays. */
  line(text: string): void {
    const erasure = this.erasure();
    process.stdout.write(`${erasure}${text}\n${this.drawing()}`);
  }

  /** The state of an activity at the moment; in a terminal it takes the place of the one before. */
  progress(name: string, share: number, text: string): void {
    const label = name.padEnd(7);
    const percent = `${Math.floor(share * 100)}`.padStart(3);
    if (this.live) {
      const filled = Math.round(share * BAR_CELLS);
      const width = Math.max(20, (process.stdout.columns || 80) - 1);
      const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)}`;
      this.bars.set(name, `${label} ${bar} ${percent} %  ${text}`.slice(0, width));
      process.stdout.write(this.erasure() + this.drawing());
    } else if (performance.now() - (this.lastPlainAt.get(name) ?? Number.NEGATIVE_INFINITY) >= PLAIN_EVERY_MS) {
      this.lastPlainAt.set(name, performance.now());
      process.stdout.write(`${label} ${percent} %  ${text}\n`);
    }
  }

  /** Takes the live lines away for good. */
  clear(): void {
    process.stdout.write(this.erasure());
    this.bars.clear();
  }

  private drawing(): string {
    this.drawn = this.bars.size;
    return [...this.bars.values()].join('\n');
  }

  /** What takes the live lines off the screen. */
  private erasure(): string {
    if (this.drawn === 0) return '';
    const up = '\x1b[1A\x1b[2K'.repeat(this.drawn - 1);
    this.drawn = 0;
    return `\r\x1b[2K${up}`;
  }
}
