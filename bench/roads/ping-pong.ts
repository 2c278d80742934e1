/** P1t (mutual TLS) and P1u (Unix socket): one 96-byte frame out, 32 bytes back, then the next. Frames are only counted in bytes. */
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';
import { cipherOf, closeSocket, dialOn, listenOn } from './link.ts';
import { HEADER_BYTES } from './pump-frame.ts';

export const pingPong: Road = { receive, send };

function receive(run: Run): Promise<Receiving> {
  const pingBytes = HEADER_BYTES + run.plan.payloadBytes;
  const pong = Buffer.alloc(HEADER_BYTES);
  return listenOn(run, (socket) => {
    let arrived = 0;
    socket.on('data', (chunk) => {
      arrived += chunk.length;
      for (; arrived >= pingBytes; arrived -= pingBytes) socket.write(pong);
    });
  });
}

async function send(run: Run, tally: Tally): Promise<Sending> {
  const ping = Buffer.alloc(HEADER_BYTES + run.plan.payloadBytes);
  let arrived = 0;
  const socket = await dialOn(run, (_chunk, length) => {
    arrived += length;
    if (arrived < HEADER_BYTES) return;
    arrived -= HEADER_BYTES;
    socket.write(ping);
    tally.add(1);
  });
  socket.write(ping);
  return { agreed: cipherOf(socket), close: () => closeSocket(socket) };
}
