/** What the machine of the topology is given and what it tells its host. The host never calls back from inside these. */
import type { MessageType } from './message-types.ts';
import type { NodeRecord, RecordRefusal } from './record.ts';
import type { RecordParts } from './record-codec.ts';

/** What has happened to a node in the view of this one. */
export type TopologyEvent =
  | { readonly kind: 'joined'; readonly node: NodeRecord }
  /** Its record is another one; `previous` is what it was. */
  | { readonly kind: 'changed'; readonly node: NodeRecord; readonly previous: NodeRecord }
  /** It did not answer, and may be dead; it is still offered. */
  | { readonly kind: 'suspect'; readonly node: NodeRecord; readonly claimer: string }
  /** It has shown that it lives. */
  | { readonly kind: 'trusted'; readonly node: NodeRecord }
  /** It was declared dead. */
  | { readonly kind: 'dead'; readonly node: NodeRecord; readonly claimer: string }
  /** It has left of its own will. */
  | { readonly kind: 'left'; readonly node: NodeRecord }
  /** Its tombstone has been dropped. */
  | { readonly kind: 'forgotten'; readonly node: NodeRecord }
  /** Two certificates, or two lives, use one node id. `node` counts, `other` does not. */
  | { readonly kind: 'clash'; readonly node: NodeRecord; readonly other: NodeRecord }
  /** A record that `peer` told was refused. */
  | {
      readonly kind: 'refused';
      readonly peer: string;
      readonly reason: RecordRefusal;
      readonly nodeId: string | undefined;
    };

export interface TopologySink {
  /** Sends a message to the topology at an address, and settles `token` no later than a little after the deadline. */
  send(to: string, type: MessageType, payload: Uint8Array, deadline: number, token: number): void;
  event(event: TopologyEvent): void;
  /** The topology needs no session with this peer at present. */
  release(address: string): void;
}

/** Says whether a record is its owner's. */
export interface RecordVerifier {
  /** Looks at signature, chain and identity. `wallNow`: epoch milliseconds. */
  verify(parts: RecordParts, wallNow: number): RecordVerdict;
}

export type RecordVerdict =
  | { readonly kind: 'valid'; readonly validFromMs: number }
  | { readonly kind: 'refused'; readonly reason: 'signature' | 'chain' | 'identity' };

/** Proves that a record is this node's. */
export interface RecordSigner {
  /** A signature over these bytes. */
  sign(bytes: Uint8Array): Uint8Array;
  /** DER, leaf first, without the anchor; empty in an imperium without certificates. */
  readonly chain: readonly Uint8Array[];
  /** Since when the leaf is valid, epoch milliseconds; 0 without certificates. */
  readonly validFromMs: number;
}

/** What the machine draws from the world. */
export interface TopologyWorld {
  /** A random u32. */
  random(): number;
  /** Epoch milliseconds, for incarnations and certificates only. */
  wallNow(): number;
  /** A collision-resistant hash of at least 8 bytes, the same on all nodes: SHA-256. */
  hash(bytes: Uint8Array): Uint8Array;
  readonly verifier: RecordVerifier;
}
