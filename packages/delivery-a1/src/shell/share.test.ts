import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScriptedStream } from '../../test/scripted-stream.ts';
import { Share, type ShareHost } from './share.ts';

class Loop implements ShareHost {
  shareBytes = 100;
  readonly waiting: Share[] = [];

  renewLater(share: Share): void {
    this.waiting.push(share);
  }

  /** Every connection has been looked at. */
  turn(): void {
    for (const share of this.waiting.splice(0)) share.renew();
  }
}

function setUp(): { loop: Loop; stream: ScriptedStream; share: Share; rounds: () => number } {
  const loop = new Loop();
  const stream = new ScriptedStream('tcp://127.0.0.1:2');
  let rounds = 0;
  const share = new Share(stream, loop, () => rounds++);
  return { loop, stream, share, rounds: () => rounds };
}

test('beyond its share a stream is read no more until the next round', () => {
  const { loop, stream, share, rounds } = setUp();
  share.noteRead(60);
  assert.deepEqual(stream.calls, []);
  share.noteRead(60);
  assert.deepEqual(stream.calls, ['pause']);
  // What was read already may still come.
  share.noteRead(60);
  assert.deepEqual(stream.calls, ['pause']);
  assert.equal(loop.waiting.length, 1);
  loop.turn();
  assert.deepEqual(stream.calls, ['pause', 'resume']);
  assert.equal(rounds(), 1);
  share.noteRead(99);
  assert.deepEqual(stream.calls, ['pause', 'resume']);
});

test('beyond its share nothing is written until the next round', () => {
  const { loop, share, rounds } = setUp();
  share.noteWritten(99);
  assert.equal(share.mayWrite(), true);
  share.noteWritten(1);
  assert.equal(share.mayWrite(), false);
  assert.equal(share.mayWrite(), false);
  assert.equal(loop.waiting.length, 1);
  loop.turn();
  assert.equal(rounds(), 1);
  assert.equal(share.mayWrite(), true);
});

test('acks leave at the end of the round, or with whatever else is written', () => {
  const { loop, share } = setUp();
  assert.equal(share.mayWriteAcksAlone(), false);
  loop.turn();
  assert.equal(share.mayWriteAcksAlone(), true);
  share.noteWritten(0);
  assert.equal(share.mayWriteAcksAlone(), false);
});

test('a share that shrinks is used up at once', () => {
  const { loop, stream, share } = setUp();
  share.noteRead(50);
  loop.shareBytes = 20;
  share.noteRead(1);
  assert.deepEqual(stream.calls, ['pause']);
});
