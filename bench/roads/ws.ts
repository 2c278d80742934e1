/**
 * What a user would take instead: `ws` over the same mutual TLS, with an ack of its own. Message: u32 id and payload;
 * ack: the id. No compression. `send` returns a promise that its ack settles, awaited by `depth` loops, like a domus.
 * Neither retains nor replays: after a broken connection its user starts from nothing.
 */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import { parseAddress } from '@flaminia/transport-a0';
import { WebSocket, WebSocketServer } from 'ws';
import type { Side } from '../credentials.ts';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';
import { cipherOf, listenerOptions, secureOptions } from './link.ts';
import { PromiseRing } from './promise-ring.ts';

const ID_BYTES = 4;

/** As its manual has it: every `send` is a write. */
export const ws: Road = {
  receive: (run) => receive(run, sendPlain),
  send: (run, tally) => send(run, tally, sendPlain),
};

/** By a user who knows the socket below: one write per tick. */
export const wsCorked: Road = {
  receive: (run) => receive(run, sendCorked),
  send: (run, tally) => send(run, tally, sendCorked),
};

type SendFrame = (webSocket: WebSocket, socket: Socket, frame: Uint8Array) => void;

function sendPlain(webSocket: WebSocket, _socket: Socket, frame: Uint8Array): void {
  webSocket.send(frame);
}

function sendCorked(webSocket: WebSocket, socket: Socket, frame: Uint8Array): void {
  if (socket.writableCorked === 0) {
    socket.cork();
    process.nextTick(uncork, socket);
  }
  webSocket.send(frame);
}

function uncork(socket: Socket): void {
  socket.uncork();
}

async function receive(run: Run, sendFrame: SendFrame): Promise<Receiving> {
  const server = createServer(listenerOptions(run.receiver));
  const acceptor = new WebSocketServer({ server, perMessageDeflate: false });
  acceptor.on('connection', (webSocket, request) => {
    webSocket.on('error', () => {});
    webSocket.on('message', (data) => {
      const ack = Buffer.allocUnsafe(ID_BYTES);
      ack.writeUInt32BE(idOf(data), 0);
      sendFrame(webSocket, request.socket, ack);
    });
  });
  const { host, port } = endOf(run.receiver);
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

async function send(run: Run, tally: Tally, sendFrame: SendFrame): Promise<Sending> {
  const { host, port } = endOf(run.receiver);
  const webSocket = new WebSocket(`wss://${host}:${port}`, { ...secureOptions(run.sender), perMessageDeflate: false });
  const [[response]] = await Promise.all([once(webSocket, 'upgrade'), once(webSocket, 'open')]);
  const { socket } = response as { socket: Socket };
  const answers = new PromiseRing(run.plan.depth);
  webSocket.on('message', (data) => answers.settle(idOf(data)));
  const payload = Buffer.alloc(run.plan.payloadBytes, 7);
  let nextId = 0;
  const sendAcked = (): Promise<void> => {
    const id = nextId;
    nextId = (id + 1) >>> 0;
    const frame = Buffer.allocUnsafe(ID_BYTES + payload.length);
    frame.writeUInt32BE(id, 0);
    frame.set(payload, ID_BYTES);
    sendFrame(webSocket, socket, frame);
    return answers.create(id);
  };
  const loop = async (): Promise<void> => {
    for (;;) {
      await sendAcked();
      tally.add(1);
    }
  };
  for (let left = run.plan.depth; left > 0; left--) void loop();
  return { agreed: cipherOf(socket), close: () => closeWebSocket(webSocket) };
}

function endOf({ address }: Side): { readonly host: string; readonly port: number } {
  const parsed = parseAddress(address);
  if (parsed.kind !== 'tcp') throw new Error('ws is measured over TLS only');
  return { host: parsed.ip, port: parsed.port };
}

/** Frames come as Buffers, since `binaryType` was left alone. */
function idOf(data: WebSocket.RawData): number {
  return (data as Buffer).readUInt32BE(0);
}

async function closeWebSocket(webSocket: WebSocket): Promise<void> {
  const closed = once(webSocket, 'close');
  webSocket.on('error', () => {});
  webSocket.terminate();
  await closed;
}
