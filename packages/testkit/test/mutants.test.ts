/**
 * The mutation gate: each planted bug is found on the seed that found it before, or on a few more, and without a bug those
 * seeds find nothing. `npm run mutants` counts the seeds that it takes.
 */
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { MUTANTS } from '../src/mutants/all-mutants.ts';
import { EVENTS, hunt } from '../src/mutants/gate.ts';
import type { SeedRun } from '../src/mutants/hunt.ts';
import { KILLING_SEEDS } from '../src/mutants/killing-seeds.ts';
import { checkApplies } from '../src/mutants/mutant.ts';

/** Tried where the noted seed finds nothing, since the generator has changed. */
const MORE_SEEDS = Array.from({ length: 200 }, (_, i): SeedRun => [i + 1, EVENTS]);

test('there are enough planted bugs, and each applies', () => {
  assert.ok(MUTANTS.length >= 100);
  for (const mutant of MUTANTS) checkApplies(mutant);
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
});

test('a planted bug whose place is gone fails the gate', async () => {
  const gone = { ...MUTANTS[0]!, find: 'this stands nowhere' };
  assert.throws(() => checkApplies(gone), /does not apply any more: its text stands 0 times/);
  await assert.rejects(hunt([{ mutant: gone, seeds: [[1, EVENTS]] }], 1), /does not apply any more/);
});

test('the simulator finds every planted bug, and nothing where none is planted', async () => {
  const noted = [...new Map(Object.values(KILLING_SEEDS).map((seed) => [seed.join(), seed])).values()];
  const quarries = MUTANTS.map((mutant) => ({
    mutant,
    seeds: [KILLING_SEEDS[mutant.name] ?? MORE_SEEDS[0]!, ...MORE_SEEDS],
  }));
  const verdicts = await hunt([{ mutant: undefined, seeds: noted }, ...quarries], availableParallelism());
  const survivors = verdicts.filter(({ mutant, caught }) => mutant !== undefined && caught.seed === undefined);
  assert.deepEqual(
    survivors.map(({ mutant }) => `${mutant!.name}: ${mutant!.why}`),
    [],
  );
  const control = verdicts.find(({ mutant }) => mutant === undefined)!;
  assert.equal(control.caught.seed, undefined, control.caught.found);
});
