/** The application's own resolver, and behind it that of a joined imperium (domus-api, resolver). */
import type { DomusAddr } from '@flaminia/transport-a0';
import type { RouteResolver } from './resolver.ts';

export class LayeredResolver implements RouteResolver {
  private readonly first: RouteResolver | undefined;
  private last: RouteResolver | undefined = undefined;
  private changes = 0;

  constructor(first: RouteResolver | undefined) {
    this.first = first;
  }

  /** Undefined where one of them does not tell its changes. */
  get version(): number | undefined {
    const { first, last, changes } = this;
    if (first === undefined && last === undefined) return undefined;
    const own = first === undefined ? 0 : first.version;
    const behind = last === undefined ? 0 : last.version;
    return own === undefined || behind === undefined ? undefined : own + behind + changes;
  }

  resolve(
    tabernaId: bigint,
    options: { readonly signal: AbortSignal },
  ): DomusAddr | undefined | Promise<DomusAddr | undefined> {
    const answer = this.first?.resolve(tabernaId, options);
    if (answer === undefined || answer === null) return this.last?.resolve(tabernaId, options);
    const { last } = this;
    if (typeof answer === 'string' || last === undefined) return answer;
    return Promise.resolve(answer).then((address) => address ?? last.resolve(tabernaId, options));
  }

  useLast(resolver: RouteResolver): () => void {
    this.last = resolver;
    this.changes++;
    return () => {
      if (this.last !== resolver) return;
      // What was told before must not seem to hold again when another takes its place.
      this.changes += (resolver.version ?? 0) + 1;
      this.last = undefined;
    };
  }
}
