/**
 * A relay in front of the listener of a domus, which breaks connections on command. It knows no protocol: it passes
 * bytes, and what it does to them is what a network may do.
 *
 * How it gets between two domus that authenticate each other by address:
 * - TCP: the certificate names the port of the relay, and the domus binds elsewhere (`listen` of a Node domus; a Rust
 *   domus never compares its bind address with its certificate). Everything is on 127.0.0.1, which is where the
 *   connections of the relay come from too, so source ips still match.
 * - Unix sockets: the path is part of the handshake, so both must bind it. The domus binds it first, then its file is
 *   renamed, which leaves its listener alone, and the relay binds the path in its place (`interpose`).
 *
 * It sees only connections dialled to that domus. Callbacks of A0 count among them.
 *
 * 1. A relayed connection passes its end, either way, as an end, and a reset as a reset (as an end over Unix sockets).
 * 2. In a black hole neither side hears of the other's end.
 * 3. After `close` no socket, listener or file of the relay is left, and a renamed Unix socket has its name back.
 */
import { once } from 'node:events';
import { rename } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Flow, OneWay } from './one-way.ts';

/** Where something listens. */
export type Place = { readonly host: string; readonly port: number } | { readonly path: string };

/** `in`: from whoever dialled to the domus behind the relay; `out`: from that domus. */
export type Direction = 'in' | 'out';

interface Relayed {
  readonly sockets: readonly [Socket, Socket];
  readonly ways: Readonly<Record<Direction, OneWay>>;
}

export class CutProxy {
  readonly #server: Server;
  readonly #target: Place;
  /** The path that a renamed Unix socket gets back. */
  readonly #ownPath: string | undefined;
  readonly #relayed = new Set<Relayed>();
  #admits = true;
  #accepted = 0;
  /** Bytes that finished connections passed. */
  readonly #passed: Record<Direction, number> = { in: 0, out: 0 };

  /** Listens at one place and relays to another. */
  static async open(listen: Place, target: Place): Promise<CutProxy> {
    return new CutProxy(target, undefined).#listen(listen);
  }

  /** Gets in front of the Unix socket at which a domus listens already. Whoever stops that domus closes the relay first. */
  static async interpose(path: string): Promise<CutProxy> {
    const behind = `${path}.behind`;
    await rename(path, behind);
    return new CutProxy({ path: behind }, path).#listen({ path });
  }

  private constructor(target: Place, ownPath: string | undefined) {
    this.#target = target;
    this.#ownPath = ownPath;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Connections that are relayed now. */
  get connections(): number {
    return this.#relayed.size;
  }

  /** Connections that were relayed since the relay was opened. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Bytes that were passed since the relay was opened. */
  passedBytes(direction: Direction): number {
    let sum = this.#passed[direction];
    for (const { ways } of this.#relayed) sum += ways[direction].passedBytes;
    return sum;
  }

  /** Resets every present connection, both ways (closes, over Unix sockets). New ones are relayed as before. */
  cut(): void {
    for (const relayed of this.#relayed) reset(relayed);
  }

  /** Resets the connections when so many more bytes have passed on one of them in a direction. */
  cutAfter(direction: Direction, bytes: number): void {
    for (const relayed of this.#relayed) relayed.ways[direction].limit(bytes, () => this.cut());
  }

  /** Closes new connections at once; present ones live on. */
  refuse(): void {
    this.#admits = false;
  }

  /** Relays new connections again. */
  admit(): void {
    this.#admits = true;
  }

  /** Moves no bytes on the present connections until `resume`: senders get stuck, nothing is lost. */
  stall(direction?: Direction): void {
    this.#setFlow('stalled', direction);
  }

  /** Moves bytes again after `stall`. */
  resume(direction?: Direction): void {
    this.#setFlow('passing', direction);
  }

  /** Drops all that comes on the present connections, ends included, and keeps them up: both sides wait in vain. */
  blackHole(): void {
    this.#setFlow('swallowing');
  }

  /** Ends one direction of the present connections; the other goes on. */
  halfClose(direction: Direction): void {
    for (const { ways } of this.#relayed) ways[direction].end();
  }

  /** Ends the relay and its connections. Idempotent. */
  async close(): Promise<void> {
    this.cut();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
    if (this.#ownPath === undefined || !('path' in this.#target)) return;
    // A domus that is gone may have taken its file along.
    await rename(this.#target.path, this.#ownPath).catch(() => {});
  }

  async #listen(place: Place): Promise<this> {
    await once(this.#server.listen(place), 'listening');
    return this;
  }

  #setFlow(flow: Flow, direction?: Direction): void {
    for (const { ways } of this.#relayed) {
      if (direction !== 'out') ways.in.flow = flow;
      if (direction !== 'in') ways.out.flow = flow;
    }
  }

  #accept(dialler: Socket): void {
    if (!this.#admits) {
      dialler.destroy();
      return;
    }
    this.#accepted++;
    const domus = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    const ways = { in: new OneWay(dialler, domus), out: new OneWay(domus, dialler) };
    const relayed: Relayed = { sockets: [dialler, domus], ways };
    this.#relayed.add(relayed);
    for (const socket of relayed.sockets) {
      socket.on('error', () => {
        if (!isBlackHole(relayed)) reset(relayed);
      });
      socket.on('close', () => this.#closed(relayed));
    }
  }

  #closed(relayed: Relayed): void {
    if (!relayed.sockets.every((socket) => socket.closed)) return;
    if (!this.#relayed.delete(relayed)) return;
    this.#passed.in += relayed.ways.in.passedBytes;
    this.#passed.out += relayed.ways.out.passedBytes;
  }
}

function isBlackHole({ ways }: Relayed): boolean {
  return ways.in.flow === 'swallowing' && ways.out.flow === 'swallowing';
}

function reset({ sockets }: Relayed): void {
  for (const socket of sockets) {
    // Only a connected TCP socket has a family, and only that can be reset. One whose end waits behind unwritten bytes cannot:
    // Node refuses, never closes it, and spins when the process ends.
    const isEnding = socket.writableEnded && !socket.writableFinished;
    if (socket.remoteFamily === undefined || isEnding) socket.destroy();
    else socket.resetAndDestroy();
  }
}
