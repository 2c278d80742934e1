// What this node depends on, checked on a schedule. The worst of all is the state that others see.
import { statfs } from 'node:fs/promises';
import { dnsCheck, httpCheck, type Imperium, tcpCheck } from '@flaminia/domus/services';

export interface Places {
  readonly database: { readonly host: string; readonly port: number };
  readonly payments: string;
  readonly folder: string;
}

export function addChecks({ health }: Imperium, { database, payments, folder }: Places): void {
  health.add('database', tcpCheck(database));
  health.add('payments', httpCheck(payments, { expect: 204 }));
  health.add('dns', dnsCheck(database.host), { interval: 60_000 });
  health.add('disk', async () => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize > 1_000_000; // false, a throw or a rejection: failed
  });
}
