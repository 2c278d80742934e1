/** Auth material made ready for TLS: what dials with it, and what accepts with it. Made once per material. */
import { type ConnectionOptions, createSecureContext, createServer, type Server } from 'node:tls';
import type { AuthMaterial } from './auth-material.ts';
import { DomusError } from './domus-error.ts';
import { pemBuffer } from './pem.ts';
import { tlsSettings } from './tls-options.ts';

/** A handshake keeps the credentials that it began with, so that its callback shows the same leaf. */
export interface TlsCredentials {
  readonly material: AuthMaterial;
  /** The settings of every dial, its context among them. */
  readonly client: ConnectionOptions;
  /** Never listens and holds no handle: accepted sockets are given to it as `connection` events. */
  readonly server: Server;
}

/** Makes credentials; throws `invalid-config` for what OpenSSL does not take. */
export function createTlsCredentials(material: AuthMaterial): TlsCredentials {
  const der = material.key.export({ type: 'pkcs8', format: 'der' });
  const keyPem = pemBuffer('PRIVATE KEY', der);
  try {
    const settings = tlsSettings(material, keyPem);
    const client = { ...settings.client, secureContext: createSecureContext(settings.context) };
    return { material, client, server: createServer(settings.server) };
  } catch (cause) {
    throw new DomusError('invalid-config', 'auth material: TLS does not take it', { detail: 'cert', cause });
  } finally {
    // A server of Node keeps a reference to its key buffer: that too holds nothing now.
    der.fill(0);
    keyPem.fill(0);
  }
}
