/**
 * The few DER values that neither Node nor @peculiar/x509 can write: name constraints, and PKCS#8 version 2.
 * Writing only; nothing here reads bytes.
 */

/** Tags of ASN.1 used by this package. Context tags are `0x80 | n`, constructed ones `0xa0 | n`. */
export const DER_TAGS = { integer: 0x02, octetString: 0x04, sequence: 0x30 } as const;

/** One DER value: tag, definite length in its shortest form, and the parts one behind the other. */
export function derValue(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag), derLength(content.length), content]);
}

function derLength(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Buffer.of(0x80 | octets.length, ...octets);
}
