/**
 * A soak, run by hand: messages and streams both ways between a domus in this process and one in another, through a relay
 * that resets their connections, while the other process is killed or stopped now and then. Ledgers on both sides are held
 * against what the senders were told, in each round.
 *
 *   node --conditions=@flaminia/source --import tsx packages/domus/test/soak.ts --minutes 10 --seed 1
 *
 * `--kills` and `--stops` are shares of a hundred faults, 6 each unless given; the rest are resets.
 */

import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import { Random } from '@flaminia/testkit';
import { assertEmpty } from '@flaminia/testkit/internal';
import { type DomusAddr, tcpAddress } from '@flaminia/transport-a0';
import { CutProxy } from '../../../interop/cut-proxy.ts';
import { Domus } from '../src/domus.ts';
import { FileLedger, keepLedger, MemoryLedger } from './ledger.ts';
import { assertWithinBounds } from './live-bounds.ts';
import { judge, judgeTheirs, Load, type Outcome } from './live-load.ts';
import { LiveProcess } from './live-process.ts';
import { eventsOf } from './memory-bench.ts';

const ROUND_MS = 20_000;
const LONGEST_STOP_MS = 2_000;
/** Longer than every deadline. */
const PATIENCE_MS = 90_000;
const EVENTS_TOLD = 30;
const CONFIG = {
  reconnectBackoff: [10, 100],
  listenerReconnectTimeout: 200,
  sendTimeout: 30_000,
  blobWindow: { chunkSize: 4_096, ackWindow: 8 },
};

/** What all rounds together have seen. */
interface Tally {
  rounds: number;
  resets: number;
  kills: number;
  stops: number;
  messages: number;
  streams: number;
  bytesIn: number;
  replays: number;
  readonly failed: Map<string, number>;
}

const LOOPBACK = '127.0.0.1';
const authority = createAuthority();
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'flaminia-soak-')));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has a port');
  return bound.port;
}

/** The peer in its process, at one address in all its lives. */
class Peer {
  readonly address: DomusAddr;
  readonly ledger: FileLedger;
  private readonly order: Omit<Parameters<typeof LiveProcess.start>[0], 'name' | 'seed'>;
  private lives = 0;
  private process: LiveProcess | undefined;

  private constructor(order: Peer['order']) {
    this.order = order;
    this.address = order.address;
    this.ledger = new FileLedger(order.ledger);
  }

  static async open(round: number, to: DomusAddr): Promise<Peer> {
    const address = tcpAddress(LOOPBACK, await freePort());
    const auth = await issueAuth({ ca: await authority, nodeId: 'peer' })(address);
    const peer = new Peer({ address, auth, to, config: CONFIG, ledger: join(folder, `round-${round}`) });
    await peer.start();
    return peer;
  }

  async start(): Promise<void> {
    const name = `life${++this.lives}`;
    this.process = await LiveProcess.start({ ...this.order, name, seed: this.lives });
  }

  async restart(): Promise<void> {
    await this.process?.kill();
    await this.start();
  }

  async freeze(ms: number): Promise<void> {
    this.process?.freeze();
    await pause(ms);
    this.process?.thaw();
  }

  async stop(): Promise<void> {
    await this.process?.stop();
  }

  async kill(): Promise<void> {
    this.process?.thaw();
    await this.process?.kill();
  }
}

/** Faults until the round is over. */
async function storm(random: Random, relay: CutProxy, peer: Peer, tally: Tally): Promise<void> {
  for (const end = performance.now() + ROUND_MS; performance.now() < end; ) {
    await pause(random.between(50, 500));
    const kind = random.below(100);
    if (kind < shares.kills) {
      tally.kills++;
      await peer.restart();
    } else if (kind < shares.kills + shares.stops) {
      tally.stops++;
      await peer.freeze(random.between(10, LONGEST_STOP_MS));
    } else {
      tally.resets++;
      relay.cut();
    }
  }
}

