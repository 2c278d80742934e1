/**
 * The Unix-socket backend among hostile, silent and slow peers.
 *
 * Long on purpose: all stages of one handshake, each with the same actors.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rename, rm, symlink } from 'node:fs/promises';
import { afterEach, before, beforeEach, test } from 'node:test';
import type { IssuedCertificate } from '@flaminia/certificates/internal';
import { unixAddress } from '../src/address.ts';
import type { AuthMaterial } from '../src/auth-material.ts';
import { DomusError } from '../src/domus-error.ts';
import type { AuthenticatedStream } from '../src/stream.ts';
import { UnixOutboundHandshake } from '../src/unix-handshake.ts';
import { type AuthInit, encodeUnixMessage, type UnixMessage } from '../src/unix-messages.ts';
import { challengeBytes, signAs } from '../src/unix-signature.ts';
import { issueAuthority, until } from './tcp-imperium.ts';
import { UnixActor, UnixActorListener } from './unix-actor.ts';
import { issueUnixMaterial, type UnixDomus, UnixImperium, untilUnixQuiet } from './unix-imperium.ts';

let authority: IssuedCertificate;
let imperium: UnixImperium;
const opened: { close(): void }[] = [];
let base: string[] = [];

before(async () => {
  authority = await issueAuthority();
  base = process.getActiveResourcesInfo();
});
beforeEach(async () => {
  imperium = await UnixImperium.open(authority);
});
afterEach(async () => {
  for (const one of opened.splice(0)) one.close();
  await imperium.close();
  await untilUnixQuiet(base);
});

function closing<Opened extends { close(): void }>(one: Opened): Opened {
  opened.push(one);
  return one;
}

async function connect(domus: UnixDomus): Promise<UnixActor> {
  return closing(await UnixActor.connect(domus.path));
}

/** A peer that listens by hand, with good material. */
async function actorAt(name: string): Promise<{ listener: UnixActorListener; material: AuthMaterial; path: string }> {
  const listener = closing(await UnixActorListener.open(imperium.pathOf(name)));
  return { listener, material: await issueUnixMaterial(authority, listener.path), path: listener.path };
}

/** A good AUTH_INIT, changed. */
function initOf(material: AuthMaterial, origin: string, destination: string, over: Partial<AuthInit> = {}): AuthInit {
  const certificates = material.chain.map((certificate) => certificate.raw);
  const nonces = { nonceA: randomBytes(32), nonceACb: randomBytes(32) };
  return { kind: 'auth-init', origin, destination, certificates, ...nonces, ...over };
}

function hasDetail(detail: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(DomusError.is(error), String(error));
    assert.equal(error.detail, detail, error.message);
    return true;
  };
}

/** Asserts that the peer's next inbound connection failed for this reason, and that nothing was written to it. */
async function assertRefused(domus: UnixDomus, actor: UnixActor, detail: string): Promise<void> {
  assert.equal((await actor.rest()).length, 0, 'nothing is written');
  hasDetail(detail)((await domus.nextFailure()).error);
  assert.deepEqual(domus.accepted, []);
}

