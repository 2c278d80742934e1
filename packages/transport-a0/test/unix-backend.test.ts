/** The Unix-socket backend among honest peers, and what ends a handshake from this side. */
import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { afterEach, before, beforeEach, test } from 'node:test';
import { authorityExtensions, type IssuedCertificate } from '@flaminia/certificates/internal';
import { unixAddress } from '../src/address.ts';
import { DomusError } from '../src/domus-error.ts';
import type { AuthenticatedStream } from '../src/stream.ts';
import { UnixBackend } from '../src/unix-backend.ts';
import { UnixOutboundHandshake } from '../src/unix-handshake.ts';
import { issue, issueAuthority, until } from './tcp-imperium.ts';
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

/** Remembers what must be closed when the test is over. */
function closing<Opened extends { close(): void }>(one: Opened): Opened {
  opened.push(one);
  return one;
}

function streamOf(stream: AuthenticatedStream): AuthenticatedStream {
  opened.push({ close: () => stream.destroy() });
  return stream;
}

async function join(
  a: UnixDomus,
  b: UnixDomus,
): Promise<[dialled: AuthenticatedStream, accepted: AuthenticatedStream]> {
  const [dialled, accepted] = await Promise.all([a.dial(b.address), b.nextAccepted()]);
  return [streamOf(dialled), streamOf(accepted)];
}

/** Reads a stream to its end. */
function reading(stream: AuthenticatedStream): { bytes: Buffer; ended: boolean; closes: (Error | undefined)[] } {
  const seen = { bytes: Buffer.alloc(0), ended: false, closes: [] as (Error | undefined)[] };
  stream.start({
    bytes: (chunk) => {
      seen.bytes = Buffer.concat([seen.bytes, chunk]);
    },
    ended: () => {
      seen.ended = true;
    },
    drained: () => {},
    closed: (error) => seen.closes.push(error),
  });
  return seen;
}

function refusal(kind: DomusError['kind'], detail: string, text?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(DomusError.is(error), String(error));
    assert.deepEqual({ kind: error.kind, detail: error.detail }, { kind, detail }, error.message);
    if (text !== undefined) assert.match(error.message, text);
    return true;
  };
}

test('[a0-unix-8] two domus authenticate each other, and bytes flow both ways', async () => {
  const [a, b] = [await imperium.listening('a'), await imperium.listening('b')];
  const [dialled, accepted] = await join(a, b);
  assert.deepEqual([dialled.kind, dialled.direction, dialled.challengeSequence], ['unix', 'dialled', 0]);
  assert.deepEqual([accepted.kind, accepted.direction, accepted.challengeSequence], ['unix', 'accepted', 1]);
  assert.deepEqual(dialled.peer.certificate?.raw, b.material.chain[0].raw);
  assert.deepEqual([dialled.peer.address, dialled.peer.nodeId, dialled.peer.nodeType], [b.address, 'node-1', 'worker']);
  assert.equal(accepted.peer.address, a.address);
  const [here, there] = [reading(dialled), reading(accepted)];
  const [up, down] = [Buffer.alloc(1_000_000, 'up'), Buffer.alloc(1_000_000, 'down')];
  dialled.write(up);
  accepted.write(down);
  dialled.end();
  await until(() => there.ended);
  assert.deepEqual(there.bytes, up);
  accepted.end();
  await until(() => here.closes.length > 0 && there.closes.length > 0);
  assert.deepEqual(here.bytes, down);
  assert.deepEqual([here.closes, there.closes], [[undefined], [undefined]]);
  assert.deepEqual([a.accepted, a.failures, b.failures], [[], [], []]);
});

for (const key of ['P-256', 'P-384', 'Ed25519', 'RSA-2048'] as const) {
  test(`[a0-unix-13] [case-12] ${key} leaves below an intermediate, in both roles`, async () => {
    const root = await issueAuthority({ key });
    const sub = await issue({
      subject: [{ type: 'CN', value: 'sub' }],
      issuer: root,
      key,
      extensions: authorityExtensions(),
    });
    const open = async (name: string): Promise<UnixDomus> => {
      const chain = { ca: root.certificatePem, rest: sub.certificatePem };
      return imperium.listening(name, {
        material: await issueUnixMaterial(sub, imperium.pathOf(name), { key }, chain),
      });
    };
    const [a, b] = [await open('a'), await open('b')];
    const [dialled, accepted] = await join(a, b);
    assert.deepEqual([dialled.peer.address, accepted.peer.address], [b.address, a.address]);
    const [back, forth] = await join(b, a);
    assert.deepEqual([back.peer.address, forth.peer.address], [a.address, b.address]);
  });
}

