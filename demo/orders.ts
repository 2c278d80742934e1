/** Where the orders come from: made up, or the lines of a text file. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Order } from './contract.ts';

const ITEMS = ['walnut desk', 'reading lamp', 'oak shelf', 'linen chair', 'brass hook', 'wool rug', 'ash stool'];

/** The orders of a file, one a line, or `count` made-up ones. */
export function orders(file: string | undefined, count: number): AsyncIterable<Order> | Iterable<Order> {
  return file === undefined ? madeUp(count) : linesOf(file);
}

/** How many orders a file holds. Rejects when it cannot be read. */
export async function countLines(file: string): Promise<number> {
  let count = 0;
  for await (const _ of linesOf(file)) count++;
  return count;
}

function* madeUp(count: number): Iterable<Order> {
  for (let id = 0; id < count; id++) yield { id, item: ITEMS[id % ITEMS.length]!, quantity: 1 + (id % 9) };
}

async function* linesOf(file: string): AsyncIterable<Order> {
  const input = createReadStream(file, 'utf8');
  let id = 0;
  try {
    for await (const item of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }))
      yield { id: id++, item, quantity: 1 };
  } finally {
    input.destroy();
  }
}
