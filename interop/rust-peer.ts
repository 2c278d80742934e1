/**
 * The Rust program as a typed object: it owns one process, with at most one domus of the crate in it at a time.
 *
 * 1. Every command settles: with its reply, or with an error when the process ends.
 * 2. Every wait for an event ends: with the event, at its deadline, or with the process.
 * 3. After `stop` or `kill` has resolved the process is gone, and no timer, pipe or listener is left.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type DomusAddr, DomusError, type ErrorKind, errorKindOf } from '@flaminia/transport-a0';
import { buildRustPeer } from './build-rust-peer.ts';
import { EventBacklog } from './event-backlog.ts';
import type {
  RustBlob,
  RustBlobRead,
  RustBlobReport,
  RustCall,
  RustCallReport,
  RustConfig,
  RustEvent,
  RustEventOf,
  RustFailure,
  RustMetrics,
  RustMode,
  RustReading,
  RustReceived,
  RustRun,
  RustRunReport,
  RustSide,
  RustTally,
} from './rust-protocol.ts';

/** Paths of PEM files. */
export interface MaterialFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Where a domus of the Rust program listens, and the files with what it presents. */
export interface RustOpening extends MaterialFiles {
  /** Where it binds. Over TCP the certificate may name another address: the one that a relay listens at. */
  readonly address: DomusAddr;
  readonly config?: RustConfig;
}

export interface RustTabernaOptions {
  /** Tells no `received` events; the tally counts all the same. */
  readonly quiet?: boolean;
  /** How it reads the blobs of requests that it does not reject. */
  readonly reading?: RustReading;
}

