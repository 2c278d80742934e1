/**
 * What a peer may send to a service, and what becomes of it.
 *
 * Long on purpose: each way to be hostile is one short test, and all share the peer that does it.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { encode } from 'cborg';
import type { Clock, Port, PortRequest, SendFailure } from '../../src/port.ts';
import { Calls } from '../../src/procedures/calls.ts';
import {
  ANSWER,
  CALL,
  CANCEL,
  CREDIT,
  END,
  FAILURE,
  ITEMS,
  METADATA_MAX_BYTES,
} from '../../src/procedures/core/wire.ts';
import { ProcedureError } from '../../src/procedures/procedure-error.ts';
import type { ProvidedServiceOptions } from '../../src/procedures/provided-service.ts';
import { oneWay, service, unary } from '../../src/procedures/service.ts';
import { callHead, type Fate, type RawCall, RawPeer, REPLY_BYTES, raw } from './raw-peer.ts';
import { Sums, type SumsLog, sums } from './sums.ts';
import { type TwoNodes, twoNodes } from './two-nodes.ts';

const { taberna } = Sums;
const INPUT = { a: 1, b: 2 };
const STREAM_IN = { name: 'sums/v1/sum', kind: 3 };

interface Rig extends TwoNodes<typeof Sums> {
  readonly peer: RawPeer;
  readonly log: SumsLog;
  call(fields: RawCall, ...items: readonly unknown[]): Promise<Fate>;
  tell(type: number, payload: Uint8Array): Promise<Fate>;
  /** Lets everything that was sent come to rest. */
  rest(): Promise<void>;
  /** The code of the last failure that came. */
  lastCode(): unknown;
}

async function rig(t: TestContext, provided: Partial<ProvidedServiceOptions> = {}): Promise<Rig> {
  const { handlers, log } = sums();
  const nodes = await twoNodes(t, Sums, handlers, { provided });
  const peer = new RawPeer(await nodes.world.domus('raw-1'));
  return {
    ...nodes,
    peer,
    log,
    call: (fields, ...items) => peer.call(nodes.provider, taberna, fields, ...items),
    tell: (type, payload) => peer.send(nodes.provider, taberna, type, payload),
    rest: () => nodes.world.advance(0),
    lastCode: () => peer.of(FAILURE).at(-1)?.head[1],
  };
}

const Big = service('big', 'v1', {
  answer: unary<null, Uint8Array>(),
  work: unary<null, null>(),
  note: oneWay<null>(),
});

async function bigAnswers(t: TestContext, provided: Partial<ProvidedServiceOptions> = {}) {
  const log = { served: 0, noted: 0, work: (): Promise<void> | undefined => undefined };
  const handlers = {
    answer: () => {
      log.served++;
      return new Uint8Array(100_000);
    },
    work: async () => {
      await log.work();
      return null;
    },
    note: () => void log.noted++,
  };
  const nodes = await twoNodes(t, Big, handlers, { provided: { maxWaiting: 10, ...provided } });
  const peer = new RawPeer(await nodes.world.domus('raw-1'));
  return {
    ...nodes,
    peer,
    log,
    call: (fields: RawCall, ...items: readonly unknown[]) => peer.call(nodes.provider, Big.taberna, fields, ...items),
    rest: () => nodes.world.advance(0),
  };
}

test('[proc-msg-1] [proc-msg-3] [proc-ans-1] [proc-call-3] a call that was made by hand has its answer', async (t) => {
  const { call, peer, rest } = await rig(t);
  assert.equal(await call({}, INPUT), 'taken');
  await rest();
  const [answer] = peer.received;
  assert.deepEqual([answer?.type, answer?.head, answer?.item], [ANSWER, [7], 3]);
});

