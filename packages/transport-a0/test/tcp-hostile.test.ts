/**
 * The TCP backend against peers with a good certificate and bad manners, and against those without any.
 *
 * Long on purpose: all of it shares one imperium and one actor, set up once.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import type { IssuedCertificate } from '@flaminia/certificates/internal';
import { DomusError } from '../src/domus-error.ts';
import type { TcpAddress } from '../src/tls-dial.ts';
import {
  freeAddress,
  issueAuthority,
  issueLeaf,
  type Leaf,
  LOOPBACK,
  openDomus,
  type TestDomus,
  until,
  untilQuiet,
} from './tcp-imperium.ts';
import { type Actor, ActorListener, actorDials } from './tls-actor.ts';

const NONCE = Buffer.alloc(32, 0xa1);
const authInit = message(1, NONCE);
const CHALLENGE = Buffer.of(3);

let authority: IssuedCertificate;
let domus: TestDomus;
let honest: TestDomus;
/** The hostile peer: who it is, what it listens with. */
let address: TcpAddress;
let leaf: Leaf;
let listener: ActorListener;
let base: string[] = [];
const dialled: Actor[] = [];

before(async () => {
  base = process.getActiveResourcesInfo();
  authority = await issueAuthority();
  address = await freeAddress();
  leaf = await issueLeaf(authority, address.text);
  listener = await new ActorListener(leaf).listen(address);
  // One permit: any that is not given back fails every test behind.
  domus = await openDomus(authority, { limits: { inboundHandshakeLimitTotal: 1 } });
  honest = await openDomus(authority);
});

afterEach(async () => {
  for (const actor of [...dialled.splice(0), ...listener.actors.splice(0)]) actor.socket.destroy();
  assert.equal(domus.accepted.length, 0, 'nobody was let in');
  domus.failures.length = 0;
  (await honest.dial(domus.address.text)).destroy();
  (await domus.nextAccepted()).destroy();
});

after(async () => {
  for (const one of [domus, honest, listener]) await one.close();
  await untilQuiet(base);
});

function message(type: number, ...payload: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.of(type), ...payload]);
}

async function dial(over: Parameters<typeof actorDials>[2] = {}): Promise<Actor> {
  const actor = await actorDials(domus.address, leaf, over);
  dialled.push(actor);
  return actor;
}

/** The actor begins as an initiator and is called back; gives the nonce for AUTH_PROOF. */
async function calledBack(primary: Actor): Promise<{ readonly callback: Actor; readonly nonceBCb: Buffer }> {
  primary.socket.write(authInit);
  const callback = await listener.nextActor();
  const bytes = await callback.take(65);
  assert.deepEqual([bytes.length, bytes[0], bytes.subarray(33).equals(NONCE)], [65, 2, true]);
  return { callback, nonceBCb: bytes.subarray(1, 33) };
}

/** Waits for the domus to end the connection; gives why. */
async function refusal(actor: Actor): Promise<DomusError> {
  const { error } = await domus.nextFailure();
  await until(() => actor.closed);
  assert.ok(DomusError.is(error), String(error));
  return error;
}