/** Time for the process to end after its stdin has, in milliseconds. */
const STOP_DEADLINE_MS = 5_000;

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class RustPeer {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<unknown>;
  readonly #replies = new Map<number, Pending>();
  readonly #events = new EventBacklog<RustEvent>('the Rust peer', (event) => event.event);
  #lastId = 0;
  #stderr = '';
  #ended = false;

  /** Starts the process, after building it where that is due. */
  static async start(): Promise<RustPeer> {
    const peer = new RustPeer(await buildRustPeer());
    await peer.next('ready');
    return peer;
  }

  private constructor(program: string) {
    this.#child = spawn(program, [], { stdio: 'pipe' });
    this.#closed = once(this.#child, 'close');
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    // A write to a process that has just ended fails here; its commands are settled by the end itself.
    this.#child.stdin.on('error', () => {});
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(line));
    this.#child.on('close', (code, signal) => this.#end(`the Rust peer ended with ${signal ?? code}: ${this.#stderr}`));
  }

  /** Opens the domus; rejects with what the crate refuses. */
  async open(opening: RustOpening): Promise<void> {
    await this.#command('open', { ...opening });
  }

  /** Puts other material in force; rejects with what the crate refuses. */
  async reloadAuth(files: MaterialFiles): Promise<void> {
    await this.#command('reload-auth', { ...files });
  }

  /** Registers a taberna. */
  async taberna(taberna: bigint, mode: RustMode, options: RustTabernaOptions = {}): Promise<void> {
    const fields = typeof mode === 'string' ? { mode } : { mode: 'slow', delayMs: mode.slowMs };
    await this.#command('taberna', { taberna: String(taberna), ...fields, ...options });
  }

  /** Drops a taberna; the crate forgets its id a moment after this has resolved. */
  async unregister(taberna: bigint): Promise<void> {
    await this.#command('unregister', { taberna: String(taberna) });
  }

  /** Tells where a taberna of another domus is. */
  async route(taberna: bigint, address: DomusAddr): Promise<void> {
    await this.#command('route', { taberna: String(taberna), address });
  }

  /** Sends, and resolves with the outcomes when all are known. */
  async send(run: RustRun): Promise<RustRunReport> {
    const { taberna, sizeBytes, payload, ...rest } = run;
    const report = (await this.#command('send', {
      ...rest,
      taberna: String(taberna),
      ...(sizeBytes === undefined ? {} : { size: sizeBytes }),
      ...(payload === undefined ? {} : { payload: Buffer.from(payload).toString('hex') }),
    })) as RawRunReport;
    return {
      ...report,
      byError: Object.fromEntries(Object.entries(report.byError).map(([id, count]) => [kindOf(Number(id)), count])),
      failures: report.failures.map(({ sequence, id, text }) => ({ sequence, kind: kindOf(id), text })),
    };
  }

  /** Sends a blob, and resolves with what became of it; a `blob-opened` event tells that the far side has accepted. */
  async sendBlob(blob: RustBlob): Promise<RustBlobReport> {
    const { taberna, sizeBytes, pieceBytes, ...rest } = blob;
    const report = (await this.#command('send-blob', {
      ...rest,
      taberna: String(taberna),
      size: sizeBytes,
      ...(pieceBytes === undefined ? {} : { piece: pieceBytes }),
    })) as RawBlobReport;
    return { ...report, failure: described(report.failure) };
  }

  /** Tells a blob that has stopped what to do. */
  async orderBlob(side: RustSide, number: number, order: 'go-on' | 'drop'): Promise<void> {
    await this.#command('order-blob', { side, number, order });
  }

  /** Offers the service `sums/v1` at its taberna. The crate does not tell who calls, so its answers go to this address. */
  async serveSums(taberna: bigint, callers: DomusAddr): Promise<void> {
    await this.#command('serve-sums', { taberna: String(taberna), address: callers });
  }

  /** Registers the taberna that the answers to `call` come to. */
  async listen(taberna: bigint): Promise<void> {
    await this.#command('listen', { taberna: String(taberna) });
  }

  /** Calls a procedure; rejects with what the crate says where A1 could not deliver the call. */
  async call({ taberna, ...rest }: RustCall): Promise<RustCallReport> {
    return (await this.#command('call', { taberna: String(taberna), ...rest })) as RustCallReport;
  }

  /** Decides a request that a `hold` taberna took. */
  async decide(held: number, decision: 'accept' | 'reject' | 'drop'): Promise<void> {
    await this.#command('decide', { held, decision });
  }

  async metrics(): Promise<RustMetrics> {
    return ((await this.#command('report')) as RawReport).metrics;
  }

  /** What has come to a taberna since it was registered. */
  async tally(taberna: bigint): Promise<RustTally> {
    const tally = ((await this.#command('report')) as RawReport).tabernae[String(taberna)];
    if (tally === undefined) throw new Error(`the Rust peer has no taberna ${taberna}`);
    return tally;
  }

  /** Shuts the domus down gracefully; the process stays, and may open another one. */
  async shutdown(): Promise<{ readonly elapsedMs: number }> {
    return (await this.#command('shutdown')) as { elapsedMs: number };
  }

  /** Takes the first event of a kind, out of those that came and were not taken yet, or the next to come. */
  next<K extends RustEvent['event']>(
    kind: K,
    match: (event: RustEventOf<K>) => boolean = () => true,
    withinMs?: number,
  ): Promise<RustEventOf<K>> {
    const matches = (event: RustEvent): event is RustEventOf<K> =>
      event.event === kind && match(event as RustEventOf<K>);
    return this.#events.next(kind, matches, withinMs);
  }

  /** Takes the events that came and were not taken yet. */
  drain(): readonly RustEvent[] {
    return this.#events.drain();
  }

  /** Ends the process by ending its stdin: without a word to its peers, as a program that just exits. Idempotent. */
  async stop(): Promise<void> {
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await this.#closed;
    clearTimeout(timer);
  }

  /** Ends the process at once, in the middle of whatever it does. Idempotent. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  #command(verb: string, fields: object = {}): Promise<unknown> {
    if (this.#ended) return Promise.reject(new Error(`cannot ${verb}: the Rust peer has ended`));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#replies.set(id, { resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, do: verb, ...fields })}\n`);
    });
  }

  #hear(line: string): void {
    const message = JSON.parse(line) as RawLine;
    if ('event' in message) {
      this.#events.add(eventOf(message));
      return;
    }
    const pending = this.#replies.get(message.re);
    this.#replies.delete(message.re);
    if ('error' in message) pending?.reject(failure(message.error));
    else pending?.resolve(message.ok);
  }

  #end(reason: string): void {
    this.#ended = true;
    const error = new Error(reason);
    for (const pending of this.#replies.values()) pending.reject(error);
    this.#replies.clear();
    this.#events.end(error);
  }
}

interface RawReceived {
  readonly event: 'received';
  readonly taberna: string;
  readonly type: number;
  readonly sequence: string | null;
  readonly payload: string;
  readonly held: number | null;
}

type RawBlobRead = Omit<RustBlobRead, 'taberna' | 'failure'> & {
  readonly taberna: string;
  readonly failure: RawFailure | null;
};

type RawBlobReport = Omit<RustBlobReport, 'failure'> & { readonly failure: RawFailure | null };

interface RawFailure {
  readonly id: number;
  readonly text: string;
}

type RawEvent = RawReceived | RawBlobRead | Exclude<RustEvent, RustReceived | RustBlobRead>;

type RawLine =
  | RawEvent
  | { readonly re: number; readonly ok: unknown }
  | { readonly re: number; readonly error: RawFailure };

interface RawReport {
  readonly tabernae: Readonly<Record<string, RustTally>>;
  readonly metrics: RustMetrics;
}

type RawRunReport = Omit<RustRunReport, 'byError' | 'failures'> & {
  readonly byError: Readonly<Record<string, number>>;
  readonly failures: readonly (RawFailure & { readonly sequence: number })[];
};

function eventOf(raw: RawEvent): RustEvent {
  if (raw.event === 'received') return received(raw);
  if (raw.event !== 'blob-read') return raw;
  return { ...raw, taberna: BigInt(raw.taberna), failure: described(raw.failure) };
}

function received(raw: RawReceived): RustReceived {
  return {
    ...raw,
    taberna: BigInt(raw.taberna),
    sequence: raw.sequence === null ? null : BigInt(raw.sequence),
    payload: Buffer.from(raw.payload, 'hex'),
  };
}

function described(failure: RawFailure | null): RustFailure | null {
  return failure === null ? null : { kind: kindOf(failure.id), text: failure.text };
}

/** Number 0 is a mistake of the test itself. */
function failure({ id, text }: RawFailure): Error {
  return id === 0 ? new Error(`the Rust peer refused a command: ${text}`) : new DomusError(kindOf(id), text);
}

function kindOf(id: number): ErrorKind {
  const kind = errorKindOf(id);
  if (kind === undefined) throw new Error(`the Rust peer named an unknown error id ${id}`);
  return kind;
}
