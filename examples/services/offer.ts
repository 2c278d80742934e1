// Offering a service: a handler for each procedure, and who may call them.
import { EventEmitter, on } from 'node:events';
import { anyAuthenticatedPeer, type Imperium, ProcedureError, type Provision } from '@flaminia/domus/services';
import { Stock } from './stock.ts';

export function offerStock(imperium: Imperium, levels: Map<string, number>): Promise<Provision> {
  const changes = new EventEmitter();
  const level = (item: string): { item: string; count: number } => ({ item, count: levels.get(item) ?? 0 });
  const add = (item: string, count: number): void => {
    levels.set(item, (levels.get(item) ?? 0) + count);
    changes.emit(item);
  };
  return imperium.provide(
    Stock,
    {
      level: ({ item }) => level(item),
      take({ item, count }, { caller }) {
        const { count: left } = level(item);
        if (left < count) {
          // Reaches the caller as it is. Any other error is `internal` there, and a `procedure-failed` event here.
          throw new ProcedureError('failed-precondition', `only ${left} left for ${caller.nodeId}`, {
            details: { left },
          });
        }
        add(item, -count);
        return level(item);
      },
      forget: ({ item }) => void levels.delete(item),
      async *watch({ item }, { signal }) {
        const changed = on(changes, item, { signal }); // the signal ends when nobody reads any more
        yield level(item);
        for await (const _ of changed) yield level(item);
      },
      async bring(deliveries) {
        let brought = 0;
        for await (const { item, count } of deliveries) {
          add(item, count);
          brought += count;
        }
        return { brought };
      },
      async *check(wares) {
        for await (const { item } of wares) yield level(item);
      },
    },
    { verifier: anyAuthenticatedPeer(), concurrency: 64 },
  );
}
