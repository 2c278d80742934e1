import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AckTrail } from './ack-trail.ts';

test('a trail tells the newest 65,536 ids, oldest first', () => {
  const trail = new AckTrail();
  const told = (): number[] => {
    const ids: number[] = [];
    trail.each((id) => ids.push(id));
    return ids;
  };
  assert.deepEqual(told(), []);
  for (let id = 0; id < 300; id++) trail.note(id);
  assert.deepEqual(
    told(),
    Array.from({ length: 300 }, (_, id) => id),
  );
  for (let id = 300; id < 70_000; id++) trail.note(id);
  const ids = told();
  assert.deepEqual([ids.length, ids[0], ids.at(-1)], [65_536, 70_000 - 65_536, 69_999]);
});
