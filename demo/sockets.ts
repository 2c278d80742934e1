/**
 * Cuts connections as a network does: without a word to the domus (node) that uses them. Node tells of every socket that a
 * listener of this process accepts, and those are destroyed here. Every connection between two processes was accepted by
 * one of them, so that both together can cut all there are.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

export class AcceptedSockets {
  private readonly open = new Set<Socket>();

  /** Sees the sockets that are accepted from now on. */
  constructor() {
    subscribe('net.server.socket', (message) => {
      const { socket } = message as { readonly socket: Socket };
      this.open.add(socket);
      socket.once('close', () => this.open.delete(socket));
    });
  }

  /** Destroys them all; returns how many. */
  cut(): number {
    const cut = this.open.size;
    for (const socket of this.open) {
      // Only a connected TCP socket has a family, and only that can be reset.
      if (socket.remoteFamily === undefined) socket.destroy();
      else socket.resetAndDestroy();
    }
    return cut;
  }
}
