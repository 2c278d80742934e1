/** Time limits and admission of the TCP backend: peers that are silent or slow at each stage, floods, and lack of files. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { IssuedCertificate } from '@flaminia/certificates/internal';
import { FROM_SOURCE } from '@flaminia/testkit';
import type { A0Limits } from '../src/backend.ts';
import type { AuthenticatedStream } from '../src/stream.ts';
import type { TcpAddress } from '../src/tls-dial.ts';
import {
  freeAddress,
  issueAuthority,
  issueLeaf,
  LOOPBACK,
  openDomus,
  type TestDomus,
  until,
  untilQuiet,
} from './tcp-imperium.ts';
import { type Actor, ActorListener, actorDials, Decoy } from './tls-actor.ts';

const AUTH_INIT = Buffer.concat([Buffer.of(1), Buffer.alloc(32, 5)]);
/** A limit that no test waits for. */
const NEVER_MS = 100_000;
/** A limit that is passed by moving the timers, once everybody is at the stage in question. */
const SOON_MS = 400;

let authority: IssuedCertificate;
let base: string[] = [];
const opened: { close(): void | Promise<void> }[] = [];

before(async () => {
  authority = await issueAuthority();
  base = process.getActiveResourcesInfo();
});

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await untilQuiet(base);
});

async function open(limits: Partial<A0Limits>): Promise<TestDomus> {
  const domus = await openDomus(authority, { limits });
  opened.push(domus);
  return domus;
}

/** A hostile peer with a good leaf that listens and does nothing. */
async function openPeer(): Promise<{
  readonly address: TcpAddress;
  readonly listener: ActorListener;
  dial(to: TcpAddress): Promise<Actor>;
}> {
  const address = await freeAddress();
  const leaf = await issueLeaf(authority, address.text);
  const listener = await new ActorListener(leaf).listen(address);
  opened.push(listener);
  return { address, listener, dial: (to) => actorDials(to, leaf) };
}

async function plain(to: TcpAddress): Promise<Socket> {
  const socket = connectTcp({ host: to.ip, port: to.port, localAddress: LOOPBACK });
  socket.on('error', () => {});
  socket.resume();
  await until(() => !socket.connecting);
  return socket;
}

/** The timers of the backends stand still until the test moves them; sockets and TLS go on. */
function stopTimers(t: TestContext): (ms: number) => void {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  return (ms) => t.mock.timers.tick(ms);
}

test('[a0-adm-6] [case-89] an inbound peer that is silent or slow at any stage ends with the handshake timeout', async (t) => {
  const pass = stopTimers(t);
  const domus = await open({ handshakeTimeoutMs: SOON_MS, callbackTimeoutMs: NEVER_MS });
  const peer = await openPeer();
  const mute = await plain(domus.address);
  const halfHello = await plain(domus.address);
  halfHello.write(Buffer.from('1603010200', 'hex'));
  const afterTls = await peer.dial(domus.address);
  const halfInit = await peer.dial(domus.address);
  halfInit.socket.write(AUTH_INIT.subarray(0, 20));
  const noProof = await peer.dial(domus.address);
  noProof.socket.write(AUTH_INIT);
  const callback = await peer.listener.nextActor();
  await callback.take(65);
  callback.socket.end();
  await noProof.take(1);
  // The last one to connect has got furthest, so that all have begun.
  pass(SOON_MS - 1);
  assert.equal(domus.failures.length, 0);
  pass(1);
  await until(() => domus.failures.length === 5);
  for (const { error } of domus.failures) assert.equal(error.message, 'peer-unavailable: tcp handshake timeout');
  await until(
    () => mute.destroyed && halfHello.destroyed && [afterTls, halfInit, noProof].every((actor) => actor.closed),
  );
  assert.deepEqual(
    [afterTls, halfInit, noProof].map((actor) => actor.bytes.length),
    [0, 0, 1],
  );
});

test('[a0-adm-7] [a0-tcp-12] a callback that is not accepted, judged or closed in time ends with the callback timeout', async (t) => {
  const pass = stopTimers(t);
  const domus = await open({ handshakeTimeoutMs: NEVER_MS, callbackTimeoutMs: SOON_MS });
  const [deaf, lingering] = [await freeAddress(), await openPeer()];
  const decoy = new Decoy();
  await decoy.listen(deaf);
  opened.push(decoy);
  const first = await actorDials(domus.address, await issueLeaf(authority, deaf.text));
  first.socket.write(AUTH_INIT);
  const second = await lingering.dial(domus.address);
  second.socket.write(AUTH_INIT);
  const callback = await lingering.listener.nextActor();
  await callback.take(65);
  await until(() => decoy.connections === 1);
  pass(SOON_MS - 1);
  assert.equal(domus.failures.length, 0);
  pass(1);
  await until(() => domus.failures.length === 2);
  for (const { error } of domus.failures) assert.equal(error.message, 'peer-unavailable: tcp callback timeout');
  await until(() => first.closed && second.closed && callback.closed);
  assert.deepEqual([first.bytes.length, second.bytes.length], [0, 0]);
});