test('[proc-msg-4] [proc-msg-8] a call cut at any byte is rejected, or answered with what is wrong', async (t) => {
  const { tell, peer, rest, log, provided } = await rig(t);
  const whole = raw(callHead({ metadata: encode({ who: 'me' }) }), INPUT);
  const headLength = raw(callHead({ metadata: encode({ who: 'me' }) })).length;
  for (let length = 0; length < whole.length; length++) {
    const fate = await tell(CALL, whole.subarray(0, length));
    await rest();
    if (length < headLength) {
      assert.ok(fate !== 'taken', `${length}`);
      assert.deepEqual(
        [fate.kind, fate.text],
        ['remote-taberna-rejected', 'invalid-argument: the call cannot be read'],
      );
    } else {
      assert.equal(fate, 'taken', `${length}`);
      assert.deepEqual(peer.received.pop()!.head.slice(0, 2), [7, 'invalid-argument'], `${length}`);
    }
    assert.equal(peer.received.length, 0);
  }
  assert.deepEqual([log.ran, provided.underWay], [[], 0]);
});

test('[proc-name-3] [proc-msg-2] [case-88] no change of one byte of a call runs another handler, or leaves anything behind', async (t) => {
  const { tell, peer, log, provided, world } = await rig(t);
  const head = raw(callHead({ remaining: 1000, metadata: encode({ who: 'me' }) }));
  const input = encode(INPUT);
  const fates = { taken: 0, rejected: 0 };
  for (let at = 0; at < head.length; at++) {
    const sent: Promise<Fate>[] = [];
    for (let value = 0; value < 256; value++) {
      if (value === head[at]) continue;
      const payload = Buffer.concat([head, input]);
      payload[at] = value;
      sent.push(tell(CALL, payload));
    }
    await world.advance(0);
    for (const fate of await Promise.all(sent)) fates[fate === 'taken' ? 'taken' : 'rejected']++;
  }
  await world.advance(60_000);
  assert.deepEqual([...new Set(log.ran)], ['add']);
  assert.equal(provided.underWay, 0);
  assert.ok(fates.taken > 1000 && fates.rejected > 1000, JSON.stringify(fates));
  assert.ok(peer.received.every(({ type }) => type === ANSWER || type === FAILURE));
  // Whatever was taken is answered, but where the change hit the taberna (inbox) that answers go to.
  assert.ok(peer.received.length >= fates.taken - 8 * 255, `${peer.received.length} answers`);
});

test('[proc-name-3] [case-80] a call by another name is refused, and no handler runs', async (t) => {
  const { call, rest, log, lastCode, peer } = await rig(t);
  const names = ['sums/v1/nope', 'sums/v1/ad', 'sums/v1/addd', 'sums/v1/ADD', 'sums/v2/add', 'other/v1/add', ''];
  // The end of a name, as long as one that is found by its end only.
  const ends = ['ums/v1/add', 'ms/v1/add', 's/v1/add', '/v1/add', 'add'];
  for (const name of [...names, ...ends]) {
    assert.equal(await call({ name }, INPUT), 'taken');
    await rest();
    assert.equal(lastCode(), 'unknown-procedure', name);
  }
  assert.deepEqual(log.ran, []);
  assert.equal(peer.received.length, names.length + ends.length);
});

test('[proc-call-9] calls of a peer with 16 MiB of answers on their way wait, as many as may, until it takes them', async (t) => {
  const { call, peer, rest, provider, provided, world, log } = await bigAnswers(t);
  const held: PortRequest[] = [];
  let isTaking = false;
  peer.decide = (request) => {
    if (!isTaking) held.push(request);
    return isTaking ? 'take' : 'hold';
  };
  let calls = 0;
  let refusal: Fate = 'taken';
  for (; refusal === 'taken' && calls < 400; calls++) {
    refusal = await call({ name: 'big/v1/answer', id: calls + 1 }, null);
    await rest();
  }
  const { served } = log;
  assert.ok(served >= 160 && served < 170, `${served} of 100,000 bytes each`);
  assert.deepEqual([calls - 1, provided.underWay], [served + 10, 10]);
  assert.ok(refusal !== 'taken');
  assert.match(refusal.text, /^resource-exhausted: /);
  // What is refused for another reason makes no answers either.
  assert.match(((await call({ name: 'big/v1/none', id: 5_000 }, null)) as SendFailure).text, /^unknown-procedure: /);
  // Others are served as before.
  const other = new RawPeer(await world.domus('raw-2'));
  assert.equal(await other.call(provider, Big.taberna, { name: 'big/v1/answer' }, null), 'taken');
  await rest();
  assert.equal(other.of(ANSWER).length, 1);
  isTaking = true;
  for (const request of held) request.accept();
  await rest();
  assert.deepEqual([peer.of(ANSWER).length, provided.underWay], [served + 10, 0]);
});

