/**
 * The virtual network: routes between parties, A0 as three delays, connections and their faults. Owns every byte in
 * flight and the table of connections.
 *
 * 1. Order within a connection is kept; reordering exists only between connections.
 * 2. A closed route (partition, black hole) holds what travels on it and loses nothing; opening it again goes on.
 * 3. A connection ends for each end by itself: one may know of it long before the other.
 * 4. Bytes for an end that is closed are answered by a reset, as TCP does.
 */
import type { Agenda } from './agenda.ts';
import { Connection, type End, type Party } from './connection.ts';
import type { Pipe } from './pipe.ts';
import type { Random } from './random.ts';

/** Codes of the events of the network on the agenda. */
export const A0_STEP = 1;
export const PIPE_DUE = 2;
export const DRAINED = 3;

/** How bytes travel from one party to another. Times are microseconds. */
export interface Route {
  latencyLeast: number;
  latencyMost: number;
  /** Bytes per microsecond. */
  bandwidth: number;
  /** Bytes that arrive at once: a number between these two, if there are so many. */
  pieceLeast: number;
  pieceMost: number;
  /** Bytes in flight from which on the writer is blocked. */
  capacity: number;
  open: boolean;
}

/** A dial on its way through A0. */
export interface Attempt {
  readonly by: Party;
  readonly to: number;
  /** When it began. */
  readonly began: number;
  /** The dialler has given up. */
  cancelled: boolean;
  connection: Connection | undefined;
  challenge: number;
  readonly done: (end: End | undefined, why: string) => void;
}

/** What the network needs around it. */
export interface NetworkHost {
  readonly time: number;
  readonly agenda: Agenda;
  readonly random: Random;
  /** Who listens now at this place; undefined where nobody does. */
  partyAt(index: number): Party | undefined;
}

/** What a real network would do by chance. */
export interface Chances {
  /** Of a hundred dials, so many fail in A0. */
  a0Failure: number;
  /** What was in flight when an end was destroyed: all of it still arrives, or only a part of random length. */
  keepsInFlight: boolean;
}

/** How often a dial over a closed route looks again. */
const RETRY_MICROS = 20_000;

export class Network {
  /** Those that are not over for both ends, in the order of their ids. */
  readonly connections: Connection[] = [];
  readonly routes: Route[] = [];
  readonly chances: Chances = { a0Failure: 0, keepsInFlight: true };
  /** Chunks lie in ArrayBuffers of their own, as they do in the shell: streams look at what a kept chunk would keep alive. */
  chunksAlone = true;
  private readonly host: NetworkHost;
  private readonly parties: number;
  private readonly attempts: (Attempt | undefined)[] = [];
  private readonly byId: (Connection | undefined)[] = [];

  constructor(host: NetworkHost, parties: number, route: Route) {
    this.host = host;
    this.parties = parties;
    for (let i = 0; i < parties * parties; i++) this.routes.push({ ...route });
  }

  route(from: number, to: number): Route {
    return this.routes[from * this.parties + to]!;
  }

  /** The connection of this id, unless it is over for both ends. */
  connection(id: number): Connection | undefined {
    return this.byId[id];
  }

  /** Opens or closes the way in one direction. */
  setOpen(from: number, to: number, open: boolean): void {
    const route = this.route(from, to);
    if (route.open === open) return;
    route.open = open;
    if (!open) return;
    for (const connection of this.connections) {
      for (const end of connection.ends) {
        if (end.party.index === from && end.other.party.index === to) this.schedule(end.outward);
      }
    }
  }

  // --- A0 --------------------------------------------------------------------------------------------------------

  /** Dials; `done` is told the own end, or undefined and why, unless the attempt is cancelled before. */
  dial(by: Party, to: number, done: Attempt['done']): Attempt {
    const attempt: Attempt = {
      by,
      to,
      began: this.host.time,
      cancelled: false,
      connection: undefined,
      challenge: 0,
      done,
    };
    this.attempts.push(attempt);
    this.step(this.attempts.length - 1, 0, this.latency(by.index, to));
    return attempt;
  }

  private step(attempt: number, stage: number, delay: number): void {
    this.host.agenda.add(this.host.time + delay, A0_STEP, attempt, stage);
  }

  /** Carries an event out. */
  handle(code: number, a: number, b: number): void {
    if (code === A0_STEP) this.a0(a, b);
    else if (code === PIPE_DUE) this.pipeDue(a, b);
    else this.drained(a, b);
  }

