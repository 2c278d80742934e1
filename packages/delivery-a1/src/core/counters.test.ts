import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_IDS } from '@flaminia/transport-a0';
import { Counters } from './counters.ts';

test('[api-61] errors are counted in all and by every id that the protocol has', () => {
  const counters = new Counters();
  const ids = Object.values(ERROR_IDS);
  for (const id of ids) {
    counters.errorIn(id);
    counters.errorOut(id);
    counters.errorOut(id);
  }
  assert.deepEqual([counters.errorsIn, counters.errorsOut], [ids.length, 2 * ids.length]);
  assert.deepEqual([...counters.errorsInById], [0, ...ids.map(() => 1)]);
  assert.deepEqual([...counters.errorsOutById], [0, ...ids.map(() => 2)]);
});
