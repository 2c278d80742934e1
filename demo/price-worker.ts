/** A worker of the demo that offers a service. Nobody is told its address but by the topology. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { devAuth } from '@flaminia/certificates';
import { allowList, Imperium, nodeType } from '@flaminia/domus/services';
import { Prices } from './prices.ts';
import { type NodeTask, onCommand, runNode, seedsOf, TOPOLOGY, tell } from './processes.ts';

const CENTS_A_LETTER = 100;
/** What a question to a database would take: a worker that leaves has calls under way. */
const WORK_MS = 20;
const DRAIN_MS = 5_000;

runNode(async (task: NodeTask, stopped) => {
  const { name, address, folder } = task.node;
  const auth = devAuth({ nodeId: name, nodeType: 'worker', directory: join(folder, 'certificates') });
  const imperium = await Imperium.open({ address, auth, seeds: seedsOf(task), topology: TOPOLOGY });
  await imperium.provide(
    Prices,
    {
      async quote({ item, quantity }) {
        await sleep(WORK_MS);
        return { cents: item.length * quantity * CENTS_A_LETTER, by: name };
      },
    },
    { verifier: allowList(Prices, { quote: [nodeType('gateway')] }) },
  );
  // Nothing is left to be cut short when the starter says stop: what is under way may fail.
  stopped.addEventListener('abort', () => void imperium.domus.shutdown({ drainTimeout: 0 }));
  stopped.addEventListener('abort', () => void imperium.leave({ drainTimeout: 0 }));
  onCommand('leave', () => {
    void imperium.leave({ drainTimeout: DRAIN_MS }).then(({ finished, cut }) => tell({ kind: 'left', finished, cut }));
  });
  tell({ kind: 'ready' });
});
