/**
 * A process that uses the development store, for processes.test.ts: answers each `Order` with what it found.
 * `dieAt` names a step of node:fs/promises that the process does not survive: it is killed instead of taking it.
 */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { devAuth } from '@flaminia/certificates';

export interface Order {
  readonly directory: string;
  readonly nodeId: string;
  readonly dieAt?: { readonly step: 'mkdtemp' | 'open' | 'rename'; readonly call: number };
}

export interface Answer {
  readonly ca: string;
  readonly cert: string;
  /** Whether the certificate library has been loaded into this process by now. */
  readonly libraryLoaded: boolean;
}

process.on('message', (order: Order) => {
  if (order.dieAt !== undefined) arrangeDeath(order.dieAt);
  void answer(order).then(
    (result) => process.send?.(result),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});

async function answer({ directory, nodeId }: Order): Promise<Answer> {
  const { ca, cert } = await devAuth({ nodeId, directory })('tcp://127.0.0.1:7000');
  return { ca, cert, libraryLoaded: 'getMetadata' in Reflect };
}

function arrangeDeath({ step, call }: NonNullable<Order['dieAt']>): void {
  let calls = 0;
  const taken = fs[step] as (...args: unknown[]) => Promise<unknown>;
  const deadly = (...args: unknown[]): Promise<unknown> => {
    calls += 1;
    if (calls === call) process.kill(process.pid, 'SIGKILL');
    return taken(...args);
  };
  Object.assign(fs, { [step]: deadly });
  syncBuiltinESMExports();
}
