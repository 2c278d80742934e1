/**
 * What a TXT record says of a peer, in DNS-SD (RFC 6763, section 6) and beside SRV records: texts `key=value` of at most
 * 255 bytes each.
 *
 * `id=`, `type=` and `health=` are the fields of that name; `services=a/v1,b/v2` lists services, and goes on in
 * `services1=`, `services2=` …; `m-zone=eu` is the metadata `zone`. Commas in services, and `=` in keys of metadata, are
 * percent-encoded. Of two texts with one key the first counts; unknown keys are ignored.
 */
import type { DiscoveredPeer } from './discovery.ts';
import { CLAIM_LIMITS, fittingPeer, type PeerClaim } from './peer-claim.ts';

/** RFC 1035: a length byte stands before each text. */
const TEXT_MAX_BYTES = 255;
/** More texts than a peer within its bounds has; what lies behind them is not read. */
const TEXTS_MAX: number = CLAIM_LIMITS.services + CLAIM_LIMITS.metadata + 16;

/** A TXT record, and how much of the peer it had no room for, or no reader would take. */
export interface EncodedTxt {
  readonly texts: readonly Buffer[];
  readonly left: number;
}

/** The texts for a peer, at most `maxBytes` with their length bytes; what is most needed comes first. */
export function encodeTxt(announced: DiscoveredPeer, maxBytes: number): EncodedTxt {
  const texts: Buffer[] = [];
  let room = maxBytes;
  let { peer, left } = fittingPeer(announced);
  const add = (text: string, holds: number): void => {
    const bytes = Buffer.from(text);
    if (bytes.length > TEXT_MAX_BYTES || bytes.length + 1 > room) {
      left += holds;
      return;
    }
    texts.push(bytes);
    room -= bytes.length + 1;
  };
  if (peer.nodeId !== undefined) add(`id=${peer.nodeId}`, 1);
  if (peer.nodeType !== undefined) add(`type=${peer.nodeType}`, 1);
  add(`health=${peer.health}`, 1);
  for (const { text, holds } of serviceTexts(peer.services)) add(text, holds);
  for (const [key, value] of Object.entries(peer.metadata)) add(`m-${escaped(key, /[%=]/g)}=${value}`, 1);
  return { texts, left };
}

/** What the texts say of a peer, unchecked but for their form. */
export function decodeTxt(texts: readonly Uint8Array[]): Omit<PeerClaim, 'address'> {
  const fields = new Map<string, string>();
  for (const bytes of texts.slice(0, TEXTS_MAX)) {
    const text = decoder.decode(bytes);
    const equals = text.indexOf('=');
    const key = equals < 0 ? text : text.slice(0, equals);
    if (equals > 0 && !fields.has(key)) fields.set(key, text.slice(equals + 1));
  }
  const services: string[] = [];
  const metadata: [string, string][] = [];
  for (const [key, value] of fields) {
    if (/^services\d{0,3}$/.test(key)) services.push(...value.split(',').filter(Boolean).map(unescaped));
    if (key.startsWith('m-') && key.length > 2) metadata.push([unescaped(key.slice(2)), value]);
  }
  return {
    nodeId: fields.get('id'),
    nodeType: fields.get('type'),
    health: fields.get('health'),
    services,
    metadata: Object.fromEntries(metadata),
  };
}

/** A peer's text may be no UTF-8; it is shown with replacement characters then, and equals nothing. */
const decoder = new TextDecoder();

/** As many services in each text as fit. */
function serviceTexts(services: readonly string[]): { text: string; holds: number }[] {
  const made: { text: string; holds: number }[] = [];
  let last: { text: string; holds: number } | undefined;
  for (const service of services) {
    const name = escaped(service, /[%,]/g);
    if (last !== undefined && Buffer.byteLength(`${last.text},${name}`) <= TEXT_MAX_BYTES) {
      last.text += `,${name}`;
      last.holds++;
    } else {
      last = { text: `services${made.length === 0 ? '' : made.length}=${name}`, holds: 1 };
      made.push(last);
    }
  }
  return made;
}

function escaped(text: string, what: RegExp): string {
  return text.replace(what, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function unescaped(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
