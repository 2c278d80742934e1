/** What a simulated domus tells whoever looks on: the oracle, or the log of a scenario. Nobody who looks on interferes. */
import type {
  CallisKind,
  CoreEvent,
  DomusCore,
  EndManner,
  InboundBlob,
  PeerSession,
  RequestOrigin,
  Taberna,
} from '@flaminia/delivery-a1/internal';
import type { End } from './connection.ts';
import type { Entry } from './entry.ts';

/** The domus (node) that something happens at. */
export interface Watched {
  readonly index: number;
  readonly address: string;
  readonly core: DomusCore;
}

/** A request that a handler has taken. */
export interface Taken {
  readonly origin: RequestOrigin;
  readonly epoch: number;
  readonly id: number;
  readonly msgType: number;
  readonly payload: Uint8Array;
  readonly taberna: Taberna;
  /** The stream that it offers. */
  readonly blob: InboundBlob | undefined;
  /** The ledger's entry, where the sender has one. */
  readonly entry: Entry | undefined;
}

export interface Observer {
  /** A program is about to send. */
  sent(domus: Watched, session: PeerSession | undefined, entry: Entry, wait: boolean): void;
  /** Frames were written at an end: they lie in its outward pipe, from `offset` bytes behind the head. */
  written(end: End, offset: number): void;
  /** The session has nothing more to write now. */
  flushed(domus: Watched, session: PeerSession): void;
  /** The machine has read what arrived at this end. */
  received(end: End): void;
  /** A handler takes a request; returns what the ledger knows of it. */
  taken(
    domus: Watched,
    taberna: Taberna,
    origin: RequestOrigin,
    epoch: number,
    id: number,
    payload: Uint8Array,
  ): Entry | undefined;
  deciding(domus: Watched, taken: Taken, errorId: number): void;
  decided(domus: Watched, taken: Taken, errorId: number, counted: boolean): void;
  /** A session is about to dial. */
  dialling(domus: Watched, session: PeerSession, kind: CallisKind): void;
  /** An inbound connection has become a callis. */
  accepted(domus: Watched, session: PeerSession): void;
  ending(end: End, manner: EndManner): void;
  forgotten(domus: Watched, session: PeerSession): void;
  event(domus: Watched, event: CoreEvent): void;
}