test('[proc-call-8] [proc-call-9] calls that wait for a peer to take its answers take no place from the others', async (t) => {
  const opened: (() => void)[] = [];
  const { call, peer, rest, provider, provided, world, log } = await bigAnswers(t, { concurrency: 1 });
  peer.decide = () => 'hold';
  for (let id = 1; provided.underWay < 10 && id < 400; id++) {
    await call({ name: 'big/v1/answer', id }, null);
    await rest();
  }
  assert.equal(provided.underWay, 10);
  // Its own one-way calls have no more room than its others.
  assert.notEqual(await call({ name: 'big/v1/note', id: 1_000, kind: 1, reply: null }, null), 'taken');
  // Another one is at work, and so a third has to wait.
  log.work = () => new Promise((resolve) => opened.push(resolve));
  const others = [new RawPeer(await world.domus('raw-2')), new RawPeer(await world.domus('raw-3'))];
  const fates: Fate[] = [];
  for (const other of others) {
    for (let id = 1; id <= 6; id++)
      fates.push(await other.call(provider, Big.taberna, { name: 'big/v1/work', id }, null));
  }
  await rest();
  assert.deepEqual([...new Set(fates)], ['taken']);
  // One at work, and ten of the other eleven: the last finds no place.
  assert.deepEqual([provided.underWay, others[1]!.of(FAILURE).at(-1)?.head[1]], [21, 'resource-exhausted']);
  log.work = () => undefined;
  for (const open of opened) open();
  await rest();
  assert.deepEqual([others[0]!.of(ANSWER).length, others[1]!.of(ANSWER).length, provided.underWay], [6, 5, 10]);
  const down = peer.domus.shutdown({ drainTimeout: 0 });
  await rest();
  await down;
  await rest();
  assert.equal(provided.underWay, 0);
});

test('[proc-call-9] a peer that is lost frees what was on its way to it', async (t) => {
  const { call, peer, rest, provided, log } = await bigAnswers(t);
  peer.decide = () => 'hold';
  for (let id = 1; provided.underWay === 0 && id < 400; id++) {
    await call({ name: 'big/v1/answer', id }, null);
    await rest();
  }
  const { served } = log;
  await call({ name: 'big/v1/note', id: 1_000, kind: 1, reply: null }, null);
  await rest();
  assert.equal(log.noted, 0);
  const down = peer.domus.shutdown({ drainTimeout: 0 });
  await rest();
  await down;
  await rest();
  // The one-way call runs; the others have nobody to answer to.
  assert.deepEqual([log.noted, log.served, provided.underWay], [1, served, 0]);
});

test('[proc-call-1] a second call with the id of one under way is refused, and the first goes on', async (t) => {
  const { call, rest, log, lastCode, provided } = await rig(t);
  await call({ name: 'sums/v1/wait', id: 5 }, null);
  await call({ name: 'sums/v1/wait', id: 5 }, null);
  await call({ id: 5 }, INPUT);
  await rest();
  assert.deepEqual([log.ran, log.aborted, lastCode(), provided.underWay], [['wait'], [], 'invalid-argument', 1]);
});

test('[proc-call-2] [proc-call-4] a kind or a reply taberna that does not fit the procedure is refused', async (t) => {
  const { call, rest, log, lastCode } = await rig(t);
  for (const fields of [{ kind: 1 }, { kind: 4 }, { kind: 9 }, { name: 'sums/v1/note', kind: 1 }]) {
    assert.equal(await call(fields, INPUT), 'taken');
    await rest();
    assert.equal(lastCode(), 'invalid-argument', JSON.stringify(fields));
  }
  const fate = await call({ reply: null }, INPUT);
  assert.ok(fate !== 'taken');
  assert.equal(fate.text, 'invalid-argument: sums/v1/add is of kind unary');
  assert.deepEqual(log.ran, []);
});

