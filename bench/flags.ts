import { extname } from 'node:path';

const LOADER = ['--conditions=@flaminia/source', '--import', 'tsx'];

/** Flags for the processes of the bench: those of this one, and the loader where a test runs the bench from its source. */
export const FLAGS: readonly string[] = extname(import.meta.url) === '.ts' ? LOADER : process.execArgv;
