/** A failing run is made as small as what it needs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from './random.ts';
import { shrink, type Trial } from './shrink.ts';
import { drawSwarm } from './swarm.ts';

const drawn = drawSwarm(new Random(7));
const swarm = { ...drawn, nodes: 4, faults: { ...drawn.faults, reset: 30, crash: 5, pause: 3 } };

test('faults, nodes and events that a failure does not need are left out', () => {
  const trial: Trial = ({ swarm: { faults, nodes }, events }) =>
    faults.crash > 0 && nodes >= 2 && events >= 321 ? 'rule 1' : undefined;
  const found = shrink({ swarm, events: 5000, seed: 7 }, trial);
  assert.equal(found.swarm.nodes, 2);
  const needed = Object.entries(found.swarm.faults).filter(([, weight]) => weight > 0);
  assert.deepEqual(needed, [['crash', 5]]);
  assert.ok(found.events >= 321 && found.events < 340, `${found.events} events`);
});

test('what breaks another rule does not count', () => {
  const trial: Trial = ({ swarm: { faults } }) => (faults.crash > 0 ? 'rule 1' : 'rule 2');
  assert.equal(shrink({ swarm, events: 100, seed: 7 }, trial).swarm.faults.crash, 5);
});

test('a candidate that needs another seed is found', () => {
  const trial: Trial = ({ swarm: { nodes }, seed }) => (nodes === 4 || seed === 9 ? 'rule 1' : undefined);
  assert.deepEqual(
    [shrink({ swarm, events: 100, seed: 7 }, trial)].map(({ seed, swarm: { nodes } }) => [seed, nodes]),
    [[9, 2]],
  );
});

test('a seed that breaks nothing is no start', () => {
  assert.throws(() => shrink({ swarm, events: 100, seed: 7 }, () => undefined), /seed 7 breaks nothing/);
});
