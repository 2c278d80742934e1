/**
 * `npm start`: a small imperium (fabric) of separate processes on this machine, at work. A gateway sends orders to two
 * workers, one worker is killed and comes back in the middle, and at the end the journals show that nothing
 * acknowledged is lost and nothing was applied twice.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Demo, Stopped } from './demo.ts';
import { Display } from './display.ts';
import { countLines } from './orders.ts';

const DEFAULT_ORDERS = 100_000;
const MOST_ORDERS = 10_000_000;

const usage = `usage: npm start -- [--socket] [--orders N] [FILE]

  --socket     Unix sockets instead of mutual TLS over TCP
  --orders N   how many made-up orders to send (default ${DEFAULT_ORDERS.toLocaleString('en')})
  FILE         send the lines of this text file instead`;

process.exitCode = await main();

async function main(): Promise<number> {
  const wishes = readArguments();
  if (typeof wishes === 'number') return wishes;
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'flaminia-')));
  const display = new Display();
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const demo = new Demo({ ...wishes, folder, total: wishes.orders }, display, stop.signal);
  try {
    if (wishes.file !== undefined) demo.total = await countLines(wishes.file, stop.signal);
    return await demo.run();
  } catch (error) {
    const isStopped = error instanceof Stopped || stop.signal.aborted;
    display.line(isStopped ? 'stopped' : `failed: ${error instanceof Error ? error.message : String(error)}`);
    return isStopped ? 130 : 1;
  } finally {
    await demo.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Wishes {
  readonly socket: boolean;
  readonly orders: number;
  readonly file: string | undefined;
}

/** What the command line asks for, or the exit code where it asks for nothing that can be done. */
function readArguments(): Wishes | number {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { socket: { type: 'boolean' }, orders: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help === true) {
      process.stdout.write(`${usage}\n`);
      return 0;
    }
    const orders = /^\d{1,8}$/.test(values.orders ?? '0') ? Number(values.orders ?? DEFAULT_ORDERS) : MOST_ORDERS + 1;
    if (orders > MOST_ORDERS) {
      const range = `a whole number, 0 to ${MOST_ORDERS.toLocaleString('en')}`;
      throw new Error(`--orders must be ${range}, got ${JSON.stringify(values.orders)}`);
    }
    if (positionals.length > 1) throw new Error('give one FILE at most');
    if (positionals.length === 1 && values.orders !== undefined) throw new Error('give --orders or a FILE, not both');
    return { socket: values.socket === true, orders, file: positionals[0] };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}\n`);
    return 2;
  }
}
