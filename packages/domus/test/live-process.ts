/** The hands on a `live-peer.ts`: starting, stopping, continuing and killing a process with a domus in it. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { FROM_SOURCE } from '@flaminia/testkit';
import type { LivePeerOrder } from './live-peer.ts';

const SCRIPT = fileURLToPath(new URL('./live-peer.ts', import.meta.url));

export class LiveProcess {
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  /** Resolves when its domus serves. */
  static async start(order: LivePeerOrder): Promise<LiveProcess> {
    const child = fork(SCRIPT, { execArgv: [...FROM_SOURCE], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    child.send(order);
    const said = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    assert.equal(said[0], 'ready', 'the peer opens its domus');
    return new LiveProcess(child);
  }

  /** Stops it where it stands, and lets it go on. Its connections stay. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }

  /** Lets it end its load and its domus; fails where that left something behind. */
  async stop(): Promise<void> {
    this.child.send('stop');
    const [code] = await once(this.child, 'exit');
    assert.equal(code, 0, 'the peer ends in good order');
  }
}
