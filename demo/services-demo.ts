/**
 * The second part of the demo: three workers offer a service, and a client that knows one address finds them by name. One
 * worker leaves in order and one is killed, while calls go on; the topology tells of both, and no call fails.
 */

import { Crew } from './crew.ts';
import { Stopped } from './demo.ts';
import type { Display } from './display.ts';
import { placesFor } from './places.ts';
import type { CallFigures, NodeSetup, Report, TopologyReport } from './processes.ts';
import { count, counted, type Summary, serviceSummary } from './summary.ts';

const CLIENT = 'client';
const STAYS = 'worker-3';
const LEAVES = 'worker-4';
const DIES = 'worker-5';
const WORKERS = [STAYS, LEAVES, DIES];
/** Calls that are answered before the next thing happens. */
const CALLS_BETWEEN = 250;

export interface ServicesDemoOptions {
  readonly socket: boolean;
  readonly folder: string;
}

export class ServicesDemo {
  private readonly options: ServicesDemoOptions;
  private readonly display: Display;
  private readonly signal: AbortSignal;
  private readonly crew: Crew;
  private calls: CallFigures = { answered: {}, failed: 0, lastFailure: '' };
  /** What has happened to a worker, as the topology of the client tells it. */
  private readonly seen = new Set<string>();
  private error: Error | undefined = undefined;
  private step = 0;
  private look: () => void = () => {};

  constructor(options: ServicesDemoOptions, display: Display, signal: AbortSignal) {
    this.options = options;
    this.display = display;
    this.signal = signal;
    this.crew = new Crew({
      heard: (name, report) => this.heard(name, report),
      failed: (error) => {
        this.error = error;
        this.look();
      },
    });
    signal.addEventListener('abort', () => this.look(), { once: true });
  }

  /** Runs to the end. Rejects with {@link Stopped} after an interrupt. */
  async run(): Promise<Summary> {
    const { display } = this;
    const { folder, socket } = this.options;
    display.line(
      `${STAYS}, ${LEAVES} and ${DIES} offer prices/v1; a ${CLIENT} that knows one address finds them by name`,
    );
    const [client, ...workers] = await placesFor([CLIENT, ...WORKERS], folder, socket);
    await this.started([client!, ...workers], workers);
    await this.until(() => WORKERS.every((name) => (this.calls.answered[name] ?? 0) > 0));
    await this.more();
    display.line(`${LEAVES} is told to leave after ${counted(this.total, 'call')}`);
    this.crew.command(LEAVES, 'leave');
    // The topology may tell of it before the worker does.
    await this.until(() => this.seen.has(`left ${LEAVES}`) && this.seen.has(`drained ${LEAVES}`));
    await this.more();
    await this.crew.kill(DIES);
    display.line(`${DIES} was killed after ${counted(this.total, 'call')}`);
    await this.until(() => this.seen.has(`dead ${DIES}`));
    await this.more();
    await this.stop();
    display.clear();
    return serviceSummary(this.calls);
  }

  /** Ends every process. Idempotent. */
  stop(): Promise<void> {
    return this.crew.stop();
  }

  private get total(): number {
    return Object.values(this.calls.answered).reduce((sum, each) => sum + each, 0);
  }

  private async started(nodes: readonly NodeSetup[], workers: readonly NodeSetup[]): Promise<void> {
    let ready = 0;
    for (const node of nodes) {
      const program = node.name === CLIENT ? 'price-client' : 'price-worker';
      void this.crew.start(program, { node, workers }).then(() => {
        ready++;
        this.look();
      });
    }
    await this.until(() => ready === nodes.length);
  }

  /** Waits for some more calls. */
  private async more(): Promise<void> {
    const wanted = this.total + CALLS_BETWEEN;
    await this.until(() => this.total >= wanted);
    this.step++;
  }

  /** Waits until something is so, which is looked at after each report. */
  private async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      if (this.signal.aborted) throw new Stopped();
      if (this.error !== undefined) throw this.error;
      await new Promise<void>((resolve) => {
        this.look = resolve;
      });
    }
  }

  private heard(name: string, report: Report): void {
    const { display } = this;
    if (report.kind === 'topology') this.changed(report);
    if (report.kind === 'provider-ejected' && !this.seen.has(`ejected ${report.node}`)) {
      this.seen.add(`ejected ${report.node}`);
      display.line(`calls that ${report.node} does not take go to another worker`);
    }
    if (report.kind === 'left') {
      this.seen.add(`drained ${name}`);
      display.line(`${name} has let ${counted(report.finished, 'call')} finish, and cut ${count(report.cut)}`);
    }
    if (report.kind === 'calls') {
      this.calls = report;
      const text = `${count(this.total)} answered by ${counted(this.crewSize, 'worker')}, ${count(report.failed)} failed`;
      display.progress('calls', this.step / 3, text);
    }
    this.look();
  }

  /** Workers that the client counts on. */
  private get crewSize(): number {
    const gone = [`left ${LEAVES}`, `suspect ${DIES}`].filter((change) => this.seen.has(change));
    return WORKERS.length - gone.length;
  }

  private changed({ change, node, services, health }: TopologyReport): void {
    this.seen.add(`${change} ${node}`);
    const offers = services.length === 0 ? 'offers nothing' : `offers ${services.join(', ')}`;
    const texts: Readonly<Record<string, string>> = {
      joined: services.length === 0 ? 'has joined' : `has joined, and ${offers}`,
      changed: health === 'draining' ? 'is draining: no new calls' : offers,
      suspect: 'does not answer',
      trusted: 'answers again',
      dead: 'is dead',
      left: 'has left',
    };
    this.display.line(`topology: ${node} ${texts[change] ?? change}`);
  }
}
