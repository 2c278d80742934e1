/** Two nodes that claim one id: whoever sees both is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Imperium } from '../src/services.ts';
import { imperium as worldOf } from './memory-bench.ts';

test('two nodes with one id are an event that names both', async (t) => {
  const world = worldOf(t);
  const [watcher, one, other] = [await world.domus('watcher'), await world.domus('twin'), await world.domus('twin')];
  const seeds = [watcher.address];
  const imperia = [await Imperium.join(watcher)];
  imperia.push(await Imperium.join(one, { seeds }), await Imperium.join(other, { seeds }));
  await world.advance(5_000);
  const stop = new AbortController();
  const events = watcher.reporting.events({ fromStart: true, signal: stop.signal });
  stop.abort();
  const clashes: string[][] = [];
  for await (const event of events) {
    if (event.kind === 'node-id-clash') clashes.push([event.nodeId, ...[event.peer, event.other].sort()]);
  }
  assert.ok(clashes.length > 0, 'no clash was told');
  for (const clash of clashes) assert.deepEqual(clash, ['twin', one.address, other.address]);
  const leaving = Promise.all(imperia.map((each) => each.leave({ drainTimeout: 0 })));
  await world.advance(10_000);
  await leaving;
});
