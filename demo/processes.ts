/** The processes of the demo: how they are started, what they are told, what they tell, and how they end. */
import { type ChildProcess, fork } from 'node:child_process';
import { dirname, extname, join } from 'node:path';
import type { DomusAddr } from '@flaminia/domus';
import type { Check } from './contract.ts';

/** Where one node of the demo lives. */
export interface NodeSetup {
  readonly name: string;
  readonly address: DomusAddr;
  /** The folder of the demo: certificates, journals, sockets. */
  readonly folder: string;
}

/** What every process is told when it starts: who it is, and who the workers are. */
export interface NodeTask {
  readonly node: NodeSetup;
  readonly workers: readonly NodeSetup[];
}

/** What a process is told that has to do with orders and the stream. */
export interface Setup extends NodeTask {
  readonly orders: OrderSetup;
  readonly stream: StreamSetup;
}

/** The orders of a run: the lines of a file, or made-up ones. */
export interface OrderSetup {
  readonly file: string | undefined;
  readonly count: number;
}

/** The stream of a run: a file, or made-up bytes. */
export interface StreamSetup {
  readonly file: string | undefined;
  readonly bytes: number;
}

/** What the processes report to the one that started them. Orders travel between domus, never here. */
export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'worker'; readonly applied: number; readonly repeated: number }
  | ({ readonly kind: 'gateway'; readonly done: boolean } & GatewayFigures)
  | ({ readonly kind: 'stream' } & StreamFigures)
  /** Sockets of the process were destroyed; the sender of the stream knows how many bytes had arrived by then. */
  | { readonly kind: 'cut'; readonly acknowledged: number | undefined; readonly sockets: number }
  /** The stream has a connection again. */
  | { readonly kind: 'resumed'; readonly afterMs: number }
  /** The far end has compared the stream with what was sent. */
  | ({ readonly kind: 'checked'; readonly difference: string | undefined; readonly chunksIn: number } & Check)
  | TopologyReport
  /** The caller's own experience: calls to this worker fail, and go elsewhere. */
  | { readonly kind: 'provider-ejected'; readonly node: string }
  | ({ readonly kind: 'calls' } & CallFigures)
  /** A worker has left; what became of the calls that it had. */
  | { readonly kind: 'left'; readonly finished: number; readonly cut: number }
  | { readonly kind: 'failed'; readonly text: string };

/** The counts of the gateway so far. */
export interface GatewayFigures {
  readonly sent: number;
  readonly acknowledged: number;
  /** Failed sends that may have been handled: sent again, and known to the journal if they were. */
  readonly ambiguous: number;
  /** Failed sends that were certainly not handled, and sent again. */
  readonly retried: number;
  /** Milliseconds from send to acceptance. */
  readonly p50: number;
  readonly p99: number;
}

/** How far the stream is. */
export interface StreamFigures {
  /** Bytes that have arrived at the far end. */
  readonly acknowledged: number;
  /** Chunks that were written, those that were written again included. */
  readonly chunksOut: number;
  readonly seconds: number;
}

/** A change in the topology, as the caller sees it. */
export interface TopologyReport {
  readonly kind: 'topology';
  readonly change: string;
  readonly node: string;
  readonly services: readonly string[];
  readonly health: string;
}

/** The calls of a service so far. */
export interface CallFigures {
  /** By the worker that has answered. */
  readonly answered: Readonly<Record<string, number>>;
  readonly failed: number;
  readonly lastFailure: string;
}

/** What a process is told while it runs: to cut its connections, or to leave the imperium (fabric). */
export type Command = 'cut' | 'leave';

/** How long a process may take for its orderly end. */
const GRACE_MS = 2_000;

/** A process of the demo, seen from the one that started it. */
export class NodeProcess {
  private readonly child: ChildProcess;
  private readonly exited: Promise<void>;

  /**
   * Starts `program`: a file beside the one that was started, without its ending. `onReport` hears everything but `ready`,
   * `onExit` an end nobody asked for.
   */
  constructor(program: string, setup: NodeTask, onReport: (report: Report) => void, onExit: (text: string) => void) {
    const [, starter = ''] = process.argv;
    this.child = fork(join(dirname(starter), `${program}${extname(starter)}`), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    // A child that is gone before it was told says so by its exit.
    this.child.send(setup, unheard);
    this.child.on('message', (report: Report) => onReport(report));
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        resolve();
        onExit(`${setup.node.name} ended with ${signal ?? `code ${code}`}`);
      });
      this.child.once('error', (error) => onExit(`${setup.node.name} could not be started: ${error.message}`));
    });
  }

  /** Has it destroy the connections that it has accepted, or leave. */
  command(command: Command): void {
    if (this.child.connected) this.child.send(command, unheard);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /** Asks it to end in order, and ends it by force when it does not. */
  async stop(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    const force = setTimeout(() => this.child.kill('SIGKILL'), GRACE_MS);
    await this.exited;
    clearTimeout(force);
  }
}

/** In a process of the demo: waits for the setup, runs `program`, and ends when the starter is gone or says so. */
export function runNode<Task extends NodeTask = Setup>(
  program: (setup: Task, stopped: AbortSignal) => Promise<void>,
): void {
  const stop = new AbortController();
  // Ctrl-C reaches every process of the terminal; the one that started us decides.
  process.on('SIGINT', () => {});
  process.once('disconnect', () => stop.abort());
  process.once('message', (setup: Task) => {
    // The starter may have gone while this process was still loading.
    if (!process.connected) stop.abort();
    program(setup, stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) tell({ kind: 'failed', text: error instanceof Error ? error.message : String(error) });
      process.exitCode = 1;
      if (process.connected) process.disconnect();
    });
  });
}

/** In a process of the demo: calls `act` when the starter gives this command. */
export function onCommand(command: Command, act: () => void): void {
  process.on('message', (message) => {
    if (message === command) act();
  });
}

/** In a process of the demo: how it joins the imperium (fabric). The first worker is the one whom all others know. */
export function seedsOf({ node, workers }: NodeTask): readonly DomusAddr[] {
  const [first] = workers;
  return first === undefined || first.name === node.name ? [] : [first.address];
}

/** Nodes on one machine: who dies is found out twice as fast as by default, and still not by mistake. */
export const TOPOLOGY = { probePeriodMs: 500, probeTimeoutMs: 400 } as const;

/** In a process of the demo: reports. The starter may go while it is being told; `disconnect` says so. */
export function tell(report: Report): void {
  if (process.connected) process.send!(report, unheard);
}

/** Without a callback, a message that finds nobody is an error that nobody catches. */
function unheard(): void {}
