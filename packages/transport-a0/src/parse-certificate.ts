/** Certificates from their DER. */
import { X509Certificate } from 'node:crypto';
import { DomusError } from './domus-error.ts';
import { pemBuffer } from './pem.ts';

/**
 * Parses the DER of one certificate; throws `protocol-violation` for anything else, bytes behind it included. Node looks for
 * PEM text before it takes bytes for DER: text in a field of a certificate would pass for the certificate itself. So it is
 * given PEM in which nothing but this DER stands.
 */
export function parseCertificate(der: Uint8Array): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(
      pemBuffer('CERTIFICATE', Buffer.from(der.buffer, der.byteOffset, der.byteLength)),
    );
  } catch (cause) {
    throw malformed(cause);
  }
  if (!certificate.raw.equals(der)) throw malformed();
  return certificate;
}

function malformed(cause?: unknown): DomusError {
  return new DomusError('protocol-violation', 'a certificate cannot be parsed', { detail: 'malformed-der', cause });
}
