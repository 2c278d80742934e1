/** Every planted bug. */
import { BLOB_MUTANTS } from './blob-mutants.ts';
import { MESSAGE_MUTANTS } from './message-mutants.ts';
import type { Mutant } from './mutant.ts';
import { SESSION_MUTANTS } from './session-mutants.ts';

export const MUTANTS: readonly Mutant[] = [...MESSAGE_MUTANTS, ...SESSION_MUTANTS, ...BLOB_MUTANTS];
