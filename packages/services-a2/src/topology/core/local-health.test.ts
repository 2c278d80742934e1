import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalHealth } from './local-health.ts';

test('[topo-det-6] signs of slowness are counted up to 8, and stretch by one more', () => {
  const health = new LocalHealth(true);
  health.good();
  assert.equal(health.factor, 1);
  for (let sign = 0; sign < 20; sign++) health.bad();
  assert.equal(health.factor, 9);
  health.good();
  assert.equal(health.factor, 8);
  const plain = new LocalHealth(false);
  plain.bad();
  assert.equal(plain.factor, 1);
});
