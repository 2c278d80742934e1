import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { recorded, UNIX_VECTORS, type UnixVectors, VECTOR_NOW_MS } from '../test/unix-vectors.ts';
import type { AuthMaterial } from './auth-material.ts';
import { DomusError } from './domus-error.ts';
import {
  UnixInboundHandshake,
  type UnixInboundStep,
  type UnixOutboundDone,
  UnixOutboundHandshake,
  type UnixSelf,
} from './unix-handshake.ts';
import { type AuthInit, type CallbackInit, decodeUnixMessage, encodeUnixMessage } from './unix-messages.ts';
import { challengeBytes, proofBytes, signAs } from './unix-signature.ts';

const ALPHA = '/run/flaminia/alpha.sock';
const BETA = '/run/flaminia/beta.sock';
const P256 = UNIX_VECTORS[0]!;
const ED25519 = UNIX_VECTORS.find(({ name }) => name === 'ed25519')!;
const WAIT: UnixInboundStep = { kind: 'wait' };

/** A nonce that is another in each place. */
function nonce(place: string): Buffer {
  return createHash('sha256').update(place).digest();
}

function selfOf(path: string, material: AuthMaterial): UnixSelf {
  return { path, material };
}

/** Alpha dials beta, with nonces of the recording or of our own. */
function outbound({ alpha, init }: UnixVectors, nonces: 'recorded' | 'own' = 'own'): UnixOutboundHandshake {
  const { nonceA, nonceACb } = nonces === 'recorded' ? init : { nonceA: nonce('a'), nonceACb: nonce('a-cb') };
  return new UnixOutboundHandshake(selfOf(ALPHA, alpha), BETA, { nonceA, nonceACb });
}

/** Beta accepts a connection. */
function inbound(vectors: UnixVectors, nonces: 'recorded' | 'own' = 'own'): UnixInboundHandshake {
  const given =
    nonces === 'recorded'
      ? { nonceB: vectors.challenge.nonceB, nonceBCb: vectors.callback.nonceBCb }
      : { nonceB: nonce('b'), nonceBCb: nonce('b-cb') };
  return new UnixInboundHandshake(selfOf(BETA, vectors.beta), given);
}

/** Feeds bytes in pieces of `size`; each piece but the last must leave the machine waiting. */
function feed<Step>(
  machine: { bytesIn(chunk: Buffer, nowMs: number): Step },
  bytes: Buffer,
  isWait: (step: Step) => boolean,
  size: number = bytes.length,
): Step {
  for (let offset = 0; ; offset += size) {
    const step = machine.bytesIn(bytes.subarray(offset, offset + size), VECTOR_NOW_MS);
    if (offset + size >= bytes.length) return step;
    assert.ok(isWait(step), `done before byte ${offset + size}`);
  }
}

function feedIn(machine: UnixInboundHandshake, bytes: Buffer, size?: number): UnixInboundStep {
  return feed(machine, bytes, (step) => step.kind === 'wait', size);
}

function feedOut(machine: UnixOutboundHandshake, bytes: Buffer, size?: number): UnixOutboundDone | undefined {
  return feed(machine, bytes, (done) => done === undefined, size);
}

function callbackOf(step: UnixInboundStep): CallbackInit {
  assert.equal(step.kind, 'call-back');
  const message = decodeUnixMessage((step.kind === 'call-back' ? step.callback : Buffer.alloc(0)).subarray(4));
  assert.equal(message.kind, 'callback-init');
  return message as CallbackInit;
}

const VIOLATION = { kind: 'protocol-violation' };

for (const vectors of UNIX_VECTORS) {
  for (const size of [undefined, 1] as const) {
    const pieces = size === undefined ? 'whole' : 'byte by byte';

    test(`[a0-unix-8] vectors ${vectors.name}, ${pieces}: a receiver answers the recorded dialler as recorded`, () => {
      const machine = inbound(vectors, 'recorded');
      const called = feedIn(machine, recorded(vectors, 'auth-init'), size);
      assert.deepEqual(called, { kind: 'call-back', path: ALPHA, callback: recorded(vectors, 'callback-init') });
      const challenge = machine.callbackWritten();
      if (vectors === ED25519) assert.deepEqual(challenge, recorded(vectors, 'auth-challenge'));
      const done = feedIn(machine, recorded(vectors, 'auth-proof'), size);
      assert.equal(done.kind === 'done' && done.peer.address, `unix://${ALPHA}`);
      assert.equal(done.kind === 'done' && done.peer.nodeId, 'alpha');
    });

    test(`[a0-unix-8] vectors ${vectors.name}, ${pieces}: an initiator answers the recorded receiver as recorded`, () => {
      const machine = outbound(vectors, 'recorded');
      assert.deepEqual(machine.authInit, recorded(vectors, 'auth-init'));
      assert.equal(machine.calledBack(vectors.callback.nonceBCb), undefined);
      const done = feedOut(machine, recorded(vectors, 'auth-challenge'), size);
      assert.equal(done?.peer.address, `unix://${BETA}`);
      if (vectors === ED25519) assert.deepEqual(done?.proof, recorded(vectors, 'auth-proof'));
    });
  }

  test(`[a0-unix-8] vectors ${vectors.name}: two machines of ours come to terms`, () => {
    const [alpha, beta] = [outbound(vectors), inbound(vectors)];
    const callback = callbackOf(feedIn(beta, alpha.authInit));
    assert.deepEqual(callback.echoNonceACb, nonce('a-cb'));
    assert.equal(alpha.calledBack(callback.nonceBCb), undefined);
    const done = feedOut(alpha, beta.callbackWritten());
    const proved = feedIn(beta, done!.proof);
    assert.equal(done?.peer.address, `unix://${BETA}`);
    assert.equal(proved.kind === 'done' && proved.peer.address, `unix://${ALPHA}`);
  });
}

