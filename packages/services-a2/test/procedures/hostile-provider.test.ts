/** What a provider may send to its callers, and what becomes of it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { decode, encode } from 'cborg';
import type { Client } from '../../src/procedures/call-types.ts';
import { clientOf } from '../../src/procedures/client.ts';
import { DEFAULT_CALL_SETTINGS } from '../../src/procedures/client-options.ts';
import { ANSWER, CALL, CANCEL, CREDIT, END, FAILURE, ITEMS } from '../../src/procedures/core/wire.ts';
import { keyOf, RawPeer, raw } from './raw-peer.ts';
import { Sums, sums } from './sums.ts';
import { oneProvider, type TwoNodes, twoNodes } from './two-nodes.ts';

const INPUT = { a: 1, b: 2 };

interface Rig extends TwoNodes<typeof Sums> {
  /** Of the hand-made provider. */
  readonly client: Client<typeof Sums>;
  readonly peer: RawPeer;
  /** The last call that has come to the hand-made provider. */
  lastCall(): Promise<{ readonly id: number; readonly head: readonly unknown[]; readonly item: unknown }>;
  /** Sends a message to the reply taberna of the last call. */
  say(type: number, payload: Uint8Array, from?: RawPeer): Promise<unknown>;
  rest(): Promise<void>;
}

async function rig(t: TestContext): Promise<Rig> {
  const nodes = await twoNodes(t, Sums, sums().handlers);
  const domus = await nodes.world.domus('raw-1');
  const peer = new RawPeer(domus, Sums.taberna);
  const parts = { calls: nodes.calls, providers: oneProvider(domus), settings: DEFAULT_CALL_SETTINGS };
  const client = clientOf(Sums, parts, () => true);
  const rest = (): Promise<void> => nodes.world.advance(0);
  return {
    ...nodes,
    client,
    peer,
    rest,
    lastCall: async () => {
      await rest();
      const { head, item } = peer.of(CALL).at(-1)!;
      return { id: head[0] as number, head, item };
    },
    say: async (type, payload, from = peer) => {
      const fate = await from.send(nodes.caller, keyOf(peer.of(CALL).at(-1)!.head[4] as Uint8Array), type, payload);
      await rest();
      return fate;
    },
  };
}

/** Tells what has become of a call so far. */
function outcome(call: Promise<unknown>): { readonly state: () => string } {
  let state = 'pending';
  call.then(
    (value) => {
      state = `value ${JSON.stringify(value)}`;
    },
    (error: { code: string }) => {
      state = error.code;
    },
  );
  return { state: () => state };
}

test('[proc-call-3] a call is what another CBOR library reads it as', async (t) => {
  const { client, lastCall } = await rig(t);
  void client.add(INPUT, { metadata: { who: 'me' }, timeout: 700 }).catch(() => {});
  const unary = await lastCall();
  assert.deepEqual(unary.head.slice(1, 4), ['sums/v1/add', 0, 700]);
  assert.equal((unary.head[4] as Uint8Array).length, 8);
  assert.deepEqual([unary.head[5], decode(unary.head[6] as Uint8Array), unary.item], [0, { who: 'me' }, INPUT]);
  void client.note('x').catch(() => {});
  assert.deepEqual((await lastCall()).head.slice(1), ['sums/v1/note', 1, 30_000, null, 0, null]);
  client.echo([]);
  const stream = await lastCall();
  assert.deepEqual([stream.head.slice(1, 4), stream.head[5], stream.item], [['sums/v1/echo', 4, null], 262_144, null]);
});

test('[proc-msg-5] [proc-ans-3] an answer from a peer that was not asked, for no call, or behind the end changes nothing', async (t) => {
  const { client, calls, say, lastCall, world } = await rig(t);
  const other = new RawPeer(await world.domus('raw-2'));
  const call = outcome(client.add(INPUT));
  const { id } = await lastCall();
  for (const [type, payload] of [
    [ANSWER, raw([id], 9)],
    [FAILURE, raw([id, 'internal', 'x'])],
  ] as const) {
    assert.equal(await say(type, payload, other), 'taken');
  }
  await say(ANSWER, raw([id + 1], 9));
  assert.deepEqual([call.state(), calls.strays], ['pending', 3]);
  await say(ANSWER, raw([id], 3));
  await say(ANSWER, raw([id], 4));
  await say(FAILURE, raw([id, 'internal', 'x']));
  assert.deepEqual([call.state(), calls.strays, calls.size], ['value 3', 5, 0]);
});

