/** P7: what a bare mutual-TLS socket costs the receiver while nobody speaks. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';
import { inWaves } from './in-waves.ts';
import { cipherOf, closeSocket, dialOn, listenOn } from './link.ts';

export const idleRaw: Road = { receive, send };

/** A byte tells the dialler that the receiver has accepted; its own `secureConnect` comes earlier. */
function receive(run: Run): Promise<Receiving> {
  return listenOn(run, (socket) => {
    socket.resume();
    socket.write('.');
  });
}

async function send(run: Run, _tally: Tally, peers: number): Promise<Sending> {
  const sockets = await inWaves(peers, () => acceptedSocket(run));
  const [first] = sockets;
  return {
    agreed: first === undefined ? '' : cipherOf(first),
    close: async () => {
      await Promise.all(sockets.map(closeSocket));
    },
  };
}

async function acceptedSocket(run: Run): Promise<Socket> {
  let greet = (): void => {};
  const greeted = new Promise<void>((resolve) => {
    greet = resolve;
  });
  const socket = await dialOn(run, () => greet());
  await Promise.race([greeted, once(socket, 'close')]);
  return socket;
}