test('[proc-call-5] a one-way call that is refused says so in A1', async (t) => {
  const { call, log, client } = await rig(t, { refusal: () => 'not on the list' });
  const fate = await call({ name: 'sums/v1/note', kind: 1, reply: null }, 'x');
  assert.ok(fate !== 'taken');
  assert.equal(fate.text, 'unauthorized: the caller may not call sums/v1/note');
  await assert.rejects(client.note('x'), { code: 'unauthorized', message: 'the caller may not call sums/v1/note' });
  assert.deepEqual(log.ran, []);
});

test('[proc-call-6] [case-51] a verifier that throws refuses', async (t) => {
  const { client, log, events } = await rig(t, {
    refusal: () => {
      throw new Error('cannot decide');
    },
  });
  await assert.rejects(client.add(INPUT), { code: 'unauthorized' });
  assert.deepEqual([log.ran, events.map(({ kind }) => kind)], [[], ['call-refused']]);
});

test('[proc-call-6] [case-50] who calls is who A0 says, whatever the call says', async (t) => {
  const callers: unknown[] = [];
  const { call, rest } = await rig(t, {
    refusal: ({ nodeId }) => {
      callers.push(nodeId);
      return undefined;
    },
  });
  await call({ metadata: encode({ nodeId: 'admin-1', caller: 'admin-1' }) }, INPUT);
  await rest();
  assert.deepEqual(callers, ['raw-1']);
});

test('[proc-call-7] metadata that is too large, or no map of texts, is refused', async (t) => {
  const { call, rest, log, lastCode } = await rig(t);
  const large = encode({ large: 'x'.repeat(METADATA_MAX_BYTES) });
  for (const metadata of [
    large,
    encode([1]),
    encode({ n: 1 }),
    encode('text'),
    new Uint8Array(0),
    Uint8Array.of(0xff),
  ]) {
    await call({ metadata }, INPUT);
    await rest();
    assert.equal(lastCode(), 'invalid-argument');
  }
  assert.deepEqual(log.ran, []);
  await call({ metadata: encode({ large: 'x'.repeat(METADATA_MAX_BYTES - 20) }) }, INPUT);
  await rest();
  assert.deepEqual(log.ran, ['add']);
});

test('[proc-call-7] the caller’s side refuses too much metadata before it sends anything', async (t) => {
  const { client, log } = await rig(t);
  await assert.rejects(client.add(INPUT, { metadata: { large: 'x'.repeat(METADATA_MAX_BYTES) } }), {
    code: 'invalid-argument',
  });
  assert.deepEqual(log.ran, []);
});

test('[proc-call-8] calls beyond the handlers and the places to wait are refused, and the others run in order', async (t) => {
  const { call, rest, log, lastCode, tell, provided } = await rig(t, { concurrency: 1, maxWaiting: 2 });
  for (const id of [1, 2, 3, 4]) await call({ name: 'sums/v1/wait', id }, null);
  await rest();
  assert.deepEqual([log.ran.length, lastCode(), provided.underWay], [1, 'resource-exhausted', 3]);
  await tell(CANCEL, raw([2]));
  await tell(CANCEL, raw([1]));
  await rest();
  assert.deepEqual([log.ran.length, log.aborted.length, provided.underWay], [2, 1, 1]);
});

test('[proc-call-8] calls that wait are bounded in bytes, and one of any size fits', async (t) => {
  const { call, rest, lastCode, provided } = await rig(t, { concurrency: 1 });
  await call({ name: 'sums/v1/wait', id: 1 }, null);
  const large = new Uint8Array(7 * 1024 * 1024);
  for (let id = 2; id < 11; id++) await call({ name: 'sums/v1/wait', id }, large);
  await rest();
  assert.equal(lastCode(), undefined);
  await call({ name: 'sums/v1/wait', id: 11 }, large);
  await rest();
  assert.deepEqual([lastCode(), provided.underWay], ['resource-exhausted', 10]);
});

