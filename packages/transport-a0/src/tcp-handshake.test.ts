import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { InboundHandshake, type InboundStep, OutboundHandshake } from './tcp-handshake.ts';

const violation = { kind: 'protocol-violation' };
const CHALLENGE = Buffer.of(3);
const [nonceACb, nonceBCb] = [randomBytes(32), randomBytes(32)];
const init = Buffer.concat([Buffer.of(1), nonceACb]);
const callback = Buffer.concat([Buffer.of(2), nonceBCb, nonceACb]);
const proof = Buffer.concat([Buffer.of(4), nonceBCb]);

/** Feeds a machine in pieces of `size`, and gives the last answer; all before it must ask for more. */
function feed<Answer>(machine: { bytesIn(chunk: Buffer): Answer }, bytes: Buffer, size: number, wait: Answer): Answer {
  for (let offset = 0; offset + size < bytes.length; offset += size) {
    assert.deepEqual(machine.bytesIn(bytes.subarray(offset, offset + size)), wait);
  }
  return machine.bytesIn(bytes.subarray(bytes.length - ((bytes.length - 1) % size) - 1));
}

function receiverAtProof(): InboundHandshake {
  const receiver = new InboundHandshake(nonceBCb);
  receiver.bytesIn(init);
  receiver.callbackEnded();
  return receiver;
}

for (const size of [1, 2, 7, 1_000]) {
  test(`[a0-tcp-7] [a0-tcp-12] [a0-tcp-13] both machines authenticate each other, in pieces of ${size}`, () => {
    const wait: InboundStep = { kind: 'wait' };
    const initiator = new OutboundHandshake(nonceACb);
    const receiver = new InboundHandshake(nonceBCb);
    const asked = feed(receiver, initiator.authInit, size, wait);
    assert.deepEqual(asked, { kind: 'call-back', callback });
    const listener = new InboundHandshake(randomBytes(32));
    const called = feed(listener, callback, size, wait);
    assert.deepEqual(called, { kind: 'called-back', nonceBCb, echoNonceACb: nonceACb });
    initiator.calledBack(nonceBCb);
    const answer = feed<Buffer | undefined>(initiator, receiver.callbackEnded(), size, undefined);
    assert.deepEqual(answer, proof);
    const done = feed(receiver, proof, size, wait);
    assert.deepEqual(done, { kind: 'done', rest: Buffer.alloc(0) });
  });
}

test('[a0-tcp-14] bytes behind AUTH_PROOF are handed back', () => {
  const done = receiverAtProof().bytesIn(Buffer.concat([proof, Buffer.from('A1')]));
  assert.deepEqual(done, { kind: 'done', rest: Buffer.from('A1') });
});

test('[a0-tcp-15] a receiver refuses every other order', () => {
  const fresh = (): InboundHandshake => new InboundHandshake(nonceBCb);
  assert.throws(() => fresh().bytesIn(CHALLENGE), violation);
  assert.throws(() => fresh().bytesIn(proof), violation);
  assert.throws(() => fresh().bytesIn(Buffer.concat([init, Buffer.of(4)])), violation);
  assert.throws(() => fresh().bytesIn(Buffer.concat([callback, Buffer.of(1)])), violation);
  const calling = fresh();
  calling.bytesIn(init);
  assert.throws(() => calling.bytesIn(proof), violation);
  const called = fresh();
  called.bytesIn(callback);
  assert.throws(() => called.bytesIn(init), violation);
  for (const bytes of [init, callback, CHALLENGE, Buffer.of(0)]) {
    assert.throws(() => receiverAtProof().bytesIn(bytes), violation);
  }
});

test('[a0-tcp-13] [a0-tcp-15] a proof that differs in any one bit is refused', () => {
  for (let bit = 0; bit < 256; bit++) {
    const bent = Buffer.from(proof);
    bent[1 + (bit >> 3)]! ^= 1 << (bit & 7);
    assert.throws(() => receiverAtProof().bytesIn(bent), { ...violation, detail: 'wrong-nonce' });
  }
});

test('[a0-tcp-15] an initiator refuses every other order', () => {
  const waiting = (): OutboundHandshake => new OutboundHandshake(nonceACb);
  for (const bytes of [CHALLENGE, init, callback, proof]) assert.throws(() => waiting().bytesIn(bytes), violation);
  const called = (): OutboundHandshake => {
    const initiator = waiting();
    initiator.calledBack(nonceBCb);
    return initiator;
  };
  for (const bytes of [init, callback, proof, Buffer.of(0), Buffer.of(3, 3)]) {
    assert.throws(() => called().bytesIn(bytes), violation);
  }
  const done = called();
  done.bytesIn(CHALLENGE);
  assert.throws(() => done.bytesIn(CHALLENGE), violation);
});

test('no bytes are no message', () => {
  assert.deepEqual(new InboundHandshake(nonceBCb).bytesIn(Buffer.alloc(0)), { kind: 'wait' });
  assert.equal(new OutboundHandshake(nonceACb).bytesIn(Buffer.alloc(0)), undefined);
});

test('invariant 2: a callback is asked for once', () => {
  const receiver = new InboundHandshake(nonceBCb);
  assert.throws(() => receiver.callbackEnded(), /no callback was asked for/);
  receiver.bytesIn(init);
  receiver.callbackEnded();
  assert.throws(() => receiver.callbackEnded(), /no callback was asked for/);
});
