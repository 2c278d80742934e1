// The pieces beside this file, at work.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { Imperium } from '@flaminia/domus/services';
import { memoryImperium } from '@flaminia/domus/testing';
import { addChecks } from './checks.ts';
import { serveProbes } from './probes.ts';

test('checks make a node ready, and SIGTERM drains it', async () => {
  const world = memoryImperium();
  const imperium = await Imperium.join(await world.domus('worker-1'));
  const payments = createServer((_request, response) => response.writeHead(204).end()).listen(0, '127.0.0.1');
  await once(payments, 'listening');
  const { port } = payments.address() as AddressInfo;
  const healthy = new Promise<void>((resolve) => {
    imperium.health.onChange(({ state }) => state === 'healthy' && resolve());
  });
  addChecks(imperium, {
    database: { host: '127.0.0.1', port },
    payments: `http://127.0.0.1:${port}/status`,
    folder: tmpdir(),
  });
  const probes = serveProbes(imperium, 0);
  await once(probes, 'listening');
  const ask = async (path: string): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${(probes.address() as AddressInfo).port}${path}`, {
      headers: { connection: 'close' },
    });
    await response.text();
    return response.status;
  };
  assert.deepEqual([await ask('/livez'), await ask('/readyz')], [200, 503]);
  const waited = healthy.then(() => 'healthy');
  while ((await Promise.race([waited, world.advance(1_000)])) !== 'healthy');
  assert.deepEqual([await ask('/livez'), await ask('/readyz')], [200, 200]);
  process.emit('SIGTERM');
  await world.advance(10_000);
  await imperium.leave();
  assert.equal(imperium.health.state, 'draining');
  payments.close();
  probes.close();
  await world.close();
});
