/** One run of the demo: starts the processes, breaks one, watches, and judges by the journals. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DomusAddr, tcpAddress, unixAddress } from '@flaminia/domus';
import type { Display } from './display.ts';
import { readJournal } from './journal.ts';
import { type GatewayFigures, NodeProcess, type NodeSetup, type Report } from './processes.ts';

const WORKERS = ['worker-1', 'worker-2'];
const VICTIM = 'worker-2';
/** Share of acknowledged orders at which the victim is killed. */
const KILL_AT = 0.4;
const DEAD_FOR_MS = 1_000;

export interface DemoOptions {
  readonly socket: boolean;
  readonly file: string | undefined;
  readonly folder: string;
  readonly total: number;
}

const NO_FIGURES: GatewayFigures = { sent: 0, acknowledged: 0, ambiguous: 0, retried: 0, p50: 0, p99: 0 };

export class Demo {
  /** Orders to send. */
  total: number;
  private readonly options: DemoOptions;
  private readonly display: Display;
  /** Ends with an interrupt, and when the run has failed. */
  private readonly signal: AbortSignal;
  private readonly failed = new AbortController();
  private readonly processes = new Map<string, NodeProcess>();
  private readonly repeated = new Map<string, number>();
  private figures: GatewayFigures = NO_FIGURES;
  private victim: 'alive' | 'dead' | 'back' = 'alive';
  private finish: (outcome: 'done' | Error) => void = () => {};
  private killIsDue: () => void = () => {};

  constructor(options: DemoOptions, display: Display, signal: AbortSignal) {
    this.options = options;
    this.display = display;
    this.signal = AbortSignal.any([signal, this.failed.signal]);
    this.total = options.total;
  }

  /** Runs to the end; the exit code. Rejects with {@link Stopped} after an interrupt. */
  async run(): Promise<number> {
    const { display, options, signal } = this;
    const transport = options.socket ? 'Unix sockets' : 'mutual TLS over TCP';
    const what = options.file === undefined ? 'orders' : `lines of ${options.file}`;
    display.line(`Flaminia: one gateway, two workers, ${this.total.toLocaleString('en')} ${what} over ${transport}`);
    const [gateway, ...workers] = await this.places();
    const outcome = new Promise<'done' | Error>((resolve) => {
      this.finish = resolve;
      signal.addEventListener('abort', () => resolve(new Stopped()), { once: true });
      if (signal.aborted) resolve(new Stopped());
    });
    await Promise.race([outcome, Promise.all(workers.map((node) => this.start('worker.ts', node, workers)))]);
    if (!signal.aborted) display.line(`workers listen at ${workers.map(({ address }) => address).join(' and ')}`);
    const started = performance.now();
    if (!signal.aborted) await Promise.race([outcome, this.start('gateway.ts', gateway!, workers)]);
    const crash = this.crashInTheMiddle(workers);
    const result = await outcome;
    if (result !== 'done') this.failed.abort();
    await crash;
    if (result !== 'done') throw result;
    await this.stop();
    return this.summary((performance.now() - started) / 1000);
  }

  /** Ends every process. Idempotent. */
  async stop(): Promise<void> {
    const running = [...this.processes.values()];
    this.processes.clear();
    await Promise.all(running.map((node) => node.stop()));
  }

  /** Starts a process; resolves when it is ready. */
  private start(program: string, node: NodeSetup, workers: readonly NodeSetup[]): Promise<void> {
    return new Promise((resolve) => {
      const onReport = (report: Report): void => {
        if (report.kind === 'ready') resolve();
        else this.heard(node.name, report);
      };
      const onExit = (text: string): void => {
        if (this.processes.get(node.name) === started) this.finish(new Error(text));
      };
      const { file } = this.options;
      const started = new NodeProcess(program, { node, workers, file, count: this.total }, onReport, onExit);
      this.processes.set(node.name, started);
    });
  }

