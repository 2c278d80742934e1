// Streams at the caller: ordinary async iterables. Whoever is slow slows the other side; nothing piles up in between.
import type { Client } from '@flaminia/domus/services';
import type { Stock } from './stock.ts';

type StockClient = Client<typeof Stock>;

/** Leaving the loop, or aborting a signal, ends the call, and the handler learns of it. */
export async function waitForStock(stock: StockClient, item: string, signal: AbortSignal): Promise<number> {
  for await (const { count } of stock.watch({ item }, { signal })) if (count > 0) return count;
  return 0;
}

/** Anything iterable is a stream of inputs; an async one is pulled as the provider reads. */
export async function bringAll(stock: StockClient, items: readonly string[]): Promise<number> {
  const { brought } = await stock.bring(items.map((item) => ({ item, count: 1 })));
  return brought;
}

/** Both ways at once: each answer may lead to the next question. */
export async function firstInStock(stock: StockClient, items: readonly string[]): Promise<string | undefined> {
  const wares = items.map((item) => ({ item }));
  for await (const { item, count } of stock.check(wares)) if (count > 0) return item;
  return undefined;
}
