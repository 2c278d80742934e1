/** The progress of the demo: one live line in a terminal, plain lines elsewhere. */
const PLAIN_EVERY_MS = 1_000;
const BAR_CELLS = 24;

export class Display {
  private readonly live: boolean = process.stdout.isTTY === true;
  private lastPlainAt = 0;
  private drawn = false;

  /** A line that stays. */
  line(text: string): void {
    this.clear();
    process.stdout.write(`${text}\n`);
  }

  /** The state of the moment; overwrites the one before in a terminal. */
  progress(share: number, text: string): void {
    const percent = `${Math.floor(share * 100)}`.padStart(3);
    if (this.live) {
      const filled = Math.round(share * BAR_CELLS);
      const width = Math.max(20, (process.stdout.columns || 80) - 1);
      const full = `${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)} ${percent} %  ${text}`;
      process.stdout.write(`\r\x1b[2K${full.slice(0, width)}`);
      this.drawn = true;
    } else if (performance.now() - this.lastPlainAt >= PLAIN_EVERY_MS) {
      this.lastPlainAt = performance.now();
      process.stdout.write(`${percent} %  ${text}\n`);
    }
  }

  /** Takes the live line away. */
  clear(): void {
    if (this.drawn) process.stdout.write('\r\x1b[2K');
    this.drawn = false;
  }
}
