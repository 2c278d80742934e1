/** Peers that break the rules of the wire: each violation ends its callis, and costs nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pair, type Place, pair } from '../src/sim/pair.ts';
import { encodeFrame, errorPayload, type RawFrame, type RawPeer } from '../src/sim/raw-peer.ts';

const MESSAGE = 0x0100_0000;

/** A raw peer with an active primary to `b`, which serves taberna 7. */
function connected(): { scenario: Pair; raw: RawPeer; a: Place; b: Place } {
  const scenario = pair();
  const { a, b } = scenario;
  const raw = scenario.raw(a);
  b.serve(7);
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([{ type: 1 }]);
  scenario.drive(10);
  assert.deepEqual(raw.read, ['hello-response #0 (0 B)']);
  return { scenario, raw, a, b };
}

const violations: Readonly<Record<string, readonly RawFrame[]>> = {
  '[a1-wire-5] version 2': [{ version: 2, type: 4, id: 1 }],
  '[a1-wire-5] version 0': [{ version: 0, type: 4, id: 1 }],
  '[a1-wire-10] an undefined flag on a message': [{ type: MESSAGE, flags: 0x0004, id: 1, dst: 7 }],
  '[a1-wire-10] RECONNECT on a message': [{ type: MESSAGE, flags: 0x0002, id: 1, dst: 7 }],
  '[a1-wire-9] a flag on an ack': [{ type: 4, flags: 0x0001, id: 1 }],
  '[a1-wire-9] a flag on a keepalive': [{ type: 3, flags: 0x8000 }],
  '[a1-wire-8] an oversized control frame': [{ type: 4, id: 1, payloadLength: 0xffff_ffff }],
  '[a1-type-4] type 7': [{ type: 7 }],
  '[a1-type-4] type 0': [{ type: 0 }],
  '[a1-type-4] the last type of the A1 range': [{ type: 0xffff }],
  '[a1-type-5] a chunk on a primary': [{ type: 8, payload: Buffer.alloc(18) }],
  '[a1-type-5] a complete on a primary': [{ type: 9, payload: Buffer.alloc(4) }],
  '[a1-type-6] a second hello': [{ type: 1 }],
  '[a1-type-6] a second hello-response': [{ type: 2 }],
  '[a1-pay-5] an ack with a payload': [{ type: 4, id: 1, payload: Buffer.alloc(1) }],
  '[a1-pay-5] a keepalive with a payload': [{ type: 3, payload: Buffer.alloc(1) }],
  '[a1-pay-5] a close with a payload': [{ type: 5, payload: Buffer.alloc(1) }],
  '[a1-pay-5] an error of three bytes': [{ type: 6, id: 1, payload: Buffer.alloc(3) }],
  '[a1-pay-6] error id 0': [{ type: 6, id: 1, payload: errorPayload(0) }],
  '[a1-pay-6] error id 27': [{ type: 6, id: 1, payload: errorPayload(27) }],
  '[a1-pay-7] an error text that is not UTF-8': [{ type: 6, id: 1, payload: Buffer.from([0, 0, 0, 4, 0xff, 0xfe]) }],
};

for (const [name, frames] of Object.entries(violations)) {
  test(`${name} ends its callis, and nothing is said ([a1-wire-11])`, () => {
    const { scenario, raw, a, b } = connected();
    raw.write([...frames, { type: MESSAGE, id: 9, dst: 7 }]);
    scenario.drive(10);
    assert.deepEqual(raw.read.slice(1), ['end']);
    assert.deepEqual(b.seen, [], 'nothing behind it is read');
    assert.equal(b.domus.core.counters.protocolViolations, 1);
    const [end] = b.events('primary-callis-disconnected');
    assert.deepEqual(
      b.events('protocol-violation').map(({ detail }) => [detail, 'protocol-violation']),
      [[end?.detail, end?.reason]],
    );
    assert.equal(b.session(a).live, true, 'the session is kept');
  });
}

test('[a1-pay-6] the local diagnostic of an unknown error id has the raw number', () => {
  const { scenario, raw, b } = connected();
  raw.write([{ type: 6, id: 1, payload: errorPayload(4711) }]);
  scenario.drive(10);
  assert.match(b.events('primary-callis-disconnected')[0]!.detail, /4711/);
});

