/**
 * The gateway of the demo: streams a file, and sends every order to its worker until it is acknowledged. A send that may
 * have been handled is sent again too: the worker's journal knows what it has done.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { devAuth } from '@flaminia/certificates';
import { type AnyEndpoint, Domus, type DomusAddr, DomusError, type Endpoint, SimpleResolver } from '@flaminia/domus';
import { checksOf, filesOf, type Order, ordersOf } from './contract.ts';
import { FileStream } from './file-stream.ts';
import { Latencies } from './latencies.ts';
import { orders } from './orders.ts';
import { type NodeSetup, runNode, type Setup, tell } from './processes.ts';
import { AcceptedSockets } from './sockets.ts';

/** Orders under way at once, for each worker. */
const WINDOW = 96;
const RETRY_AFTER_MS = 50;
/** On one machine, another try costs little. */
const RECONNECT_BACKOFF_MS = [100];
const REPORT_EVERY_MS = 100;
/** A run tells of its progress at least so often, however short it is. */
const REPORTS = 50;

runNode(async (setup, stopped) => {
  const { node, workers } = setup;
  const sockets = new AcceptedSockets();
  await using domus = await Domus.open({
    address: node.address,
    auth: devAuth({ nodeId: node.name, nodeType: 'gateway', directory: join(node.folder, 'certificates') }),
    resolver: new SimpleResolver(workers.flatMap(routesTo)),
    config: { reconnectBackoff: RECONNECT_BACKOFF_MS },
  });
  // Whatever is still under way then fails at once, so that a stop is quick.
  stopped.addEventListener('abort', () => void domus.shutdown({ drainTimeout: 0 }));
  tell({ kind: 'ready' });
  const run = new Dispatch(domus, setup, stopped);
  const report = setInterval(() => tell(run.figures(false)), REPORT_EVERY_MS);
  try {
    // The first worker gets the file; the last one is the one that crashes.
    const stream = new FileStream(domus, setup.stream, workers[0]!, sockets).run(stopped);
    await Promise.all([run.all(), stream]);
  } finally {
    clearInterval(report);
  }
});

function routesTo({ name, address }: NodeSetup): [AnyEndpoint, DomusAddr][] {
  return [ordersOf(name), filesOf(name), checksOf(name)].map((endpoint) => [endpoint, address]);
}

class Dispatch {
  private readonly domus: Domus;
  private readonly setup: Setup;
  private readonly stopped: AbortSignal;
  private readonly endpoints: Endpoint<Order>[];
  private readonly latencies = new Latencies();
  private sent = 0;
  private acknowledged = 0;
  private ambiguous = 0;
  private retried = 0;
  /** Acknowledged orders between two reports, beside those that the clock brings. */
  private readonly stride: number;

  constructor(domus: Domus, setup: Setup, stopped: AbortSignal) {
    this.domus = domus;
    this.setup = setup;
    this.stopped = stopped;
    this.stride = Math.max(1, Math.ceil(setup.orders.count / REPORTS));
    this.endpoints = setup.workers.map(({ name }) => ordersOf(name));
  }

  /** Sends all orders, a window of them at once for each worker: one that is down does not hold up the others. */
  async all(): Promise<void> {
    const { file, count } = this.setup.orders;
    const lanes = this.endpoints.flatMap((endpoint, worker) => {
      const source = iterate(orders(file, count));
      return Array.from({ length: WINDOW }, () => this.lane(endpoint, worker, source));
    });
    await Promise.all(lanes);
    if (!this.stopped.aborted) tell(this.figures(true));
  }

  figures(done: boolean): Parameters<typeof tell>[0] {
    const { sent, acknowledged, ambiguous, retried, latencies } = this;
    const p50 = latencies.quantile(0.5);
    const p99 = latencies.quantile(0.99);
    return { kind: 'gateway', done, sent, acknowledged, ambiguous, retried, p50, p99 };
  }

  /** Takes the next order of a worker until none is left. */
  private async lane(endpoint: Endpoint<Order>, worker: number, source: AsyncIterator<Order>): Promise<void> {
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      if (next.value.id % this.endpoints.length === worker) await this.deliver(endpoint, next.value);
      if (this.stopped.aborted) return;
    }
  }

  /** Sends one order until it is acknowledged. */
  private async deliver(endpoint: Endpoint<Order>, order: Order): Promise<void> {
    while (!this.stopped.aborted) {
      const started = performance.now();
      this.sent++;
      try {
        await this.domus.send(endpoint, order, { whenFull: 'wait' });
        this.acknowledged++;
        this.latencies.add(performance.now() - started);
        if (this.acknowledged % this.stride === 0) tell(this.figures(false));
        return;
      } catch (error) {
        await this.judge(error);
      }
    }
  }

  /** Counts a failure and waits a little, or throws where sending again cannot help. */
  private async judge(error: unknown): Promise<void> {
    if (this.stopped.aborted) return;
    if (!DomusError.is(error)) throw error;
    if (error.delivery === 'unknown') this.ambiguous++;
    else if (error.retryable || error.kind === 'unknown-taberna') this.retried++;
    else throw error;
    await sleep(RETRY_AFTER_MS);
  }
}

/** One iterator that many lanes may ask; asynchronous sources answer in the order of the questions. */
function iterate<T>(source: AsyncIterable<T> | Iterable<T>): AsyncIterator<T> {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  const iterator = source[Symbol.iterator]();
  return { next: () => Promise.resolve(iterator.next()) };
}
