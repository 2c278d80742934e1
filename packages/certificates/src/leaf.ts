/** Issuing the leaf of a domus (node), as material that `Domus.open` takes. */
import type { DomusAddr, Pkcs8AuthConfig } from '@flaminia/transport-a0';
import type { OpenedAuthority } from './authority.ts';
import { issueCertificate } from './certificate.ts';
import type { NameAttribute } from './certificate-request.ts';
import type { AlternativeName } from './extension.ts';
import { exportPkcs8, type KeyAlgorithm } from './key.ts';
import { domusExtensions, validity } from './profile.ts';

/** Auth material whose every part is PEM text, so that it can be written to files as it is. */
export interface PemMaterial extends Pkcs8AuthConfig {
  /** The self-signed root. */
  readonly ca: string;
  /** The leaf, then the intermediates below the root. */
  readonly cert: string;
  /** PKCS#8. */
  readonly key: string;
}

/** What a leaf says and how it is made; every field was checked by limits.ts. */
export interface LeafRequest {
  readonly address: DomusAddr;
  readonly nodeId: string;
  readonly nodeType: string | undefined;
  readonly ttlMs: number;
  readonly extraSans: readonly AlternativeName[];
  readonly algorithm: KeyAlgorithm;
  readonly pkcs8: 1 | 2;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Issues a leaf with a new key. Throws `invalid-config` if the authority has expired. */
export async function issueLeaf(authority: OpenedAuthority, request: LeafRequest): Promise<PemMaterial> {
  const subject: NameAttribute[] = [{ type: 'CN', value: request.nodeId }];
  if (request.nodeType !== undefined) subject.push({ type: 'OU', value: request.nodeType });
  const leaf = await issueCertificate({
    subject,
    key: request.algorithm,
    issuer: authority.issuer,
    ...validity(request.now, request.ttlMs, authority.issuer.certificate),
    extensions: domusExtensions(request.address, request.extraSans),
  });
  const authorities = authority.chain.map((certificate) => certificate.toString());
  return {
    ca: authorities.at(-1)!,
    cert: [leaf.certificatePem, ...authorities.slice(0, -1)].join(''),
    key: exportPkcs8(leaf.key, request.pkcs8),
  };
}
