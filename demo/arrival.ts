/** The far end of a stream: what has arrived, and whether it is what was sent. */
import { createHash } from 'node:crypto';
import type { Check } from './contract.ts';

/** Reads a stream to its end and keeps nothing of it but its hash. */
export async function arrivalOf(pieces: AsyncIterable<Uint8Array>): Promise<Check> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** What differs between two ends of a stream; undefined where nothing does. */
export function differenceOf(sent: Check, arrived: Check | undefined): string | undefined {
  if (arrived === undefined) return 'a check came, and no file before it';
  if (sent.bytes !== arrived.bytes) return `${sent.bytes} bytes were sent, and ${arrived.bytes} arrived`;
  if (sent.sha256 !== arrived.sha256) return `SHA-256 ${sent.sha256} was sent, and ${arrived.sha256} arrived`;
  return undefined;
}
