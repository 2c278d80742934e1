/**
 * What errors of Node mean for A0: the one place where this package reads its codes.
 *
 * Three causes are kept apart. The world's failure (refused, unreachable, reset) and a peer that refuses us are
 * `peer-unavailable`: a later try may succeed. A peer whose certificate we refuse, or who does not speak the protocol,
 * is a `protocol-violation`; one that is somebody else than the dialled address, an `address-mismatch`.
 */
import { DomusError } from './domus-error.ts';

interface CodedError extends Error {
  readonly code?: string;
  readonly syscall?: string;
  /** OpenSSL's own words; the message around them holds addresses of memory and file names. */
  readonly reason?: string;
}

const SYSTEM_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the peer reset the connection',
  EPIPE: 'the peer closed the connection',
  ETIMEDOUT: 'the system gave the connection up',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  EADDRNOTAVAIL: 'no local address or port is free to dial from',
  EMFILE: 'this process has too many open files',
  ENFILE: 'this machine has too many open files',
  ENOBUFS: 'the system has no memory for another connection',
  ENOENT: 'there is no such socket',
  EACCES: 'permission denied',
};

/** Why a connection ended before A0 was over. */
export interface ConnectionEnd {
  readonly error: Error | undefined;
  /** What TLS had against the peer's certificate: `TLSSocket.authorizationError`. */
  readonly refusal?: unknown;
  /** The address dialled, where nobody else will name it. */
  readonly peer?: string;
}

/** The error for a connection that ended before A0 was over. */
export function handshakeFailure({ error, refusal, peer }: ConnectionEnd): DomusError {
  const details = { cause: error, ...(peer === undefined ? {} : { peer }) };
  if (DomusError.is(error)) return error;
  const code = codeOf(error);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const text = 'the certificate has no IP name for the dialled ip';
    return new DomusError('address-mismatch', text, { ...details, detail: 'ip-name-mismatch' });
  }
  if (typeof refusal === 'string' || refusal instanceof Error) {
    const reason = typeof refusal === 'string' ? refusal : refusal.message;
    const text = `the certificate was refused: ${reason.toLowerCase().replaceAll('_', ' ')}`;
    return new DomusError('protocol-violation', text, { ...details, detail: 'certificate-refused' });
  }
  if (code?.startsWith('ERR_SSL_')) return tlsFailure(error as CodedError, details);
  const text = error === undefined ? 'the peer ended the connection' : systemText(error);
  return new DomusError('peer-unavailable', `${text} before the handshake was over`, { ...details, detail: 'ended' });
}

/** Whether the system refused to bind the source of a dial, because it does not have that ip. */
export function isSourceUnavailable(error: Error | undefined): boolean {
  return codeOf(error) === 'EADDRNOTAVAIL' && (error as CodedError).syscall === 'bind';
}

/** Whether a peer has ended the connection, or its system has for it. */
export function isEnd(error: Error | undefined): boolean {
  const code = codeOf(error);
  return error === undefined || code === 'ECONNRESET' || code === 'EPIPE';
}

/** Whether more wait for a Unix socket to accept them than its system lets wait. */
export function isListenerFull(error: Error | undefined): boolean {
  return codeOf(error) === 'EAGAIN';
}

/** Whether TLS itself failed, so that what was written last may not have been read. */
export function isTlsError(error: Error | undefined): boolean {
  return codeOf(error)?.startsWith('ERR_SSL_') ?? false;
}

/** The error for a listener that could not be opened. */
export function bindFailure(error: Error, where: string): DomusError {
  const texts: Readonly<Record<string, string>> = {
    EADDRINUSE: 'it is in use',
    EADDRNOTAVAIL: 'this machine does not have that ip',
    EACCES: 'permission denied',
  };
  const code = codeOf(error);
  const text = texts[code ?? ''] ?? error.message;
  return new DomusError('bind-failed', `cannot listen at ${where}: ${text}`, { cause: error, ...detailOf(code) });
}

function tlsFailure(
  error: CodedError,
  details: { readonly cause: Error | undefined; readonly peer?: string },
): DomusError {
  const reason = error.reason ?? error.code ?? 'unknown';
  if (error.code?.includes('ALERT')) {
    // Only a peer sends alerts. In TLS 1.3 that of a refused certificate comes after `secureConnect`.
    const text = `the peer refused our certificate or TLS settings: ${reason}`;
    return new DomusError('peer-unavailable', text, { ...details, detail: 'refused-by-peer' });
  }
  return new DomusError('protocol-violation', `TLS failed: ${reason}`, { ...details, detail: 'tls-failed' });
}

function systemText(error: Error): string {
  const code = codeOf(error);
  return SYSTEM_TEXTS[code ?? ''] ?? code ?? error.message;
}

function codeOf(error: Error | undefined): string | undefined {
  return (error as CodedError | undefined)?.code;
}

function detailOf(code: string | undefined): { readonly detail?: string } {
  return code === undefined ? {} : { detail: code };
}

/**
 * For sockets whose errors somebody else will tell. Not an arrow beside its use: that would keep all that is in sight there
 * for as long as the socket lives.
 */
export function ignoreError(): void {}
