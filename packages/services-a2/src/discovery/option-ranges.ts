/** How the options of the discoveries are checked: a bad one is `invalid-config`, and its text names field, range and value. */
import { outOfRange } from '@flaminia/transport-a0';

/** A number with its smallest, its largest and its usual value. */
export interface NumberOption {
  readonly min: number;
  readonly max: number;
  readonly usual: number;
}

/** The given whole number, or the usual one where it is undefined. */
export function numberOption(field: string, { min, max, usual }: NumberOption, given: unknown): number {
  if (given === undefined) return usual;
  if (typeof given === 'number' && Number.isInteger(given) && given >= min && given <= max) return given;
  throw outOfRange(field, `a whole number, ${min} to ${max}`, given);
}

/** The given text, or the usual one where it is undefined. */
export function textOption(field: string, maxChars: number, given: unknown, usual?: string): string {
  const text = given === undefined ? usual : given;
  if (typeof text === 'string' && text.length >= 1 && text.length <= maxChars) return text;
  throw outOfRange(field, `a text of 1 to ${maxChars} characters`, given);
}
