import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestOrigin } from './origin.ts';
import { Registry } from './registry.ts';
import type { DeliverySettings } from './settings.ts';
import { type PayloadPlace, Taberna } from './taberna.ts';

const origin: RequestOrigin = { address: 'tcp://127.0.0.1:1', decide: () => true };

function settings(changes: Partial<DeliverySettings> = {}): DeliverySettings {
  return {
    tabernaAcceptQueueSize: 4,
    tabernaAcceptQueueBytes: 100,
    acceptTimeoutMs: 5000,
    ...changes,
  } as DeliverySettings;
}

/** A payload in a buffer that others use. */
function lying(payload: Uint8Array): PayloadPlace {
  return { payload, payloadStart: 0, payloadLength: payload.length, payloadOwned: false };
}

function offer(taberna: Taberna, id: number, bytes = 1, now = 0, limits = settings()): boolean {
  return taberna.offer(origin, 1, id, 0x0100_0000, lying(new Uint8Array(bytes).fill(id)), now, limits);
}

function takeAll(taberna: Taberna): number[] {
  const ids: number[] = [];
  for (let arrival = taberna.peek(); arrival !== undefined; arrival = taberna.peek()) {
    ids.push(arrival.id);
    taberna.drop();
  }
  return ids;
}

test('at most tabernaAcceptQueueSize requests wait, in order', () => {
  const taberna = new Taberna(0, 1, undefined);
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((id) => offer(taberna, id)),
    [true, true, true, true, false],
  );
  assert.deepEqual(takeAll(taberna), [1, 2, 3, 4]);
});

test('at most tabernaAcceptQueueBytes wait, but one request always fits', () => {
  const taberna = new Taberna(0, 1, undefined);
  assert.equal(offer(taberna, 1, 500), true);
  assert.equal(offer(taberna, 2, 1), false);
  taberna.drop();
  assert.equal(offer(taberna, 3, 60), true);
  assert.equal(offer(taberna, 4, 41), false);
  assert.equal(offer(taberna, 5, 40), true);
  assert.equal(taberna.waitingBytes, 100);
});

test('what stays queued does not lie in the read buffer', () => {
  const taberna = new Taberna(0, 1, undefined);
  const chunk = Buffer.alloc(8, 7);
  taberna.offer(origin, 1, 1, 0x0100_0000, { ...lying(chunk), payloadStart: 2, payloadLength: 4 }, 0, settings());
  taberna.detach();
  chunk.fill(0);
  assert.deepEqual([...taberna.peek()!.payload], [7, 7, 7, 7]);
});

test('requests expire acceptTimeout after they came, also when it was lowered meanwhile', () => {
  const taberna = new Taberna(0, 1, undefined);
  offer(taberna, 1, 1, 0);
  offer(taberna, 2, 1, 10, settings({ acceptTimeoutMs: 1000 }));
  offer(taberna, 3, 1, 20);
  assert.equal(taberna.deadline, 1010);
  const told: number[] = [];
  taberna.remove(
    (arrival) => arrival.acceptBy <= 1010,
    (arrival) => told.push(arrival.id),
  );
  assert.deepEqual(told, [2]);
  assert.equal(taberna.deadline, 5000);
  assert.deepEqual(takeAll(taberna), [1, 3]);
  assert.equal(taberna.deadline, Number.POSITIVE_INFINITY);
});

test('who is told of a removed request finds its place free, and may queue another there', () => {
  const taberna = new Taberna(0, 1, undefined);
  const limits = settings({ tabernaAcceptQueueSize: 3 });
  for (const id of [1, 2, 3]) offer(taberna, id, 10, 0, limits);
  const told: unknown[] = [];
  taberna.remove(
    ({ id }) => id !== 2,
    ({ id, payload }) => {
      const { waiting, waitingBytes } = taberna;
      told.push([id, payload.length, waiting, waitingBytes, offer(taberna, id + 10, 5, 0, limits)]);
    },
  );
  assert.deepEqual(told, [
    [1, 10, 1, 10, true],
    [3, 10, 2, 15, true],
  ]);
  assert.equal(taberna.waitingBytes, 20);
  assert.deepEqual(takeAll(taberna), [2, 11, 13]);
});

test('the ring keeps its order while it grows and wraps', () => {
  const taberna = new Taberna(0, 1, undefined);
  const limits = settings({ tabernaAcceptQueueSize: 8192, tabernaAcceptQueueBytes: 1e9 });
  const taken: number[] = [];
  let next = 0;
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 5; i++) offer(taberna, next++, 1, 0, limits);
    for (let i = 0; i < 3; i++) {
      taken.push(taberna.peek()!.id);
      taberna.drop();
    }
  }
  taken.push(...takeAll(taberna));
  assert.deepEqual(
    taken,
    Array.from({ length: next }, (_, i) => i),
  );
  assert.equal(taberna.waitingBytes, 0);
});

test('ids that share their low half are told apart; a second registration is refused', () => {
  const registry = new Registry();
  const a = registry.add(1, 9, 'a');
  const b = registry.add(2, 9, 'b');
  assert.equal(registry.find(1, 9), a);
  assert.equal(registry.find(2, 9), b);
  assert.equal(registry.find(3, 9), undefined);
  assert.throws(() => registry.add(2, 9, 'c'), { kind: 'taberna-already-registered' });
  registry.delete(b);
  assert.equal(registry.find(2, 9), undefined);
  assert.deepEqual(registry.all, [a]);
});
