/** One certificate authority for the whole run of the harness, as text, so that every process can issue for itself. */
import { createPrivateKey } from 'node:crypto';
import { type Authority, createAuthority, issueAuth, type PemMaterial } from '@flaminia/certificates';
import type { DomusAddr } from '@flaminia/transport-a0';

/** A P-256 authority in PEM. */
export interface Credentials {
  readonly certificates: Authority['certificates'];
  readonly key: string;
}

export async function createCredentials(): Promise<Credentials> {
  const { certificates, key } = await createAuthority({ name: 'Flaminia benchmark authority' });
  return { certificates, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** A new P-256 leaf that names `address`, as both `Domus.open` and `node:tls` take it. */
export function materialFor(credentials: Credentials, address: DomusAddr): Promise<PemMaterial> {
  const ca = { certificates: credentials.certificates, key: createPrivateKey(credentials.key) };
  return issueAuth({ ca, nodeId: 'bench' })(address);
}
