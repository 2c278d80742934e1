/** Who the other end of an authenticated stream is, as its certificate says. */
import type { X509Certificate } from 'node:crypto';
import type { DomusAddr } from './address.ts';

/** The verified identity of a peer: the address that A0 proved, and the leaf certificate that it presented. */
export interface PeerIdentity {
  readonly address: DomusAddr;
  /** The leaf; undefined only for the in-memory backend of tests, which has no certificates. */
  readonly certificate: X509Certificate | undefined;
  /** Subject CN of the leaf, null where there is none. */
  readonly nodeId: string | null;
  /** Subject OU of the leaf, null where there is none. */
  readonly nodeType: string | null;
}
