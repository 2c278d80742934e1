/** A worker of the demo: takes orders by hand from its taberna (inbox), journals each id, then accepts. */
import { join } from 'node:path';
import { devAuth } from '@flaminia/certificates';
import { Domus } from '@flaminia/domus';
import { ordersOf } from './contract.ts';
import { Journal } from './journal.ts';
import { runNode, tell } from './processes.ts';

const REPORT_EVERY_MS = 100;

runNode(async ({ node }, stopped) => {
  const { name, address, folder } = node;
  const journal = new Journal(join(folder, `${name}.journal`));
  const domus = await Domus.open({
    address,
    auth: devAuth({ nodeId: name, nodeType: 'worker', directory: join(folder, 'certificates') }),
  });
  const orders = await domus.taberna(ordersOf(name));
  let applied = 0;
  let repeated = 0;
  const report = setInterval(() => tell({ kind: 'worker', applied, repeated }), REPORT_EVERY_MS);
  stopped.addEventListener('abort', () => void domus.shutdown({ drainTimeout: 0 }));
  tell({ kind: 'ready' });
  for await (const request of orders) {
    if (journal.apply(request.message.id)) {
      applied++;
    } else {
      repeated++;
      tell({ kind: 'worker', applied, repeated });
    }
    request.accept();
  }
  clearInterval(report);
  await domus.shutdown();
  journal.close();
});