test('[a0-adm-6] [a0-adm-7] [case-89] a listener that is silent at any stage fails the dial with the text of that limit', async (t) => {
  const pass = stopTimers(t);
  const patient = await open({ handshakeTimeoutMs: NEVER_MS, callbackTimeoutMs: SOON_MS });
  const quick = await open({ handshakeTimeoutMs: SOON_MS, callbackTimeoutMs: NEVER_MS });
  const peer = await openPeer();
  const decoy = new Decoy();
  const { address, port } = await decoy.listen();
  opened.push(decoy);
  const handshake = { kind: 'peer-unavailable', message: 'peer-unavailable: tcp handshake timeout' };
  const callback = { kind: 'peer-unavailable', message: 'peer-unavailable: tcp callback timeout' };
  const noTls = assert.rejects(quick.dial(`tcp://${address}:${port}`), handshake);
  await until(() => decoy.connections === 1);
  pass(SOON_MS);
  await noTls;
  const noCallback = assert.rejects(patient.dial(peer.address.text), { ...callback, peer: peer.address.text });
  await (await peer.listener.nextActor()).take(33);
  pass(SOON_MS);
  await noCallback;

  const noChallenge = assert.rejects(quick.dial(peer.address.text), handshake);
  const primary = await peer.listener.nextActor();
  const calling = await peer.dial(quick.address);
  const init = await primary.take(33);
  calling.socket.write(Buffer.concat([Buffer.of(2), AUTH_INIT.subarray(1), init.subarray(1)]));
  await until(() => calling.closed);
  assert.equal(primary.closed, false, 'the callback was taken');
  pass(SOON_MS);
  await noChallenge;
  await until(() => primary.closed);
});

test('[a0-adm-2] with no permit free a connection is closed without a byte, and it is told', async () => {
  const domus = await open({ inboundHandshakeLimitTotal: 2 });
  const peer = await openPeer();
  // Their bytes were read: who has said nothing gives way to others after a while, and so would a source to another one.
  const speaking = [await peer.dial(domus.address), await peer.dial(domus.address)];
  const received: Buffer[] = [];
  const third = connectTcp({ host: domus.address.ip, port: domus.address.port, localAddress: LOOPBACK });
  third.on('data', (chunk) => received.push(chunk));
  await once(third, 'close');
  assert.deepEqual([received.length, domus.refusals, domus.failures.length], [0, 1, 0]);
  for (const { socket } of speaking) socket.destroy();
  await until(() => domus.failures.length === 2);
  const honest = await open({});
  (await honest.dial(domus.address.text)).destroy();
  (await domus.nextAccepted()).destroy();
});

test('[a0-adm-13] a dial that is turned away for want of a permit is made again, until there is one', async () => {
  const domus = await open({ inboundHandshakeLimitTotal: 1 });
  const honest = await open({});
  // A callback needs a permit of the one that has dialled, and finds none either.
  const here = await plain(honest.address);
  honest.limits = { ...honest.limits, inboundHandshakeLimitTotal: 1 };
  const there = await plain(domus.address);
  for (const speaking of [here, there]) speaking.write(Buffer.from('16', 'hex'));
  const dial = honest.dial(domus.address.text);
  await until(() => domus.refusals >= 2);
  there.destroy();
  await until(() => honest.refusals >= 2);
  here.destroy();
  (await dial).destroy();
  (await domus.nextAccepted()).destroy();
});

test('[a0-adm-13] a listener that turns everybody away is given up', async () => {
  const domus = await open({ inboundHandshakeLimitTotal: 1 });
  const honest = await open({});
  const speaking = await plain(domus.address);
  speaking.write(Buffer.from('16', 'hex'));
  await assert.rejects(honest.dial(domus.address.text), { kind: 'peer-unavailable', detail: 'ended' });
  assert.ok(domus.refusals > 1);
  speaking.destroy();
});

test('[a0-adm-1] a changed limit counts for the next connection', async () => {
  const domus = await open({ inboundHandshakeLimitTotal: 1 });
  const first = await plain(domus.address);
  first.write(Buffer.from('16', 'hex'));
  domus.limits = { ...domus.limits, inboundHandshakeLimitTotal: 2 };
  const honest = await open({});
  (await honest.dial(domus.address.text)).destroy();
  (await domus.nextAccepted()).destroy();
  assert.equal(domus.refusals, 0);
  first.destroy();
});

