/** The TCP backend against peers that spoil TLS itself: old versions, no certificate, resumed sessions, no TLS at all. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { DomusError } from '../src/domus-error.ts';
import type { TcpAddress } from '../src/tls-dial.ts';
import { authInit, HostileWorld } from './hostile-world.ts';
import { freeAddress, issueLeaf, LOOPBACK, until } from './tcp-imperium.ts';
import { ActorListener, actorDials } from './tls-actor.ts';

let world: HostileWorld;
before(async () => {
  world = await HostileWorld.open();
});
afterEach(() => world.assertUnharmed());
after(() => world.close());

test('[a0-auth-20] TLS 1.2 is refused, as a dialler and as a listener', async () => {
  const actor = await world.dial({ maxVersion: 'TLSv1.2' });
  assert.equal((actor.error as NodeJS.ErrnoException).code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  assert.deepEqual([(await world.refusal(actor)).kind, actor.bytes.length], ['protocol-violation', 0]);
  const old = await freeAddress();
  const oldListener = await new ActorListener(await issueLeaf(world.authority, old.text), {
    maxVersion: 'TLSv1.2',
  }).listen(old);
  await assert.rejects(world.domus.dial(old.text), { kind: 'peer-unavailable', detail: 'refused-by-peer' });
  oldListener.close();
});

test('[a0-tcp-2] [case-13] a dialler without a certificate is refused', async () => {
  const actor = await actorDials(world.domus.address, undefined);
  assert.equal((await world.refusal(actor)).detail, 'tls-failed');
  assert.equal(actor.bytes.length, 0);
});

test('[a0-auth-23] a listener that refuses our certificate fails the dial, though TLS had seemed to stand', async () => {
  const strict = await freeAddress();
  const own = await issueLeaf(world.authority, strict.text, { key: 'Ed25519' });
  const judging = { rejectUnauthorized: true, minVersion: 'TLSv1.3' } as const;
  // One ends the connection (Node), one tells by an alert (OpenSSL, which asks for a kind of key that we do not have).
  const rows = [
    { over: { ...judging, ca: world.leaf.chain }, detail: 'ended' },
    { over: { ...judging, ca: world.authority.certificatePem, sigalgs: 'ed25519' }, detail: 'refused-by-peer' },
  ] as const;
  for (const { over, detail } of rows) {
    const strictListener = await new ActorListener(own, over).listen(strict);
    await assert
      .rejects(world.domus.dial(strict.text), { kind: 'peer-unavailable', peer: strict.text, detail })
      .finally(() => strictListener.close());
  }
});

test('[a0-auth-21] a session that was kept is not resumed, and none is offered', async () => {
  const sessions: Buffer[] = [];
  const first = await world.dial({ minVersion: 'TLSv1.3' });
  first.socket.on('session', (session: Buffer) => sessions.push(session));
  // OpenSSL sends its tickets with the first bytes that it writes; they lead to no stored session.
  const { callback } = await world.calledBack(first);
  callback.socket.end();
  await first.take(1);
  first.socket.end();
  await world.refusal(first);
  for (const session of [...sessions, first.socket.getSession()]) {
    const again = await world.dial({ minVersion: 'TLSv1.3', ...(session === undefined ? {} : { session }) });
    assert.equal(again.socket.isSessionReused(), false);
    again.socket.destroy();
    await world.domus.nextFailure();
  }
  for (let round = 0; round < 2; round++) {
    const abort = new AbortController();
    const dialling = world.domus.dial(world.address.text, abort.signal);
    const actor = await world.listener.nextActor();
    assert.equal(actor.socket.isSessionReused(), false);
    await actor.take(33);
    abort.abort();
    await assert.rejects(dialling, { detail: 'aborted' });
  }
});

test('[a0-auth-22] neither a server name nor ALPN is offered', async () => {
  const abort = new AbortController();
  const dialling = world.domus.dial(world.address.text, abort.signal);
  const { socket } = await world.listener.nextActor();
  assert.deepEqual([(socket as { servername?: unknown }).servername, socket.alpnProtocol], [false, false]);
  abort.abort();
  await assert.rejects(dialling, { detail: 'aborted' });
});

test('[a0-tcp-15] [case-84] garbage in place of TLS', async () => {
  const pieces = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from('160301', 'hex'),
    Buffer.from('16030100050100000100', 'hex'),
    Buffer.from('15030300020100', 'hex'),
    authInit,
    ...Array.from({ length: 20 }, () => randomBytes(300)),
  ];
  for (const bytes of pieces) {
    const socket = await plain(world.domus.address);
    socket.end(bytes);
    const { error } = await world.domus.nextFailure();
    assert.ok(DomusError.is(error), String(error));
  }
});

test('[a0-adm-4] a peer that ends its direction within the TLS handshake does not linger until the time limit', async () => {
  for (const bytes of ['', '1603']) {
    const socket = await plain(world.domus.address, true);
    socket.end(Buffer.from(bytes, 'hex'));
    assert.equal(((await world.domus.nextFailure()).error as DomusError).kind, 'peer-unavailable');
    socket.destroy();
  }
});

/** A TCP connection without TLS. */
async function plain(target: TcpAddress, allowHalfOpen = false): Promise<Socket> {
  const socket = connectTcp({ host: target.ip, port: target.port, localAddress: LOOPBACK, allowHalfOpen });
  socket.on('error', () => {});
  socket.resume();
  await until(() => !socket.connecting);
  return socket;
}
