import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RESPONSE_LIFETIME_MS, ResponseLane } from './response-lane.ts';

test('a FIFO with a capacity; what finds no room is not kept', () => {
  const lane = new ResponseLane();
  for (let id = 0; id < 40; id++) {
    assert.equal(id % 3 === 0 ? lane.push(id, 0, 40) : lane.pushError(id, id % 3, `text ${id}`, 0, 40), true);
  }
  assert.equal(lane.push(99, 0, 40), false);
  assert.equal(lane.pushError(99, 1, 'text', 0, 40), false);
  for (let id = 0; id < 40; id++) {
    assert.deepEqual([lane.headId, lane.headError, lane.headText], [id, id % 3, id % 3 === 0 ? '' : `text ${id}`]);
    lane.shift();
  }
  assert.equal(lane.size, 0);
});

test('keeps its order while it grows around the end of the ring', () => {
  const lane = new ResponseLane();
  let next = 0;
  let expected = 0;
  for (let round = 0; round < 200; round++) {
    for (let i = 0; i < 3; i++) assert.ok(lane.push(next++, 0, 1000));
    assert.equal(lane.headId, expected++);
    lane.shift();
  }
  assert.equal(lane.size, 400);
});

test('a response expires ten minutes after it was made', () => {
  const lane = new ResponseLane();
  assert.equal(lane.deadline, Number.POSITIVE_INFINITY);
  lane.push(1, 5, 10);
  lane.push(2, 9, 10);
  assert.equal(lane.deadline, 5 + RESPONSE_LIFETIME_MS);
  lane.shift();
  assert.equal(lane.deadline, 9 + RESPONSE_LIFETIME_MS);
  assert.equal(RESPONSE_LIFETIME_MS, 600_000);
});

test('the oldest can be put behind all others, with what it says; full or not, at any place of the ring', () => {
  for (const size of [1, 3, 8]) {
    const lane = new ResponseLane();
    for (let start = 0; start < 20; start++) {
      for (let id = 0; id < size; id++) lane.pushError(id, 10 + id, `text ${id}`, id, 8);
      lane.toEnd();
      const ids = Array.from({ length: size }, (_, place) => lane.idAt(place));
      assert.deepEqual(
        ids,
        Array.from({ length: size }, (_, place) => (place + 1) % size),
      );
      for (const id of ids) {
        assert.deepEqual([lane.headId, lane.headError, lane.headText], [id, 10 + id, `text ${id}`]);
        assert.equal(lane.deadline, id + RESPONSE_LIFETIME_MS);
        lane.shift();
      }
    }
  }
});
