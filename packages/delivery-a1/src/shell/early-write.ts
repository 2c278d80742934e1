/** When a turn writes before its end, so that the peer is at work meanwhile. */
import type { Lane } from '../core/lane.ts';
import { HEADER_BYTES } from '../wire/frame.ts';

/**
 * A turn that sends much writes before its end, so that the peer is at work meanwhile: when as much is unwritten as is
 * under way, which must be worth a write, ...
 */
const EARLY_WRITE_LEAST_BYTES = 6 * 1024;
/** ... and at this at the latest, which fills a slab. */
const EARLY_WRITE_MOST_BYTES = 60 * 1024;

/** Has a lane enough unwritten work for a write before the end of the turn? */
export function isWorthAWrite(lane: Lane): boolean {
  const fresh = lane.freshBytes + lane.freshCount * HEADER_BYTES;
  if (fresh < EARLY_WRITE_LEAST_BYTES) return false;
  return fresh >= EARLY_WRITE_MOST_BYTES || 2 * fresh >= lane.bytes + lane.count * HEADER_BYTES;
}