test('[a0-adm-10] both sides dial each other at once, many times', async () => {
  const [a, b] = [await imperium.listening('a'), await imperium.listening('b')];
  const both = Array.from({ length: 20 }, () => [join(a, b), join(b, a)]).flat();
  for (const [dialled, accepted] of await Promise.all(both)) {
    assert.notEqual(dialled.peer.address, accepted.peer.address);
  }
  assert.deepEqual([a.failures, b.failures, a.accepted, b.accepted], [[], [], [], []]);
});

test('challenges are numbered in the order in which they are sent', async () => {
  const [a, b] = [await imperium.listening('a'), await imperium.listening('b')];
  const numbers: number[] = [];
  for (let round = 0; round < 3; round++) numbers.push((await join(a, b))[1].challengeSequence);
  assert.deepEqual(numbers, [1, 2, 3]);
});

test('bytes that arrive with AUTH_PROOF are the first of the stream', async () => {
  const b = await imperium.listening('b');
  const listener = closing(await UnixActorListener.open(imperium.pathOf('a')));
  const material = await issueUnixMaterial(authority, listener.path);
  const nonces = { nonceA: Buffer.alloc(32, 1), nonceACb: Buffer.alloc(32, 2) };
  const handshake = new UnixOutboundHandshake({ path: listener.path, material }, b.path, nonces);
  const primary = closing(await UnixActor.connect(b.path));
  primary.send(handshake.authInit);
  const callback = await (await listener.next()).next('callback-init');
  assert.deepEqual(callback.echoNonceACb, nonces.nonceACb);
  handshake.calledBack(callback.nonceBCb);
  const challenge = await primary.take((bytes) => bytes.length || undefined);
  const done = handshake.bytesIn(challenge, Date.now());
  primary.send(done!.proof, Buffer.from('hello'));
  const stream = streamOf(await b.nextAccepted());
  const seen = reading(stream);
  await until(() => seen.bytes.length === 5);
  primary.send(Buffer.from(' again'));
  await until(() => seen.bytes.length === 11);
  assert.equal(seen.bytes.toString(), 'hello again');
});

test('[a0-unix-9] the receiver ends the callback connection by itself', async () => {
  const b = await imperium.listening('b');
  const listener = closing(await UnixActorListener.open(imperium.pathOf('a')));
  const material = await issueUnixMaterial(authority, listener.path);
  const nonces = { nonceA: Buffer.alloc(32, 1), nonceACb: Buffer.alloc(32, 2) };
  const primary = closing(await UnixActor.connect(b.path));
  primary.send(new UnixOutboundHandshake({ path: listener.path, material }, b.path, nonces).authInit);
  const callback = await listener.next();
  await callback.next('callback-init');
  assert.equal((await callback.rest()).length, 0);
  await primary.next('auth-challenge'); // It waited for nothing.
});

test('a dial fails where nobody listens', async () => {
  const a = await imperium.listening('a');
  await assert.rejects(a.dial(unixAddress(imperium.pathOf('nobody'))), refusal('peer-unavailable', 'ended'));
  await assert.rejects(a.dial(unixAddress(imperium.pathOf('no/folder'))), refusal('peer-unavailable', 'ended'));
});

test('[a0-addr-3] a Unix-socket domus dials no TCP address and is built for none', async () => {
  const a = await imperium.listening('a');
  await assert.rejects(a.dial('tcp://127.0.0.1:1'), refusal('address-mismatch', 'kind'));
  const options = { limits: () => a.limits, material: () => a.material, nextSequence: () => 1 };
  const events = { accepted() {}, inboundFailed() {}, admissionRefused() {}, listenerFailed() {} };
  assert.throws(
    () => new UnixBackend({ ...options, events, address: 'tcp://127.0.0.1:1' }),
    refusal('invalid-config', 'address'),
  );
  assert.throws(
    () => new UnixBackend({ ...options, events, address: unixAddress(imperium.pathOf('other')) }),
    refusal('address-mismatch', 'cert'),
  );
});