test('[proc-msg-5] [proc-msg-8] an answer that is cut anywhere is ignored, or ends the call', async (t) => {
  const { client, say, lastCall, calls } = await rig(t);
  const whole = (id: number): Uint8Array => raw([id], 300);
  for (let length = 0; length < whole(2 ** 32 - 1).length; length++) {
    const call = outcome(client.add(INPUT));
    const { id } = await lastCall();
    const headLength = raw([id]).length;
    await say(ANSWER, whole(id).subarray(0, length));
    assert.equal(
      call.state(),
      length < headLength ? 'pending' : length < headLength + 3 ? 'internal' : 'value 300',
      `${length}`,
    );
    await say(FAILURE, raw([id, 'cancelled', '']));
  }
  assert.equal(calls.size, 0);
});

test('[proc-msg-6] [proc-ans-2] [proc-ans-7] a failure that is cut anywhere ends the call once its id can be read', async (t) => {
  const { client, say, lastCall } = await rig(t);
  const details = { id: 7 };
  const first = client.add(INPUT);
  const rejected = assert.rejects(first, { code: 'not-found', message: 'no such thing', details });
  const payload = (id: number): Uint8Array => raw([id, 'not-found', 'no such thing'], details);
  await say(FAILURE, payload((await lastCall()).id));
  await rejected;
  for (let length = 0; length < payload(1).length + 4; length++) {
    const call = outcome(client.add(INPUT));
    const { id } = await lastCall();
    const idLength = 1 + encode(id).length;
    const headLength = raw([id, 'not-found', 'no such thing']).length;
    await say(FAILURE, payload(id).subarray(0, length));
    const expected = length < idLength ? 'pending' : length < headLength ? 'internal' : 'not-found';
    assert.equal(call.state(), expected, `${length}`);
    await say(FAILURE, raw([id, 'cancelled', '']));
  }
  const unknown = outcome(client.add(INPUT));
  await say(FAILURE, raw([(await lastCall()).id, 'teapot', 'x']));
  assert.equal(unknown.state(), 'internal');
});

test('[proc-msg-5] [case-88] no change of one byte of an answer or a failure does anything but end its own call', async (t) => {
  const { client, say, lastCall, calls } = await rig(t);
  for (const [type, head] of [
    [ANSWER, []],
    [FAILURE, ['not-found', 'no']],
  ] as const) {
    const pending: Promise<unknown>[] = [];
    const call = async (): Promise<number> => {
      pending.push(client.add(INPUT, { timeout: 1e9 }).catch(() => {}));
      return (await lastCall()).id;
    };
    let id = await call();
    const bystander = outcome(client.add(INPUT, { timeout: 1e9 }));
    const length = raw([id, ...head]).length;
    for (let at = 0; at < length; at++) {
      for (const flip of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
        if (calls.size < 2) id = await call();
        const payload = Buffer.concat([raw([id, ...head]), encode(3)]);
        payload[at]! ^= flip;
        await say(type, payload);
      }
    }
    // A change of the id may have hit the other call.
    assert.ok(['pending', 'value 3', 'not-found', 'internal'].includes(bystander.state()));
  }
});

test('[proc-msg-7] a message of a type that is no answer is rejected', async (t) => {
  const { client, say, lastCall } = await rig(t);
  void client.add(INPUT).catch(() => {});
  const { id } = await lastCall();
  for (const type of [CALL, CANCEL, 0xffff_ff07, 0x0100_0000]) {
    const fate = (await say(type, raw([id]))) as { text: string };
    assert.equal(fate.text, 'invalid-argument: not an answer to a call');
  }
});

