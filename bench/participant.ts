/** One of the two processes of a trial, seen from the harness: started, pinned, asked, and gone without trace. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answer, Command, Meters } from './conversation.ts';
import { FLAGS } from './flags.ts';
import type { Run } from './road.ts';

const WORKER = fileURLToPath(new URL(`worker${extname(import.meta.url)}`, import.meta.url));
/** How long a process may take to tidy up before it is ended by force. */
const CLOSE_LIMIT_MS = 20_000;

/** How a process is started. */
export interface ParticipantOptions {
  /** The core that it is pinned to; undefined: wherever the system likes. */
  readonly core: number | undefined;
  /** Gives it a `gc` to call. */
  readonly exposeGc: boolean;
}

/** A process that has been started. One question at a time. */
export class Participant {
  readonly #child: ChildProcess;

  constructor({ core, exposeGc }: ParticipantOptions) {
    const node = [process.execPath, ...FLAGS, ...(exposeGc ? ['--expose-gc'] : []), WORKER];
    const [command = '', ...args] = core === undefined ? node : ['taskset', '-c', String(core), ...node];
    this.#child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  /** Has it listen as the receiver of the run. */
  async receive(run: Run): Promise<void> {
    const answer = await this.#ask({ kind: 'receive', run });
    if (answer.kind !== 'receiving') throw unexpected(answer);
  }

  /** Has it connect `peers` peers and start its load; returns what the road agreed on. May be asked again, for more peers. */
  async send(run: Run, peers: number): Promise<string> {
    const answer = await this.#ask({ kind: 'send', run, peers });
    if (answer.kind !== 'sending') throw unexpected(answer);
    return answer.agreed;
  }

  async read(settle = false): Promise<Meters> {
    const answer = await this.#ask({ kind: 'read', settle });
    if (answer.kind !== 'meters') throw unexpected(answer);
    return answer.meters;
  }

  /** Has it close what it opened; resolves when the process is gone. Rejects if it had to be killed. */
  async close(): Promise<void> {
    const ended = this.#ended();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_LIMIT_MS);
    try {
      const answer = await this.#ask({ kind: 'close' });
      if (answer.kind !== 'closed') throw unexpected(answer);
      const reason = await ended;
      if (reason !== 'code 0') throw new Error(`a process of the benchmark did not end by itself: ${reason}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it at once, whatever it does. */
  async kill(): Promise<void> {
    const ended = this.#ended();
    this.#child.kill('SIGKILL');
    await ended;
  }

  async #ask(command: Command): Promise<Answer> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) throw ended(child.exitCode, child.signalCode);
    const abort = new AbortController();
    const { signal } = abort;
    try {
      // A failure to send means that the process is ending: its end is what gets reported.
      child.send(command, () => {});
      const [answer] = (await Promise.race([once(child, 'message', { signal }), this.#death(signal)])) as [Answer];
      if (answer.kind === 'failed') throw new Error(answer.reason);
      return answer;
    } finally {
      abort.abort();
    }
  }

  async #death(signal: AbortSignal): Promise<never> {
    const [code, bySignal] = (await once(this.#child, 'exit', { signal })) as [number | null, string | null];
    throw ended(code, bySignal);
  }

  async #ended(): Promise<string> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return endOf(child.exitCode, child.signalCode);
  }
}

function ended(code: number | null, signal: string | null): Error {
  return new Error(`a process of the benchmark ended before it answered: ${endOf(code, signal)}`);
}

function endOf(code: number | null, signal: string | null): string {
  return signal === null ? `code ${code}` : `signal ${signal}`;
}

function unexpected(answer: Answer): Error {
  return new Error(`a process of the benchmark answered "${answer.kind}" to another question`);
}