const beforeHello: Readonly<Record<string, RawFrame>> = {
  'a message': { type: MESSAGE, id: 1, dst: 7 },
  'an ack': { type: 4, id: 1 },
  'a hello-response': { type: 2 },
  'an error': { type: 6, payload: errorPayload(3) },
  'a keepalive': { type: 3 },
  'a hello with a payload': { type: 1, payload: Buffer.alloc(1) },
};

for (const [name, frame] of Object.entries(beforeHello)) {
  test(`[a1-call-2] [a1-wire-11] ${name} in place of the hello ends the callis, and nothing is said`, () => {
    const scenario = pair();
    const { a, b } = scenario;
    const raw = scenario.raw(a);
    raw.dial(b.index);
    scenario.drive(10);
    raw.write([frame]);
    scenario.drive(10);
    assert.deepEqual(raw.read, ['end']);
    assert.equal(b.knows(a), false);
    assert.equal(b.events('protocol-violation').length, 1, 'it is reported, although no callis was ever active');
  });
}

test('[a1-type-8] an error in place of the hello-response fails the dial with its kind', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const raw = scenario.raw(b);
  raw.answersHello = false;
  const sent = a.send(b, 7, 'order', { timeoutMs: 500 });
  scenario.drive(10);
  raw.write([{ type: 6, payload: errorPayload(3, 'callis limit reached') }]);
  scenario.drive(10);
  const [failed] = a.events('peer-dial-failed');
  assert.match(String(failed?.error), /peer-unavailable.*callis limit reached/);
  scenario.drive(500);
  assert.equal(sent.failure?.kind, 'send-timeout');
  assert.equal(sent.failure?.cause, failed?.error);
});

test('[a1-pay-3] the id of a hello is echoed, and that of a hello-response is not checked', () => {
  const scenario = pair();
  const { a, b } = scenario;
  const raw = scenario.raw(b);
  raw.answersHello = false;
  a.send(b, 7, 'order');
  scenario.drive(10);
  raw.write([{ type: 2, id: 77 }]);
  scenario.drive(10);
  assert.equal(a.session(b).live, true);
  raw.dial(a.index);
  scenario.drive(10);
  raw.write([{ type: 1, id: 42 }]);
  scenario.drive(10);
  assert.ok(raw.read.includes('hello-response #42 (0 B)'));
});

test('[a1-pay-7] a text over 1024 bytes is accepted and cut on a character boundary', () => {
  const scenario = pair({ firstId: 0x8000_0000 });
  const { a, b } = scenario;
  const raw = scenario.raw(b);
  const sent = a.send(b, 7, 'order');
  scenario.drive(20);
  raw.write([{ type: 6, id: 0x8000_0000, payload: errorPayload(4, `a${'é'.repeat(600)}`) }]);
  scenario.drive(20);
  assert.equal(sent.failure?.kind, 'remote-taberna-rejected');
  assert.equal(sent.failure?.text, `a${'é'.repeat(511)}`);
});

test('[a1-loss-10] answers to ids that were never sent are ignored', () => {
  const { scenario, raw, a, b } = connected();
  for (let id = 0; id < 100; id++)
    raw.write([
      { type: 4, id },
      { type: 6, id, payload: errorPayload(4) },
    ]);
  scenario.drive(100);
  assert.equal(b.session(a).outlet?.phase, 'active');
});

test('[a1-wire-4] the end of the inbound direction is the end of the callis', () => {
  const { scenario, raw, a, b } = connected();
  scenario.world.network.finish(raw.ends[0]!);
  scenario.drive(10);
  assert.equal(b.session(a).calles.length, 0);
});

test('[a1-wire-2] [a1-wire-3] [case-86] frames cut anywhere give the same exchange as whole ones', () => {
  const run = (most: number): string[] => {
    const scenario = pair({ seed: 3 });
    const { a, b } = scenario;
    b.serve(7);
    b.serve(8, (request) => void request.reject());
    scenario.pieces(most);
    for (let i = 0; i < 5; i++) {
      a.send(b, 7, 'x'.repeat(i * 100));
      a.send(b, 8, 'y'.repeat(i * 10), { tier: 'a2' });
    }
    a.send(b, 7, 'z'.repeat(9000));
    scenario.drive(100);
    return [...scenario.frames(a, b), ...scenario.frames(b, a)];
  };
  const whole = run(2 ** 30);
  assert.deepEqual(run(1).sort(), whole.sort());
  assert.equal(whole.length, 24);
});

