/** Flags of a Node that runs TypeScript from `src`: for the programs that tests start, since tests themselves are JavaScript. */
export const FROM_SOURCE: readonly string[] = ['--conditions=@flaminia/source', '--import', 'tsx'];
