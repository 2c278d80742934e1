/** PEM text (RFC 7468): its blocks, and the one block that holds a key, without leaving copies of key bytes behind. */

/** One block. `der` is a copy that belongs to the caller. */
export interface PemBlock {
  /** The word between BEGIN and the dashes, like `CERTIFICATE`. */
  readonly label: string;
  readonly der: Buffer;
}

/** The blocks of a text in order; undefined if one is cut or not base64. Text around the blocks is ignored. */
export function pemBlocks(text: string): PemBlock[] | undefined {
  const blocks: PemBlock[] = [];
  const begin = /-----BEGIN ([A-Z0-9 ]+)-----/g;
  for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
    const label = match[1] ?? '';
    const end = text.indexOf(`-----END ${label}-----`, begin.lastIndex);
    if (end < 0) return undefined;
    const body = text.slice(begin.lastIndex, end).replace(/\s/g, '');
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body) || body.length % 4 !== 0) return undefined;
    blocks.push({ label, der: Buffer.from(body, 'base64') });
    begin.lastIndex = end;
  }
  return blocks;
}

/** Writes a PEM block into a new buffer, without a string between, so that the caller can wipe all there is of it. */
export function pemBuffer(label: string, der: Buffer): Buffer {
  const groups = Math.ceil(der.length / 3);
  const head = `-----BEGIN ${label}-----\n`;
  const tail = `-----END ${label}-----\n`;
  const pem = Buffer.alloc(head.length + groups * 4 + Math.ceil(groups / 16) + tail.length);
  let offset = pem.write(head, 'latin1');
  for (let group = 0; group < groups; group++) {
    const at = group * 3;
    const bits = ((der[at] ?? 0) << 16) | ((der[at + 1] ?? 0) << 8) | (der[at + 2] ?? 0);
    for (let digit = 0; digit < 4; digit++) {
      const padding = at + digit > der.length;
      pem[offset++] = padding ? PAD : (DIGITS[(bits >> (18 - digit * 6)) & 63] ?? PAD);
    }
    if (group % 16 === 15 || group === groups - 1) pem[offset++] = NEWLINE;
  }
  pem.write(tail, offset, 'latin1');
  return pem;
}

const DIGITS = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PAD = 0x3d;
const NEWLINE = 0x0a;
