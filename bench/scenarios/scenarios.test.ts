/** Small courses of the scenarios: their processes start, find each other, are told apart and end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCredentials } from '../credentials.ts';
import { fifty } from './fifty.ts';
import type { Figure } from './figure.ts';
import { providerLoss } from './provider-loss.ts';
import { streamMemory } from './stream-memory.ts';

function figureOf(figures: readonly Figure[], beginning: string): number {
  const figure = figures.find(({ name }) => name.startsWith(beginning));
  assert.ok(figure, beginning);
  return figure.value;
}

test('no call fails when one of three providers is killed under load', async () => {
  const plan = { perSecond: 100, warmUpMs: 100, durationMs: 1_000, killedAtMs: 500 };
  const figures = await providerLoss(await createCredentials(), plan);
  assert.equal(figureOf(figures, 'failed calls of 100'), 0, JSON.stringify(figures));
  assert.ok(figureOf(figures, 'p99 before the loss') > 0);
});

test('nodes in processes of their own list each other, and tell what they cost', async () => {
  const figures = await fifty(await createCredentials(), { count: 3, restMs: 1, idleMs: 50 });
  assert.ok(figureOf(figures, 's of CPU of a node until it is open') > 0);
  assert.ok(figureOf(figures, 's from the last start until all list all') > 0);
});

test('streams that nobody reads hold their windows at both sides', async () => {
  const window = { chunkSize: 4_096, ackWindow: 16 };
  const figures = await streamMemory(await createCredentials(), { windows: [window], first: 1, counted: 8 });
  for (const side of ['sender', 'receiver'])
    assert.ok(Math.abs(figureOf(figures, `KiB of a stream of 4096 × 16 beyond its window, ${side}`)) < 1_024);
});