test('[proc-call-8] thousands of waiting calls whose handlers answer at once do not nest', async (t) => {
  const { handlers } = sums();
  let release: (() => void) | undefined;
  const { client, world, provided } = await twoNodes(
    t,
    Sums,
    {
      ...handlers,
      wait: () =>
        new Promise<string>((resolve) => {
          release = () => resolve('done');
        }),
    },
    { provided: { concurrency: 1, maxWaiting: 20_000 } },
  );
  const first = client.wait(null);
  const others = Array.from({ length: 10_000 }, (_, a) => client.add({ a, b: 0 }));
  await world.advance(0);
  assert.equal(provided.underWay, 10_001);
  release!();
  assert.equal(await first, 'done');
  assert.equal((await Promise.all(others)).length, 10_000);
});

test('[proc-msg-7] a message of a type that has no meaning here is rejected', async (t) => {
  const { tell } = await rig(t);
  for (const type of [ANSWER, FAILURE, 0xffff_ff07, 0xffff_ffff, 0x0100_0000]) {
    const fate = await tell(type, raw([7], 1));
    assert.ok(fate !== 'taken');
    assert.equal(fate.text, 'invalid-argument: not a message of a call');
  }
});

test('[proc-msg-5] what cannot be read, is for no call, or comes from another peer is taken and changes nothing', async (t) => {
  const { call, tell, rest, log, world, provider, peer } = await rig(t);
  const other = new RawPeer(await world.domus('raw-2'));
  await call({ name: 'sums/v1/wait', id: 5 }, null);
  await call({ ...STREAM_IN, id: 6 }, null);
  await rest();
  peer.received.length = 0;
  const unreadable = [
    new Uint8Array(0),
    raw([]),
    raw(['5']),
    raw([5, 5, 5]),
    raw([-5]),
    raw([5.5]),
    Uint8Array.of(0x9f, 5),
  ];
  for (const payload of [...unreadable, raw([4]), raw([2 ** 53])]) assert.equal(await tell(CANCEL, payload), 'taken');
  for (const type of [ITEMS, END, CREDIT]) {
    for (const payload of [...unreadable, raw([6]), raw([6, null]), raw([4, 0], [1])]) await tell(type, payload);
  }
  assert.equal(await other.send(provider, taberna, CANCEL, raw([5])), 'taken');
  assert.equal(await other.send(provider, taberna, ITEMS, raw([6, 0], [1])), 'taken');
  await rest();
  assert.deepEqual([log.aborted, peer.received], [[], []]);
  await tell(ITEMS, raw([6, 0], [1, 2]));
  await tell(END, raw([6, 1]));
  await rest();
  assert.deepEqual(
    peer.received.map(({ type, item }) => [type, item]),
    [[ANSWER, 3]],
  );
});

test('[proc-flow-10] items and ends for a call without a stream of inputs change nothing', async (t) => {
  const { call, tell, rest, log, peer } = await rig(t);
  await call({ name: 'sums/v1/wait', id: 5 }, null);
  for (const number of [0, 3]) {
    await tell(ITEMS, raw([5, number], [1]));
    await tell(END, raw([5, number]));
  }
  await rest();
  assert.deepEqual([log.aborted, peer.received], [[], []]);
});

test('[proc-flow-1] [proc-flow-11] a gap, a repetition and a wrong end break a stream of inputs', async (t) => {
  const { call, tell, rest, lastCode, provided, peer } = await rig(t);
  const breaks: (() => Promise<Fate>)[] = [
    () => tell(ITEMS, raw([9, 2], [1])),
    () => tell(ITEMS, raw([9, 0], [1])),
    () => tell(END, raw([9, 0])),
    () => tell(END, raw([9, 2])),
  ];
  for (const breaking of breaks) {
    await call({ ...STREAM_IN, id: 9 }, null);
    await tell(ITEMS, raw([9, 0], [1]));
    await rest();
    assert.equal(lastCode(), undefined);
    await breaking();
    await rest();
    assert.deepEqual([lastCode(), provided.underWay], ['data-loss', 0]);
    peer.received.length = 0;
  }
});

