/**
 * What the oracle remembers of one peer session, beside the machine and independent of it: the order in which sends
 * were made, what each id stands for, and what arrived.
 */
import type { PeerSession } from '@flaminia/delivery-a1/internal';
import type { Connection } from './connection.ts';
import type { Entry } from './entry.ts';
import { IdMap } from './id-map.ts';
import type { ChunkNote, OpenChunk, StreamEntry } from './stream-entry.ts';
import type { PeerDriver } from './virtual-domus.ts';

/** Sends in the order in which they were made; settled ones are skipped when their turn comes. */
export class SendQueue {
  private readonly entries: Entry[] = [];
  private first = 0;

  add(entry: Entry): void {
    this.entries.push(entry);
  }

  /** The oldest send that is pending and was never written. */
  takeNext(): Entry | undefined {
    while (this.first < this.entries.length) {
      const entry = this.entries[this.first++]!;
      if (entry.state === 'pending') return entry;
    }
    return undefined;
  }
}

export class SessionModel {
  readonly fresh: { readonly a2: SendQueue; readonly a3: SendQueue } = { a2: new SendQueue(), a3: new SendQueue() };
  /** Ids that were written in this life of the session; the entry says whether it still counts. */
  readonly written: IdMap<Entry> = new IdMap();
  /** Ids that arrived in this life of the session. */
  readonly arrived: IdMap<Entry> = new IdMap();
  /** The id of the next first transmission; -1 before the first. */
  nextId = -1;
  /** Messages that have arrived, and that nobody has taken or answered, as far as is known. */
  readonly queued: IdMap<Entry> = new IdMap();
  /** Streams of the peer with chunks that must be acked by now. */
  readonly owingStreams: Set<StreamEntry> = new Set();
  /** Streams whose chunks a lost connection has carried. */
  readonly orphanStreams: Set<StreamEntry> = new Set();
  /** Messages whose connection was lost, until they were written again. */
  orphans: Entry[] = [];
  /** Messages of other connections whose answers a lost one took with it, and which time of being written those answered. */
  unheard: { readonly entry: Entry; readonly write: number }[] = [];
  /** The connection that carried the last message. */
  carrier: Connection | undefined = undefined;
  /** Fresh work has left a primary that was still active: from here on order is not promised. */
  mixed = false;
  /** Streams that this side sends, by the id of the message that opened them. */
  readonly streams: IdMap<StreamEntry> = new IdMap();
  /** Ids of chunks that this side has written and the peer has not answered. */
  readonly chunks: IdMap<OpenChunk> = new IdMap();
  /** Ids of chunks that have arrived at this side. */
  readonly arrivedChunks: IdMap<ChunkNote> = new IdMap();
  /** Chunks that were arriving when their callis was lost: their heads may have been judged. */
  readonly brokenChunks: IdMap<ChunkNote> = new IdMap();
  /** Number of the newest entry that a handler has taken, by taberna and lane. */
  readonly newestTaken: Map<number, number> = new Map();
  private epoch: number;

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  /** Forgets what belongs to an earlier life of the session. */
  follow(session: PeerSession): void {
    if (session.epoch === this.epoch) return;
    this.epoch = session.epoch;
    this.written.clear();
    this.arrived.clear();
    this.queued.clear();
    this.orphans = [];
    this.unheard = [];
    this.orphanStreams.clear();
    this.owingStreams.clear();
    this.newestTaken.clear();
    this.streams.clear();
    this.chunks.clear();
    this.arrivedChunks.clear();
    this.brokenChunks.clear();
    this.carrier = undefined;
    this.mixed = false;
  }
}

/** The model of a session, begun if there is none, and brought to the session's present life. */
export function modelOf(session: PeerSession): SessionModel {
  const driver = session.driver as PeerDriver;
  const known = driver.model as SessionModel | undefined;
  if (known === undefined) {
    const model = new SessionModel(session.epoch);
    driver.model = model;
    return model;
  }
  known.follow(session);
  return known;
}