test('[a0-adm-8] the challenge may come before the callback', () => {
  const [alpha, beta] = [outbound(P256), inbound(P256)];
  const callback = callbackOf(feedIn(beta, alpha.authInit));
  assert.equal(feedOut(alpha, beta.callbackWritten()), undefined);
  assert.equal(feedIn(beta, alpha.calledBack(callback.nonceBCb)!.proof).kind, 'done');
});

test('[a0-unix-9] a recorded callback is told with its sender, and nothing may stand behind it', () => {
  const { alpha, callback } = P256;
  const accepting = (): UnixInboundHandshake =>
    new UnixInboundHandshake(selfOf(ALPHA, alpha), { nonceB: nonce('x'), nonceBCb: nonce('y') });
  const bytes = recorded(P256, 'callback-init');
  const { nonceBCb, echoNonceACb } = callback;
  const machine = accepting();
  assert.deepEqual(feedIn(machine, bytes, 1), {
    kind: 'called-back',
    address: `unix://${BETA}`,
    nonceBCb,
    echoNonceACb,
  });
  assert.throws(() => machine.bytesIn(Buffer.of(0), VECTOR_NOW_MS), VIOLATION);
  assert.throws(() => feedIn(accepting(), Buffer.concat([bytes, Buffer.of(0)])), VIOLATION);
});

test('bytes behind AUTH_PROOF are handed back', () => {
  const machine = inbound(P256, 'recorded');
  feedIn(machine, recorded(P256, 'auth-init'));
  machine.callbackWritten();
  const done = feedIn(machine, Buffer.concat([recorded(P256, 'auth-proof'), Buffer.from('hello')]));
  assert.equal(done.kind === 'done' && done.rest.toString(), 'hello');
});

test('[a0-unix-8] cut at any byte, a handshake neither goes on nor fails', () => {
  const init = recorded(P256, 'auth-init');
  const challenge = recorded(P256, 'auth-challenge');
  const proof = recorded(P256, 'auth-proof');
  for (let cut = 0; cut < init.length; cut++) {
    assert.deepEqual(inbound(P256).bytesIn(init.subarray(0, cut), VECTOR_NOW_MS), WAIT);
  }
  for (let cut = 0; cut < challenge.length; cut++) {
    const machine = outbound(P256, 'recorded');
    machine.calledBack(P256.callback.nonceBCb);
    assert.equal(machine.bytesIn(challenge.subarray(0, cut), VECTOR_NOW_MS), undefined);
  }
  const machine = inbound(P256, 'recorded');
  feedIn(machine, init);
  machine.callbackWritten();
  for (const byte of proof.subarray(0, -1)) assert.deepEqual(machine.bytesIn(Buffer.of(byte), VECTOR_NOW_MS), WAIT);
});

test('[a0-unix-8] any other message at a step is refused', () => {
  const messages = (['auth-init', 'callback-init', 'auth-challenge', 'auth-proof'] as const).map(
    (kind) => [kind, recorded(P256, kind)] as const,
  );
  for (const [kind, bytes] of messages) {
    if (kind === 'auth-challenge' || kind === 'auth-proof')
      assert.throws(() => feedIn(inbound(P256), bytes), VIOLATION);
    if (kind !== 'auth-challenge') assert.throws(() => feedOut(outbound(P256, 'recorded'), bytes), VIOLATION);
    if (kind === 'auth-proof') continue;
    const proving = inbound(P256, 'recorded');
    feedIn(proving, recorded(P256, 'auth-init'));
    proving.callbackWritten();
    assert.throws(() => feedIn(proving, bytes), VIOLATION);
  }
});