test('[proc-flow-3] [proc-flow-4] [proc-flow-5] [proc-flow-6] inputs are taken up to the last byte of credit, and no further', async (t) => {
  const { handlers } = sums();
  const nodes = await twoNodes(t, Sums, { ...handlers, sum: () => new Promise<number>(() => {}) });
  const peer = new RawPeer(await nodes.world.domus('raw-1'));
  const items = (sequence: number, bytes: number) =>
    peer.send(nodes.provider, taberna, ITEMS, raw([9, sequence], [new Uint8Array(bytes - 4)]));
  await peer.call(nodes.provider, taberna, { ...STREAM_IN, id: 9 }, null);
  await nodes.world.advance(0);
  // 65,536 stand in the contract; the rest of the window of 256 KiB is told at once.
  assert.deepEqual(
    peer.of(CREDIT).map(({ head }) => head),
    [[9, 196_608]],
  );
  for (let sequence = 0; sequence < 8; sequence++) await items(sequence, 32_768);
  await nodes.world.advance(0);
  assert.deepEqual(peer.of(FAILURE), []);
  await items(8, 100);
  await nodes.world.advance(0);
  assert.deepEqual(
    peer.of(FAILURE).map(({ head }) => head.slice(0, 2)),
    [[9, 'resource-exhausted']],
  );
});

test('[proc-flow-5] one item of any size passes on the last byte of credit', async (t) => {
  const { handlers } = sums();
  const nodes = await twoNodes(t, Sums, { ...handlers, sum: () => new Promise<number>(() => {}) });
  const peer = new RawPeer(await nodes.world.domus('raw-1'));
  await peer.call(nodes.provider, taberna, { ...STREAM_IN, id: 9 }, null);
  await peer.send(nodes.provider, taberna, ITEMS, raw([9, 0], [new Uint8Array(262_143 - 6)]));
  await peer.send(nodes.provider, taberna, ITEMS, raw([9, 1], [new Uint8Array(1_000_000)]));
  await nodes.world.advance(0);
  assert.deepEqual(peer.of(FAILURE), []);
  await peer.send(nodes.provider, taberna, ITEMS, raw([9, 2], []));
  await nodes.world.advance(0);
  assert.equal(peer.of(FAILURE).length, 1);
});

test('[proc-msg-8] [proc-flow-11] items that are no array, no CBOR or do not fit their schema break the stream', async (t) => {
  const { call, tell, rest, lastCode, peer, provided } = await rig(t);
  const head = raw([9, 0]);
  const bad = [
    head,
    raw([9, 0], 5),
    Buffer.concat([head, Uint8Array.of(0x82, 0x01)]),
    raw([9, 0], ['text']),
    raw([9, 0], [1], [2]),
  ];
  for (const payload of bad) {
    await call({ ...STREAM_IN, id: 9 }, null);
    await tell(ITEMS, payload);
    await rest();
    assert.equal(lastCode(), 'invalid-argument');
    assert.equal(provided.underWay, 0);
    peer.received.length = 0;
  }
});

test('[proc-stop-1] a thousand cancels in a row abort a thousand handlers, and a thousand more do nothing', async (t) => {
  const { call, tell, rest, log, provided, peer } = await rig(t, { concurrency: 2000 });
  const ids = [...new Array(1000).keys()];
  await Promise.all(ids.map((id) => call({ name: 'sums/v1/wait', id }, null)));
  await rest();
  assert.equal(provided.underWay, 1000);
  await Promise.all(ids.map((id) => tell(CANCEL, raw([id]))));
  await Promise.all(ids.map((id) => tell(CANCEL, raw([id]))));
  await rest();
  assert.deepEqual([log.aborted.length, provided.underWay, peer.received.length], [1000, 0, 0]);
  assert.ok(log.aborted.every((reason) => (reason as { code: string }).code === 'cancelled'));
});

test('[proc-time-1] a call whose time is over when it comes is refused, and no handler runs', async (t) => {
  const { call, rest, log, lastCode } = await rig(t);
  await call({ remaining: 0 }, INPUT);
  await rest();
  assert.deepEqual([lastCode(), log.ran], ['deadline-exceeded', []]);
});

test('[proc-time-1] [proc-time-2] times of any length count from the arrival of the call', async (t) => {
  const { call, log, lastCode, world, provided } = await rig(t);
  await call({ name: 'sums/v1/wait', id: 1, remaining: 2 ** 53 - 1 }, null);
  await call({ name: 'sums/v1/wait', id: 2, remaining: 2 ** 40 }, null);
  await call({ name: 'sums/v1/wait', id: 3, remaining: 500 }, null);
  await world.advance(499);
  assert.deepEqual([lastCode(), log.aborted.length], [undefined, 0]);
  await world.advance(2);
  assert.deepEqual([lastCode(), log.aborted.length, provided.underWay], ['deadline-exceeded', 1, 2]);
});

