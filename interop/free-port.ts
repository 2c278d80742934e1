/** Ports for listeners that tests and the demo open, close and open again. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below what systems hand out to outgoing connections, so that no such connection takes the port of a domus that is down. */
const FIRST_PORT = 20_000;
const PORT_COUNT = 12_000;
const handedOut = new Set<number>();

/** A port of 127.0.0.1 on which nobody listens, never the same twice in one process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await canListen(port)) return port;
  }
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
