import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveTopologySettings } from './settings.ts';
import { Suspicion, shortestMs, suspicionTimeoutMs } from './suspicion.ts';

const settings = resolveTopologySettings();

test('[topo-det-3] a suspicion shrinks from the longest to the shortest as others confirm', () => {
  assert.equal(shortestMs(100, settings), 8_000);
  assert.equal(shortestMs(5, settings), 4_000);
  const timeouts = [0, 1, 2, 3, 4].map((confirmations) => suspicionTimeoutMs(confirmations, 100, settings));
  assert.deepEqual([timeouts[0], timeouts[3], timeouts[4]], [48_000, 8_000, 8_000]);
  assert.ok(timeouts[0]! > timeouts[1]! && timeouts[1]! > timeouts[2]! && timeouts[2]! > timeouts[3]!);
  assert.equal(suspicionTimeoutMs(0, 2, settings), 4_000);
  assert.equal(suspicionTimeoutMs(0, 100, resolveTopologySettings({ lifeguard: false })), 8_000);
});

test('[topo-det-3] one claimer counts once, and no more than are needed', () => {
  const suspicion = new Suspicion(1_000);
  assert.equal(suspicion.confirm('a', 100, settings), true);
  assert.equal(suspicion.deadline, 49_000);
  assert.equal(suspicion.confirm('a', 100, settings), false);
  assert.equal(suspicion.deadline, 49_000);
  for (const claimer of ['b', 'c', 'd']) assert.equal(suspicion.confirm(claimer, 100, settings), true);
  assert.equal(suspicion.deadline, 9_000);
  assert.equal(suspicion.confirm('e', 100, settings), false);
});

test('[topo-det-4] a claim of death leaves the shortest time', () => {
  const suspicion = new Suspicion(0);
  suspicion.confirm('a', 100, settings);
  assert.equal(suspicion.condemn('b', 2_000, 100, settings), true);
  assert.equal(suspicion.deadline, 10_000);
  assert.equal(suspicion.condemn('c', 3_000, 100, settings), false);
});

test('settings out of range are named', () => {
  for (const bad of [{ links: 1 }, { links: 2.5 }, { probeTimeoutMs: 1_000 }, { lifeguard: 1 }, { nothing: 1 }]) {
    const [field] = Object.keys(bad);
    assert.throws(() => resolveTopologySettings(bad as never), { kind: 'invalid-config', detail: `topology.${field}` });
  }
  assert.equal(resolveTopologySettings({ links: 3 }).links, 3);
});
