/** Ranges of what an application may ask of a certificate. Each check throws `invalid-config`, naming field, range and value. */
import { isIP } from 'node:net';
import { type DomusAddr, outOfRange, type ParsedAddress, parseAddress } from '@flaminia/transport-a0';
import type { AlternativeName } from './extension.ts';

/** Most characters of a common name or an organisational unit (RFC 5280, appendix A). */
export const NAME_MAX_CHARACTERS = 64;

const TTL_MIN_MS = 1000;
const TTL_MAX_MS = 100 * 365 * 86_400_000;

/** A node id becomes the common name of a leaf and part of a file name: it may not lead out of a folder. */
export function checkNodeId(nodeId: string): void {
  checkName('nodeId', nodeId);
  if (/[/\\]/.test(nodeId) || nodeId === '.' || nodeId === '..') {
    throw outOfRange('nodeId', 'a name without "/" and "\\", and neither "." nor ".."', nodeId);
  }
}

/** A text that may stand in a distinguished name. */
export function checkName(field: string, value: string): void {
  const characters = typeof value === 'string' ? [...value].length : 0;
  const clean = characters > 0 && !/\p{Cc}|\p{Cs}/u.test(value);
  if (clean && characters <= NAME_MAX_CHARACTERS) return;
  throw outOfRange(field, `a text of 1 to ${NAME_MAX_CHARACTERS} characters without control characters`, value);
}

/** A lifetime in milliseconds: one second to 100 years. */
export function checkTtl(ttlMs: number): void {
  if (Number.isSafeInteger(ttlMs) && ttlMs >= TTL_MIN_MS && ttlMs <= TTL_MAX_MS) return;
  throw outOfRange('ttlMs', `a whole number, ${TTL_MIN_MS} to ${TTL_MAX_MS}`, ttlMs);
}

/** Names beside those that A0 reads. A second Aurelia URI would make the identity of the leaf ambiguous. */
export function checkExtraNames(names: readonly AlternativeName[]): void {
  if (!Array.isArray(names)) throw outOfRange('extraSans', 'a list of names', names);
  for (const { kind, value } of names as readonly AlternativeName[]) {
    if (kind === 'uri' && /^aurelia\+/i.test(value)) {
      throw outOfRange('extraSans', 'names without an "aurelia+" URI, which is the identity', value);
    }
    const valid = kind === 'ip' ? isIP(value) !== 0 : isVisibleAscii(value);
    if (!valid) throw outOfRange('extraSans', kind === 'ip' ? 'ip literals' : 'names in visible ASCII', value);
  }
}

/** An address that a leaf can name: a TCP port that is known, a path in ASCII (a URI in a certificate holds no more). */
export function checkLeafAddress(address: DomusAddr): ParsedAddress {
  const parsed = parseAddress(address);
  if (parsed.kind === 'tcp' && parsed.port === 0) throw outOfRange('address port', '1 to 65535', 0);
  if (parsed.kind === 'tcp' && parsed.ip.startsWith('::ffff:')) {
    throw outOfRange(
      'address',
      'an ip that is not an IPv4 address mapped into IPv6, which would be a second identity',
      address,
    );
  }
  if (parsed.kind === 'unix' && !isVisibleAscii(parsed.path)) {
    throw outOfRange('address', 'a path in visible ASCII, as a certificate names it by a URI', address);
  }
  return parsed;
}

function isVisibleAscii(value: string): boolean {
  return typeof value === 'string' && /^[\x20-\x7e]+$/.test(value);
}