test('[a0-unix-7] a path that leads elsewhere is not dialled', async () => {
  const [a, b] = [await imperium.listening('a'), await imperium.listening('b')];
  await symlink(b.path, imperium.pathOf('link'));
  await symlink(imperium.folder, imperium.pathOf('folder'));
  for (const name of ['link', 'folder/b', 'folder/none']) {
    const dial = a.dial(unixAddress(imperium.pathOf(name)));
    await assert.rejects(dial, refusal('address-mismatch', 'not-canonical', /it leads to/));
  }
  assert.deepEqual([b.accepted, b.failures], [[], []]);
});

test("[a0-unix-6] a peer's path that no socket address holds fails its dial", async () => {
  const a = await imperium.listening('a');
  const path = imperium.pathOf('x'.repeat(108 - imperium.folder.length));
  assert.ok(Buffer.byteLength(path) > 107);
  await assert.rejects(a.dial(unixAddress(path)), refusal('peer-unavailable', 'path-too-long'));
});

test('[a0-unix-10] a dialler of another authority is told nothing', async () => {
  const stranger = await issueAuthority();
  const b = await imperium.listening('b');
  const material = await issueUnixMaterial(stranger, imperium.pathOf('a'));
  const a = await imperium.listening('a', { material });
  await assert.rejects(a.dial(b.address), refusal('peer-unavailable', 'ended'));
  refusal('protocol-violation', 'no-anchor')((await b.nextFailure()).error);
  assert.deepEqual([a.failures, b.accepted], [[], []]);
});

test('[a0-unix-14] a listener of another authority is refused', async () => {
  const stranger = await issueAuthority({ subject: [{ type: 'CN', value: 'stranger' }] });
  const both = { ca: authority.certificatePem + stranger.certificatePem };
  const material = await issueUnixMaterial(stranger, imperium.pathOf('b'), {}, both);
  const b = await imperium.listening('b', { material });
  const a = await imperium.listening('a');
  await assert.rejects(a.dial(b.address), refusal('protocol-violation', 'no-anchor'));
  refusal('peer-unavailable', 'ended')((await b.nextFailure()).error);
});

test('a dial that is given up frees everything', async () => {
  const a = await imperium.listening('a');
  const silent = closing(await UnixActorListener.open(imperium.pathOf('silent')));
  const address = unixAddress(silent.path);
  await assert.rejects(a.dial(address, AbortSignal.abort()), refusal('peer-unavailable', 'aborted'));
  assert.equal(silent.connections.length, 0);
  const abort = new AbortController();
  const dial = a.dial(address, abort.signal);
  const refused = assert.rejects(dial, refusal('peer-unavailable', 'aborted'));
  const primary = await silent.next();
  const { nonceACb } = await primary.next('auth-init');
  abort.abort();
  await refused;
  assert.equal((await primary.rest()).length, 0);
  await assertNobodyWaits(a, silent.path, nonceACb);
});

/** [a0-adm-9] A callback for a nonce of a dial that is over is refused. */
async function assertNobodyWaits(domus: UnixDomus, origin: string, echoNonceACb: Buffer): Promise<void> {
  const callback = closing(await UnixActor.connect(domus.path));
  callback.send({
    kind: 'callback-init',
    origin,
    destination: domus.path,
    nonceBCb: Buffer.alloc(32, 1),
    echoNonceACb,
  });
  assert.equal((await callback.rest()).length, 0);
  refusal('protocol-violation', 'unknown-callback')((await domus.nextFailure()).error);
  assert.deepEqual(domus.accepted, []);
}

test('[a0-adm-7] a listener that never calls back: socket callback timeout', async (t) => {
  const a = await imperium.listening('a', { limits: { callbackTimeoutMs: 30 } });
  const silent = closing(await UnixActorListener.open(imperium.pathOf('silent')));
  const text = /^peer-unavailable: socket callback timeout$/;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const refused = assert.rejects(a.dial(unixAddress(silent.path)), refusal('peer-unavailable', 'timeout', text));
  const { nonceACb } = await (await silent.next()).next('auth-init');
  t.mock.timers.tick(30);
  await refused;
  await assertNobodyWaits(a, silent.path, nonceACb);
});

