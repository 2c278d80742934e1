/**
 * The certificates and the key of a domus: parsed, checked to belong together, and kept for both transports
 * (a0-transport, auth material).
 */
import type { KeyObject, X509Certificate } from 'node:crypto';
import type { DomusAddr } from './address.ts';

/** What an application gives: each part as PEM text, PEM bytes or DER bytes; `ca` and `cert` may be lists of DER or PEM. */
export interface Pkcs8AuthConfig {
  /** The certificate authorities that peers are judged by. At least one is self-signed. */
  readonly ca: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The own certificate chain, leaf first. */
  readonly cert: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The private key of the leaf, PKCS#8 version 1 or 2. */
  readonly key: string | Uint8Array;
}

/** Checked material. Immutable; rotation replaces the whole object, so that a handshake ends with what it began with. */
export interface AuthMaterial {
  /** The address that the leaf names. */
  readonly address: DomusAddr;
  /** All certificates of the CA set; the self-signed ones are the anchors. */
  readonly ca: readonly X509Certificate[];
  /** The own chain, leaf first; never empty. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  readonly key: KeyObject;
}
