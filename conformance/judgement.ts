/** Holds verdicts against the list of differences: what a run of the suite means. */
import type { ConformanceCase, Verdict } from './conformance-case.ts';
import { type Difference, differenceOf } from './differences.ts';
import type { Transport } from './ground.ts';

/** One case over one transport. */
export interface Performance {
  readonly conformanceCase: ConformanceCase;
  readonly transport: Transport;
  readonly verdict: Verdict;
}

export type Judgement =
  | { readonly kind: 'passed' }
  /** It differs, as listed. */
  | { readonly kind: 'listed'; readonly reason: string }
  | { readonly kind: 'failed'; readonly text: string };

export function judge({ conformanceCase, transport, verdict }: Performance, list: readonly Difference[]): Judgement {
  const listed = differenceOf(list, conformanceCase.id, transport);
  const name = `${conformanceCase.id} over ${transport} ${conformanceCase.clauses}`;
  if (verdict.kind === 'conforms') {
    if (listed === undefined || listed.occurs === 'at-times') return { kind: 'passed' };
    return { kind: 'failed', text: `${name}: conforms, but is listed as different: ${listed.reason}` };
  }
  const found = `${conformanceCase.title}\n    at: ${verdict.step}\n    found: ${verdict.why}`;
  if (listed === undefined) return { kind: 'failed', text: `${name}: ${found}` };
  if (listed.instead.test(verdict.why)) return { kind: 'listed', reason: listed.reason };
  return { kind: 'failed', text: `${name}: differs otherwise than listed: ${found}` };
}