test('[a0-adm-6] a listener that calls back and sends no challenge: socket handshake timeout', async (t) => {
  const a = await imperium.listening('a', { limits: { handshakeTimeoutMs: 100 } });
  const silent = closing(await UnixActorListener.open(imperium.pathOf('silent')));
  const text = /^peer-unavailable: socket handshake timeout$/;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const refused = assert.rejects(a.dial(unixAddress(silent.path)), refusal('peer-unavailable', 'timeout', text));
  const { nonceACb } = await (await silent.next()).next('auth-init');
  const callback = closing(await UnixActor.connect(a.path));
  const names = { origin: silent.path, destination: a.path };
  callback.send({ kind: 'callback-init', ...names, nonceBCb: Buffer.alloc(32, 1), echoNonceACb: nonceACb });
  assert.equal((await callback.rest()).length, 0, 'the callback was taken');
  t.mock.timers.tick(100);
  await refused;
  assert.deepEqual(a.failures, []);
});

test('closing ends handshakes under way; streams live on', async () => {
  const [a, b] = [await imperium.listening('a'), await imperium.listening('b')];
  const [dialled, accepted] = await join(a, b);
  const silent = closing(await UnixActorListener.open(imperium.pathOf('silent')));
  const refused = assert.rejects(a.dial(unixAddress(silent.path)), { kind: 'domus-closed' });
  const mute = closing(await UnixActor.connect(a.path));
  await silent.next();
  await Promise.all([a.backend.close(), a.backend.close()]);
  await refused;
  assert.equal((await mute.rest()).length, 0);
  await assert.rejects(a.dial(b.address), { kind: 'domus-closed' });
  await assert.rejects(b.dial(a.address), { kind: 'peer-unavailable' });
  const [here, there] = [reading(dialled), reading(accepted)];
  dialled.write(Buffer.from('still here'));
  await until(() => there.bytes.length === 10);
  dialled.destroy();
  await until(() => here.closes.length === 1 && there.ended);
  assert.deepEqual(a.failures, []);
});

test('[a0-rot-1] [a0-rot-2] new material serves the handshakes that begin after it, and those under way end with theirs', async () => {
  const [a, b] = [await imperium.listening('a'), await imperium.listening('b')];
  const listener = closing(await UnixActorListener.open(imperium.pathOf('c')));
  const material = await issueUnixMaterial(authority, listener.path);
  const nonces = { nonceA: Buffer.alloc(32, 1), nonceACb: Buffer.alloc(32, 2) };
  const underWay = new UnixOutboundHandshake({ path: listener.path, material }, b.path, nonces);
  const primary = closing(await UnixActor.connect(b.path));
  primary.send(underWay.authInit.subarray(0, 100));
  await join(a, b); // So the first part of AUTH_INIT was read, too.
  const before = b.material;
  b.material = await issueUnixMaterial(authority, b.path);
  primary.send(underWay.authInit.subarray(100));
  const challenge = await primary.next('auth-challenge');
  assert.deepEqual(challenge.certificates, [before.chain[0].raw]);
  const [dialled] = await join(a, b);
  assert.deepEqual(dialled.peer.certificate?.raw, b.material.chain[0].raw);
});

test('material for another address is refused when it is used', async () => {
  const [a, b] = [await imperium.listening('a'), await imperium.listening('b')];
  a.material = await issueUnixMaterial(authority, imperium.pathOf('other'));
  await assert.rejects(a.dial(b.address), refusal('address-mismatch', 'cert'));
});

test('[a0-unix-4] material with more certificates than the wire carries is refused when it is loaded', async () => {
  const rest = (count: number): { rest: string } => ({ rest: authority.certificatePem.repeat(count) });
  const path = imperium.pathOf('a');
  assert.equal((await issueUnixMaterial(authority, path, {}, rest(15))).chain.length, 16);
  const refused = refusal('invalid-config', 'cert', /cert holds 17 certificates/);
  await assert.rejects(issueUnixMaterial(authority, path, {}, rest(16)), refused);
});