test('[case-86] frames that come byte by byte with 1.5 s between decode as they were, and what follows stays in step', () => {
  const { scenario, raw, a, b } = connected();
  const bytes = Buffer.concat(
    [1, 2, 3].map((id) => encodeFrame({ type: MESSAGE, id, dst: 7, payload: Buffer.from(`number ${id}`) })),
  );
  for (let at = 0; at < bytes.length; at++) {
    raw.writeBytes(bytes.subarray(at, at + 1));
    scenario.drive(1_500);
  }
  raw.write([{ type: MESSAGE, id: 4, dst: 7 }]);
  scenario.drive(100);
  assert.deepEqual(b.seen, ['number 1', 'number 2', 'number 3', '']);
  assert.deepEqual(
    raw.read.filter((line) => line.startsWith('ack')),
    [1, 2, 3, 4].map((id) => `ack #${id} (0 B)`),
  );
  assert.deepEqual([b.session(a).calles.length, b.domus.core.counters.protocolViolations], [1, 0]);
});

test('[a1-inv-6] a peer that repeats, floods and never reads makes nothing grow over its limits', () => {
  const { scenario, raw, a, b } = connected();
  const shelf = b.shelve(9);
  scenario.block(b, a);
  scenario.world.network.route(b.index, a.index).capacity = 1024;
  const flood: Buffer[] = [];
  for (let id = 1; id <= 20_000; id++) flood.push(encodeFrame({ type: MESSAGE, id, dst: id % 2 === 0 ? 9 : 5 }));
  raw.writeBytes(Buffer.concat(flood));
  scenario.drive(200);
  const session = b.session(a);
  assert.equal(shelf.waiting, b.domus.core.settings.tabernaAcceptQueueSize);
  assert.equal(session.answers.inbox.remembered, 8448);
  assert.equal(session.answers.inbox.undecided, shelf.waiting);
  assert.ok(session.answers.errors.size <= 4096);
  assert.ok(session.calles[0]!.decoder.carriedBytes <= 32);
});

test('[a1-inv-6] calles that this side has ended do not pile up where the peer never ends them', () => {
  const scenario = pair({ settings: { maxPayloadLen: 100, maxParallelCallisPerPeer: 2 } });
  const { a, b } = scenario;
  const raw = scenario.raw(a);
  raw.ended = () => {};
  for (let i = 0; i < 20; i++) {
    raw.dial(b.index);
    scenario.drive(10);
    raw.write([
      { type: 1, flags: i === 0 ? 0 : 2 },
      { type: MESSAGE, id: i, dst: 7, payloadLength: 101 },
    ]);
    scenario.drive(10);
    assert.ok(b.session(a).calles.length <= 2);
  }
  assert.equal(raw.read.filter((line) => line.startsWith('error')).length, 20, 'each is told why');
});

test('[a1-wire-7] [a1-wire-6] [a1-type-3] [a1-pay-1] [a1-pay-2] what a domus writes: zeros where the wire has zeros', () => {
  const { scenario, raw, b } = connected();
  const written: Buffer[] = [];
  const { bytes } = raw;
  raw.bytes = (end, chunk) => {
    written.push(Buffer.from(chunk));
    bytes.call(raw, end, chunk);
  };
  b.domus.updateSettings({ ...scenario.settings, keepaliveIntervalMs: 100 });
  raw.write([
    { type: MESSAGE, id: 1, dst: 7 },
    { type: MESSAGE, id: 2, dst: 9 },
  ]);
  scenario.drive(150);
  b.domus.closePeer(raw.address, b.domus.now() + 1000);
  scenario.drive(10);
  const stream = Buffer.concat(written);
  const seen: number[] = [];
  for (let at = 0; at < stream.length; at += 32 + stream.readUInt32BE(at + 28)) {
    const type = stream.readUInt32BE(at + 4);
    const length = stream.readUInt32BE(at + 28);
    seen.push(type);
    assert.equal(stream.readUInt16BE(at + 2), 0, 'flags');
    assert.deepEqual(stream.subarray(at + 12, at + 28), Buffer.alloc(16), 'source and destination');
    assert.equal(stream.readUInt32BE(at + 8), type === 4 ? 1 : type === 6 ? 2 : 0, 'id');
    if (type === 6) assert.equal(stream.readUInt32BE(at + 32), 1);
    else assert.equal(length, 0);
  }
  assert.deepEqual(seen, [4, 6, 3, 5]);
});
