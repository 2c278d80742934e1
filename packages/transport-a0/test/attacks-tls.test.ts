/** TLS as a weapon: malformed hellos by the thousand, hellos that never end, handshakes that leave something behind. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { queryObjects } from 'node:v8';
import type { IssuedCertificate } from '@flaminia/certificates/internal';
import { Random } from '@flaminia/testkit';
import { DomusError } from '../src/domus-error.ts';
import { SocketStream } from '../src/socket-stream.ts';
import { authInit } from './hostile-world.ts';
import {
  issueAuthority,
  issueLeaf,
  type Leaf,
  LIMITS,
  LOOPBACK,
  openDomus,
  type TestDomus,
  until,
  untilQuiet,
} from './tcp-imperium.ts';
import { actorDials } from './tls-actor.ts';

const HELLOS = 1_000;
const AT_ONCE = 50;
const HANDSHAKES = 40;
const SEED = Number(process.env.FLAMINIA_SEED ?? 1);

let base: readonly string[] = [];
let authority: IssuedCertificate;
let domus: TestDomus;
let honest: TestDomus;
let strange: Leaf;
before(async () => {
  base = process.getActiveResourcesInfo();
  authority = await issueAuthority();
  [domus, honest] = [await openDomus(authority), await openDomus(authority)];
  strange = await issueLeaf(await issueAuthority(), honest.address.text);
  await handshake();
});
afterEach(async () => {
  domus.limits = LIMITS;
  await handshake();
  domus.failures.length = 0;
});
after(async () => {
  await Promise.all([domus.close(), honest.close()]);
  await untilQuiet(base);
});

/** An honest peer comes in and goes. */
async function handshake(): Promise<void> {
  (await honest.dial(domus.address.text)).destroy();
  (await domus.nextAccepted()).destroy();
}

function plain(): Socket {
  const socket = connectTcp({ host: domus.address.ip, port: domus.address.port, localAddress: LOOPBACK });
  socket.on('error', () => {});
  socket.resume();
  return socket;
}

/** The first flight of a TLS 1.3 client. */
async function genuineHello(): Promise<Buffer> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connectTls({ host: LOOPBACK, port, minVersion: 'TLSv1.3' });
  client.on('error', () => {});
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(accepted, 'data')) as [Buffer];
  accepted.destroy();
  client.destroy();
  server.close();
  return hello;
}

/** A hello that is broken somewhere: bytes changed, cut out or doubled, lengths at their limits, what stands behind it. */
function broken(hello: Buffer, random: Random): Buffer {
  const bytes = Buffer.from(hello);
  for (let changes = random.between(1, 6); changes > 0; changes--) {
    const at = random.skewed(0, bytes.length - 1);
    bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
  }
  const [from, to] = [random.below(bytes.length), random.below(bytes.length)];
  return random.pick([
    bytes,
    bytes.subarray(0, Math.max(from, 1)),
    Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]),
    Buffer.concat([bytes, bytes.subarray(Math.min(from, to))]),
  ]);
}

test(`[a0-tcp-15] ${HELLOS} malformed hellos: none is let in, none ends the process, no descriptor is left`, {
  skip: process.platform !== 'linux' && 'descriptors are counted in /proc',
}, async () => {
  const hello = await genuineHello();
  const random = new Random(SEED);
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  await untilQuietBut();
  const before = descriptors();
  for (let sent = 0; sent < HELLOS; sent += AT_ONCE) {
    const sockets = Array.from({ length: AT_ONCE }, plain);
    for (const socket of sockets) socket.end(broken(hello, random));
    await until(() => sockets.every(({ closed }) => closed));
  }
  await until(() => domus.failures.length + domus.refusals >= HELLOS);
  for (const { error } of domus.failures) assert.ok(DomusError.is(error), `${String(error)} (FLAMINIA_SEED=${SEED})`);
  assert.equal(domus.accepted.length, 0, `FLAMINIA_SEED=${SEED}`);
  await until(() => descriptors() <= before);
});

test('[a0-adm-1] [a0-adm-6] [case-89] [case-92] half-open handshakes hold no more than the permits, and end with the time limit', async (t) => {
  const [LIMIT_MS, PERMITS] = [300, 64];
  domus.limits = { ...LIMITS, handshakeTimeoutMs: LIMIT_MS, inboundHandshakeLimitTotal: PERMITS };
  domus.refusals = 0;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  // A record and a message that say that more is to come.
  const partial = Buffer.concat([Buffer.from('1603012100' + '01' + '0020f0' + '0303', 'hex'), Buffer.alloc(8_192)]);
  const sockets = Array.from({ length: 80 }, plain);
  for (const socket of sockets) socket.write(partial);
  const over = (): number => domus.failures.length + domus.refusals;
  await until(() => over() >= sockets.length - PERMITS);
  // Every one has been judged: each that found no permit was refused, or took that of another.
  await until(() => sockets.filter(({ closed }) => !closed).length === PERMITS);
  assert.equal(over(), sockets.length - PERMITS);
  t.mock.timers.tick(LIMIT_MS);
  await until(() => sockets.every(({ closed }) => closed));
  assert.equal(over(), sockets.length);
});

test('[a0-tcp-15] a hello that says it is 16 MiB long is refused from its head', async () => {
  const socket = plain();
  socket.write(Buffer.concat([Buffer.from('1603014000' + '01' + 'ffffff' + '0303', 'hex'), Buffer.alloc(0x4000 - 6)]));
  const { error } = await domus.nextFailure();
  assert.match(error.message, /^protocol-violation/);
  socket.destroy();
});

test('[a0-adm-4] what handshakes of all kinds have used is given back: no object of theirs is left', async () => {
  const living = (): readonly number[] => [queryObjects(TLSSocket), queryObjects(SocketStream)].map(Number);
  await untilQuietBut();
  const before = living();
  for (let i = 0; i < HANDSHAKES; i++) {
    await handshake();
    const actor = await actorDials(domus.address, strange);
    actor.socket.write(authInit);
    await domus.nextFailure();
    actor.socket.destroy();
  }
  await untilQuietBut();
  // One may still be held by what has just ended.
  for (const [i, count] of living().entries())
    assert.ok(count <= before[i]! + 2, `${living()} are left, ${before} were`);
});

/** Waits until only the listeners are left. */
async function untilQuietBut(): Promise<void> {
  await untilQuiet([...base, 'TCPServerWrap', 'TCPServerWrap']);
}
