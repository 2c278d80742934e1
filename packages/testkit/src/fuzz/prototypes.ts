/** What every decoding must leave as it was: the prototypes that a hostile message would like to change. */
import { Broken } from './broken.ts';

const PROTOTYPES: readonly object[] = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  Map.prototype,
  Set.prototype,
  Date.prototype,
  Uint8Array.prototype,
];
const KEYS = PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype).length);

/** Throws where a prototype has got or lost a property. */
export function expectCleanPrototypes(): void {
  for (const [index, prototype] of PROTOTYPES.entries()) {
    if (Reflect.ownKeys(prototype).length !== KEYS[index])
      throw new Broken(`a prototype has the keys ${Reflect.ownKeys(prototype).map(String).join(', ')}`);
  }
}
