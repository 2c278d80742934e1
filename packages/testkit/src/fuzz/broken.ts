/** A promise of the product that an input broke, in words for whoever repairs it. */
export class Broken extends Error {
  override readonly name = 'Broken';
}
