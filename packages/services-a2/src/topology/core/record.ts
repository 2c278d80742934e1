/** What a node says of itself, and what it is as others hold it (topology, records). */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { HealthState } from '../../health/health-state.ts';

/** A taberna (inbox) that a node announces, so that others find the way to it. */
export interface AnnouncedTaberna {
  /** Its u64 id, as 16 lower-case hexadecimal digits. */
  readonly id: string;
  readonly name: string | undefined;
}

/** The record of a node. Only its owner makes one; whoever holds it can prove that. */
export interface NodeRecord {
  readonly nodeId: string;
  readonly nodeType: string | null;
  readonly address: DomusAddr;
  /** Of two records of a node the one with the higher incarnation counts. Begins with the epoch milliseconds of the start. */
  readonly incarnation: number;
  /** The node has left of its own will. */
  readonly left: boolean;
  readonly health: HealthState;
  /** Each as `service/version`; sorted, without doubles. */
  readonly services: readonly string[];
  /** Sorted by id, without doubles. */
  readonly tabernae: readonly AnnouncedTaberna[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** A record that has been verified, with its bytes as they travel. */
export interface SignedRecord {
  readonly record: NodeRecord;
  /** Body, signature and chain, encoded. */
  readonly bytes: Uint8Array;
  /** Since when the certificate of the signer is valid, in epoch milliseconds; 0 where there are no certificates. */
  readonly validFromMs: number;
  /** The first 8 bytes of the hash of the node id, as 16 hexadecimal digits. */
  readonly key: string;
  /** The first 8 bytes of the hash of `bytes`, as two u32. */
  readonly stampHi: number;
  readonly stampLo: number;
}

/** Why a record was refused. */
export type RecordRefusal =
  /** Not the encoding that the protocol defines. */
  | 'malformed'
  | 'oversized'
  /** The incarnation lies too far ahead of the wall clock. */
  | 'far-future'
  /** The signature is not by the key of the leaf. */
  | 'signature'
  /** The certificate chain is not valid, or leads to no known anchor. */
  | 'chain'
  /** Node id, node type or address are not those of the certificate. */
  | 'identity'
  /** The table holds as many nodes as it may. */
  | 'full'
  /** A later record of its node is held: an old one that still goes round, or is played again. Counted without an event. */
  | 'older'
  /** Another certificate or life uses the same node id, and this one counts less. Has an event of its own. */
  | 'clash';

/** A positive number where `a` counts rather than `b`, 0 where they are the same record. A total order, so tables converge. */
export function compareRecords(a: SignedRecord, b: SignedRecord): number {
  return (
    a.record.incarnation - b.record.incarnation ||
    a.validFromMs - b.validFromMs ||
    a.stampHi - b.stampHi ||
    a.stampLo - b.stampLo
  );
}

/** Whether two records of one node id are of two certificates or lives. */
export function isClash(previous: SignedRecord, next: SignedRecord): boolean {
  return (
    previous.record.address !== next.record.address ||
    (previous.record.incarnation === next.record.incarnation && compareRecords(previous, next) !== 0)
  );
}

/** Whether two records of a node differ in nothing but their incarnation. */
export function sameContent(a: SignedRecord, b: SignedRecord): boolean {
  const content = ({ record }: SignedRecord): string => JSON.stringify({ ...record, incarnation: 0 });
  return content(a) === content(b);
}
