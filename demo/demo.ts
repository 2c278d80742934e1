/** One run of the demo: starts the processes, breaks one, watches, and judges by the journals and the hash of the stream. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Crew } from './crew.ts';
import type { Display } from './display.ts';
import { readJournal } from './journal.ts';
import { placesFor } from './places.ts';
import type { GatewayFigures, NodeSetup, OrderSetup, Report, Setup, StreamSetup } from './processes.ts';
import { StreamWatch } from './stream-watch.ts';
import { count, counted, orderSummary, sizeText, streamSummary } from './summary.ts';

const GATEWAY = 'gateway';
/** The worker that gets the stream: `gateway.ts` takes the first one. */
const READER = 'worker-1';
const VICTIM = 'worker-2';
const WORKERS = [READER, VICTIM];
/** Share of acknowledged orders at which the victim is killed. */
const KILL_AT = 0.4;
const DEAD_FOR_MS = 1_000;

export interface DemoOptions {
  readonly socket: boolean;
  readonly folder: string;
  readonly orders: OrderSetup;
  readonly stream: StreamSetup;
}

const NO_FIGURES: GatewayFigures = { sent: 0, acknowledged: 0, ambiguous: 0, retried: 0, p50: 0, p99: 0 };

export class Demo {
  private readonly options: DemoOptions;
  private readonly display: Display;
  /** Ends with an interrupt, and when the run has failed. */
  private readonly signal: AbortSignal;
  private readonly failed = new AbortController();
  private readonly crew: Crew;
  private readonly repeated = new Map<string, number>();
  private readonly stream: StreamWatch;
  private figures: GatewayFigures = NO_FIGURES;
  private ordersAreDone = false;
  private victim: 'alive' | 'dead' | 'back' = 'alive';
  private finish: (outcome: 'done' | Error) => void = () => {};
  private killIsDue: () => void = () => {};

  constructor(options: DemoOptions, display: Display, signal: AbortSignal) {
    this.options = options;
    this.display = display;
    this.signal = AbortSignal.any([signal, this.failed.signal]);
    this.crew = new Crew({
      heard: (name, report) => this.heard(name, report),
      failed: (error) => this.finish(error),
    });
    this.stream = new StreamWatch(options.stream.bytes, [GATEWAY, READER], display, {
      cut: () => this.crew.command(READER, 'cut'),
      equal: () => this.considerEnd(),
      failed: (error) => this.finish(error),
    });
  }

  /** Runs to the end; the exit code. Rejects with {@link Stopped} after an interrupt. */
  async run(): Promise<number> {
    const { display, options, signal } = this;
    const transport = options.socket ? 'Unix sockets' : 'mutual TLS over TCP';
    const { orders, stream } = options;
    const ordered =
      orders.file === undefined ? counted(orders.count, 'order') : `${counted(orders.count, 'line')} of ${orders.file}`;
    const streamed = stream.file === undefined ? 'made-up bytes' : stream.file;
    display.line(`Flaminia: one gateway, two workers, ${ordered} over ${transport},`);
    display.line(`and ${streamed} (${sizeText(stream.bytes)}) as a stream from ${GATEWAY} to ${READER}`);
    const [gateway, ...workers] = await placesFor([GATEWAY, ...WORKERS], options.folder, options.socket);
    const outcome = new Promise<'done' | Error>((resolve) => {
      this.finish = resolve;
      signal.addEventListener('abort', () => resolve(new Stopped()), { once: true });
      if (signal.aborted) resolve(new Stopped());
    });
    await Promise.race([outcome, Promise.all(workers.map((node) => this.start('worker', node, workers)))]);
    if (!signal.aborted) display.line(`workers listen at ${workers.map(({ address }) => address).join(' and ')}`);
    const started = performance.now();
    if (!signal.aborted) await Promise.race([outcome, this.start('gateway', gateway!, workers)]);
    const crash = this.crashInTheMiddle(workers);
    const result = await outcome;
    if (result !== 'done') this.failed.abort();
    await crash;
    if (result !== 'done') throw result;
    await this.stop();
    return this.summary((performance.now() - started) / 1000);
  }

  /** Ends every process. Idempotent. */
  stop(): Promise<void> {
    return this.crew.stop();
  }

  /** Starts a process; resolves when it is ready. */
  private start(program: string, node: NodeSetup, workers: readonly NodeSetup[]): Promise<void> {
    const { orders, stream } = this.options;
    const setup: Setup = { node, workers, orders, stream };
    return this.crew.start(program, setup);
  }

  private heard(name: string, report: Report): void {
    if (report.kind === 'worker') this.repeated.set(name, report.repeated);
    this.stream.heard(report);
    if (report.kind === 'gateway') this.progress(report);
  }

  private progress(report: Report & { readonly kind: 'gateway' }): void {
    this.figures = report;
    const { acknowledged, ambiguous, retried, p50 } = report;
    const again = ambiguous + retried;
    const troubles = again > 0 ? `, ${count(again)} sent again` : '';
    const state = this.victim === 'dead' ? `, ${VICTIM} is down` : '';
    const total = this.options.orders.count;
    const share = total === 0 ? 1 : acknowledged / total;
    const text = `${count(acknowledged)} acknowledged, p50 ${p50.toFixed(2)} ms${state}${troubles}`;
    this.display.progress('orders', share, text);
    if (acknowledged >= total * KILL_AT) this.killIsDue();
    if (!report.done) return;
    this.ordersAreDone = true;
    this.considerEnd();
  }

  /** The run is over when all is done and everybody is alive. */
  private considerEnd(): void {
    if (this.ordersAreDone && this.stream.isDone && this.victim !== 'dead') this.finish('done');
  }

  /** Kills a worker when a share of the work is done, and starts it again. */
  private async crashInTheMiddle(workers: readonly NodeSetup[]): Promise<void> {
    if (this.options.orders.count === 0) return;
    const node = workers.find(({ name }) => name === VICTIM)!;
    const due = new Promise<void>((resolve) => {
      this.killIsDue = resolve;
    });
    await Promise.race([due, this.aborted()]);
    if (this.signal.aborted) return;
    this.victim = 'dead';
    if (!(await this.crew.kill(VICTIM))) return;
    this.display.line(`${VICTIM} was killed after ${counted(this.figures.acknowledged, 'order')}`);
    await this.pause(DEAD_FOR_MS);
    if (this.signal.aborted) return;
    await Promise.race([this.start('worker', node, workers), this.aborted()]);
    this.victim = 'back';
    if (!this.signal.aborted) this.display.line(`${VICTIM} is back, with its journal`);
    this.considerEnd();
  }

  private summary(seconds: number): number {
    const { display, figures, options } = this;
    display.clear();
    const total = options.orders.count;
    const applied = WORKERS.flatMap((name) => readJournal(join(options.folder, `${name}.journal`)));
    const repeats = [...this.repeated.values()].reduce((a, b) => a + b, 0);
    const parts = [orderSummary({ figures, total, seconds, applied, repeats }), streamSummary(this.stream.outcome)];
    for (const { lines } of parts) for (const line of ['', ...lines]) display.line(line);
    return parts.every(({ isGood }) => isGood) ? 0 : 1;
  }

  /** Waits, but not beyond an interrupt. */
  private async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal }).catch(() => {});
  }

  private aborted(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve();
      this.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}

/** The outcome of a run that was interrupted. */
export class Stopped extends Error {}
