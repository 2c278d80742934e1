/**
 * `npm start`: a small imperium (fabric) of separate processes on this machine, at work. A gateway sends orders to two
 * workers and streams a file to one of them. The connections of the stream are cut on its way, and it goes on by itself;
 * the other worker is killed and comes back. The journals show that nothing acknowledged is lost and nothing was applied
 * twice, and the SHA-256 at both ends of the stream is the same. Then three workers offer a service to a client that finds them
 * by name; one leaves and one is killed, and no call fails.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Demo, type DemoOptions, Stopped } from './demo.ts';
import { Display } from './display.ts';
import { examine, UnreadableFile } from './lines.ts';
import { ServicesDemo } from './services-demo.ts';

const DEFAULT_ORDERS = 100_000;
const MOST_ORDERS = 10_000_000;

/** What is streamed where no file is given. */
const MADE_UP_BYTES = 32 * 1024 * 1024;

const usage = `usage: npm start -- [--socket] [--orders N] [--no-services] [FILE]

  --socket       Unix sockets instead of mutual TLS over TCP
  --orders N     how many made-up orders to send (default ${DEFAULT_ORDERS.toLocaleString('en')})
  --no-services  end after orders and stream, before the part about services
  FILE           stream this file to a worker; without it, ${MADE_UP_BYTES / 1024 / 1024} MiB of made-up bytes

The orders are the lines of FILE where it is UTF-8 text of at most a million lines of 64 KiB, and --orders is not given.
Beside any other file, made-up orders are sent. The file is read twice, never written, and the copy is not kept.

Exit codes: 0 all is well, 1 something was lost or failed, 2 the arguments or FILE cannot be used, 130 interrupted`;

process.exitCode = await main();

async function main(): Promise<number> {
  const wishes = readArguments();
  if (typeof wishes === 'number') return wishes;
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const display = new Display();
  try {
    return await runDemo(await planOf(wishes, stop.signal), display, stop.signal);
  } catch (error) {
    if (error instanceof Stopped || stop.signal.aborted) {
      display.line('stopped');
      return 130;
    }
    const text = error instanceof Error ? error.message : String(error);
    if (error instanceof UnreadableFile) {
      process.stderr.write(`${text}\n`);
      return 2;
    }
    display.line(`failed: ${text}`);
    return 1;
  }
}

/** One run, in a folder that is gone afterwards. */
async function runDemo(plan: Plan, display: Display, signal: AbortSignal): Promise<number> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'flaminia-')));
  const demo = new Demo({ ...plan, folder }, display, signal);
  const services = new ServicesDemo({ socket: plan.socket, folder }, display, signal);
  try {
    const code = await demo.run();
    if (!plan.services) return code;
    display.line('');
    const { lines, isGood } = await services.run();
    for (const line of ['', ...lines]) display.line(line);
    return isGood ? code : 1;
  } finally {
    display.clear();
    await Promise.all([demo.stop(), services.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

type Plan = Omit<DemoOptions, 'folder'> & { readonly services: boolean };

/** What is ordered and what is streamed, once the file is known. */
async function planOf({ socket, services, orders, file }: Wishes, signal: AbortSignal): Promise<Plan> {
  const madeUp = { file: undefined, count: orders ?? DEFAULT_ORDERS };
  if (file === undefined) return { socket, services, orders: madeUp, stream: { file, bytes: MADE_UP_BYTES } };
  const { bytes, lines } = await examine(file, signal);
  const isOrdered = lines !== undefined && orders === undefined;
  return { socket, services, orders: isOrdered ? { file, count: lines } : madeUp, stream: { file, bytes } };
}

interface Wishes {
  readonly socket: boolean;
  readonly services: boolean;
  /** Undefined where none were asked for. */
  readonly orders: number | undefined;
  readonly file: string | undefined;
}

/** What the command line asks for, or the exit code where it asks for nothing that can be done. */
function readArguments(): Wishes | number {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        socket: { type: 'boolean' },
        orders: { type: 'string' },
        'no-services': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) {
      process.stdout.write(`${usage}\n`);
      return 0;
    }
    const isCount = values.orders === undefined || /^\d{1,8}$/.test(values.orders);
    const orders = values.orders === undefined ? undefined : Number(values.orders);
    if (!isCount || (orders ?? 0) > MOST_ORDERS) {
      const range = `a whole number, 0 to ${MOST_ORDERS.toLocaleString('en')}`;
      throw new Error(`--orders must be ${range}, got ${JSON.stringify(values.orders)}`);
    }
    if (positionals.length > 1) throw new Error('give one FILE at most');
    const services = values['no-services'] !== true;
    return { socket: values.socket === true, services, orders, file: positionals[0] };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}\n`);
    return 2;
  }
}
