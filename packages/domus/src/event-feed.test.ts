import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventFeed } from './event-feed.ts';

interface Feed {
  readonly feed: EventFeed<string>;
  readonly ended: number;
}

function open(capacity: number, signal?: AbortSignal): Feed {
  const opened = { ended: 0 };
  const told = (): void => void opened.ended++;
  return Object.assign(opened, { feed: new EventFeed<string>(capacity, () => 99, signal, told) });
}

/** All that a feed has for its reader until it ends. */
async function drain(feed: EventFeed<string>): Promise<unknown[]> {
  const read: unknown[] = [];
  for await (const event of feed) read.push(event);
  return read;
}

test('[api-56] events come in order, to a reader that waits and to one that comes later', async () => {
  const { feed } = open(10);
  const waiting = feed.next();
  feed.push('a');
  feed.push('b');
  feed.push('c');
  assert.deepEqual(await waiting, { done: false, value: 'a' });
  feed.close();
  assert.deepEqual(await drain(feed), ['b', 'c']);
  assert.deepEqual(await feed.next(), { done: true, value: undefined });
});

test('[api-56] where the buffer overflows the oldest give way, and the count is told before the rest', async () => {
  const { feed } = open(2);
  for (const event of ['a', 'b', 'c', 'd', 'e']) feed.push(event);
  assert.deepEqual(await feed.next(), { done: false, value: { kind: 'events-lost', at: 99, count: 3 } });
  feed.push('f');
  feed.close();
  assert.deepEqual(await drain(feed), [{ kind: 'events-lost', at: 99, count: 1 }, 'e', 'f']);
});

test('[api-56] a large buffer that nobody reads is not moved for each event', async () => {
  const { feed } = open(20_000);
  const parts = feed as unknown as { buffer: (string | undefined)[] };
  let moves = 0;
  class Counted extends Array<string | undefined> {
    override shift(): string | undefined {
      moves++;
      return super.shift();
    }

    override splice(from: number, count: number): (string | undefined)[] {
      moves++;
      return super.splice(from, count);
    }
  }
  parts.buffer = new Counted();
  for (let i = 0; i < 100_000; i++) feed.push(`${i}`);
  assert.ok(moves < 10, `moved ${moves} times`);
  assert.ok(parts.buffer.length <= 40_001);
  feed.close();
  const [lost, ...kept] = await drain(feed);
  assert.deepEqual(lost, { kind: 'events-lost', at: 99, count: 80_000 });
  assert.deepEqual([kept.length, kept[0], kept.at(-1)], [20_000, '80000', '99999']);
});

test('[api-56] an abort ends the feed quietly: a waiting reader at once, another behind what is buffered', async () => {
  const stop = new AbortController();
  const [waiting, behind] = [open(5, stop.signal), open(5, stop.signal)];
  const next = waiting.feed.next();
  behind.feed.push('a');
  stop.abort();
  stop.abort();
  assert.deepEqual(await next, { done: true, value: undefined });
  behind.feed.push('b');
  assert.deepEqual(await drain(behind.feed), ['a']);
  assert.deepEqual([waiting.ended, behind.ended], [1, 1]);
  assert.deepEqual(await drain(open(5, AbortSignal.abort()).feed), []);
});

test('[api-56] break drops what is buffered and unsubscribes', async () => {
  const opened = open(5);
  opened.feed.push('a');
  opened.feed.push('b');
  for await (const _ of opened.feed) break;
  assert.deepEqual(await drain(opened.feed), []);
  assert.equal(opened.ended, 1);
});

test('[api-56] disposal does as break does: what is buffered is dropped, and a reader that waits has its end', async () => {
  const [opened, waiting] = [open(5), open(5)];
  opened.feed.push('a');
  const next = waiting.feed.next();
  for (const { feed } of [opened, waiting]) await feed[Symbol.asyncDispose]();
  assert.deepEqual(await drain(opened.feed), []);
  assert.deepEqual(await next, { done: true, value: undefined });
  assert.deepEqual([opened.ended, waiting.ended], [1, 1]);
});

test('[api-56] a feed has one reader at a time', async () => {
  const { feed } = open(5);
  const next = feed.next();
  await assert.rejects(feed.next(), { kind: 'invalid-state' });
  feed.push('a');
  assert.deepEqual(await next, { done: false, value: 'a' });
});
