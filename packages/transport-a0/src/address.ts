/**
 * Addresses of domus (nodes): canonical strings, compared as strings (a0-transport, addresses).
 *
 * `tcp://<ip>:<port>` with an IPv4 literal or a bracketed IPv6 literal in RFC 5952 form; `unix://<absolute path>`.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { DomusError, outOfRange } from './domus-error.ts';

/** The canonical address of a domus, which is its identity. Made by {@link tcpAddress}, {@link unixAddress} or {@link parseAddress}. */
export type DomusAddr = `tcp://${string}` | `unix://${string}`;

/** An address taken apart. */
export type ParsedAddress =
  | {
      readonly kind: 'tcp';
      readonly text: DomusAddr;
      readonly ip: string;
      readonly port: number;
      readonly family: 4 | 6;
    }
  | { readonly kind: 'unix'; readonly text: DomusAddr; readonly path: string };

/** Most bytes of a path on the wire (a0-transport, Unix-socket handshake). */
export const PATH_MAX_BYTES = 4096;

/** Makes a TCP address from an ip literal and a port (1..65535; 0 only while the port is still to be chosen). */
export function tcpAddress(ip: string, port: number): DomusAddr {
  return parseAddress(isIPv6(ip) ? `tcp://[${ip}]:${port}` : `tcp://${ip}:${port}`).text;
}

/** Makes a Unix-socket address from an absolute path. */
export function unixAddress(path: string): DomusAddr {
  return parseAddress(`unix://${path}`).text;
}

/** Parses and canonicalises an address; throws `invalid-config` naming the part that is wrong. */
export function parseAddress(text: string): ParsedAddress {
  if (typeof text !== 'string') throw outOfRange('address', 'a string', text);
  if (text.startsWith('tcp://')) return parseTcp(text, text.slice(6));
  if (text.startsWith('unix://')) return parseUnix(text, text.slice(7));
  throw invalid('must begin with "tcp://" or "unix://"', text);
}

/** As {@link parseAddress}, for an address to send to: port 0, which is still to be chosen, is nobody's. */
export function parseDestination(text: string): ParsedAddress {
  const parsed = parseAddress(text);
  if (parsed.kind === 'tcp' && parsed.port === 0) throw invalid('port must be 1..65535, since a peer has a port', text);
  return parsed;
}

function parseTcp(text: string, rest: string): ParsedAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(rest);
  if (match === null) throw invalid('must be tcp://<ip literal>:<port>, an IPv6 literal in brackets', text);
  const literal = match[1] ?? match[2] ?? '';
  const port = Number(match[3]);
  if (port > 65_535) throw invalid('port must be 0..65535', text);
  const family = match[1] === undefined ? 4 : 6;
  if (family === 4 ? !isIPv4(literal) : !isIPv6(literal)) throw invalid('must hold a valid ip literal', text);
  const ip = family === 4 ? literal : canonicalIPv6(literal);
  if (ip === '0.0.0.0' || ip === '::')
    throw invalid('must not be a wildcard ip, since an address is an identity', text);
  return { kind: 'tcp', text: family === 4 ? `tcp://${ip}:${port}` : `tcp://[${ip}]:${port}`, ip, port, family };
}

function parseUnix(text: string, path: string): ParsedAddress {
  if (!path.startsWith('/')) throw invalid('path must be absolute', text);
  if (path.includes('\0')) throw invalid('path must not hold a NUL', text);
  if (Buffer.byteLength(path) > PATH_MAX_BYTES) throw invalid(`path must be at most ${PATH_MAX_BYTES} bytes`, text);
  if (Buffer.from(path).toString() !== path) throw invalid('path must be valid UTF-8', text);
  const segments = path.slice(1).split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw invalid('path must be canonical: no empty segment, ".", ".." or slash at the end', text);
  }
  return { kind: 'unix', text: `unix://${path}`, path };
}

/** RFC 5952 form, as the URL parser of the platform writes it. A zone is refused: it means nothing elsewhere. */
function canonicalIPv6(literal: string): string {
  return new URL(`http://[${literal}]/`).hostname.slice(1, -1);
}

function invalid(rule: string, given: string): DomusError {
  const shown = given.length > 200 ? `${given.slice(0, 200)}…` : given;
  return new DomusError('invalid-config', `address ${rule}, got ${JSON.stringify(shown)}`, { detail: 'address' });
}