async function round(seed: number, tally: Tally): Promise<void> {
  const random = new Random(seed);
  const inside = await freePort();
  const address = tcpAddress(LOOPBACK, await freePort());
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  const relay = await CutProxy.open({ host: LOOPBACK, port }, { host: LOOPBACK, port: inside });
  const auth = issueAuth({ ca: await authority, nodeId: 'steady' });
  const domus = await Domus.open({ address, listen: `${LOOPBACK}:${inside}`, auth, config: CONFIG });
  const own = new MemoryLedger();
  await keepLedger(domus, own);
  const peer = await Peer.open(seed, address);
  const events = eventsOf(domus);
  const settled = ({ key, state }: Outcome): void => {
    assertWithinBounds(domus);
    if (state === 'pending' || state === 'resolved' || state.kind !== 'send-timeout') return;
    // Whoever waits for so long has met a fault of ours, unless the machine is overloaded: what came before it tells.
    process.stdout.write(`seed ${seed}: ${key}: ${String(state)}, after\n`);
    for (const event of events.splice(0).slice(-EVENTS_TOLD)) process.stdout.write(`  ${JSON.stringify(event)}\n`);
  };
  const load = new Load(domus, peer.address, {
    name: 'steady',
    random: new Random(seed),
    messages: 32,
    streams: 6,
    settled,
  });
  try {
    await storm(random, relay, peer, tally);
    await within(PATIENCE_MS, load.stop(), () => stuckIn(load, domus));
    await within(PATIENCE_MS, peer.stop(), () => 'the peer does not end');
  } finally {
    await peer.kill();
    await domus.shutdown({ drainTimeout: 1_000 });
    await relay.close();
  }
  const text = `seed ${seed}`;
  judge(load, peer.ledger, text);
  judgeTheirs(peer.ledger, own, text);
  assertEmpty(domus);
  count(tally, load, domus);
}

/** Everything settles by its deadline; what does not is a fault, and is told. */
async function within(ms: number, work: Promise<void>, what: () => string): Promise<void> {
  const over = new AbortController();
  const late = pause(ms, 'late', { signal: over.signal }).catch(() => 'over');
  const first = await Promise.race([work, late]);
  over.abort();
  if (first === 'late') throw new Error(what());
}

function stuckIn({ messages, streams }: Load, domus: Domus): string {
  const pending = [...messages, ...streams]
    .filter(({ settled }) => settled === 0)
    .map(({ key, sha256 }) => `${sha256 === undefined ? 'message' : 'stream'} ${key}`);
  const { blobCalles, blobs, dials, primaryCalles, sends } = domus.reporting.snapshot();
  return `never settled: ${pending.join(', ')}; ${JSON.stringify({ blobCalles, blobs, dials, primaryCalles, sends })}`;
}

function count(tally: Tally, { messages, streams }: Load, domus: Domus): void {
  const { blobs, replays } = domus.reporting.snapshot();
  tally.rounds++;
  tally.messages += messages.length;
  tally.streams += streams.length;
  tally.bytesIn += blobs.bytesIn + blobs.bytesOut;
  tally.replays += replays;
  const failed = ({ state }: Outcome, what: string): void => {
    if (state === 'resolved') return;
    const key = `${what} ${String(state)}`.replaceAll(/\d{3,}/g, '…');
    tally.failed.set(key, (tally.failed.get(key) ?? 0) + 1);
  };
  for (const outcome of messages) failed(outcome, 'message');
  for (const outcome of streams) failed(outcome, 'stream');
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    kills: { type: 'string', default: '6' },
    stops: { type: 'string', default: '6' },
  },
});
const shares = { kills: Number(values.kills), stops: Number(values.stops) };
const firstSeed = Number(values.seed);
const tally: Tally = {
  rounds: 0,
  resets: 0,
  kills: 0,
  stops: 0,
  messages: 0,
  streams: 0,
  bytesIn: 0,
  replays: 0,
  failed: new Map(),
};
try {
  for (const end = performance.now() + Number(values.minutes) * 60_000; performance.now() < end; ) {
    await round(firstSeed + tally.rounds, tally);
  }
} catch (error) {
  process.exitCode = 1;
  process.stdout.write(`seed ${firstSeed + tally.rounds}: ${String(error)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const { failed, ...counts } = tally;
process.stdout.write(
  `${Object.entries(counts)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}\n`,
);
for (const [kind, times] of [...failed].sort(([, a], [, b]) => b - a)) process.stdout.write(`  ${times} × ${kind}\n`);
