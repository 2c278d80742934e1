/** P4 (mutual TLS, 64 KiB writes) and P5 (Unix socket, 128 KiB writes): bytes one way, as fast as `drain` lets them go. */
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';
import { cipherOf, closeSocket, dialOn, listenOn } from './link.ts';

export const bulk: Road = { receive, send };

/** Counts whole pieces of the plan's size. */
function receive(run: Run, tally: Tally): Promise<Receiving> {
  const { payloadBytes } = run.plan;
  return listenOn(run, (socket) => {
    let arrived = 0;
    socket.on('data', (chunk) => {
      arrived += chunk.length;
      const whole = Math.floor(arrived / payloadBytes);
      arrived -= whole * payloadBytes;
      tally.add(whole);
    });
  });
}

async function send(run: Run): Promise<Sending> {
  const socket = await dialOn(run, () => {});
  const piece = Buffer.alloc(run.plan.payloadBytes, 7);
  const fill = (): void => {
    while (socket.write(piece));
  };
  socket.on('drain', fill);
  fill();
  return { agreed: cipherOf(socket), close: () => closeSocket(socket) };
}
