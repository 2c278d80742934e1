/** Where topologies speak to each other: one taberna, the same on every node (topology, messages). */
import { createHash } from 'node:crypto';
import type { TabernaKey } from '../port.ts';

/** The name whose hash is the id of the taberna. */
export const TOPOLOGY_TABERNA_NAME = 'flaminia/topology';

export const TOPOLOGY_TABERNA: TabernaKey = keyOf(TOPOLOGY_TABERNA_NAME);

function keyOf(name: string): TabernaKey {
  const digest = createHash('sha256').update(name).digest();
  return Object.freeze({ idHi: digest.readUInt32BE(0), idLo: digest.readUInt32BE(4) });
}