  /** Stages: 0 reaches the listener, 1 the callback has come back and the listener is content, 2 the dialler knows. */
  private a0(index: number, stage: number): void {
    const attempt = this.attempts[index];
    if (attempt === undefined) return;
    const { by, to } = attempt;
    if (attempt.cancelled || !by.isUp) {
      this.abandon(index, attempt);
      return;
    }
    if (by.pausedUntil > this.host.time) {
      this.host.agenda.add(by.pausedUntil, A0_STEP, index, stage);
      return;
    }
    const listener = stage === 2 ? undefined : this.host.partyAt(to);
    if (listener !== undefined && listener.pausedUntil > this.host.time) {
      // What lies in its sockets is read before the handshake, which takes round trips, comes so far.
      const roundTrip = this.latency(by.index, to) + this.latency(to, by.index);
      this.host.agenda.add(listener.pausedUntil + roundTrip, A0_STEP, index, stage);
      return;
    }
    // The callback and the answers need the way back too.
    const reachable = this.route(by.index, to).open && (stage === 0 || this.route(to, by.index).open);
    if (!reachable) this.step(index, stage, RETRY_MICROS);
    else if (stage === 0) this.challenge(index, attempt);
    else if (stage === 1) this.admit(index, attempt);
    else this.conclude(index, attempt);
  }

  private challenge(index: number, attempt: Attempt): void {
    const party = this.host.partyAt(attempt.to);
    if (party === undefined || this.host.random.chance(this.chances.a0Failure)) {
      this.attempts[index] = undefined;
      attempt.done(undefined, party === undefined ? 'connection refused' : 'A0 failed');
      return;
    }
    attempt.challenge = party.nextChallenge();
    attempt.connection = new Connection(this.byId.length, attempt.by, party);
    this.connections.push(attempt.connection);
    this.byId.push(attempt.connection);
    this.step(index, 1, this.latency(attempt.to, attempt.by.index) + this.latency(attempt.by.index, attempt.to));
  }

  private admit(index: number, attempt: Attempt): void {
    const { listener } = attempt.connection!;
    if (!listener.party.isUp || !listener.party.isListening) {
      this.attempts[index] = undefined;
      this.forget(attempt.connection!);
      attempt.done(undefined, 'connection reset during A0');
      return;
    }
    this.step(index, 2, this.latency(attempt.to, attempt.by.index));
    listener.party.accept(listener, attempt.challenge, attempt.by.address);
  }

  private conclude(index: number, attempt: Attempt): void {
    this.attempts[index] = undefined;
    attempt.done(attempt.connection!.dialler, '');
    if (attempt.connection!.dialler.closed) return;
    this.schedule(attempt.connection!.dialler.inward);
  }

  private abandon(index: number, attempt: Attempt): void {
    this.attempts[index] = undefined;
    if (attempt.connection !== undefined) this.destroy(attempt.connection.dialler);
  }

  /** A machine that had vanished runs again: it resets what it knows nothing of. */
  comeBack(index: number): void {
    for (const connection of this.connections) {
      for (const end of connection.ends) {
        if (!end.vanished || end.party.index !== index) continue;
        end.vanished = false;
        end.closed = true;
        this.schedule(end.inward);
      }
    }
  }

  /** The operating system gives a connection up: both ends learn at once, whatever the routes say. */
  giveUp(connection: Connection): void {
    for (const end of connection.ends) {
      if (end.closed || !end.party.isUp || !end.joined) end.closed = true;
      else end.party.ended(end, 'connection timed out');
    }
    this.drop(connection);
  }

  // --- bytes -----------------------------------------------------------------------------------------------------

  /** Puts the first `length` bytes of `bytes` on their way. */
  write(end: End, bytes: Uint8Array, length: number = bytes.length): void {
    const pipe = end.outward;
    end.writtenAt = this.host.time;
    if (end.closed || pipe.ending !== 'none') return;
    const route = this.route(end.party.index, end.other.party.index);
    const arrival = this.host.time + this.latency(end.party.index, end.other.party.index);
    pipe.write(bytes, length, Math.ceil(Math.max(arrival, pipe.lastArrival) + length / route.bandwidth));
    this.schedule(pipe);
  }

  /** Is so much in flight that the writer should wait? It is told `drained` later. */
  isFull(end: End): boolean {
    const { outward } = end;
    if (outward.inFlight <= this.route(end.party.index, end.other.party.index).capacity) return false;
    if (!outward.isBlocked) end.blockedAt = this.host.time;
    outward.isBlocked = true;
    return true;
  }

  /** Ends the own direction behind what was written. */
  finish(end: End): void {
    if (end.outward.ending !== 'none') return;
    end.outward.ending = 'orderly';
    this.delayEnd(end);
  }

  /** Ends both directions for this end at once; the other end learns of it behind what still arrives. */
  destroy(end: End): void {
    if (end.closed) return;
    end.closed = true;
    end.inward.unread = true;
    this.breakOutward(end);
  }

  /** The way from this end is cut: part of what is in flight arrives, then a reset. */
  breakOutward(end: End): void {
    const { outward } = end;
    if (outward.ending === 'reset') return;
    if (!this.chances.keepsInFlight) outward.truncate(this.host.random.below(outward.inFlight + 1));
    outward.ending = 'reset';
    this.delayEnd(end);
  }

