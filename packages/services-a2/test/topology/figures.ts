/**
 * Measures the topology in the simulator and prints the figures (node --conditions=@flaminia/source --import tsx figures.ts
 * [spread|traffic|false-deaths|crashes] [--runs N] [--nodes N]). `--nodes`: those of false-deaths and crashes, 100 unless given.
 */
import { parseArgs } from 'node:util';
import { suspicionTimeoutMs } from '../../src/topology/core/suspicion.ts';
import { SimNetwork } from './sim-network.ts';
import type { SimNode } from './sim-node.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '0' }, nodes: { type: 'string', default: '100' } },
});
const [only] = positionals;
const runs = Number(values.runs);
const nodeCount = Number(values.nodes);

if (only === undefined || only === 'spread') spread(runs || 100);
if (only === undefined || only === 'traffic') traffic();
if (only === undefined || only === 'false-deaths') falseDeaths(runs || 10);
if (only === undefined || only === 'crashes') crashes(runs || 100);

/** (a) How long until a change is known everywhere. */
function spread(count: number): void {
  const network = new SimNetwork({ seed: 1, loss: 0.01 });
  const nodes = network.addFormed(1000);
  network.run(10_000);
  const times: number[] = [];
  for (let run = 0; run < count; run++) {
    const owner = nodes[network.random() % nodes.length]!;
    owner.update({ metadata: { run: String(run) } });
    const { incarnation } = owner.core.membership.own.record;
    const knows = ({ core }: SimNode): boolean =>
      core.membership.table.get(owner.nodeId)?.signed.record.incarnation === incarnation;
    times.push(network.runUntilTrue(() => nodes.every(knows), 60_000, 10));
    network.run(network.between(0, 400));
  }
  const periods = quantiles(times.map((ms) => ms / network.settings.gossipPeriodMs));
  print(`(a) 1,000 nodes, 1 % loss, ${count} changes: known everywhere after ${periods} gossip periods of 200 ms`);
}

/** (b) What a node sends in calm. */
function traffic(): void {
  const rates = [100, 1000].map((count) => {
    const network = new SimNetwork({ seed: 2 });
    network.addFormed(count);
    network.run(15_000);
    const [bytes, messages] = [network.bytes, network.messages];
    network.run(60_000);
    return { bytes: (network.bytes - bytes) / 60 / count, messages: (network.messages - messages) / 60 / count };
  });
  const [small, large] = rates as [(typeof rates)[0], (typeof rates)[0]];
  const shown = rates.map(({ bytes, messages }) => `${bytes.toFixed(0)} bytes in ${messages.toFixed(2)} messages`);
  const ratio = (large.bytes / small.bytes).toFixed(3);
  print(`(b) each second and node in calm: 100 nodes ${shown[0]}, 1,000 nodes ${shown[1]}, ratio ${ratio}`);
}

/** (c) Nodes that live and are declared dead, with a tenth of them stalling again and again. */
function falseDeaths(count: number): void {
  for (const stallMaxMs of [5_000, 7_000, 9_000]) {
    const [slow, healthy] = [
      { lifeguard: 0, plain: 0 },
      { lifeguard: 0, plain: 0 },
    ];
    for (const kind of ['lifeguard', 'plain'] as const) {
      for (let run = 0; run < count; run++) {
        const found = stalling(run + 1, kind === 'lifeguard', stallMaxMs);
        slow[kind] += found.slow;
        healthy[kind] += found.healthy;
      }
    }
    const hours = ((count * nodeCount * 300) / 3600).toFixed(0);
    print(
      `(c) ${hours} node-hours, a tenth of ${nodeCount} stall for 0.5-${stallMaxMs / 1000} s: false deaths, of healthy nodes ${healthy.lifeguard}` +
        ` (plain SWIM ${healthy.plain}), of stalling ones ${slow.lifeguard} (plain ${slow.plain})`,
    );
  }
}

/** Counts declarations of death, one for each node that declares. */
function stalling(seed: number, lifeguard: boolean, stallMaxMs: number): { slow: number; healthy: number } {
  const network = new SimNetwork({ seed, loss: 0.01, settings: { lifeguard } });
  const nodes = network.addFormed(nodeCount);
  network.run(10_000);
  const stallers = nodes.slice(0, nodeCount / 10);
  const isSlow = new Set(stallers.map(({ nodeId }) => nodeId));
  const found = { slow: 0, healthy: 0 };
  for (const node of nodes) {
    node.onEvent = (event) => {
      if (event.kind === 'dead') found[isSlow.has(event.node.nodeId) ? 'slow' : 'healthy'] += 1;
    };
  }
  const stall = (node: SimNode): void => {
    const ms = network.between(500, stallMaxMs);
    node.stall(ms);
    network.at(network.now + ms + network.between(500, 5_000), () => stall(node));
  };
  for (const node of stallers) stall(node);
  network.run(300_000);
  return found;
}

/** (d) How long until a crash is known. */
function crashes(count: number): void {
  const [suspected, first, all]: [number[], number[], number[]] = [[], [], []];
  let shortest = 0;
  let run = 0;
  for (let batch = 0; run < count; batch++) {
    const network = new SimNetwork({ seed: 100 + batch, loss: 0.01 });
    const nodes = network.addFormed(nodeCount);
    network.run(10_000);
    for (let each = 0; each < 10 && run < count; each++, run++) {
      const living = nodes.filter(({ isUp }) => isUp);
      shortest = suspicionTimeoutMs(3, living.length, network.settings);
      const victim = living[network.random() % living.length]!;
      const others = living.filter((node) => node !== victim);
      victim.crash();
      const begin = network.now;
      const at = (node: SimNode): { claimer: string | undefined; suspicion: unknown } =>
        node.core.membership.table.get(victim.nodeId)!;
      const after = (holds: () => boolean): number => {
        network.runUntilTrue(holds, 120_000, 10);
        return (network.now - begin) / 1000;
      };
      suspected.push(after(() => others.some((node) => at(node).suspicion !== undefined)));
      first.push(after(() => others.some((node) => at(node).claimer !== undefined)));
      all.push(after(() => others.every((node) => at(node).claimer !== undefined)));
      network.run(network.between(5_000, 8_000));
    }
  }
  print(
    `(d) ${count} crashes among ${nodeCount} nodes, 1 % loss: suspected after ${quantiles(suspected)} s, dead for the first after` +
      ` ${quantiles(first)} s, for all after ${quantiles(all)} s; 3 probe periods and the shortest suspicion are ${3 + shortest / 1000} s`,
  );
}

function quantiles(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): string => sorted[Math.ceil(sorted.length * share) - 1]!.toFixed(2);
  return `${at(0.5)} (median), ${at(0.99)} (99th percentile), ${at(1)} (worst)`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
