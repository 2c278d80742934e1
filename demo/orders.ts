/** Where the orders come from: made up, or the lines of a text file. */
import type { Order } from './contract.ts';
import { linesOf } from './lines.ts';

const ITEMS = ['walnut desk', 'reading lamp', 'oak shelf', 'linen chair', 'brass hook', 'wool rug', 'ash stool'];

/** The orders of a file, one a line, or `count` made-up ones. */
export function orders(file: string | undefined, count: number): AsyncIterable<Order> | Iterable<Order> {
  return file === undefined ? madeUp(count) : fromLines(file);
}

function* madeUp(count: number): Iterable<Order> {
  for (let id = 0; id < count; id++) yield { id, item: ITEMS[id % ITEMS.length]!, quantity: 1 + (id % 9) };
}

async function* fromLines(file: string): AsyncIterable<Order> {
  let id = 0;
  for await (const item of linesOf(file)) yield { id: id++, item, quantity: 1 };
}
