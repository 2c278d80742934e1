/**
 * Certificate authorities: roots and intermediates that issue the leaves of an imperium (fabric).
 *
 * An authority is plain data, so that an issuer keeps it wherever it keeps secrets: PEM texts and a KeyObject, which
 * `inspect`, JSON and logs do not show. `{ certificates: [pem], key: createPrivateKey(pem) }` makes one from files.
 */
import { KeyObject, X509Certificate } from 'node:crypto';
import { DomusError, type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import { issueCertificate } from './certificate.ts';
import type { Issuer } from './certificate-request.ts';
import { checkKeyAlgorithm, type KeyAlgorithm } from './key.ts';
import { checkName, checkTtl } from './limits.ts';
import { authorityExtensions, validity } from './profile.ts';

/** A certificate authority with its private key. */
export interface Authority {
  /** PEM, one certificate each: the authority's own, then that of whoever issued it, up to the self-signed root. */
  readonly certificates: readonly [string, ...string[]];
  readonly key: KeyObject;
}

/** Options of {@link createAuthority}. */
export interface AuthorityOptions {
  /** Common name, 1 to 64 characters. Default `Flaminia authority`. */
  readonly name?: string;
  /** Kind of the new key. Default `P-256`. */
  readonly algorithm?: KeyAlgorithm;
  /** Lifetime in milliseconds, one second to 100 years; it ends no later than the parent's. Default ten years. */
  readonly ttlMs?: number;
  /** Issues the new authority, which then is an intermediate. Default: a root, which issues itself. */
  readonly parent?: Authority;
  /** Most authorities in a chain between this one and a leaf, 0 to 15. Default: no bound of its own. */
  readonly pathLength?: number;
}

/** An authority taken apart: what signs, and what a verifier needs to get from there to the root. */
export interface OpenedAuthority {
  readonly issuer: Issuer;
  /** The authority's own certificate first, the root last. */
  readonly chain: readonly X509Certificate[];
}

const NAMES: OptionNames<AuthorityOptions> = {
  name: true,
  algorithm: true,
  ttlMs: true,
  parent: true,
  pathLength: true,
};

const DEFAULT_TTL_MS = 3650 * 86_400_000;
const PATH_LENGTH_MAX = 15;

/**
 * Makes a certificate authority. Throws `invalid-config` for a value out of its range, for a parent whose parts do not
 * belong together or which has expired, and for one whose path length allows no authority below it.
 */
export async function createAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const {
    name = 'Flaminia authority',
    algorithm = 'P-256',
    ttlMs = DEFAULT_TTL_MS,
    pathLength,
  } = optionsOf('createAuthority', options, NAMES);
  checkName('name', name);
  checkKeyAlgorithm(algorithm);
  checkTtl(ttlMs);
  if (pathLength !== undefined && !(Number.isInteger(pathLength) && pathLength >= 0 && pathLength <= PATH_LENGTH_MAX)) {
    throw outOfRange('pathLength', `a whole number, 0 to ${PATH_LENGTH_MAX}`, pathLength);
  }
  const parent = options.parent === undefined ? undefined : openAuthority(options.parent, 'parent');
  if (parent !== undefined) await checkPathLength(parent);
  const issued = await issueCertificate({
    subject: [{ type: 'CN', value: name }],
    key: algorithm,
    ...(parent === undefined ? {} : { issuer: parent.issuer }),
    ...validity(Date.now(), ttlMs, parent?.issuer.certificate),
    extensions: authorityExtensions(pathLength === undefined ? {} : { pathLength }),
  });
  return { certificates: [issued.certificatePem, ...(options.parent?.certificates ?? [])], key: issued.key };
}

/** Checks that the parts of an authority belong together. `field` names it in errors. */
export function openAuthority(authority: Authority, field: string): OpenedAuthority {
  const { certificates, key } = (authority ?? {}) as Partial<Authority>;
  if (!Array.isArray(certificates)) throw outOfRange(`${field}.certificates`, 'a list of PEM texts', certificates);
  if (!(key instanceof KeyObject))
    throw outOfRange(`${field}.key`, 'a KeyObject, as createPrivateKey makes one', typeof key);
  if (key.type !== 'private') throw outOfRange(`${field}.key`, 'a private key', key.type);
  const chain = (certificates as readonly string[]).map((pem, index) =>
    parseCertificate(pem, `${field}.certificates[${index}]`),
  );
  const own = chain[0];
  if (own === undefined) throw refused(field, 'has no certificate');
  if (!own.checkPrivateKey(authority.key)) throw refused(field, 'has a key that does not belong to its certificate');
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1] ?? certificate;
    if (!certificate.ca) throw refused(field, `.certificates[${index}] is not that of an authority (CA:TRUE)`);
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
      const expected = issuer === certificate ? 'self-signed, as the last must be' : 'issued by the next';
      throw refused(field, `.certificates[${index}] is not ${expected}`);
    }
  }
  return { issuer: { certificate: own, key: authority.key }, chain };
}

function parseCertificate(pem: string, field: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new DomusError('invalid-config', `${field} is not a certificate in PEM`, { detail: field, cause });
  }
}

/** Below the n-th certificate of the chain would stand n + 1 authorities: the n before it, and the new one. */
async function checkPathLength(parent: OpenedAuthority): Promise<void> {
  const { pathLengthOf } = await import('./x509.ts');
  for (const [index, certificate] of parent.chain.entries()) {
    const allowed = pathLengthOf(certificate);
    if (allowed !== undefined && allowed <= index) {
      throw refused('parent', `allows no authority below it: path length ${allowed} in .certificates[${index}]`);
    }
  }
}

function refused(field: string, reason: string): DomusError {
  return new DomusError('invalid-config', `${field}${reason.startsWith('.') ? '' : ' '}${reason}`, { detail: field });
}
