/** The command lines of the programs of this package: what cannot be used is said in a line, with the usage below it. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

/** The options of a program, as `parseArgs` gives them. `--help`, and one that is unknown or lacks its value, end the program. */
export function argumentsOf<const O extends Options>(
  usage: string,
  options: O,
): ReturnType<typeof parseArgs<{ options: O }>>['values'] {
  if (process.argv.includes('--help')) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(usage, (error as Error).message);
  }
}

/** The number that an option gives, or the one that holds without it. */
export function wholeNumber(
  usage: string,
  name: string,
  text: string | undefined,
  fallback: number,
  least: 0 | 1 = 0,
): number {
  if (text === undefined) return fallback;
  if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
  return refuse(usage, `--${name} must be a whole number${least === 0 ? '' : ' above 0'}, got ${text}`);
}

/** Ends the program with 2. */
export function refuse(usage: string, reason: string): never {
  process.stderr.write(`${reason}\n${usage}\n`);
  process.exit(2);
}