test('[a0-unix-8] bytes before their turn are refused', () => {
  const calling = inbound(P256);
  feedIn(calling, recorded(P256, 'auth-init'));
  assert.throws(() => calling.bytesIn(Buffer.of(0), VECTOR_NOW_MS), { ...VIOLATION, detail: 'early-bytes' });
  const early = Buffer.concat([recorded(P256, 'auth-init'), Buffer.of(0)]);
  assert.throws(() => feedIn(inbound(P256), early), { ...VIOLATION, detail: 'early-bytes' });
  const challenged = outbound(P256, 'recorded');
  feedOut(challenged, recorded(P256, 'auth-challenge'));
  assert.throws(() => challenged.bytesIn(Buffer.of(0), VECTOR_NOW_MS), { ...VIOLATION, detail: 'early-bytes' });
  const behind = Buffer.concat([recorded(P256, 'auth-challenge'), Buffer.of(0)]);
  assert.throws(() => feedOut(outbound(P256, 'recorded'), behind), { ...VIOLATION, detail: 'early-bytes' });
});

/** AUTH_INIT of alpha, changed. */
function initWith(over: Partial<AuthInit>): Buffer {
  return encodeUnixMessage({ ...P256.init, ...over });
}

test('[a0-unix-15] a message for another destination is refused, before its chain is looked at', () => {
  const certificates = [Buffer.from('not a certificate')];
  assert.throws(() => feedIn(inbound(P256), initWith({ destination: '/run/flaminia/gamma.sock', certificates })), {
    ...VIOLATION,
    detail: 'other-destination',
  });
  const callback = encodeUnixMessage({ ...P256.callback, destination: '/run/flaminia/gamma.sock' });
  const accepting = new UnixInboundHandshake(selfOf(ALPHA, P256.alpha), { nonceB: nonce('x'), nonceBCb: nonce('y') });
  assert.throws(() => feedIn(accepting, callback), { ...VIOLATION, detail: 'other-destination' });
});

test('[a0-unix-10] an origin that the certificate does not name is refused before any callback', () => {
  assert.throws(() => feedIn(inbound(P256), initWith({ origin: '/run/flaminia/gamma.sock' })), {
    ...VIOLATION,
    detail: 'other-address',
  });
});

test('[a0-unix-14] a certificate that is PEM, cut, has bytes behind it or is no certificate is refused', () => {
  const [leaf] = P256.init.certificates;
  const pem = Buffer.from(P256.alpha.chain[0].toString());
  for (const bad of [
    pem,
    leaf!.subarray(0, -1),
    Buffer.concat([leaf!, Buffer.of(0)]),
    Buffer.from('30030201', 'hex'),
  ]) {
    assert.throws(() => feedIn(inbound(P256), initWith({ certificates: [bad] })), {
      ...VIOLATION,
      detail: 'malformed-der',
    });
    assert.throws(() => feedIn(inbound(P256), initWith({ certificates: [leaf!, bad] })), VIOLATION);
  }
});

test('[a0-unix-14] all but the first certificate serve as intermediates, and without them there is no way to an anchor', () => {
  const vectors = UNIX_VECTORS.find(({ name }) => name === 'p256-intermediate')!;
  const [leaf] = vectors.init.certificates;
  const alone = encodeUnixMessage({ ...vectors.init, certificates: [leaf!] });
  assert.throws(() => feedIn(inbound(vectors), alone), { ...VIOLATION, detail: 'no-anchor' });
  const swapped = encodeUnixMessage({ ...vectors.init, certificates: [...vectors.init.certificates].reverse() });
  assert.throws(() => feedIn(inbound(vectors), swapped), { ...VIOLATION, detail: 'unfit-leaf' });
});

test('[a0-auth-13] certificates are judged by the clock that is given', () => {
  const [before, behind] = [Date.UTC(2023, 11, 31, 23, 59, 59), Date.UTC(2124, 0, 1)];
  const init = recorded(P256, 'auth-init');
  assert.throws(() => inbound(P256).bytesIn(init, before), { ...VIOLATION, detail: 'not-yet-valid' });
  assert.throws(() => inbound(P256).bytesIn(init, behind), { ...VIOLATION, detail: 'expired' });
  assert.equal(inbound(P256).bytesIn(init, Date.UTC(2024, 0, 1)).kind, 'call-back');
});

/** Beta's AUTH_CHALLENGE for alpha's own dial, changed; signed anew by `material`. */
function challengeWith(over: { origin?: string; destination?: string; material?: AuthMaterial }): Buffer {
  const { origin = BETA, destination = ALPHA, material = P256.beta } = over;
  const nonceB = nonce('b');
  const signature = signAs(material.key, challengeBytes({ nonceA: nonce('a'), nonceB, origin, destination }));
  const certificates = material.chain.map((certificate) => certificate.raw);
  return encodeUnixMessage({ kind: 'auth-challenge', origin, destination, certificates, nonceB, signature });
}

