/** Judging the certificates that a peer presents on a Unix socket, where no TLS has done so. */
import type { X509Certificate } from 'node:crypto';
import { unixAddress } from './address.ts';
import type { AuthMaterial } from './auth-material.ts';
import { validateChain } from './chain-validator.ts';
import { DomusError } from './domus-error.ts';
import { addressOfLeaf } from './identity.ts';
import { parseCertificate } from './parse-certificate.ts';

/** What a peer claims. */
export interface UnixClaim {
  /** The path that it calls its own. */
  readonly origin: string;
  /** DER, leaf first. */
  readonly certificates: readonly Buffer[];
}

/**
 * The leaf of a peer, once its chain holds and names the claimed path. That the peer has the key of the leaf is not
 * known yet. Throws `protocol-violation` otherwise.
 */
export function judgeUnixPeer(
  { origin, certificates }: UnixClaim,
  { ca }: AuthMaterial,
  nowMs: number,
): X509Certificate {
  const [leaf, ...rest] = certificates.map(parseCertificate);
  if (leaf === undefined) throw new Error('the codec let an empty chain pass');
  const verdict = validateChain({ chain: [leaf, ...rest], ca, nowMs });
  if (verdict.kind === 'refused') throw refused(verdict.reason, `the chain is refused: ${verdict.text}`);
  const named = addressOfLeaf(leaf, 'unix');
  if (named === unixAddress(origin)) return leaf;
  throw refused('other-address', `the certificate names ${named}, but its owner claims ${JSON.stringify(origin)}`);
}

function refused(detail: string, message: string): DomusError {
  return new DomusError('protocol-violation', message, { detail });
}
