/** How often each of some situations has occurred. */
export class Occurrences<Name extends string> {
  private readonly counts: ReadonlyMap<Name, { times: number }>;

  constructor(names: readonly Name[]) {
    this.counts = new Map(names.map((name) => [name, { times: 0 }]));
  }

  saw(name: Name, times = 1): void {
    this.counts.get(name)!.times += times;
  }

  count(name: Name): number {
    return this.counts.get(name)!.times;
  }

  entries(): [Name, number][] {
    return [...this.counts].map(([name, { times }]) => [name, times]);
  }

  /** Those that have not occurred. */
  get never(): Name[] {
    return this.entries().flatMap(([name, times]) => (times === 0 ? [name] : []));
  }
}
