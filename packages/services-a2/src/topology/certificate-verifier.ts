/**
 * Judges others' records by their certificates (topology, records): the chain must lead to an anchor of the own CA set, the leaf must
 * name the node, and its key must have signed. Chains that were found valid are remembered until they end.
 */
import { createHash, verify, type X509Certificate } from 'node:crypto';
import { addressOfLeaf, identityOf, parseCertificate, validateChain } from '@flaminia/transport-a0/internal';
import { schemeOf } from './certificate-signer.ts';
import { type RecordParts, SIGNED_PREFIX } from './core/record-codec.ts';
import type { RecordVerdict, RecordVerifier } from './core/topology-sink.ts';

/** A chain that was valid when it was looked at. */
interface KnownChain {
  readonly leaf: X509Certificate;
  readonly nodeId: string | null;
  readonly nodeType: string | null;
  readonly address: string;
  readonly validFromMs: number;
  /** When the first certificate of its path ends. */
  readonly endsMs: number;
}

/** Chains remembered: those of a large imperium, some 8 KiB each. */
const REMEMBERED = 4096;

export class CertificateVerifier implements RecordVerifier {
  private readonly ca: () => readonly X509Certificate[];
  private readonly known = new Map<string, KnownChain>();
  private knownFor: readonly X509Certificate[] | undefined = undefined;

  /** `ca`: the CA set in force; another array, and what was remembered is forgotten. */
  constructor(ca: () => readonly X509Certificate[]) {
    this.ca = ca;
  }

  verify(parts: RecordParts, wallNow: number): RecordVerdict {
    const chain = this.chainOf(parts, wallNow);
    if (typeof chain === 'string') return { kind: 'refused', reason: chain };
    const { nodeId, nodeType, address } = parts.record;
    if (chain.nodeId !== nodeId || chain.nodeType !== nodeType || chain.address !== address) {
      return { kind: 'refused', reason: 'identity' };
    }
    if (!isSigned(chain.leaf, parts)) return { kind: 'refused', reason: 'signature' };
    return { kind: 'valid', validFromMs: chain.validFromMs };
  }

  private chainOf({ chain, record }: RecordParts, wallNow: number): KnownChain | 'chain' | 'identity' {
    const ca = this.ca();
    if (ca !== this.knownFor) this.known.clear();
    this.knownFor = ca;
    const name = fingerprintOf(chain);
    const known = this.known.get(name);
    if (known !== undefined && wallNow < known.endsMs) return known;
    this.known.delete(name);
    const judged = judge(chain, ca, record.address, wallNow);
    if (typeof judged === 'string') return judged;
    if (this.known.size >= REMEMBERED) this.known.delete(this.known.keys().next().value!);
    this.known.set(name, judged);
    return judged;
  }
}

function judge(
  chain: readonly Uint8Array[],
  ca: readonly X509Certificate[],
  claimed: string,
  nowMs: number,
): KnownChain | 'chain' | 'identity' {
  const [leaf, ...rest] = parse(chain);
  if (leaf === undefined) return 'chain';
  const verdict = validateChain({ chain: [leaf, ...rest], ca, nowMs });
  if (verdict.kind === 'refused') return 'chain';
  try {
    const address = addressOfLeaf(leaf, claimed.startsWith('unix:') ? 'unix' : 'tcp');
    const { nodeId, nodeType } = identityOf(leaf, address);
    const endsMs = Math.min(...verdict.path.map((certificate) => Date.parse(certificate.validTo)));
    return { leaf, nodeId, nodeType, address, validFromMs: Date.parse(leaf.validFrom), endsMs };
  } catch {
    return 'identity';
  }
}

/** Nothing where one of them cannot be read. */
function parse(chain: readonly Uint8Array[]): X509Certificate[] {
  try {
    return chain.map(parseCertificate);
  } catch {
    return [];
  }
}

function isSigned(leaf: X509Certificate, { body, signature }: RecordParts): boolean {
  try {
    const { digest, ...rest } = schemeOf(leaf.publicKey);
    return verify(digest, Buffer.concat([SIGNED_PREFIX, body]), { key: leaf.publicKey, ...rest }, signature);
  } catch {
    return false;
  }
}

function fingerprintOf(chain: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const der of chain) hash.update(`${der.length} `).update(der);
  return hash.digest('base64');
}
