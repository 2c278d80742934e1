/**
 * A planted protocol bug: one place of the product's source text that says something wrong. It proves the oracle, which must
 * find it. The product itself holds no switch for it.
 */
import { readFileSync } from 'node:fs';

export interface Mutant {
  readonly name: string;
  /** From the root of the workspace. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** What goes wrong. */
  readonly why: string;
}

const ROOT = new URL('../../../../', import.meta.url);
const DELIVERY = 'packages/delivery-a1/src/';

/** A mutant of a file of the machine. */
export function inCore(name: string, file: string, why: string, find: string, replace: string): Mutant {
  return { name, file: `${DELIVERY}core/${file}`, find, replace, why };
}

/** A mutant of a file of the codec. */
export function inWire(name: string, file: string, why: string, find: string, replace: string): Mutant {
  return { name, file: `${DELIVERY}wire/${file}`, find, replace, why };
}

/** Throws where the place that a mutant changes is gone, or is no more the only one. */
export function checkApplies({ name, file, find, replace }: Mutant): void {
  const places = readFileSync(new URL(file, ROOT), 'utf8').split(find).length - 1;
  if (places !== 1)
    throw new Error(`mutant ${name} does not apply any more: its text stands ${places} times in ${file}`);
  if (find === replace) throw new Error(`mutant ${name} changes nothing`);
}
