/** The body of a process of a scenario: one node, which does what it is told (`conversation.ts`). */
import { setTimeout as delay } from 'node:timers/promises';
import { blobEndpoint, bytes } from '@flaminia/domus';
import { anyAuthenticatedPeer, type Client, Imperium, ProcedureError, service, unary } from '@flaminia/domus/services';
import type { DomusAddr } from '@flaminia/transport-a0';
import type { Load, LoadResult, NodeAnswer, NodeCommand } from './conversation.ts';

const Echoes = service('echoes', 'v1', { echo: unary<Uint8Array, Uint8Array>({ idempotent: true }) });
const PAYLOAD_BYTES = 64;
const Held = blobEndpoint('held', bytes());
const PIECE = Buffer.alloc(16 * 1024, 7);
/** How long a stream must have taken nothing to be full. */
const STILL_MS = 500;
/** How often a load looks which calls are due. */
const TICK_MS = 1;
const READY_LIMIT_MS = 60_000;

let imperium: Imperium | undefined;

process.on('message', (command: NodeCommand) => {
  obey(command).then(answer, (error: unknown) => {
    answer({ kind: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
// The scenario is over, or gone.
process.on('disconnect', () => process.exit(0));

async function obey(command: NodeCommand): Promise<NodeAnswer> {
  if (command.kind === 'open') {
    const { side, seeds, provides, blobWindow } = command;
    imperium = await Imperium.open({ ...side, seeds, config: blobWindow === undefined ? {} : { blobWindow } });
    const handlers = { echo: (input: Uint8Array): Uint8Array => input };
    if (provides) await imperium.provide(Echoes, handlers, { verifier: anyAuthenticatedPeer() });
    return { kind: 'open' };
  }
  if (imperium === undefined) throw new Error('the node is not open');
  switch (command.kind) {
    case 'list':
      return { kind: 'listed', atMs: await whenListed(imperium, command.nodes) };
    case 'cpu':
      return { kind: 'cpu', ...cpu() };
    case 'hold':
      await hold(imperium);
      return { kind: 'holding' };
    case 'fill':
      await fill(imperium, command.to, command.streams);
      return { kind: 'filled' };
    case 'memory':
      return { kind: 'memory', bytes: memory() };
    case 'load': {
      await imperium.ready(Echoes, { minProviders: command.providers, timeout: READY_LIMIT_MS });
      return { kind: 'loaded', result: await run(imperium.client(Echoes), command.load) };
    }
  }
}

/** When so many nodes were there, by the clock of the machine. */
function whenListed({ topology }: Imperium, wanted: number): Promise<number> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (topology.nodes().length < wanted) return;
      stop();
      resolve(Date.now());
    };
    const stop = topology.onChange(look);
    look();
  });
}

function cpu(): { readonly cpuMs: number; readonly atMs: number } {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1_000, atMs: performance.now() };
}

async function hold({ domus }: Imperium): Promise<void> {
  const held: unknown[] = [];
  const taberna = await domus.taberna(Held);
  void (async () => {
    for await (const request of taberna) {
      held.push(request.blob);
      request.accept();
    }
  })();
}

async function fill({ domus }: Imperium, to: DomusAddr, streams: number): Promise<void> {
  let pieces = 0;
  for (let stream = 0; stream < streams; stream++) {
    const blob = await domus.sendBlob(Held, new Uint8Array(0), { to });
    const write = (): void => {
      do pieces++;
      while (blob.write(PIECE));
    };
    blob.on('drain', write);
    write();
  }
  for (let before = -1; before !== pieces; ) {
    before = pieces;
    await delay(STILL_MS);
  }
}

function memory(): number {
  if (globalThis.gc === undefined) throw new Error('the processes of a scenario need --expose-gc');
  // What the first one frees may hold more.
  for (let time = 0; time < 3; time++) globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function run(client: Client<typeof Echoes>, load: Load): Promise<LoadResult> {
  await drive(client, load.perSecond, load.warmUpMs, undefined);
  return drive(client, load.perSecond, load.durationMs, load.victim);
}

/** Calls that are late because this process was late count from when they were due. */
function drive(
  client: Client<typeof Echoes>,
  perSecond: number,
  durationMs: number,
  victim: Load['victim'] | undefined,
): Promise<LoadResult> {
  const count = Math.round((perSecond * durationMs) / 1_000);
  const latenciesMs = new Float64Array(count);
  const failures: string[] = [];
  const payload = new Uint8Array(PAYLOAD_BYTES).fill(7);
  const start = performance.now();
  let alive = victim;
  let begun = 0;
  let ended = 0;
  return new Promise((resolve) => {
    const call = async (index: number): Promise<void> => {
      const due = start + (index * 1_000) / perSecond;
      try {
        await client.echo(payload);
      } catch (error) {
        failures.push(ProcedureError.is(error) ? error.code : String(error));
      }
      latenciesMs[index] = performance.now() - due;
      ended++;
      if (ended === count) resolve({ latenciesMs, failures });
    };
    const timer = setInterval(() => {
      const elapsedMs = performance.now() - start;
      if (alive !== undefined && elapsedMs >= alive.atMs) {
        process.kill(alive.pid, 'SIGKILL');
        alive = undefined;
      }
      while (begun < count && (begun * 1_000) / perSecond <= elapsedMs) void call(begun++);
      if (begun === count) clearInterval(timer);
    }, TICK_MS);
  });
}

function answer(message: NodeAnswer): void {
  process.send?.(message);
}
