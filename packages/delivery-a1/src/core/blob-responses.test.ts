import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SETTINGS } from '../../test/test-settings.ts';
import { BlobResponses } from './blob-responses.ts';
import { DomusCore } from './domus-core.ts';
import type { InboundBlob } from './inbound-blob.ts';
import type { CoreEvent, CoreSink } from './sink.ts';

function bench(): { responses: BlobResponses; events: CoreEvent[]; core: DomusCore } {
  const events: CoreEvent[] = [];
  const nothing = (): void => {};
  const sink: CoreSink = {
    dial: nothing,
    cancelDial: nothing,
    endCallis: nothing,
    wantsWrite: nothing,
    arrived: nothing,
    blobMoved: nothing,
    forgotten: nothing,
    event: (event) => void events.push(event),
  };
  const core = new DomusCore({
    address: 'tcp://own',
    settings: { ...SETTINGS, sendQueueSize: 1 },
    sink,
    random: () => 7,
  });
  return { responses: new BlobResponses('tcp://peer', core), events, core };
}

test('[a1-blim-4] one response for an id waits, of whichever kind; once it has left there may be another', () => {
  const { responses, events } = bench();
  responses.put(9, 0, '', 0);
  responses.put(9, 0, '', 0);
  responses.put(9, 15, '', 0);
  assert.deepEqual([responses.acks.size, responses.errors.size], [1, 0]);
  assert.deepEqual(
    events.map((event) => event.kind === 'limited-log' && event.id),
    [1005, 1006],
  );
  responses.leave(responses.acks);
  responses.put(9, 15, 'text', 0);
  assert.deepEqual([responses.errors.headId, responses.errors.headError, responses.errors.headText], [9, 15, 'text']);
});

test('[a1-blim-3] at least 4,096 of each kind wait; what finds no room is dropped and counted', () => {
  const { responses, events, core } = bench();
  for (let id = 0; id < 4100; id++) {
    responses.put(id, 0, '', 0);
    responses.put(10_000 + id, 3, '', 0);
  }
  assert.deepEqual([responses.acks.size, responses.errors.size, responses.size], [4096, 4096, 8192]);
  assert.deepEqual([core.counters.overrunsAck, core.counters.overrunsError], [4, 4]);
  assert.equal(events.filter(({ kind }) => kind === 'outbound-queue-overrun').length, 8);
});

test('[a1-blim-3] acks of chunks take half of their lane; for more the streams get room in turns', () => {
  const { responses } = bench();
  const went: string[] = [];
  const stream = (name: string): InboundBlob => {
    const ackOn = (): void => {
      went.push(name);
      if (responses.mayAck(blob)) responses.put(10_000 + went.length, 0, '', 0);
      responses.mayAck(blob);
    };
    const blob = { ackOn } as InboundBlob;
    return blob;
  };
  const [one, two] = [stream('one'), stream('two')];
  for (let id = 0; id < 2048; id++) {
    assert.equal(responses.mayAck(one), true);
    responses.put(id, 0, '', 0);
  }
  assert.deepEqual([responses.mayAck(one), responses.mayAck(two), responses.mayAck(one)], [false, false, false]);
  for (let i = 0; i < 4; i++) responses.leave(responses.acks);
  assert.deepEqual(went, ['one', 'two', 'one', 'two']);
  assert.equal(responses.acks.size, 2048);
  responses.forget(one);
  for (let i = 0; i < 2; i++) responses.leave(responses.acks);
  assert.deepEqual(went.slice(4), ['two', 'two']);
  responses.put(9000, 0, '', 0);
  assert.equal(responses.acks.size, 2049, 'what cannot wait has the other half');
});

test('[a1-lane-10] they expire after ten minutes, oldest first', () => {
  const { responses } = bench();
  responses.put(1, 0, '', 0);
  responses.put(2, 3, '', 5000);
  assert.equal(responses.deadline, 600_000);
  responses.expire(600_000);
  assert.deepEqual([responses.acks.size, responses.errors.size], [0, 1]);
  responses.put(1, 0, '', 600_000);
  assert.equal(responses.acks.size, 1);
  responses.clear();
  assert.equal(responses.size, 0);
  responses.put(2, 0, '', 600_000);
  assert.equal(responses.acks.size, 1);
});