  private delayEnd(end: End): void {
    const { outward } = end;
    const arrival = this.host.time + this.latency(end.party.index, end.other.party.index);
    outward.lastArrival = Math.max(outward.lastArrival, arrival);
    this.schedule(outward);
  }

  /** Makes sure that an event looks at the pipe when its next bytes may arrive. */
  private schedule(pipe: Pipe<End>, notBefore = 0): void {
    if (pipe.scheduled) return;
    const arrival = pipe.nextArrival;
    if (arrival === Number.POSITIVE_INFINITY) return;
    pipe.scheduled = true;
    const { id } = pipe.to.connection;
    const time = Math.max(arrival, notBefore, this.host.time);
    this.host.agenda.add(time, PIPE_DUE, id, pipe.to.isDialler ? 1 : 0);
  }

  private pipeDue(id: number, toDialler: number): void {
    const connection = this.byId[id];
    if (connection === undefined) return;
    const end = toDialler === 1 ? connection.dialler : connection.listener;
    const pipe = end.inward;
    pipe.scheduled = false;
    if (!this.route(end.other.party.index, end.party.index).open || pipe.dark || end.vanished) return;
    if (end.closed || !end.party.isUp) {
      this.dropAtClosed(end, pipe);
      return;
    }
    if (!end.joined) return;
    const readsAgain = Math.max(end.party.pausedUntil, pipe.stalledUntil);
    if (readsAgain > this.host.time) {
      this.schedule(pipe, readsAgain);
      return;
    }
    this.arrive(end, pipe);
  }

  private arrive(end: End, pipe: Pipe<End>): void {
    const route = this.route(end.other.party.index, end.party.index);
    const { pieceLeast, pieceMost } = route;
    const most = pieceLeast === pieceMost ? pieceMost : this.host.random.skewed(pieceLeast, pieceMost);
    const chunk = pipe.take(this.host.time, most, this.chunksAlone);
    if (chunk.length > 0) {
      end.longestGap = Math.max(end.longestGap, this.host.time - Math.max(end.readAt, end.joinedAt));
      end.readAt = this.host.time;
      end.party.bytes(end, chunk);
    }
    if (chunk.length === 0 && pipe.ending !== 'none' && pipe.inFlight === 0 && !pipe.ended) this.tellEnd(end, pipe);
    this.tellDrained(end.other, pipe);
    this.schedule(pipe);
  }

  private tellEnd(end: End, pipe: Pipe<End>): void {
    pipe.ended = true;
    end.party.ended(end, pipe.ending === 'orderly' ? 'the peer ended the connection' : 'connection reset');
    this.forget(end.connection);
  }

  private tellDrained(writer: End, pipe: Pipe<End>): void {
    if (!pipe.isBlocked || writer.closed) return;
    const { capacity } = this.route(writer.party.index, pipe.to.party.index);
    if (pipe.inFlight * 2 > capacity) return;
    pipe.isBlocked = false;
    this.host.agenda.add(this.host.time, DRAINED, writer.connection.id, writer.isDialler ? 1 : 0);
  }

  private drained(id: number, ofDialler: number): void {
    const connection = this.byId[id];
    if (connection === undefined) return;
    const end = ofDialler === 1 ? connection.dialler : connection.listener;
    if (end.closed || !end.party.isUp) return;
    if (end.party.pausedUntil > this.host.time) this.host.agenda.add(end.party.pausedUntil, DRAINED, id, ofDialler);
    else if (!end.outward.isBlocked) {
      end.drainedAt = this.host.time;
      end.party.drained(end);
    }
  }

  /** Nobody reads there any more: the bytes vanish, and the writer learns of it by a reset. */
  private dropAtClosed(end: End, pipe: Pipe<End>): void {
    pipe.truncate(0);
    if (!pipe.ended && pipe.ending !== 'none') pipe.ended = true;
    end.closed = true;
    this.breakOutward(end);
    this.forget(end.connection);
  }

  private latency(from: number, to: number): number {
    const { latencyLeast, latencyMost } = this.route(from, to);
    return latencyLeast === latencyMost ? latencyLeast : this.host.random.between(latencyLeast, latencyMost);
  }

  /** Drops the record of a connection that is over for both ends. */
  private forget(connection: Connection): void {
    if (connection.dialler.party.isUp && !connection.dialler.closed) return;
    if (connection.listener.party.isUp && !connection.listener.closed) return;
    this.drop(connection);
  }

  private drop(connection: Connection): void {
    if (this.byId[connection.id] === undefined) return;
    this.byId[connection.id] = undefined;
    this.connections.splice(this.connections.indexOf(connection), 1);
  }
}
