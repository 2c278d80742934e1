/**
 * Watches the fuzzer from another thread, since an input that hangs also stops whoever would report it. The thread kills
 * the process when one execution takes far too long, and says which input it was.
 */
import { Worker } from 'node:worker_threads';

const INPUT_MOST_BYTES = 64 * 1024;
/** Places in the numbers that both threads see. */
const EXECUTION = 0;
const LENGTH = 1;

/** Told before each execution what is about to run. */
export class Watchdog {
  private readonly numbers = new Int32Array(new SharedArrayBuffer(8));
  private readonly input = new Uint8Array(new SharedArrayBuffer(INPUT_MOST_BYTES));
  private readonly thread: Worker;

  constructor() {
    const workerData = { numbers: this.numbers, input: this.input };
    // Plain JavaScript: a thread has no loader of TypeScript.
    this.thread = new Worker(new URL('watchdog-thread.mjs', import.meta.url), { workerData, execArgv: [] });
    this.thread.unref();
  }

  begins(input: Uint8Array): void {
    this.input.set(input);
    this.numbers[LENGTH] = input.length;
    Atomics.add(this.numbers, EXECUTION, 1);
  }

  /** What comes now is no execution, and may take its time. */
  rests(): void {
    Atomics.store(this.numbers, EXECUTION, 0);
  }

  async stop(): Promise<void> {
    await this.thread.terminate();
  }
}
