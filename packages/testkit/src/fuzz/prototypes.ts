/** What every decoding must leave as it was: the prototypes that a hostile message would like to change. */
import { Broken } from './broken.ts';

/** One of each kind that a decoded message may hold. None has a property that can be enumerated, its own or inherited. */
const WITNESSES: readonly object[] = [{}, [], () => {}, new Map(), new Set(), new Date(0), new Uint8Array(0)];

/** Throws where somebody has assigned to a prototype: what is assigned can be enumerated. */
export function expectCleanPrototypes(): void {
  for (const witness of WITNESSES) {
    for (const key in witness) throw new Broken(`a prototype has got the property ${key}`);
  }
}
