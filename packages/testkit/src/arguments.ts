/** The options of the programs of this package. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** As `parseArgs`; an option that is unknown or lacks its value ends the program with 2, and with the text alone. */
export function argumentsOf<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(2);
  }
}
