/**
 * Every TLS setting of A0, decided in one pure function (a0-transport, auth material and TCP handshake).
 *
 * 1. TLS 1.3 alone, both ways with certificates; nobody is let through unjudged.
 * 2. No tickets and no sessions: a resumed session would skip the certificate check, and let an expired one in.
 * 3. No ALPN, no SNI, no PSK and no callback into our code: a throw inside one would end the process.
 * 4. Anchors are the self-signed certificates of the CA set. OpenSSL sees to that itself: it ends a path at nothing
 *    else, and takes the others of the set to build paths (`allowPartialTrustChain` stays off).
 */
import { constants } from 'node:crypto';
import type { SocketConstructorOpts } from 'node:net';
import type { ConnectionOptions, SecureContextOptions, TlsOptions } from 'node:tls';
import type { AuthMaterial } from './auth-material.ts';

/** The settings of one domus with one material. */
export interface TlsSettings {
  /** For the context of dialled connections. */
  readonly context: SecureContextOptions;
  /** For each dialled connection, beside the context and the target. */
  readonly client: ConnectionOptions & Pick<SocketConstructorOpts, 'allowHalfOpen'>;
  readonly server: TlsOptions;
}

/** The suites of TLS 1.3 that Rust peers have as well, strongest last: on loopback and with AES in hardware the first wins. */
const SUITES = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384';
/**
 * Level 2 refuses SHA-1 and RSA of some 2000 bits or less anywhere in a chain; `judgeTlsPeer` refuses the rest. It travels in the list of suites, and Node wants one
 * of TLS 1.2 beside it; with TLS 1.3 alone that one is never offered.
 */
const SECURITY_LEVEL = 'ECDHE-ECDSA-AES128-GCM-SHA256:@SECLEVEL=2';
/** Node's own limit for TLS on accepted sockets, in milliseconds: above ours, which covers all of A0 and may change. */
const NEVER_FIRST_MS = 600_000;

/** Decides. `keyPem` is the key of the material as PEM; the caller wipes it once contexts are made. */
export function tlsSettings(material: AuthMaterial, keyPem: Buffer): TlsSettings {
  const context: SecureContextOptions = {
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ciphers: `${SUITES}:${SECURITY_LEVEL}`,
    secureOptions: constants.SSL_OP_NO_TICKET,
    ca: material.ca.map(String),
    cert: material.chain.map(String).join(''),
    key: keyPem,
  };
  return {
    context,
    client: { rejectUnauthorized: true, allowHalfOpen: true },
    server: { ...context, requestCert: true, rejectUnauthorized: true, handshakeTimeout: NEVER_FIRST_MS },
  };
}
