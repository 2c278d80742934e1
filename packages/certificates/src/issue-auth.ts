/** `issueAuth`: a leaf from an authority at hand, for tests and for programs that issue certificates. */
import { type DomusAddr, type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { type Authority, openAuthority } from './authority.ts';
import type { AlternativeName } from './extension.ts';
import { checkKeyAlgorithm, type KeyAlgorithm } from './key.ts';
import { issueLeaf, type PemMaterial } from './leaf.ts';
import { checkExtraNames, checkLeafAddress, checkName, checkNodeId, checkTtl } from './limits.ts';

/** Options of {@link issueAuth}. */
export interface IssueAuthOptions {
  /** Who issues. Its self-signed root becomes the CA of the material. */
  readonly ca: Authority;
  /** Common name of the leaf, by which peers know this domus (node): 1 to 64 characters. */
  readonly nodeId: string;
  /** Organisational unit of the leaf: 1 to 64 characters. Default: none. */
  readonly nodeType?: string;
  /** Lifetime in milliseconds, one second to 100 years; it ends no later than the authority's. Default 90 days. */
  readonly ttlMs?: number;
  /** Alternative names beside those of the address, for other software that reads the certificate. */
  readonly extraSans?: readonly AlternativeName[];
  /** Kind of the new key. Default `P-256`. */
  readonly algorithm?: KeyAlgorithm;
  /** Version of the PKCS#8 that holds the key. 2 is for an Ed25519 key that a Rust domus on Unix sockets loads. Default 1. */
  readonly pkcs8?: 1 | 2;
}

const NAMES: OptionNames<IssueAuthOptions> = {
  ca: true,
  nodeId: true,
  nodeType: true,
  ttlMs: true,
  extraSans: true,
  algorithm: true,
  pkcs8: true,
};

const DEFAULT_TTL_MS = 90 * 86_400_000;

/**
 * Gives a function that issues a leaf for an address, to be passed to `Domus.open` as `auth` (domus-api; a0-transport,
 * auth material). Each call makes a new key. Throws `invalid-config` at once for an option out of its range or an
 * authority whose parts do not belong together; the function, for an address that no leaf can name and for an authority
 * that has expired.
 */
export function issueAuth(options: IssueAuthOptions): (address: DomusAddr) => Promise<PemMaterial> {
  const {
    ca,
    nodeId,
    nodeType,
    ttlMs = DEFAULT_TTL_MS,
    extraSans = [],
    algorithm = 'P-256',
    pkcs8 = 1,
  } = optionsOf('issueAuth', options, NAMES);
  checkNodeId(nodeId);
  if (nodeType !== undefined) checkName('nodeType', nodeType);
  checkTtl(ttlMs);
  checkExtraNames(extraSans);
  checkKeyAlgorithm(algorithm);
  if (pkcs8 !== 1 && !(pkcs8 === 2 && algorithm === 'Ed25519')) {
    throw outOfRange('pkcs8', '1, or 2 for an Ed25519 key', pkcs8);
  }
  const authority = openAuthority(ca, 'ca');
  return async (address) => {
    const { text } = checkLeafAddress(address);
    const now = Date.now();
    return issueLeaf(authority, { address: text, nodeId, nodeType, ttlMs, extraSans, algorithm, pkcs8, now });
  };
}
