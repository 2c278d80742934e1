/** Where the orders come from: made up, or the lines of a text file. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Order } from './contract.ts';

const ITEMS = ['walnut desk', 'reading lamp', 'oak shelf', 'linen chair', 'brass hook', 'wool rug', 'ash stool'];

/** The orders of a file, one a line, or `count` made-up ones. */
export function orders(file: string | undefined, count: number): AsyncIterable<Order> | Iterable<Order> {
  return file === undefined ? madeUp(count) : linesOf(file);
}

/** How many orders a file holds. Rejects when it cannot be read, or on abort. */
export async function countLines(file: string, signal: AbortSignal): Promise<number> {
  let count = 0;
  try {
    for await (const _ of linesOf(file, signal)) count++;
  } catch (cause) {
    throw new Error(`cannot read ${file}: ${(cause as NodeJS.ErrnoException).code ?? 'unreadable'}`, { cause });
  }
  return count;
}

function* madeUp(count: number): Iterable<Order> {
  for (let id = 0; id < count; id++) yield { id, item: ITEMS[id % ITEMS.length]!, quantity: 1 + (id % 9) };
}

async function* linesOf(file: string, signal?: AbortSignal): AsyncIterable<Order> {
  const input = createReadStream(file, { encoding: 'utf8', ...(signal === undefined ? {} : { signal }) });
  let id = 0;
  try {
    for await (const item of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }))
      yield { id: id++, item, quantity: 1 };
  } finally {
    input.destroy();
  }
}
