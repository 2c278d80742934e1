import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings } from './arguments.ts';
import { GROUPS, PLANS } from './plan.ts';

const namesOf = (args: readonly string[]): string[] => parseSettings(args).plans.map((plan) => plan.name);

test('without arguments every plan runs, five times, five seconds', () => {
  const settings = parseSettings([]);
  assert.deepEqual(settings.plans, PLANS);
  assert.deepEqual(
    [settings.rounds, settings.warmUpMs, settings.windowMs, settings.quick, settings.json],
    [5, 5_000, 5_000, false, undefined],
  );
});

test('--only takes names and families, repeated or separated by commas, and keeps the order of the table', () => {
  assert.deepEqual(namesOf(['--only', 'p2p']), ['p2p-128', 'p2p-4096']);
  assert.deepEqual(namesOf(['--only', 'ws-128', '--only', 'p1t']), ['p1t', 'ws-128']);
  assert.deepEqual(namesOf(['--only', 'p1u,p1t']), ['p1t', 'p1u']);
});

test('--only takes a group: calls and everything that they are held against', () => {
  assert.deepEqual(new Set(namesOf(['--only', 'services'])), new Set(GROUPS.services));
  for (const name of Object.values(GROUPS).flat())
    assert.ok(
      PLANS.some((plan) => plan.name === name),
      name,
    );
});

test('what takes more than two processes runs with all, or by its name', () => {
  const settings = parseSettings(['--only', 'fifty']);
  assert.deepEqual([settings.plans, settings.scenarios], [[], ['fifty']]);
  assert.deepEqual(parseSettings([]).scenarios, ['provider-loss', 'fifty', 'stream-memory']);
  assert.deepEqual(parseSettings(['--only', 'p1t']).scenarios, []);
  const both = parseSettings(['--only', 'provider-loss,p1t']);
  assert.deepEqual([both.plans.map((plan) => plan.name), both.scenarios], [['p1t'], ['provider-loss']]);
});

test('--only refuses what no plan is called, a beginning of a name included', () => {
  assert.throws(() => parseSettings(['--only', 'p2p,thrift']), /--only thrift: no such scenario; known: .*p1t, /);
  assert.throws(() => parseSettings(['--only', 'domu']), /no such scenario/);
});

test('--quick shortens a run, --rounds still decides how often', () => {
  const { rounds, warmUpMs, windowMs, quick } = parseSettings(['--quick', '--rounds', '3']);
  assert.deepEqual([rounds, warmUpMs, windowMs, quick], [3, 700, 1_300, true]);
  assert.equal(parseSettings(['--quick']).rounds, 1);
});

test('--rounds is 1..100, and unknown arguments are refused', () => {
  for (const rounds of ['0', '101', '1.5', 'many']) {
    assert.throws(() => parseSettings(['--rounds', rounds]), /--rounds must be 1\.\.100/);
  }
  assert.throws(() => parseSettings(['--fast']), /--fast/);
});

test('the names of the plans are unique', () => {
  assert.equal(new Set(PLANS.map((plan) => plan.name)).size, PLANS.length);
});
