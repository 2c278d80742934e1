/**
 * The caller of the demo's service: knows one address to join by, finds everybody who offers prices through the topology, and
 * asks without a pause until it is stopped.
 */
import { join } from 'node:path';
import { devAuth } from '@flaminia/certificates';
import { type Client, Imperium, ProcedureError } from '@flaminia/domus/services';
import { Prices } from './prices.ts';
import { type NodeTask, runNode, seedsOf, TOPOLOGY, tell } from './processes.ts';

/** Calls under way at once. */
const LANES = 16;
const REPORT_EVERY_MS = 100;

runNode(async (task: NodeTask, stopped) => {
  const { name, address, folder } = task.node;
  const auth = devAuth({ nodeId: name, nodeType: 'gateway', directory: join(folder, 'certificates') });
  const imperium = await Imperium.open({ address, auth, seeds: seedsOf(task), topology: TOPOLOGY });
  stopped.addEventListener('abort', () => void imperium.domus.shutdown({ drainTimeout: 0 }));
  void watchTopology(imperium);
  void watchProviders(imperium, task);
  tell({ kind: 'ready' });
  await imperium.ready(Prices, { minProviders: task.workers.length, timeout: 30_000, signal: stopped });
  const calls = new QuoteCalls(imperium.client(Prices), stopped);
  const report = setInterval(() => tell(calls.report()), REPORT_EVERY_MS);
  try {
    await Promise.all(Array.from({ length: LANES }, (_, lane) => calls.lane(lane)));
  } finally {
    clearInterval(report);
    await imperium.leave({ drainTimeout: 0 });
  }
});

class QuoteCalls {
  private readonly client: Client<typeof Prices>;
  private readonly stopped: AbortSignal;
  private readonly answered: Record<string, number> = {};
  private failed = 0;
  private lastFailure = '';

  constructor(client: Client<typeof Prices>, stopped: AbortSignal) {
    this.client = client;
    this.stopped = stopped;
  }

  report(): Parameters<typeof tell>[0] {
    const { answered, failed, lastFailure } = this;
    return { kind: 'calls', answered: { ...answered }, failed, lastFailure };
  }

  /** Calls, one after the other. */
  async lane(quantity: number): Promise<void> {
    while (!this.stopped.aborted) {
      try {
        const wish = { item: 'walnut desk', quantity: quantity + 1 };
        const { by } = await this.client.quote(wish, { signal: this.stopped });
        this.answered[by] = (this.answered[by] ?? 0) + 1;
      } catch (error) {
        // Calls that the end of the demo cuts short are not failures of the service.
        if (this.stopped.aborted) return;
        this.failed++;
        this.lastFailure = ProcedureError.is(error) ? `${error.code}: ${error.message}` : String(error);
      }
    }
  }
}

/** Tells each change in the topology. */
async function watchTopology({ topology }: Imperium): Promise<void> {
  for await (const change of topology.changes()) {
    if (!('node' in change)) continue;
    const { nodeId, services, health } = change.node;
    tell({ kind: 'topology', change: change.kind, node: nodeId, services, health });
  }
}

/** Tells whom its calls pass by. */
async function watchProviders(imperium: Imperium, { workers }: NodeTask): Promise<void> {
  for await (const event of imperium.domus.reporting.events()) {
    if (event.kind !== 'provider-ejected') continue;
    const worker = workers.find(({ address }) => address === event.peer);
    if (worker !== undefined) tell({ kind: event.kind, node: worker.name });
  }
}
