/** One node of a scenario in a process of its own, seen from the scenario: started, asked, killed. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FLAGS } from '../flags.ts';
import type { NodeAnswer, NodeCommand } from './conversation.ts';

const NODE = fileURLToPath(new URL(`node${extname(import.meta.url)}`, import.meta.url));

type Answered<Kind extends NodeAnswer['kind']> = Extract<NodeAnswer, { readonly kind: Kind }>;

/** A process that has been started. One question at a time. */
export class NodeProcess {
  readonly #child: ChildProcess;

  /** `flags` of Node, beside those of the bench. */
  constructor(flags: readonly string[] = []) {
    this.#child = fork(NODE, { execArgv: [...FLAGS, ...flags], serialization: 'advanced' });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('a node of the scenario did not start');
    return pid;
  }

  /** Asks, and waits for the answer of this kind; rejects for any other, and when the process ends. */
  async ask<Kind extends NodeAnswer['kind']>(command: NodeCommand, kind: Kind): Promise<Answered<Kind>> {
    const child = this.#child;
    const abort = new AbortController();
    const { signal } = abort;
    try {
      // A failure to send means that the process is ending: its end is what gets reported.
      child.send(command, () => {});
      const [answer] = (await Promise.race([once(child, 'message', { signal }), this.#death(signal)])) as [NodeAnswer];
      if (answer.kind === 'failed') throw new Error(answer.reason);
      if (answer.kind !== kind) throw new Error(`a node of the scenario answered "${answer.kind}" to another question`);
      return answer as Answered<Kind>;
    } finally {
      abort.abort();
    }
  }

  /** Ends it at once, whatever it does. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async #death(signal: AbortSignal): Promise<never> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit', { signal });
    throw new Error(`a node of the scenario ended before it answered: ${child.signalCode ?? `code ${child.exitCode}`}`);
  }
}