describe('a receiver ends a connection without a word', () => {
  const firsts: readonly (readonly [string, Buffer])[] = [
    ['type 0', Buffer.of(0)],
    ['AUTH_CHALLENGE first', CHALLENGE],
    ['AUTH_PROOF first', message(4, NONCE)],
    ['type 5', Buffer.of(5)],
    ['type 255', Buffer.alloc(100, 255)],
    ['a byte behind AUTH_INIT', Buffer.concat([authInit, Buffer.of(0)])],
    ['AUTH_PROOF behind AUTH_INIT', Buffer.concat([authInit, message(4, NONCE)])],
    ['a callback for a nonce that nobody waits for', message(2, NONCE, NONCE)],
    ['a byte behind CALLBACK_INIT', message(2, NONCE, NONCE, Buffer.of(0))],
    ['text', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ];
  for (const [name, bytes] of firsts) {
    test(`[a0-tcp-15] [a0-tcp-16] ${name}`, async () => {
      const actor = await dial();
      actor.socket.write(bytes);
      assert.equal((await refusal(actor)).kind, 'protocol-violation');
      assert.equal(actor.bytes.length, 0);
      assert.equal(listener.actors.length, 0, 'no callback');
    });
  }

  test('[a0-tcp-15] bytes while it calls back', async () => {
    const actor = await dial();
    await calledBack(actor);
    actor.socket.write(authInit);
    assert.deepEqual([(await refusal(actor)).kind, actor.bytes.length], ['protocol-violation', 0]);
  });

  for (const [name, proof] of [
    ['a wrong nonce', message(4, randomBytes(32))],
    ['the own nonce', message(4, NONCE)],
    ['AUTH_INIT again', authInit],
    ['CALLBACK_INIT', message(2, NONCE, NONCE)],
    ['AUTH_CHALLENGE', CHALLENGE],
  ] as const) {
    test(`[a0-tcp-13] [a0-tcp-15] ${name} in place of AUTH_PROOF`, async () => {
      const actor = await dial();
      const { callback } = await calledBack(actor);
      callback.socket.end();
      assert.deepEqual(await actor.take(1), CHALLENGE);
      actor.socket.write(proof);
      assert.deepEqual([(await refusal(actor)).kind, actor.bytes.length], ['protocol-violation', 1]);
    });
  }

  test('[a0-tcp-12] any byte on its callback connection, so that a callback is never answered by a handshake', async () => {
    const actor = await dial();
    const { callback } = await calledBack(actor);
    callback.socket.write(authInit);
    assert.equal((await refusal(actor)).kind, 'protocol-violation');
    await until(() => callback.closed);
    assert.deepEqual([actor.bytes.length, listener.actors.length], [0, 0]);
  });
});

test('[a0-tcp-4] [a0-tcp-13] [a0-tcp-14] one byte at a time authenticates as well, and bytes behind belong to A1', async () => {
  const actor = await dial();
  for (const byte of authInit.subarray(0, 32)) actor.socket.write(Buffer.of(byte));
  actor.socket.write(authInit.subarray(32));
  const callback = await listener.nextActor();
  const bytes = await callback.take(65);
  callback.socket.end();
  await actor.take(1);
  const proof = message(4, bytes.subarray(1, 33));
  for (const byte of proof.subarray(0, 32)) actor.socket.write(Buffer.of(byte));
  actor.socket.write(Buffer.concat([proof.subarray(32), Buffer.from('first of A1, ')]));
  actor.socket.write(Buffer.from('second'));
  const stream = await domus.nextAccepted();
  assert.deepEqual([stream.peer.address, stream.challengeSequence > 0], [address.text, true]);
  let text = '';
  stream.start({
    bytes: (chunk) => {
      text += chunk.toString();
    },
    ended: () => {},
    drained: () => {},
    closed: () => {},
  });
  await until(() => text === 'first of A1, second');
  stream.destroy();
});

test('[a0-tcp-15] AUTH_INIT and AUTH_PROOF cut at every byte', async () => {
  for (let length = 0; length < 33; length++) {
    const actor = await dial();
    actor.socket.end(authInit.subarray(0, length));
    assert.equal((await refusal(actor)).kind, 'peer-unavailable', `${length} bytes of AUTH_INIT`);
    assert.equal(actor.bytes.length, 0);
  }
  assert.equal(listener.actors.length, 0);
  for (let length = 0; length < 33; length += 8) {
    const actor = await dial();
    const { callback, nonceBCb } = await calledBack(actor);
    callback.socket.end();
    await actor.take(1);
    actor.socket.end(message(4, nonceBCb).subarray(0, length));
    assert.equal((await refusal(actor)).kind, 'peer-unavailable', `${length} bytes of AUTH_PROOF`);
  }
});

test('[a0-adm-4] a peer that goes while it is called back takes the callback with it', async () => {
  for (const leave of ['end', 'destroy'] as const) {
    const actor = await dial();
    const { callback } = await calledBack(actor);
    actor.socket[leave]();
    assert.equal((await domus.nextFailure()).error.message.includes('peer-unavailable'), true, leave);
    await until(() => callback.closed);
  }
});

test('[a0-tcp-7] a callback that finds nobody ends the handshake', async () => {
  const elsewhere = await freeAddress();
  const actor = await actorDials(domus.address, await issueLeaf(authority, elsewhere.text));
  actor.socket.write(authInit);
  const error = await refusal(actor);
  assert.match(error.message, /^peer-unavailable: connection refused/);
  assert.equal(actor.bytes.length, 0);
});

describe('an initiator', () => {
  test('[a0-tcp-6] [a0-tcp-11] [a0-adm-8] takes a callback that comes in whatever pieces, and closes it without a reply', async () => {
    const dialling = domus.dial(address.text);
    const primary = await listener.nextActor();
    const init = await primary.take(33);
    const callback = await dial();
    const bytes = message(2, randomBytes(32), init.subarray(1));
    for (const byte of bytes) callback.socket.write(Buffer.of(byte));
    await until(() => callback.closed);
    assert.equal(callback.bytes.length, 0);
    primary.socket.write(CHALLENGE);
    const stream = await dialling;
    const proof = (await primary.take(66)).subarray(33);
    assert.deepEqual(proof, message(4, bytes.subarray(1, 33)));
    assert.equal(stream.peer.address, address.text);
    stream.destroy();
    assert.equal(domus.failures.length, 0);
  });

  for (const [name, bytes] of [
    ['AUTH_CHALLENGE', CHALLENGE],
    ['AUTH_INIT', authInit],
    ['anything', Buffer.of(0)],
  ] as const) {
    test(`[a0-tcp-15] refuses ${name} before the callback`, async () => {
      const dialling = domus.dial(address.text);
      const primary = await listener.nextActor();
      primary.socket.write(bytes);
      await assert.rejects(dialling, { kind: 'protocol-violation', peer: address.text });
      await until(() => primary.closed);
      assert.equal(primary.bytes.length === 33 || primary.bytes.length === 0, true, 'AUTH_INIT at most');
    });
  }

  for (const [name, bytes] of [
    ['AUTH_PROOF', message(4, NONCE)],
    ['type 9', Buffer.of(9)],
    ['a byte behind AUTH_CHALLENGE', Buffer.of(3, 0)],
  ] as const) {
    test(`[a0-tcp-15] refuses ${name} after the callback`, async () => {
      const dialling = domus.dial(address.text);
      const primary = await listener.nextActor();
      const init = await primary.take(33);
      const callback = await dial();
      callback.socket.write(message(2, NONCE, init.subarray(1)));
      await until(() => callback.closed);
      primary.socket.write(bytes);
      await assert.rejects(dialling, { kind: 'protocol-violation' });
      await until(() => primary.closed);
      assert.equal(primary.bytes.length, 33);
    });
  }

  test('[a0-tcp-9] [a0-tcp-10] is not moved by a callback that shows the right nonce and another leaf or address', async () => {
    const dialling = domus.dial(address.text);
    const primary = await listener.nextActor();
    const echo = (await primary.take(33)).subarray(1);
    const sameAddress = await issueLeaf(authority, address.text);
    const otherAddress = await issueLeaf(authority, (await freeAddress()).text);
    for (const other of [sameAddress, otherAddress]) {
      const actor = await actorDials(domus.address, other);
      actor.socket.write(message(2, NONCE, echo));
      assert.deepEqual([(await refusal(actor)).detail, actor.bytes.length], ['unknown-callback', 0]);
    }
    // The honest one still counts.
    const callback = await dial();
    callback.socket.write(message(2, NONCE, echo));
    await until(() => callback.closed);
    primary.socket.write(CHALLENGE);
    (await dialling).destroy();
  });

  test('[a0-tcp-11] [a0-adm-9] takes a callback once, and none after its dial', async () => {
    const dialling = domus.dial(address.text);
    const primary = await listener.nextActor();
    const again = message(2, NONCE, (await primary.take(33)).subarray(1));
    const first = await dial();
    first.socket.write(again);
    await until(() => first.closed);
    assert.equal(domus.failures.length, 0);
    const second = await dial();
    second.socket.write(again);
    assert.equal((await refusal(second)).detail, 'unknown-callback');
    primary.socket.destroy();
    await assert.rejects(dialling, { kind: 'peer-unavailable' });

    const abort = new AbortController();
    const given = domus.dial(address.text, abort.signal);
    const late = message(2, NONCE, (await (await listener.nextActor()).take(33)).subarray(1));
    abort.abort();
    await assert.rejects(given, { detail: 'aborted' });
    const third = await dial();
    third.socket.write(late);
    assert.equal((await refusal(third)).detail, 'unknown-callback');
  });
});

describe('TLS', () => {
  test('[a0-auth-20] TLS 1.2 is refused, as a dialler and as a listener', async () => {
    const actor = await dial({ maxVersion: 'TLSv1.2' });
    assert.equal((actor.error as NodeJS.ErrnoException).code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    assert.deepEqual([(await refusal(actor)).kind, actor.bytes.length], ['protocol-violation', 0]);
    const old = await freeAddress();
    const oldListener = await new ActorListener(await issueLeaf(authority, old.text), { maxVersion: 'TLSv1.2' }).listen(
      old,
    );
    await assert.rejects(domus.dial(old.text), { kind: 'peer-unavailable', detail: 'refused-by-peer' });
    oldListener.close();
  });

  test('[a0-tcp-2] a dialler without a certificate is refused', async () => {
    const actor = await actorDials(domus.address, undefined);
    assert.equal((await refusal(actor)).detail, 'tls-failed');
    assert.equal(actor.bytes.length, 0);
  });

  test('[a0-auth-23] a listener that refuses our certificate fails the dial, though TLS had seemed to stand', async () => {
    const strict = await freeAddress();
    const own = await issueLeaf(authority, strict.text, { key: 'Ed25519' });
    const judging = { rejectUnauthorized: true, minVersion: 'TLSv1.3' } as const;
    // One ends the connection (Node), one tells by an alert (OpenSSL, which asks for a kind of key that we do not have).
    const rows = [
      { over: { ...judging, ca: leaf.chain }, detail: 'ended' },
      { over: { ...judging, ca: authority.certificatePem, sigalgs: 'ed25519' }, detail: 'refused-by-peer' },
    ] as const;
    for (const { over, detail } of rows) {
      const strictListener = await new ActorListener(own, over).listen(strict);
      await assert
        .rejects(domus.dial(strict.text), { kind: 'peer-unavailable', peer: strict.text, detail })
        .finally(() => strictListener.close());
    }
  });

  test('[a0-auth-21] a session that was kept is not resumed, and none is offered', async () => {
    const sessions: Buffer[] = [];
    const first = await dial({ minVersion: 'TLSv1.3' });
    first.socket.on('session', (session: Buffer) => sessions.push(session));
    // OpenSSL sends its tickets with the first bytes that it writes; they lead to no stored session.
    const { callback } = await calledBack(first);
    callback.socket.end();
    await first.take(1);
    first.socket.end();
    await refusal(first);
    for (const session of [...sessions, first.socket.getSession()]) {
      const again = await dial({ minVersion: 'TLSv1.3', ...(session === undefined ? {} : { session }) });
      assert.equal(again.socket.isSessionReused(), false);
      again.socket.destroy();
      await domus.nextFailure();
    }
    for (let round = 0; round < 2; round++) {
      const abort = new AbortController();
      const dialling = domus.dial(address.text, abort.signal);
      const actor = await listener.nextActor();
      assert.equal(actor.socket.isSessionReused(), false);
      await actor.take(33);
      abort.abort();
      await assert.rejects(dialling, { detail: 'aborted' });
    }
  });

  test('[a0-auth-22] neither a server name nor ALPN is offered', async () => {
    const abort = new AbortController();
    const dialling = domus.dial(address.text, abort.signal);
    const { socket } = await listener.nextActor();
    assert.deepEqual([(socket as { servername?: unknown }).servername, socket.alpnProtocol], [false, false]);
    abort.abort();
    await assert.rejects(dialling, { detail: 'aborted' });
  });

  test('[a0-tcp-15] garbage in place of TLS', async () => {
    const pieces = [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from('160301', 'hex'),
      Buffer.from('16030100050100000100', 'hex'),
      Buffer.from('15030300020100', 'hex'),
      authInit,
      ...Array.from({ length: 20 }, () => randomBytes(300)),
    ];
    for (const bytes of pieces) {
      const socket = await plain(domus.address);
      socket.end(bytes);
      const { error } = await domus.nextFailure();
      assert.ok(DomusError.is(error), String(error));
    }
  });

  test('[a0-adm-4] a peer that ends its direction within the TLS handshake does not linger until the time limit', async () => {
    for (const bytes of ['', '1603']) {
      const socket = await plain(domus.address, true);
      socket.end(Buffer.from(bytes, 'hex'));
      assert.equal(((await domus.nextFailure()).error as DomusError).kind, 'peer-unavailable');
      socket.destroy();
    }
  });
});

/** A TCP connection without TLS. */
async function plain(target: TcpAddress, allowHalfOpen = false): Promise<Socket> {
  const socket = connectTcp({ host: target.ip, port: target.port, localAddress: LOOPBACK, allowHalfOpen });
  socket.on('error', () => {});
  socket.resume();
  await until(() => !socket.connecting);
  return socket;
}