  private heard(name: string, report: Report): void {
    if (report.kind === 'failed') this.finish(new Error(`${name}: ${report.text}`));
    if (report.kind === 'worker') this.repeated.set(name, report.repeated);
    if (report.kind !== 'gateway') return;
    this.figures = report;
    const { acknowledged, ambiguous, retried, p50 } = report;
    const troubles = ambiguous + retried > 0 ? `, ${ambiguous} ambiguous and ${retried} refused ones sent again` : '';
    const state = this.victim === 'dead' ? `, ${VICTIM} is down` : '';
    const share = this.total === 0 ? 1 : acknowledged / this.total;
    this.display.progress(
      share,
      `${acknowledged.toLocaleString('en')} acknowledged, p50 ${p50.toFixed(2)} ms${troubles}${state}`,
    );
    if (acknowledged >= this.total * KILL_AT) this.killIsDue();
    if (report.done && this.victim !== 'dead') this.finish('done');
  }

  /** Kills a worker when a share of the work is done, and starts it again. */
  private async crashInTheMiddle(workers: readonly NodeSetup[]): Promise<void> {
    if (this.total === 0) return;
    const node = workers.find(({ name }) => name === VICTIM)!;
    const due = new Promise<void>((resolve) => {
      this.killIsDue = resolve;
    });
    await Promise.race([due, this.aborted()]);
    const victim = this.processes.get(VICTIM);
    if (this.signal.aborted || victim === undefined) return;
    this.victim = 'dead';
    this.processes.delete(VICTIM);
    await victim.kill();
    this.display.line(`${VICTIM} was killed after ${this.figures.acknowledged.toLocaleString('en')} orders`);
    await this.pause(DEAD_FOR_MS);
    if (this.signal.aborted) return;
    await Promise.race([this.start('worker.ts', node, workers), this.aborted()]);
    this.victim = 'back';
    if (!this.signal.aborted) this.display.line(`${VICTIM} is back, with its journal`);
    if (this.figures.acknowledged === this.total) this.finish('done');
  }

  private summary(seconds: number): number {
    const { display, figures, total } = this;
    display.clear();
    const applied = WORKERS.flatMap((name) => readJournal(join(this.options.folder, `${name}.journal`)));
    const lost = total - new Set(applied).size;
    const twice = applied.length - new Set(applied).size;
    const repeats = [...this.repeated.values()].reduce((a, b) => a + b, 0);
    const rate = Math.round(total / seconds).toLocaleString('en');
    display.line('');
    display.line(
      `  orders acknowledged      ${figures.acknowledged.toLocaleString('en')} in ${seconds.toFixed(1)} s (${rate} a second, outage included)`,
    );
    display.line(`  latency                  p50 ${figures.p50.toFixed(2)} ms, p99 ${figures.p99.toFixed(2)} ms`);
    display.line(
      `  ambiguous, sent again    ${figures.ambiguous} (of these ${repeats} had been applied, and were not applied twice)`,
    );
    display.line(`  refused, sent again      ${figures.retried}`);
    display.line(`  lost                     ${lost}`);
    display.line(`  applied twice            ${twice}`);
    return lost === 0 && twice === 0 && figures.acknowledged === total ? 0 : 1;
  }

  private async places(): Promise<NodeSetup[]> {
    const { socket, folder } = this.options;
    const names = ['gateway', ...WORKERS];
    const ports = socket ? [] : await freePorts(names.length);
    return names.map((name, i) => {
      const address: DomusAddr = socket
        ? unixAddress(join(folder, `${name}.sock`))
        : tcpAddress('127.0.0.1', ports[i]!);
      return { name, address, folder };
    });
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

/** Ports that are free now, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', () => resolve(server));
      });
    }),
  );
  return servers.map((server) => {
    const bound = server.address();
    server.close();
    if (bound === null || typeof bound === 'string') throw new Error('a TCP server without a port');
    return bound.port;
  });
}
