/** Asking an auth source for certificates and key: at `open`, at `reloadAuth`, and when a source tells of new ones. */
import { type DomusAddr, DomusError, outOfRange, type Pkcs8AuthConfig } from '@flaminia/transport-a0';
import { type AuthMaterial, loadAuthMaterial, requireAddress } from '@flaminia/transport-a0/internal';
import type { AuthSource } from './auth-sources.ts';

/** Throws `invalid-config` for what only a program without a type check can give. Shows nothing of what it was. */
export function checkAuthSource(auth: unknown): asserts auth is AuthSource {
  if (typeof auth === 'function' || (typeof auth === 'object' && auth !== null)) return;
  throw outOfRange('auth', 'certificates and key, or a function that gives them', kindOf(auth));
}

/** What a source gives for an address, not judged yet. A source that fails is `invalid-config`, with its error as cause. */
export async function askAuth(auth: AuthSource, address: DomusAddr): Promise<Pkcs8AuthConfig> {
  if (typeof auth !== 'function') return auth;
  let given: Pkcs8AuthConfig;
  try {
    given = await auth(address);
  } catch (error) {
    if (DomusError.is(error)) throw error;
    throw new DomusError('invalid-config', 'auth could not give certificates and key', {
      detail: 'auth',
      cause: error,
    });
  }
  if (typeof given === 'object' && given !== null) return given;
  throw outOfRange('what auth gives', 'certificates and key', kindOf(given));
}

/** Checked material of this address. Throws `invalid-config` naming the part, or `address-mismatch`. */
export function materialFor(given: Pkcs8AuthConfig, address: DomusAddr): AuthMaterial {
  const material = loadAuthMaterial(given, address.startsWith('tcp:') ? 'tcp' : 'unix');
  requireAddress(material, address);
  return material;
}

/**
 * Throws `invalid-config` for a leaf that has run out: nobody would let this node in. One whose leaf runs out later lives
 * on, and waits for the next.
 */
export function requireUnexpired({ chain: [leaf] }: AuthMaterial): void {
  if (Date.parse(leaf.validTo) > Date.now()) return;
  throw new DomusError('invalid-config', `auth material: cert has expired, on ${leaf.validTo}`, { detail: 'cert' });
}

/** Whether two materials hold the same certificates, in the same order, and the same key. */
export function isSameMaterial(a: AuthMaterial, b: AuthMaterial): boolean {
  const shown = ({ ca, chain }: AuthMaterial): string =>
    [ca, chain].map((part) => part.map(({ fingerprint256 }) => fingerprint256).join()).join('/');
  return a.key.equals(b.key) && shown(a) === shown(b);
}

/** What may be shown of a value that could be a key. */
function kindOf(given: unknown): unknown {
  return given === undefined || given === null ? given : typeof given;
}
