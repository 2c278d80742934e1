/** What a user would take instead of a unary call: Cap'n Web over `ws` and the same mutual TLS, as its manual has it. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { parseAddress } from '@flaminia/transport-a0';
import { newWebSocketRpcSession, RpcTarget } from 'capnweb';
import { WebSocket, WebSocketServer } from 'ws';
import type { Side } from '../credentials.ts';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';
import { cipherOf, listenerOptions, secureOptions } from './link.ts';

export const capnweb: Road = { receive, send };

interface Echo {
  echo(bytes: Uint8Array): Uint8Array;
}

class EchoTarget extends RpcTarget implements Echo {
  echo(bytes: Uint8Array): Uint8Array {
    return bytes;
  }
}

async function receive({ receiver }: Run): Promise<Receiving> {
  const server = createServer(listenerOptions(receiver));
  const acceptor = new WebSocketServer({ server, perMessageDeflate: false });
  acceptor.on('connection', (webSocket) => {
    webSocket.on('error', () => {});
    sessionOn(webSocket, new EchoTarget());
  });
  const { host, port } = endOf(receiver);
  server.listen(port, host);
  await once(server, 'listening');
  return {
    close: async () => {
      for (const client of acceptor.clients) client.terminate();
      acceptor.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function send(run: Run, tally: Tally): Promise<Sending> {
  const { host, port } = endOf(run.receiver);
  const webSocket = new WebSocket(`wss://${host}:${port}`, { ...secureOptions(run.sender), perMessageDeflate: false });
  const [[response]] = await Promise.all([once(webSocket, 'upgrade'), once(webSocket, 'open')]);
  const { socket } = response as { socket: Socket };
  const stub = sessionOn(webSocket, undefined);
  const payload = new Uint8Array(run.plan.payloadBytes).fill(7);
  let open = true;
  const loop = async (): Promise<void> => {
    while (open) {
      await stub.echo(payload);
      tally.add(1);
    }
  };
  const loops = Array.from({ length: run.plan.depth }, () => loop());
  return {
    agreed: cipherOf(socket),
    close: async () => {
      open = false;
      await Promise.all(loops);
      const closed = once(webSocket, 'close');
      webSocket.on('error', () => {});
      webSocket.terminate();
      await closed;
    },
  };
}

// The package compares with constants of a browser's WebSocket, which Node has from 22 on.
Object.assign(globalThis, { WebSocket });

/** The package means a browser's WebSocket; that of `ws` has all that it uses, as its manual says. */
function sessionOn(
  webSocket: WebSocket,
  main: RpcTarget | undefined,
): { echo(bytes: Uint8Array): PromiseLike<unknown> } {
  return newWebSocketRpcSession(webSocket as never, main) as unknown as {
    echo(bytes: Uint8Array): PromiseLike<unknown>;
  };
}

function endOf({ address }: Side): { readonly host: string; readonly port: number } {
  const parsed = parseAddress(address);
  if (parsed.kind !== 'tcp') throw new Error('capnweb is measured over TLS only');
  return { host: parsed.ip, port: parsed.port };
}
