/** What the nodes of the simulated network and the network itself know of each other. */
import type { Failure } from '../../src/topology/core/outbox.ts';
import type { TopologySettings } from '../../src/topology/core/settings.ts';

/** What A1 and TCP add to a payload: frame, TLS record, headers of TCP and IP, and the acceptance on its way back. */
export const OVERHEAD_BYTES = 180;
/** The wall clock at virtual time 0. */
export const EPOCH_MS = 1_700_000_000_000;

/** How a message fared. */
export type SimOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly text: string };

/** The network, as a node sees it. */
export interface SimWorld {
  readonly now: number;
  readonly settings: TopologySettings;
  random(): number;
  at(time: number, run: () => void): void;
  carry(from: SimSender, to: string, type: number, payload: Uint8Array, deadline: number, token: number): void;
}

/** A node, as the network sees it. */
export interface SimSender {
  readonly address: string;
  sentMessages: number;
  sentBytes: number;
  whenAwake(kind: 'timer' | 'message', run: () => void): void;
  answered(token: number, outcome: SimOutcome): void;
  failed(token: number, failure: Failure, text: string): void;
}