test('[a0-unix-8] any first message but AUTH_INIT and CALLBACK_INIT ends the connection without a byte', async () => {
  const b = await imperium.listening('b');
  const cases: readonly (readonly [string, Buffer])[] = [
    ['malformed-message', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['malformed-message', Buffer.alloc(64)],
    ['malformed-message', Buffer.from('00010001', 'hex')],
    ['malformed-message', Buffer.from('000000020101', 'hex')],
    ['malformed-message', Buffer.from('000000020102', 'hex')],
    ['unexpected-message', Buffer.from('0000000202', 'hex')],
    ['unexpected-message', Buffer.from('0000000203', 'hex')],
    ['unexpected-message', Buffer.from('0001000009', 'hex')],
  ];
  for (const [detail, bytes] of cases) {
    const actor = await connect(b);
    actor.send(bytes);
    await assertRefused(b, actor, detail);
  }
});

test('[a0-unix-8] an AUTH_INIT that is cut at any byte ends with its connection', async () => {
  const b = await imperium.listening('b');
  const { material, path, listener } = await actorAt('a');
  const bytes = encodeUnixMessage(initOf(material, path, b.path));
  for (let cut = 0; cut < bytes.length; cut++) {
    const actor = await connect(b);
    actor.socket.end(bytes.subarray(0, cut));
    await assertRefused(b, actor, 'ended');
  }
  assert.equal(listener.connections.length, 0);
});

test('[a0-unix-10] nobody is called back for an AUTH_INIT that does not hold', async () => {
  const b = await imperium.listening('b');
  const { material, path, listener } = await actorAt('victim');
  const stranger = await issueUnixMaterial(await issueAuthority(), path);
  const other = await issueUnixMaterial(authority, imperium.pathOf('other'));
  const cases: readonly (readonly [string, UnixMessage])[] = [
    ['other-destination', initOf(material, path, imperium.pathOf('elsewhere'))],
    ['no-anchor', initOf(stranger, path, b.path)],
    ['other-address', initOf(other, path, b.path)],
    ['malformed-der', initOf(other, path, b.path, { certificates: [Buffer.from('3000', 'hex')] })],
  ];
  for (const [detail, message] of cases) {
    const actor = await connect(b);
    actor.send(message);
    await assertRefused(b, actor, detail);
  }
  assert.equal(listener.connections.length, 0);
});

test('[a0-unix-7] nobody is called back at a path that leads elsewhere, or that is gone', async () => {
  const b = await imperium.listening('b');
  const { material, path, listener } = await actorAt('a');
  await rename(path, imperium.pathOf('moved'));
  await symlink(imperium.pathOf('moved'), path);
  const actor = await connect(b);
  actor.send(initOf(material, path, b.path));
  await assertRefused(b, actor, 'not-canonical');
  await rm(path);
  const late = await connect(b);
  late.send(initOf(material, path, b.path));
  await assertRefused(b, late, 'ended');
  assert.equal(listener.connections.length, 0);
});

test('one callback for one AUTH_INIT, whatever is answered on it', async () => {
  const b = await imperium.listening('b');
  const { material, path, listener } = await actorAt('a');
  const primary = await connect(b);
  primary.send(initOf(material, path, b.path));
  const callback = await listener.next();
  callback.send(initOf(material, path, b.path), initOf(material, path, b.path));
  await primary.next('auth-challenge');
  await callback.rest();
  primary.send(initOf(material, path, b.path));
  await assertRefused(b, primary, 'unexpected-message');
  assert.equal(listener.connections.length, 1);
});

test('[a0-unix-8] bytes before AUTH_CHALLENGE end the connection', async () => {
  const b = await imperium.listening('b');
  const { material, path } = await actorAt('a');
  const actor = await connect(b);
  actor.send(initOf(material, path, b.path), Buffer.of(0));
  await assertRefused(b, actor, 'early-bytes');
});

test('[a0-unix-17] a recorded AUTH_INIT and a recorded AUTH_PROOF open nothing', async () => {
  const b = await imperium.listening('b');
  const { listener, material, path } = await actorAt('a');
  const handshake = new UnixOutboundHandshake({ path, material }, b.path, {
    nonceA: randomBytes(32),
    nonceACb: randomBytes(32),
  });
  const honest = await connect(b);
  honest.send(handshake.authInit);
  handshake.calledBack((await (await listener.next()).next('callback-init')).nonceBCb);
  const done = handshake.bytesIn(encodeUnixMessage(await honest.next('auth-challenge')), Date.now());
  honest.send(done!.proof);
  (await b.nextAccepted()).destroy();

  const replay = await connect(b);
  replay.send(handshake.authInit);
  await replay.next('auth-challenge');
  replay.send(done!.proof);
  await assertRefused(b, replay, 'wrong-nonce');
});

test('[a0-unix-12] a relay between two honest domus proves nothing with what it hears', async () => {
  const [alice, bob] = [await imperium.listening('alice'), await imperium.listening('bob')];
  const mallory = await actorAt('mallory');
  const dial = alice.dial(unixAddress(mallory.path));
  dial.catch(() => {}); // Judged below.
  const fromAlice = await mallory.listener.next();
  const init = await fromAlice.next('auth-init');

  // Mallory is Alice towards Bob. Bob calls Alice back, who waits for Mallory and knows nothing of Bob.
  const toBob = await connect(bob);
  toBob.send({ ...init, destination: bob.path });
  const challenge = await toBob.next('auth-challenge');
  hasDetail('unknown-callback')((await alice.nextFailure()).error);

  // Towards Alice Mallory is herself, with Bob's nonce, so that Alice signs for it.
  const nonceBCb = randomBytes(32);
  const names = { origin: mallory.path, destination: alice.path };
  (await connect(alice)).send({ kind: 'callback-init', ...names, nonceBCb, echoNonceACb: init.nonceACb });
  const signature = signAs(mallory.material.key, challengeBytes({ ...init, ...names, nonceB: challenge.nonceB }));
  const certificates = mallory.material.chain.map((certificate) => certificate.raw);
  fromAlice.send({ kind: 'auth-challenge', ...names, certificates, nonceB: challenge.nonceB, signature });
  const proof = await fromAlice.next('auth-proof');
  (await dial).destroy();

  toBob.send(proof);
  await assertRefused(bob, toBob, 'wrong-nonce');
});

/** A dial of `a` that has reached a hand-made listener. */
async function dialled(a: UnixDomus): Promise<{
  readonly dial: Promise<AuthenticatedStream>;
  readonly primary: UnixActor;
  readonly init: AuthInit;
  readonly path: string;
  readonly challenge: UnixMessage;
}> {
  const { listener, material, path } = await actorAt('actor');
  const dial = a.dial(unixAddress(path));
  dial.catch(() => {}); // Each test judges it.
  const primary = await listener.next();
  const init = await primary.next('auth-init');
  const names = { origin: path, destination: a.path };
  const nonceB = randomBytes(32);
  const signature = signAs(material.key, challengeBytes({ ...init, ...names, nonceB }));
  const certificates = material.chain.map((certificate) => certificate.raw);
  const challenge: UnixMessage = { kind: 'auth-challenge', ...names, certificates, nonceB, signature };
  return { dial, primary, init, path, challenge };
}

function callBack(a: UnixDomus, origin: string, echoNonceACb: Buffer): UnixMessage {
  return { kind: 'callback-init', origin, destination: a.path, nonceBCb: randomBytes(32), echoNonceACb };
}

test('[a0-unix-16] callbacks of others, for others and for nobody change nothing for the dial', async () => {
  const a = await imperium.listening('a');
  const { dial, primary, init, path, challenge } = await dialled(a);
  const strangers: readonly (readonly [string, UnixMessage])[] = [
    ['unknown-callback', callBack(a, path, randomBytes(32))],
    ['unknown-callback', callBack(a, imperium.pathOf('other'), init.nonceACb)],
    ['other-destination', { ...callBack(a, path, init.nonceACb), destination: path } as UnixMessage],
  ];
  for (const [detail, message] of strangers) {
    const callback = await connect(a);
    callback.send(message);
    await assertRefused(a, callback, detail);
  }
  const right = await connect(a);
  right.send(callBack(a, path, init.nonceACb));
  assert.equal((await right.rest()).length, 0);
  const again = await connect(a);
  again.send(callBack(a, path, init.nonceACb));
  await assertRefused(a, again, 'unknown-callback');
  primary.send(challenge);
  await primary.next('auth-proof');
  (await dial).destroy();
});

test('[a0-adm-8] a callback that comes after the challenge counts', async () => {
  const a = await imperium.listening('a');
  const { dial, primary, init, path, challenge } = await dialled(a);
  primary.send(challenge);
  const stray = await connect(a);
  stray.send(callBack(a, path, randomBytes(32)));
  await assertRefused(a, stray, 'unknown-callback'); // By now the challenge was read, too.
  const callback = await connect(a);
  callback.send(callBack(a, path, init.nonceACb));
  await primary.next('auth-proof');
  (await dial).destroy();
});

test('[a0-unix-8] what a listener may not send ends the dial', async () => {
  const a = await imperium.listening('a');
  const cases: readonly (readonly [string, (challenge: UnixMessage) => readonly (UnixMessage | Buffer)[]])[] = [
    ['malformed-message', () => [Buffer.alloc(16)]],
    ['unexpected-message', () => [callBack(a, a.path, randomBytes(32))]],
    ['early-bytes', (challenge) => [challenge, Buffer.of(0)]],
    ['early-bytes', (challenge) => [challenge, challenge]],
    ['other-address', (challenge) => [{ ...challenge, origin: a.path } as UnixMessage]],
    ['bad-signature', (challenge) => [{ ...challenge, signature: Buffer.alloc(64) } as UnixMessage]],
  ];
  for (const [detail, messages] of cases) {
    const { dial, primary, challenge } = await dialled(a);
    primary.send(...messages(challenge));
    await assert.rejects(dial, hasDetail(detail));
    assert.equal((await primary.rest()).length, 0, 'nothing is written');
    for (const one of opened.splice(0)) one.close();
    await until(() => primary.closed);
  }
  assert.deepEqual(a.failures, []);
});

test('[a0-unix-8] an AUTH_CHALLENGE that is cut ends with its connection', async () => {
  const a = await imperium.listening('a');
  for (const left of [0, 1, 4, 5, 100]) {
    const { dial, primary, challenge } = await dialled(a);
    primary.socket.end(encodeUnixMessage(challenge).subarray(0, left));
    await assert.rejects(dial, hasDetail('ended'));
    for (const one of opened.splice(0)) one.close();
  }
});

test('[a0-adm-6] a peer that is silent or slow at any stage is ended at the limit, without a byte', async (t) => {
  const LIMIT_MS = 60;
  const b = await imperium.listening('b', { limits: { handshakeTimeoutMs: LIMIT_MS } });
  t.mock.timers.enable({ apis: ['setTimeout'] });
  /** Accepted behind this one, so that the time of this one runs. */
  const limitOf = async (actor: UnixActor): Promise<void> => {
    const later = await connect(b);
    later.send(Buffer.alloc(64));
    await assertRefused(b, later, 'malformed-message');
    t.mock.timers.tick(LIMIT_MS - 1);
    assert.deepEqual([b.failures, actor.ended, actor.closed], [[], false, false]);
    t.mock.timers.tick(1);
  };
  const { listener, material, path } = await actorAt('a');
  const bytes = encodeUnixMessage(initOf(material, path, b.path));
  for (const sent of [0, 1, 5, bytes.length - 1]) {
    const actor = await connect(b);
    actor.send(bytes.subarray(0, sent));
    await limitOf(actor);
    assert.equal((await actor.rest()).length, 0);
    const { error } = await b.nextFailure();
    assert.equal(error.message, 'peer-unavailable: socket handshake timeout');
  }
  const proofless = await connect(b);
  proofless.send(bytes);
  await proofless.next('auth-challenge');
  await limitOf(proofless);
  assert.equal((await proofless.rest()).length, 0);
  assert.equal((await b.nextFailure()).error.message, 'peer-unavailable: socket handshake timeout');
  assert.equal(listener.connections.length, 1);
});

test('[a0-adm-2] without a free permit a connection is closed without a byte, and permits come back', async () => {
  const b = await imperium.listening('b', { limits: { inboundHandshakeLimitTotal: 2 } });
  const a = await imperium.listening('a');
  const { material, path } = await actorAt('actor');
  for (let round = 0; round < 3; round++) {
    const speaking = [await connect(b), await connect(b)];
    for (const actor of speaking) {
      actor.send(initOf(material, path, b.path));
      await actor.next('auth-challenge');
    }
    const third = await connect(b);
    assert.equal((await third.rest()).length, 0);
    assert.equal(b.refusals, round + 1);
    for (const actor of speaking) actor.close();
    for (const _ of speaking) hasDetail('ended')((await b.nextFailure()).error);
    const stream = await a.dial(b.address);
    (await b.nextAccepted()).destroy();
    stream.destroy();
  }
  assert.deepEqual(b.failures, []);
});

test('[a0-adm-13] a dial that is turned away for want of a permit is made again, until there is one', async () => {
  const b = await imperium.listening('b', { limits: { inboundHandshakeLimitTotal: 1 } });
  const a = await imperium.listening('a');
  const { material, path } = await actorAt('speaking');
  const actor = await connect(b);
  actor.send(initOf(material, path, b.path));
  await actor.next('auth-challenge');
  const dial = a.dial(b.address);
  await until(() => b.refusals >= 2);
  actor.close();
  hasDetail('ended')((await b.nextFailure()).error);
  (await dial).destroy();
  (await b.nextAccepted()).destroy();
});

test('[a0-adm-3] a thousand connections that never speak do not keep an honest peer out', async () => {
  const b = await imperium.listening('b');
  const a = await imperium.listening('a');
  const silent: UnixActor[] = [];
  for (let count = 0; count < 1000; count++) silent.push(await connect(b));
  let stream: AuthenticatedStream | undefined;
  while (stream === undefined) {
    stream = await a.dial(b.address).catch((error: unknown) => {
      hasDetail('ended')(error); // Closed for want of a permit, until the silent ones are old enough.
      return undefined;
    });
  }
  (await b.nextAccepted()).destroy();
  stream.destroy();
  await until(() => silent.filter(({ ended, closed }) => ended || closed).length >= 1000 - 64);
  assert.ok(silent.every(({ unread }) => unread.length === 0));
});

test('[a0-adm-5] a handshake that hangs keeps nobody else waiting', async () => {
  const b = await imperium.listening('b');
  const a = await imperium.listening('a');
  const { material, path } = await actorAt('slow');
  const hanging = await connect(b);
  hanging.send(initOf(material, path, b.path));
  await hanging.next('auth-challenge');
  const stream = await a.dial(b.address);
  (await b.nextAccepted()).destroy();
  stream.destroy();
  hanging.close();
  hasDetail('ended')((await b.nextFailure()).error);
});

test('[a0-unix-1] a message of the greatest length that makes no sense ends the connection', async () => {
  const b = await imperium.listening('b');
  const actor = await connect(b);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(65_536);
  head.writeUInt8(1, 4);
  actor.send(head, Buffer.alloc(65_535));
  await assertRefused(b, actor, 'malformed-message');
});
