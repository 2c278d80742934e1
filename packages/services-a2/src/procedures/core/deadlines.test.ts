/** Deadlines against a plain list of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deadlines, type Due } from './deadlines.ts';

const entry = (deadline: number): Due => ({ deadline, isDue: false, dueBefore: undefined, dueAfter: undefined });

test('entries come out once their time has come, and no other', () => {
  const deadlines = new Deadlines();
  const entries = [5, 1, 9, 1, 7].map(entry);
  for (const each of entries) deadlines.add(each);
  assert.deepEqual([deadlines.size, deadlines.next], [5, 1]);
  assert.deepEqual(deadlines.expire(0), []);
  assert.deepEqual(new Set(deadlines.expire(5)), new Set([entries[0], entries[1], entries[3]]));
  assert.deepEqual([deadlines.size, deadlines.next], [2, 7]);
});

test('an entry is in at most once, one that is not in can be removed, and one without a deadline stays outside', () => {
  const deadlines = new Deadlines();
  const [one, never] = [entry(3), entry(Number.POSITIVE_INFINITY)];
  deadlines.add(one);
  deadlines.add(one);
  deadlines.add(never);
  assert.equal(deadlines.size, 1);
  deadlines.remove(one);
  deadlines.remove(one);
  deadlines.remove(never);
  assert.deepEqual([deadlines.size, deadlines.expire(10)], [0, []]);
  assert.equal(deadlines.next, Number.POSITIVE_INFINITY);
});

test('random courses agree with a plain list', () => {
  const seed = Number(process.env.SEED ?? 11);
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const deadlines = new Deadlines();
  const plain = new Set<Due>();
  for (let now = 0; now < 5000; now++) {
    for (let i = random(4); i > 0; i--) {
      const each = entry(now + random(200));
      deadlines.add(each);
      plain.add(each);
    }
    const some = [...plain][random(plain.size + 1)];
    if (some !== undefined) {
      deadlines.remove(some);
      plain.delete(some);
    }
    const earliest = Math.min(...[...plain].map(({ deadline }) => deadline));
    assert.ok(deadlines.next <= earliest, `seed ${seed}`);
    if (deadlines.next > now) continue;
    const due = new Set(deadlines.expire(now));
    for (const each of plain) assert.equal(due.has(each), each.deadline <= now, `seed ${seed}`);
    for (const each of due) plain.delete(each);
    assert.equal(deadlines.size, plain.size);
  }
});