test('[a0-unix-16] a challenge from another path than the dialled one is refused', () => {
  assert.notEqual(feedOut(calledBack(), challengeWith({})), undefined);
  assert.throws(() => feedOut(calledBack(), challengeWith({ origin: '/run/flaminia/gamma.sock' })), {
    ...VIOLATION,
    detail: 'other-address',
  });
  assert.throws(() => feedOut(calledBack(), challengeWith({ material: P256.alpha })), {
    ...VIOLATION,
    detail: 'other-address',
  });
});

test('[a0-unix-15] a challenge for another destination is refused', () => {
  assert.throws(() => feedOut(calledBack(), challengeWith({ destination: '/run/flaminia/gamma.sock' })), {
    ...VIOLATION,
    detail: 'other-destination',
  });
});

test('[a0-unix-17] a challenge signed by another key, or over another nonce, is refused', () => {
  const refusal = { ...VIOLATION, detail: 'bad-signature' };
  const stolen = { ...P256.beta, key: P256.alpha.key };
  assert.throws(() => feedOut(calledBack(), challengeWith({ material: stolen })), refusal);
  assert.throws(() => feedOut(calledBack(), recorded(P256, 'auth-challenge')), refusal, 'a replay');
});

function calledBack(): UnixOutboundHandshake {
  const machine = outbound(P256);
  machine.calledBack(nonce('b-cb'));
  return machine;
}

/** A receiver that waits for alpha's proof. */
function proving(): UnixInboundHandshake {
  const machine = inbound(P256);
  feedIn(machine, outbound(P256).authInit);
  machine.callbackWritten();
  return machine;
}

function proofWith(over: { echo?: Buffer; nonceA?: Buffer; destination?: string; material?: AuthMaterial }): Buffer {
  const { echo = nonce('b-cb'), nonceA = nonce('a'), destination = BETA, material = P256.alpha } = over;
  const facts = { nonceA, nonceB: nonce('b'), nonceBCb: nonce('b-cb'), origin: ALPHA, destination };
  const signature = signAs(material.key, proofBytes(facts));
  return encodeUnixMessage({ kind: 'auth-proof', echoNonceBCb: echo, signature });
}

test('[a0-unix-17] a proof with a wrong echo, by another key, over another nonce or for another domus is refused', () => {
  assert.equal(feedIn(proving(), proofWith({})).kind, 'done');
  assert.throws(() => feedIn(proving(), proofWith({ echo: nonce('other') })), { ...VIOLATION, detail: 'wrong-nonce' });
  const refusal = { ...VIOLATION, detail: 'bad-signature' };
  assert.throws(() => feedIn(proving(), proofWith({ material: P256.beta })), refusal);
  assert.throws(() => feedIn(proving(), proofWith({ nonceA: nonce('other') })), refusal);
  assert.throws(() => feedIn(proving(), proofWith({ destination: '/run/flaminia/gamma.sock' })), refusal);
});

test('[a0-unix-17] a recorded AUTH_INIT opens nothing without its proof, nor does a recorded proof', () => {
  const machine = inbound(P256);
  assert.equal(feedIn(machine, recorded(P256, 'auth-init')).kind, 'call-back');
  machine.callbackWritten();
  assert.throws(() => feedIn(machine, recorded(P256, 'auth-proof')), { ...VIOLATION, detail: 'wrong-nonce' });
});

test('[a0-unix-1] whatever is changed in a message, only a violation comes of it', () => {
  const init = recorded(P256, 'auth-init');
  const challenge = recorded(P256, 'auth-challenge');
  const random = sequence(20_261_121);
  const outcomes = new Set<string>();
  for (let round = 0; round < 3000; round++) {
    const [machine, bytes] = round % 2 === 0 ? [inbound(P256), init] : [outbound(P256, 'recorded'), challenge];
    const changed = Buffer.from(bytes);
    for (let left = 1 + random(3); left > 0; left--) changed[4 + random(changed.length - 4)] = random(256);
    try {
      machine.bytesIn(changed, VECTOR_NOW_MS);
      outcomes.add('taken');
    } catch (error) {
      assert.ok(DomusError.is(error) && error.kind === 'protocol-violation', `round ${round}: ${error}`);
      outcomes.add(error.detail ?? '');
    }
  }
  for (const seen of ['malformed-message', 'malformed-der', 'unexpected-message', 'no-anchor', 'other-destination']) {
    assert.ok(outcomes.has(seen), `${seen} was never seen in ${[...outcomes]}`);
  }
});

/** Numbers below a bound, the same ones in every run (mulberry32). */
function sequence(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
