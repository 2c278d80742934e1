/**
 * The narrow port through which A2 sees A1 (a2-services): send to a taberna at a given peer, receive with the
 * authenticated peer, know who is connected, clock and random numbers. Never a socket.
 *
 * 1. Exactly one of a waiter's two methods is called, once, and never from inside `send` unless the send was refused.
 * 2. What a receiver is given of a message lives for the length of the call: who keeps bytes copies them.
 * 3. A request that no receiver decides in its call may be decided later, once.
 */
import type { Clock, SendFailure, SendWaiter, Tier } from '@flaminia/delivery-a1/internal';
import type { DomusAddr } from '@flaminia/transport-a0';
import type { Caller } from './authorization/caller.ts';

export type { Clock, SendFailure, SendWaiter, Tier };

/** The id of a taberna, its 64 bits as two halves. */
export interface TabernaKey {
  readonly idHi: number;
  readonly idLo: number;
}

/** A message on its way out. */
export interface PortMessage {
  /** Canonical address of the domus that it is for; the own one is allowed. */
  readonly to: DomusAddr;
  /** Which lane it takes: gossip and health are `a2`, procedures `a3`. */
  readonly tier: Tier;
  readonly taberna: TabernaKey;
  readonly type: number;
  /** Belongs to the port until the waiter is told. */
  readonly payload: Uint8Array;
  /** A time of the port's clock. */
  readonly deadline: number;
  /** A full lane: wait for room in order, or fail at once. */
  readonly wait: boolean;
}

/** A message that has come in, with the right to answer it once. */
export interface PortRequest {
  readonly from: DomusAddr;
  readonly type: number;
  /** Lives for the length of the receiver's call. */
  readonly payload: Uint8Array;
  /** Who sent it, as its certificate says. */
  caller(): Caller;
  /** False where the answer can no longer count: given before, or the session has ended. */
  accept(): boolean;
  /** Refuses; the sender's send fails with `remote-taberna-rejected` and this text. False as `accept` tells it. */
  reject(text: string): boolean;
}

/** A taberna that is registered at the port. */
export interface PortTaberna {
  /** What still waits is refused with `taberna-shutdown`. Idempotent. */
  close(): void;
}

/** What happens to the session with a peer. */
export type PeerEvent =
  /** A connection is up. `fresh`: the session is new, so nothing of an older one is under way any more. */
  | { readonly kind: 'up'; readonly address: DomusAddr; readonly fresh: boolean }
  /** The last connection was lost; the session may come back, and what is under way with it. */
  | { readonly kind: 'lost'; readonly address: DomusAddr }
  /** Could not be dialled; A1 tries again as long as there is work. */
  | { readonly kind: 'dial-failed'; readonly address: DomusAddr; readonly error: unknown }
  /** The session has ended, or the peer has started anew: nothing that was under way will be answered. */
  | { readonly kind: 'ended'; readonly address: DomusAddr };

export interface Port {
  /** The own canonical address. */
  readonly address: DomusAddr;
  readonly clock: Clock;
  /** Who this domus itself is. */
  self(): Caller;
  /** The time of this turn, in milliseconds of the port's clock. */
  now(): number;
  /** A random u32. */
  random(): number;
  send(message: PortMessage, waiter: SendWaiter): void;
  /** Registers a taberna; throws `taberna-already-registered`. */
  register(taberna: TabernaKey, receive: (request: PortRequest) => void): PortTaberna;
  /** Tells of sessions from now on; the result ends that. */
  onPeer(listener: (event: PeerEvent) => void): () => void;
  /** Ends the session with a peer in an orderly way, whatever is under way. */
  closePeer(address: DomusAddr): void;
}
