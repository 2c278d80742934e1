/**
 * A worker of the demo. It takes orders by hand from its taberna (inbox), journals each id, then accepts. It reads files as
 * they come, and accepts a check if the file before it is what was sent.
 */
import { join } from 'node:path';
import { devAuth } from '@flaminia/certificates';
import { Domus } from '@flaminia/domus';
import { arrivalOf, differenceOf } from './arrival.ts';
import { type Check, checksOf, filesOf, ordersOf } from './contract.ts';
import { Journal } from './journal.ts';
import { onCommand, runNode, tell } from './processes.ts';
import { AcceptedSockets } from './sockets.ts';

const REPORT_EVERY_MS = 100;

runNode(async ({ node }, stopped) => {
  const { name, address, folder } = node;
  const sockets = new AcceptedSockets();
  onCommand('cut', () => tell({ kind: 'cut', acknowledged: undefined, sockets: sockets.cut() }));
  const journal = new Journal(join(folder, `${name}.journal`));
  const domus = await Domus.open({
    address,
    auth: devAuth({ nodeId: name, nodeType: 'worker', directory: join(folder, 'certificates') }),
  });
  const orders = await domus.taberna(ordersOf(name));
  await serveFiles(domus, name);
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

/** Takes a file, and then the check of it. */
async function serveFiles(domus: Domus, name: string): Promise<void> {
  let arrival: Promise<Check> | undefined;
  await domus.serve(filesOf(name), (_info, { blob }) => {
    arrival = arrivalOf(blob);
    return arrival;
  });
  await domus.serve(checksOf(name), async (sent) => {
    const arrived = await arrival;
    const difference = differenceOf(sent, arrived);
    const { chunksIn } = domus.reporting.snapshot().blobs;
    tell({ kind: 'checked', ...sent, difference, chunksIn });
    if (difference !== undefined) throw new Error(difference);
  });
}
