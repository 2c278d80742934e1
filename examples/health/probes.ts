// The port that a kubelet asks, and the orderly end when it says so.
import { createServer, type Server } from 'node:http';
import type { Imperium } from '@flaminia/domus/services';

export function serveProbes(imperium: Imperium, port: number): Server {
  const server = createServer(imperium.health.httpHandler()).listen(port);
  process.once('SIGTERM', async () => {
    await imperium.leave({ drainTimeout: 20_000 }); // `/readyz` answers 503 from now on
    server.close();
  });
  return server;
}
