import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testPeer } from '../../test/discovery/discovery-host.ts';
import { ChangeFeed } from './change-feed.ts';
import type { DiscoveryChange } from './discovery.ts';

const a = testPeer('tcp://10.0.0.1:1');
const b = testPeer('tcp://10.0.0.2:1');

function open(trouble?: string, signal?: AbortSignal): { readonly feed: ChangeFeed; readonly ended: () => number } {
  let ended = 0;
  const feed = new ChangeFeed(trouble, signal, () => void ended++);
  return { feed, ended: () => ended };
}

async function drain(feed: ChangeFeed): Promise<string[]> {
  const read: string[] = [];
  for await (const change of feed) read.push(textOf(change));
  return read;
}

function textOf(change: DiscoveryChange): string {
  if ('peer' in change) return `${change.kind} ${change.peer.address.at(-3)} ${change.peer.health}`;
  return change.kind === 'degraded' ? `degraded ${change.reason}` : change.kind;
}

test('a reader that waits is told at once, one that comes later in order', async () => {
  const { feed } = open();
  const waiting = feed.next();
  feed.pushPeer({ kind: 'found', peer: a });
  feed.pushPeer({ kind: 'found', peer: b });
  assert.deepEqual(await waiting, { done: false, value: { kind: 'found', peer: a } });
  feed.close();
  assert.deepEqual(await drain(feed), ['found 2 unknown']);
});

test('[invariant 1] what was not read is one net change for each peer', async () => {
  const rows: readonly (readonly [readonly ('found' | 'changed' | 'gone')[], readonly string[]])[] = [
    [['found', 'changed'], ['found 1 healthy']],
    [['found', 'changed', 'gone'], []],
    [['found', 'gone', 'found'], ['found 1 healthy']],
    [['changed', 'changed'], ['changed 1 healthy']],
    [['changed', 'gone'], ['gone 1 healthy']],
    [['gone', 'found'], ['changed 1 healthy']],
    [['gone', 'found', 'gone'], ['gone 1 healthy']],
  ];
  for (const [kinds, expected] of rows) {
    const { feed } = open();
    for (const [index, kind] of kinds.entries()) {
      const health = index === kinds.length - 1 ? 'healthy' : 'unknown';
      feed.pushPeer({ kind, peer: { ...a, health } });
    }
    feed.close();
    assert.deepEqual(await drain(feed), expected, kinds.join());
  }
});

test('[invariant 1] trouble that came and went unread is not told; one that lasts is told first', async () => {
  const { feed } = open('early');
  feed.pushPeer({ kind: 'found', peer: a });
  assert.equal(textOf((await feed.next()).value as DiscoveryChange), 'degraded early');
  feed.pushTrouble('later');
  feed.pushTrouble(undefined);
  feed.pushTrouble('early');
  assert.equal(textOf((await feed.next()).value as DiscoveryChange), 'found 1 unknown');
  const waiting = feed.next();
  feed.pushTrouble('early');
  feed.pushTrouble('worse');
  assert.equal(textOf((await waiting).value as DiscoveryChange), 'degraded worse');
  feed.pushTrouble(undefined);
  feed.close();
  assert.deepEqual(await drain(feed), ['restored']);
});

test('it ends quietly with its signal, with close and with break, each once', async () => {
  const stop = new AbortController();
  const aborted = open(undefined, stop.signal);
  const waiting = aborted.feed.next();
  stop.abort();
  aborted.feed.close();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  assert.equal(aborted.ended(), 1);
  assert.deepEqual(await drain(open(undefined, AbortSignal.abort()).feed), []);
  const left = open();
  left.feed.pushPeer({ kind: 'found', peer: a });
  left.feed.pushPeer({ kind: 'found', peer: b });
  for await (const _ of left.feed) break;
  assert.equal(left.ended(), 1);
  left.feed.pushPeer({ kind: 'gone', peer: a });
  assert.deepEqual(await drain(left.feed), []);
});

test('two reads at once are a mistake', async () => {
  const { feed } = open();
  const first = feed.next();
  await assert.rejects(feed.next(), { kind: 'invalid-state' });
  feed.close();
  assert.equal((await first).done, true);
});