test('[proc-flow-8] a peer that gives all credit there is, and acknowledges nothing, makes no stream grow', async (t) => {
  let pulled = 0;
  const Files = { name: 'sums/v1/count', kind: 2, credit: 2 ** 53 - 1 };
  const { handlers } = sums();
  const nodes = await twoNodes(t, Sums, {
    ...handlers,
    count: async function* () {
      for (;;) {
        pulled++;
        yield new Uint8Array(1024) as never;
      }
    },
  });
  const peer = new RawPeer(await nodes.world.domus('raw-1'));
  peer.decide = () => 'hold';
  const streams = 50;
  for (let id = 0; id < streams; id++) await peer.call(nodes.provider, taberna, { ...Files, id }, 1);
  await nodes.world.advance(1000);
  assert.ok(pulled > streams * 500 && pulled < streams * 1100, `${pulled} items of 1 KiB`);
  await nodes.world.advance(60_000);
  assert.equal(nodes.provided.underWay, 0, 'what is never acknowledged ends the stream');
});

test('[proc-flow-6] credit that comes before the handler runs is not lost', async (t) => {
  const { call, tell, rest, peer } = await rig(t, { concurrency: 1 });
  await call({ name: 'sums/v1/wait', id: 1 }, null);
  await call({ name: 'sums/v1/count', kind: 2, id: 2, credit: 0 }, 3);
  await tell(CREDIT, raw([2, 100]));
  await tell(CANCEL, raw([1]));
  await rest();
  assert.deepEqual(
    peer.received.map(({ type, item }) => [type, item]),
    [
      [ITEMS, [0, 1, 2]],
      [END, undefined],
    ],
  );
});

test('[proc-flow-7] without any credit one item is pulled, and none is sent', async (t) => {
  let pulled = 0;
  const { handlers } = sums();
  const nodes = await twoNodes(t, Sums, {
    ...handlers,
    count: function* () {
      for (;;) yield pulled++;
    } as never,
  });
  const peer = new RawPeer(await nodes.world.domus('raw-1'));
  await peer.call(nodes.provider, taberna, { name: 'sums/v1/count', kind: 2, reply: REPLY_BYTES, credit: 1 }, 0);
  await nodes.world.advance(0);
  assert.deepEqual([pulled, peer.of(ITEMS).map(({ item }) => item)], [1, [[0]]]);
  // Two bytes were spent, one was given.
  await peer.send(nodes.provider, taberna, CREDIT, raw([7, 1]));
  await nodes.world.advance(0);
  assert.equal(pulled, 1);
  await peer.send(nodes.provider, taberna, CREDIT, raw([7, 3]));
  await nodes.world.advance(0);
  assert.equal(peer.of(ITEMS).flatMap(({ item }) => item as number[]).length, pulled);
  assert.ok(pulled > 1 && pulled < 5);
});

test('[proc-time-1] however long a time is, no timer is set that rings at once instead', async (t) => {
  const { provider } = await rig(t);
  const delays: number[] = [];
  const { port } = provider;
  const clock: Clock = {
    now: () => port.clock.now(),
    startTimer: (delayMs, ring) => {
      delays.push(delayMs);
      return port.clock.startTimer(delayMs, ring);
    },
    stopTimer: (timer) => port.clock.stopTimer(timer),
  };
  const calls = new Calls(Object.create(port, { clock: { value: clock } }) as Port);
  const expired = (): void => assert.fail('not in this test');
  for (const deadline of [2 ** 53, 2 ** 40]) {
    calls.watch({ deadline, isDue: false, dueBefore: undefined, dueAfter: undefined, expired });
  }
  calls.close(new ProcedureError('unavailable', 'the test is over'));
  // What Node's own timers take.
  assert.deepEqual(delays, [2 ** 31 - 1, 2 ** 31 - 1]);
});
