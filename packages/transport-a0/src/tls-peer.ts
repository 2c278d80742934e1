/** Judging who is at the other end of a TLS connection, in both roles, once TLS itself is content. */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type DomusAddr, parseAddress, tcpAddress } from './address.ts';
import { algorithmRefusal } from './algorithm-policy.ts';
import { DomusError } from './domus-error.ts';
import { addressOfLeaf } from './identity.ts';
import { leafRefusal } from './leaf-rules.ts';
import { handshakeFailure } from './node-errors.ts';

/** What TLS has shown: a chain that holds, and a leaf that names an address. */
export interface TlsPeer {
  readonly leaf: X509Certificate;
  readonly address: DomusAddr;
}

/** Reads the peer of a connection whose TLS handshake is over; throws `protocol-violation` where it may not be a domus. */
export function judgeTlsPeer(socket: TLSSocket): TlsPeer {
  if (!socket.authorized) throw refused('unauthorized', 'the certificate was not accepted');
  if (socket.isSessionReused()) throw refused('session-resumed', 'a resumed TLS session skips the certificate check');
  if (socket.getProtocol() !== 'TLSv1.3') throw refused('tls-version', 'TLS 1.3 is required');
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) throw refused('no-certificate', 'a certificate is required');
  const refusal = leafRefusal(leaf);
  if (refusal !== undefined) throw refused('unfit-certificate', `the certificate ${refusal}`);
  judgeAlgorithms(leaf);
  return { leaf, address: addressOfLeaf(leaf, 'tcp') };
}

/** TLS takes more kinds of keys and signatures than A0, in the leaf and in whatever leads from it to an anchor. */
function judgeAlgorithms(leaf: X509Certificate): void {
  refuseWeak(algorithmRefusal(leaf));
  for (let each = leaf.issuerCertificate; each !== undefined; each = each.issuerCertificate)
    refuseWeak(issuerRefusal(each));
}

function refuseWeak(refusal: string | undefined): void {
  if (refusal !== undefined) throw refused('weak-certificate', `a certificate of the chain ${refusal}`);
}

/** Peers have few issuers, and what was read of one takes some 7 KiB for as long as the connection lives. */
const issuers = new Map<string, string | undefined>();
const ISSUERS_MAX = 64;

function issuerRefusal(issuer: X509Certificate): string | undefined {
  const { fingerprint256 } = issuer;
  if (issuers.has(fingerprint256)) return issuers.get(fingerprint256);
  const refusal = algorithmRefusal(issuer);
  if (issuers.size === ISSUERS_MAX) issuers.clear();
  issuers.set(fingerprint256, refusal);
  return refusal;
}

/**
 * The listener's check that a dialler comes from where its certificate says. An IPv4 dialler on a listener of both
 * families has its ip mapped into IPv6 by this system, which is undone first. The system tells no ip of a connection that
 * was reset meanwhile: that is no violation of anybody.
 */
export function requireSource(address: DomusAddr, remoteIp: string | undefined): void {
  if (remoteIp === undefined) throw handshakeFailure({ error: undefined });
  const named = parseAddress(address);
  if (named.kind === 'tcp' && named.ip === plainIp(remoteIp)) return;
  throw refused('source-mismatch', `the certificate names ${address}, but the connection comes from ${remoteIp}`);
}

function plainIp(remoteIp: string): string {
  if (/^::ffff:[\d.]+$/i.test(remoteIp)) return remoteIp.slice('::ffff:'.length);
  const [withoutZone = ''] = remoteIp.split('%');
  const parsed = parseAddress(tcpAddress(withoutZone, 0));
  return parsed.kind === 'tcp' ? parsed.ip : remoteIp;
}

function refused(detail: string, message: string): DomusError {
  return new DomusError('protocol-violation', message, { detail });
}
