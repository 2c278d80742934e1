import type { End } from '../src/sim/connection.ts';
import { type Pair, pair } from '../src/sim/pair.ts';

export interface Crossing {
  readonly scenario: Pair;
  /** The send of `a` that is under way. */
  readonly sent: ReturnType<Pair['a']['send']>;
  /** Has the handler of `b` accept it. */
  accept(): void;
  /** The end of `a` of the primary that carried it, and of the other one. */
  readonly carrier: End;
  readonly spare: End;
}

/** Two domus that have dialled each other at once, with a message from `a` to `b` that waits for its decision. */
export function crossing(): Crossing {
  const scenario = pair();
  const { a, b } = scenario;
  const shelf = b.shelve(7);
  a.serve(8);
  const sent = a.send(b, 7, 'order');
  b.send(a, 8, 'crossing');
  scenario.drive(20);
  const { calles, outlet } = a.session(b);
  const other = calles.find((callis) => callis.isActivePrimary && callis !== outlet)!;
  const endOf = (callis: typeof outlet): End => scenario.ends(a, b).find((end) => end.callis === callis)!;
  return { scenario, sent, accept: () => void b.take(shelf)!.accept(), carrier: endOf(outlet), spare: endOf(other) };
}
