/** What a stream holds at each side while nobody reads it, beyond its window: the bytes that it may have under way, chunk by chunk. */
import type { BlobWindow } from '@flaminia/domus';
import { type Credentials, createSides } from '../credentials.ts';
import type { Figure } from './figure.ts';
import { NodeProcess } from './node-process.ts';

const WINDOWS: readonly BlobWindow[] = [
  { chunkSize: 65_536, ackWindow: 64 },
  { chunkSize: 131_072, ackWindow: 32 },
  { chunkSize: 1_200, ackWindow: 1_024 },
];
/** Streams that are open before the count, and those that are counted. */
const FULL: MemoryPlan = { windows: WINDOWS, first: 8, counted: 32 };
const GOAL_KIB = 64;

export interface MemoryPlan {
  readonly windows: readonly BlobWindow[];
  readonly first: number;
  readonly counted: number;
}

export async function streamMemory(credentials: Credentials, plan: MemoryPlan = FULL): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const blobWindow of plan.windows) figures.push(...(await beyond(credentials, blobWindow, plan)));
  return figures;
}

async function beyond(
  credentials: Credentials,
  blobWindow: BlobWindow,
  { first, counted }: MemoryPlan,
): Promise<Figure[]> {
  const sides = await createSides(credentials, 2);
  const nodes = sides.map(() => new NodeProcess(['--expose-gc']));
  const [sender, receiver] = nodes as [NodeProcess, NodeProcess];
  const to = sides[1]!.address;
  try {
    for (const [index, node] of nodes.entries())
      await node.ask({ kind: 'open', side: sides[index]!, seeds: [], provides: false, blobWindow }, 'open');
    await receiver.ask({ kind: 'hold' }, 'holding');
    await sender.ask({ kind: 'fill', to, streams: first }, 'filled');
    const before = await memoryOf(nodes);
    await sender.ask({ kind: 'fill', to, streams: counted }, 'filled');
    const after = await memoryOf(nodes);
    const { chunkSize, ackWindow } = blobWindow;
    return ['sender', 'receiver'].map((side, index) => ({
      name: `KiB of a stream of ${chunkSize} × ${ackWindow} beyond its window, ${side}`,
      value: ((after[index]! - before[index]!) / counted - chunkSize * ackWindow) / 1_024,
      goal: GOAL_KIB,
    }));
  } finally {
    await Promise.all(nodes.map((node) => node.kill()));
  }
}

async function memoryOf(nodes: readonly NodeProcess[]): Promise<number[]> {
  const answers = await Promise.all(nodes.map((node) => node.ask({ kind: 'memory' }, 'memory')));
  return answers.map(({ bytes }) => bytes);
}
