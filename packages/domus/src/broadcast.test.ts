import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broadcast, HISTORY } from './broadcast.ts';
import type { EventFeed } from './event-feed.ts';

/** All that a feed has for its reader until it ends; losses as `lost n`. */
async function drain(feed: EventFeed<number>): Promise<unknown[]> {
  const read: unknown[] = [];
  for await (const event of feed) read.push(typeof event === 'number' ? event : `lost ${event.count}`);
  return read;
}

/** A stream on which the numbers from 1 to `last` have been published. */
function published(last: number): Broadcast<number> {
  const stream = new Broadcast<number>();
  for (let i = 1; i <= last; i++) stream.publish(i);
  return stream;
}

test('[api-62] a feed from the start has what has happened, then what happens; another has the latter alone', async () => {
  const stream = published(2);
  const [whole, late] = [stream.subscribe({ fromStart: true }), stream.subscribe()];
  stream.publish(3);
  stream.close();
  assert.deepEqual([await drain(whole), await drain(late)], [[1, 2, 3], [3]]);
});

test('[api-62] [api-56] a feed from the start tells first how many events are kept no more, or found no room in its buffer', async () => {
  const stream = published(HISTORY + 5);
  const [whole, small] = [stream.subscribe({ fromStart: true }), stream.subscribe({ fromStart: true, buffer: 2 })];
  stream.close();
  const events = await drain(whole);
  assert.deepEqual([events.length, events[0], events[1], events.at(-1)], [HISTORY + 1, 'lost 5', 6, HISTORY + 5]);
  assert.deepEqual(await drain(small), [`lost ${HISTORY + 3}`, HISTORY + 4, HISTORY + 5]);
});

test('[api-62] what has happened can be read behind the end; a feed of what happens ends at once', async () => {
  const stream = published(2);
  stream.close();
  assert.deepEqual(await drain(stream.subscribe({ fromStart: true })), [1, 2]);
  assert.deepEqual(await drain(stream.subscribe()), []);
});

test('[api-56] an aborted signal gives an ended feed, from the start too', async () => {
  const stream = published(HISTORY + 1);
  assert.deepEqual(await drain(stream.subscribe({ fromStart: true, signal: AbortSignal.abort() })), []);
});

test('[api-56] [api-62] options out of range are invalid-config, naming the field', () => {
  const stream = new Broadcast<number>();
  assert.throws(() => stream.subscribe({ buffer: 0 }), { kind: 'invalid-config', detail: 'buffer' });
  const fromStart = 'yes' as unknown as boolean;
  assert.throws(() => stream.subscribe({ fromStart }), { kind: 'invalid-config', detail: 'fromStart' });
});