test('[a0-adm-3] [a0-adm-5] [case-92] an honest peer gets in while 1,000 connections that never speak stand or come', async () => {
  const domus = await open({ handshakeTimeoutMs: NEVER_MS });
  const honest = await open({});
  const silent: Socket[] = [];
  try {
    // No more at once than wait for accept: of one beyond, the system tells the peer that it stands, and nobody else.
    while (silent.length < 1_000) {
      silent.push(...(await Promise.all(Array.from({ length: 250 }, () => plain(domus.address)))));
      await until(() => silent.filter((socket) => !socket.destroyed).length <= 64);
    }
    let stream: AuthenticatedStream | undefined;
    while (stream === undefined) stream = await honest.dial(domus.address.text).catch(() => undefined);
    const accepted = await domus.nextAccepted();
    assert.equal(accepted.peer.address, honest.address.text);
    assert.ok(
      silent.some((socket) => !socket.destroyed),
      'the flood still stands',
    );
    stream.destroy();
    accepted.destroy();
  } finally {
    for (const socket of silent) socket.destroy();
  }
});

test('[case-92] of 10,000 connections that never speak no more than the permits stand at once, and then an honest peer comes in', async () => {
  const PERMITS = 64;
  const domus = await open({ handshakeTimeoutMs: NEVER_MS, inboundHandshakeLimitTotal: PERMITS });
  const honest = await open({});
  const standing = new Set<Socket>();
  let opened10k = 0;
  for (let wave = 0; wave < 25; wave++) {
    const sockets = await Promise.all(Array.from({ length: 400 }, () => plain(domus.address)));
    opened10k += sockets.length;
    for (const socket of sockets) standing.add(socket.once('close', () => standing.delete(socket)));
    for (const socket of sockets) if (socket.destroyed) standing.delete(socket);
    await until(() => standing.size <= PERMITS);
  }
  assert.equal(opened10k, 10_000);
  assert.ok(domus.refusals + domus.failures.length >= 10_000 - PERMITS, 'all others were closed');
  let stream: AuthenticatedStream | undefined;
  while (stream === undefined) stream = await honest.dial(domus.address.text).catch(() => undefined);
  stream.destroy();
  (await domus.nextAccepted()).destroy();
  for (const socket of standing) socket.destroy();
});

test('[a0-adm-11] an honest peer gets in while one other host holds every permit with half a TLS hello', {
  skip: process.platform !== 'linux' && 'needs a second loopback address',
}, async () => {
  const domus = await open({ handshakeTimeoutMs: NEVER_MS, inboundHandshakeLimitTotal: 16 });
  const honest = await open({});
  const flood = new Set<Socket>();
  const another = (): void => {
    const { ip: host, port } = domus.address;
    const socket = connectTcp({ host, port, localAddress: '127.0.0.2' }, () => socket.write(Buffer.from('16', 'hex')));
    socket.on('error', () => {});
    flood.add(socket.once('close', () => flood.delete(socket)));
  };
  const flooding = setInterval(() => {
    while (flood.size < 40) another();
  }, 5);
  try {
    await until(() => domus.refusals > 40);
    for (let round = 0; round < 3; round++) {
      let stream: AuthenticatedStream | undefined;
      while (stream === undefined) stream = await honest.dial(domus.address.text).catch(() => undefined);
      (await domus.nextAccepted()).destroy();
      stream.destroy();
    }
    assert.ok(flood.size > 0, 'the flood still stands');
  } finally {
    clearInterval(flooding);
    for (const socket of flood) socket.destroy();
  }
});

test('a listener that is out of files goes on once there are some', {
  skip: process.platform === 'win32',
}, async () => {
  const script = fileURLToPath(new URL('./out-of-files.ts', import.meta.url));
  const node = [process.execPath, ...FROM_SOURCE, script].map((word) => `'${word}'`).join(' ');
  const child = spawn('sh', ['-c', `ulimit -n 200 && exec ${node}`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  try {
    await until(() => lines.length > 0 || child.exitCode !== null);
    const [ip, port] = lines[0]!.split(' ');
    const socket = connectTcp(Number(port), ip);
    socket.on('error', () => {});
    socket.resume();
    child.stdin.write('files are used up\n');
    await until(() => lines.length > 1 || child.exitCode !== null);
    for (let round = 0; round < 20; round++) {
      const refused = connectTcp(Number(port), ip);
      refused.on('error', () => {});
      refused.resume();
      await once(refused, 'close');
    }
    child.stdin.write('and given back\n');
    await until(() => lines.length > 2 || child.exitCode !== null);
    assert.equal(lines[2], 'an honest peer came in; listener errors: 0');
    socket.destroy();
  } finally {
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
    assert.equal(child.exitCode, 0);
  }
});
