/** The first seed that finds each mutant. Written by `npm run mutants -- --write`. */
export const KILLING_SEEDS: Readonly<Record<string, number>> = {};
