// Who is called: round robin, unless a picker says something else. `hedgeAfter` asks a second provider when the first is slow.
import { type Client, type Imperium, leastLoaded, sticky } from '@flaminia/domus/services';
import { Stock } from './stock.ts';

export function clients(imperium: Imperium): Record<'quick' | 'loyal', Client<typeof Stock>> {
  return {
    quick: imperium.client(Stock, { picker: leastLoaded(), hedgeAfter: 50 }),
    // Calls with one key go to one provider: `loyal.level({ item }, { key: item })`.
    loyal: imperium.client(Stock, { picker: sticky() }),
  };
}
