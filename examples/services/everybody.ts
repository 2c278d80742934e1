// A call to each provider, and what became of it, by node id.
import type { Imperium } from '@flaminia/domus/services';
import { Stock } from './stock.ts';

export async function forgetEverywhere(imperium: Imperium, item: string): Promise<string[]> {
  await imperium.ready(Stock, { minProviders: 2, timeout: 10_000 });
  const outcomes = await imperium.broadcast(Stock.forget, { item });
  return [...outcomes].map(([nodeId, { status }]) => `${nodeId}: ${status}`);
}
