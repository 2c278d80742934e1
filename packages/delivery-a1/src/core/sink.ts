/**
 * Everything that the machine says. A sink or a waiter carries the effects out; it never calls back into the machine
 * from inside such a call, and it never throws.
 *
 * Order of calling for a driver: feed inputs (`bytesIn`, `send`, `tick` ...), then run the requests of the announced
 * tabernae and the programs of the announced blob streams, then `pollWrite` the calles of the sessions that were announced by `wantsWrite`, then arm the timer at
 * `nextDeadline()`.
 */

/** The lane of a response or message, as reports name it. */
export type LaneName = 'ack' | 'error' | 'a2' | 'a3';

/** Why a callis or a peer ended; stable labels. */
export type EndReason =
  | 'closed-by-peer'
  | 'closed-locally'
  | 'connection-lost'
  | 'connect-timeout'
  | 'protocol-violation'
  | 'replaced'
  | 'refused'
  | 'session-restarted'
  | 'silent'
  | 'unreachable'
  | 'write-stalled';

/** What a callis is for: messages, or the bytes of blob streams. */
export type CallisKind = 'primary' | 'blob';

/** How a stream is to end: `finish` writes what is queued and ends the own direction; `destroy` drops everything. */
export type EndManner = 'finish' | 'destroy';

/** Things worth reporting; the layer above adds the time and puts them into its feeds. */
export type CoreEvent =
  | { readonly kind: 'peer-connected'; readonly address: string; readonly freshSession: boolean }
  | { readonly kind: 'peer-disconnected'; readonly address: string; readonly reason: EndReason }
  | {
      readonly kind: 'peer-dial-failed';
      readonly address: string;
      readonly callis: CallisKind;
      readonly error: unknown;
    }
  | { readonly kind: 'primary-callis-connected'; readonly address: string; readonly dialled: boolean }
  | {
      readonly kind: 'primary-callis-disconnected';
      readonly address: string;
      readonly reason: EndReason;
      /** What exactly, for people; empty where the reason says it all. */
      readonly detail: string;
    }
  | {
      readonly kind: 'blob-callis-connected';
      readonly address: string;
      readonly dialled: boolean;
      /** The numbers that were agreed. */
      readonly chunkBytes: number;
      readonly window: number;
    }
  | {
      readonly kind: 'blob-callis-disconnected';
      readonly address: string;
      readonly reason: EndReason;
      readonly detail: string;
    }
  | { readonly kind: 'peer-session-restarted'; readonly address: string }
  /** A callis is about to end for this; it may not have been active. */
  | { readonly kind: 'protocol-violation'; readonly address: string; readonly detail: string }
  | {
      readonly kind: 'backpressure-triggered';
      readonly address: string;
      /** The halves of the taberna's id. */
      readonly tabernaHi: number;
      readonly tabernaLo: number;
    }
  | {
      readonly kind: 'outbound-queue-overrun';
      readonly address: string;
      readonly tier: LaneName;
      readonly limit: number;
      /** Type of the message that found no room; 0 for responses. */
      readonly msgType: number;
    }
  /** A record for the rate-limited log (a1-wire, log ids). */
  | { readonly kind: 'limited-log'; readonly id: number; readonly address: string };

/**
 * What a sink is given: the session, callis or taberna itself. A driver declares these parameters with their own types
 * (`PeerSession`, `Callis`, `Taberna`); here stands only what keeps this file free of them.
 */
export interface Driven {
  /** For the driver: whatever it keeps for this object. */
  driver: unknown;
}

export interface Announced {
  announced: boolean;
}

export interface CoreSink {
  /** Begin to dial the peer: A0, then `dialled` or `dialFailed`. At most one dial per peer and kind is under way. */
  dial(peer: Driven, kind: CallisKind): void;
  /** Give up the dial under way; its outcome is not wanted any more. */
  cancelDial(peer: Driven, kind: CallisKind): void;
  /** End the stream of a callis: `destroy` is told once, `finish` at most once before it. */
  endCallis(callis: Driven, manner: EndManner): void;
  /** Something waits to be written to this peer. Told once until the next flush begins. */
  wantsWrite(peer: Driven): void;
  /** Requests have arrived. Told once until the driver clears `announced`. */
  arrived(taberna: Announced): void;
  /** A blob stream can be written or read further, or is over. Told once until the driver clears `announced`. */
  blobMoved(blob: Announced): void;
  /** Nothing is left of this peer. */
  forgotten(peer: Driven): void;
  event(event: CoreEvent): void;
}
