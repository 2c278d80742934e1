/** The stream as the starter of the demo sees it: what the processes report of it, shown and kept for the end. */
import type { Display } from './display.ts';
import type { Report, StreamFigures } from './processes.ts';
import { rateText, type StreamOutcome, sizeText } from './summary.ts';

/** What becomes of the stream. */
export interface StreamEvents {
  /** The sender has cut its connections: the receiver is to do the same. */
  cut(): void;
  /** The far end has got what was sent, and both ends have told all. */
  equal(): void;
  failed(error: Error): void;
}

export class StreamWatch {
  private readonly bytes: number;
  private readonly names: readonly [from: string, to: string];
  private readonly display: Display;
  private readonly events: StreamEvents;
  private figures: StreamFigures = { acknowledged: 0, chunksOut: 0, seconds: 0 };
  private checked: (Report & { readonly kind: 'checked' }) | undefined = undefined;
  private cuts = 0;
  private sockets = 0;

  constructor(bytes: number, names: readonly [string, string], display: Display, events: StreamEvents) {
    this.bytes = bytes;
    this.names = names;
    this.display = display;
    this.events = events;
  }

  heard(report: Report): void {
    if (report.kind === 'stream') this.progress(report);
    if (report.kind === 'cut') this.cut(report.acknowledged, report.sockets);
    if (report.kind === 'resumed')
      this.display.line(`the stream goes on by itself, after ${report.afterMs.toFixed(0)} ms`);
    if (report.kind === 'checked') this.check(report);
  }

  /** What the far end says may be heard before the last that the sender has said. */
  get isDone(): boolean {
    return this.checked?.difference === undefined && this.figures.acknowledged === this.checked?.bytes;
  }

  get outcome(): StreamOutcome {
    const { figures, cuts, sockets, checked } = this;
    const { chunksIn = 0, sha256 = '' } = checked ?? {};
    return { figures, cuts, sockets, chunksIn, sha256, isEqual: this.isDone };
  }

  private progress(figures: StreamFigures): void {
    this.figures = figures;
    const { acknowledged, seconds } = figures;
    const share = this.bytes === 0 ? 1 : Math.min(1, acknowledged / this.bytes);
    this.display.progress('stream', share, `${sizeText(acknowledged)} arrived, ${rateText(acknowledged, seconds)}`);
    if (this.isDone) this.events.equal();
  }

  private cut(acknowledged: number | undefined, sockets: number): void {
    this.sockets += sockets;
    if (acknowledged === undefined) return;
    this.cuts++;
    const [from, to] = this.names;
    const far = `${sizeText(acknowledged)} of ${sizeText(this.bytes)}`;
    this.display.line(`the connections between ${from} and ${to} were cut when ${far} had arrived`);
    this.events.cut();
  }

  private check(checked: Report & { readonly kind: 'checked' }): void {
    this.checked = checked;
    const [, to] = this.names;
    if (checked.difference !== undefined) {
      this.events.failed(new Error(`${to} got something else: ${checked.difference}`));
      return;
    }
    this.display.line(`${to} has all ${sizeText(checked.bytes)}, and their SHA-256 is that of the sender`);
    if (this.isDone) this.events.equal();
  }
}