test('[proc-ans-4] items and ends where one answer belongs, and an answer where a stream does, break the call', async (t) => {
  const { client, say, lastCall, peer, calls } = await rig(t);
  for (const [type, payload] of [
    [ITEMS, [0]],
    [END, [0]],
  ] as const) {
    const call = outcome(client.add(INPUT));
    const { id } = await lastCall();
    await say(type, raw([id, ...payload], [1]));
    assert.equal(call.state(), 'internal');
    assert.deepEqual(peer.of(CANCEL).at(-1)?.head, [id]);
  }
  const next = outcome(client.count(1)[Symbol.asyncIterator]().next());
  const { id } = await lastCall();
  await say(ANSWER, raw([id], 1));
  assert.equal(next.state(), 'internal');
  assert.deepEqual([peer.of(CANCEL).at(-1)?.head, calls.size], [[id], 0]);
});

test('[proc-flow-1] [proc-flow-11] [proc-stop-2] gaps and repetitions break a stream of outputs, which is cancelled', async (t) => {
  const { client, say, lastCall, peer } = await rig(t);
  for (const [type, number] of [
    [ITEMS, 0],
    [ITEMS, 2],
    [END, 0],
    [END, 2],
  ] as const) {
    const outputs = client.count(1)[Symbol.asyncIterator]();
    const { id } = await lastCall();
    await say(ITEMS, raw([id, 0], [5]));
    await say(type, raw([id, number], [6]));
    assert.deepEqual(await outputs.next(), { value: 5, done: false }, 'what came in order is there');
    await assert.rejects(outputs.next(), { code: 'data-loss' });
    assert.deepEqual(peer.of(CANCEL).at(-1)?.head, [id]);
  }
});

test('[proc-flow-5] [proc-flow-11] outputs without credit break the stream', async (t) => {
  const { client, say, lastCall, peer } = await rig(t);
  const outputs = client.count(1)[Symbol.asyncIterator]();
  const { id, head } = await lastCall();
  await say(ITEMS, raw([id, 0], [new Uint8Array((head[5] as number) - 6)]));
  assert.equal(peer.of(CANCEL).length, 0);
  await say(ITEMS, raw([id, 1], [1]));
  assert.deepEqual(
    peer.of(CANCEL).map((each) => each.head),
    [[id]],
  );
  await assert.rejects(
    (async () => {
      for (;;) await outputs.next();
    })(),
  );
});

test('[proc-msg-8] outputs that are no array, no CBOR or do not fit their schema end the stream', async (t) => {
  const { client, say, lastCall, peer, calls } = await rig(t);
  for (const behind of [[], [5], [['text']], [[1], [2]]]) {
    const outputs = client.count(1)[Symbol.asyncIterator]();
    const { id } = await lastCall();
    await say(ITEMS, raw([id, 0], ...behind));
    await assert.rejects(outputs.next(), { code: 'internal' });
    assert.equal(calls.size, 0);
  }
  assert.equal(peer.of(CALL).length, 4);
});

test('[proc-flow-8] a provider that gives all credit there is, and acknowledges nothing, does not make the caller grow', async (t) => {
  const { client, say, lastCall, peer, world } = await rig(t);
  let pulled = 0;
  function* endless(): Generator<number> {
    for (;;) {
      pulled++;
      yield new Uint8Array(1024) as never;
    }
  }
  const call = outcome(client.sum(endless(), { timeout: 1e6 }));
  const { id } = await lastCall();
  peer.decide = () => 'hold';
  await say(CREDIT, raw([id, 2 ** 53 - 1]));
  await say(CREDIT, raw([id, 2 ** 53 - 1]));
  await world.advance(1000);
  assert.ok(pulled > 900 && pulled < 1200, `${pulled} items of 1 KiB`);
  await world.advance(60_000);
  assert.equal(call.state(), 'unavailable');
});

test('[proc-loss-3] what A1 says about a call that it could not deliver', async (t) => {
  const { client, peer, lastCall, world, calls } = await rig(t);
  const refused = async (text: string): Promise<string> => {
    peer.decide = () => ({ refuse: text });
    const call = outcome(client.add(INPUT));
    await lastCall();
    return call.state();
  };
  assert.equal(await refused('unauthorized: not you'), 'unauthorized');
  assert.equal(await refused('teapot: short'), 'internal');
  assert.equal(await refused('no'), 'unavailable');
  const nobody = await world.domus('empty-1');
  const parts = { calls, providers: oneProvider(nobody), settings: DEFAULT_CALL_SETTINGS };
  await assert.rejects(clientOf(Sums, parts, () => true).add(INPUT), { code: 'unavailable' });
});
