/** Who sent a request: the peer's identity as its certificate proves it (domus-api, Caller). */
import type { X509Certificate } from 'node:crypto';
import type { DomusAddr, PeerIdentity } from '@flaminia/transport-a0';

/** The sender of a request. */
export interface Caller {
  /** Subject CN of its leaf; null where the leaf has none. */
  readonly nodeId: string | null;
  /** Subject OU of its leaf; null where the leaf has none. */
  readonly nodeType: string | null;
  /** The address that A0 proved. */
  readonly address: DomusAddr;
  /** The whole subject, one attribute a line, as `X509Certificate.subject` shows it. */
  readonly subject: string;
  /** Subject alternative names, each with its kind: `URI:…`, `IP Address:…`, `DNS:…`. */
  readonly sans: readonly string[];
  /** The leaf; undefined only in an in-memory imperium, which has no certificates. */
  readonly certificate: X509Certificate | undefined;
}

export function callerFrom(identity: PeerIdentity): Caller {
  const { address, nodeId, nodeType, certificate } = identity;
  return Object.freeze({
    nodeId,
    nodeType,
    address,
    subject: certificate?.subject ?? (nodeId === null ? '' : `CN=${nodeId}`),
    sans: Object.freeze(sansOf(certificate)),
    certificate,
  });
}

/** Node quotes a name that holds a comma or a quote as a JSON string behind its kind. */
function sansOf(certificate: X509Certificate | undefined): string[] {
  const text = certificate?.subjectAltName ?? '';
  const names = text.match(/[^:,]+:(?:"(?:[^"\\]|\\.)*"|[^,])*/g) ?? [];
  return names.map((name) => {
    const [kind, ...rest] = name.trim().split(':');
    const value = rest.join(':');
    return `${kind}:${value.startsWith('"') ? (JSON.parse(value) as string) : value}`;
  });
}
