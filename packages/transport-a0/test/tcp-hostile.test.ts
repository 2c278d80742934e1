/** The TCP backend against peers with a good certificate and bad manners in the handshake. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { authInit, CHALLENGE, HostileWorld, message, NONCE } from './hostile-world.ts';
import { freeAddress, issueLeaf, until } from './tcp-imperium.ts';
import { actorDials } from './tls-actor.ts';

let world: HostileWorld;
before(async () => {
  world = await HostileWorld.open();
});
afterEach(() => world.assertUnharmed());
after(() => world.close());

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
      const actor = await world.dial();
      actor.socket.write(bytes);
      assert.equal((await world.refusal(actor)).kind, 'protocol-violation');
      assert.equal(actor.bytes.length, 0);
      assert.equal(world.listener.actors.length, 0, 'no callback');
    });
  }

  test('[a0-tcp-15] bytes while it calls back', async () => {
    const actor = await world.dial();
    await world.calledBack(actor);
    actor.socket.write(authInit);
    assert.deepEqual([(await world.refusal(actor)).kind, actor.bytes.length], ['protocol-violation', 0]);
  });

  for (const [name, proof] of [
    ['a wrong nonce', message(4, randomBytes(32))],
    ['the own nonce', message(4, NONCE)],
    ['AUTH_INIT again', authInit],
    ['CALLBACK_INIT', message(2, NONCE, NONCE)],
    ['AUTH_CHALLENGE', CHALLENGE],
  ] as const) {
    test(`[a0-tcp-13] [a0-tcp-15] ${name} in place of AUTH_PROOF`, async () => {
      const actor = await world.dial();
      const { callback } = await world.calledBack(actor);
      callback.socket.end();
      assert.deepEqual(await actor.take(1), CHALLENGE);
      actor.socket.write(proof);
      assert.deepEqual([(await world.refusal(actor)).kind, actor.bytes.length], ['protocol-violation', 1]);
    });
  }

  test('[a0-tcp-12] any byte on its callback connection, so that a callback is never answered by a handshake', async () => {
    const actor = await world.dial();
    const { callback } = await world.calledBack(actor);
    callback.socket.write(authInit);
    assert.equal((await world.refusal(actor)).kind, 'protocol-violation');
    await until(() => callback.closed);
    assert.deepEqual([actor.bytes.length, world.listener.actors.length], [0, 0]);
  });
});

test('[a0-tcp-4] [a0-tcp-13] [a0-tcp-14] one byte at a time authenticates as well, and bytes behind belong to A1', async () => {
  const actor = await world.dial();
  for (const byte of authInit.subarray(0, 32)) actor.socket.write(Buffer.of(byte));
  actor.socket.write(authInit.subarray(32));
  const callback = await world.listener.nextActor();
  const bytes = await callback.take(65);
  callback.socket.end();
  await actor.take(1);
  const proof = message(4, bytes.subarray(1, 33));
  for (const byte of proof.subarray(0, 32)) actor.socket.write(Buffer.of(byte));
  actor.socket.write(Buffer.concat([proof.subarray(32), Buffer.from('first of A1, ')]));
  actor.socket.write(Buffer.from('second'));
  const stream = await world.domus.nextAccepted();
  assert.deepEqual([stream.peer.address, stream.challengeSequence > 0], [world.address.text, true]);
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
    const actor = await world.dial();
    actor.socket.end(authInit.subarray(0, length));
    assert.equal((await world.refusal(actor)).kind, 'peer-unavailable', `${length} bytes of AUTH_INIT`);
    assert.equal(actor.bytes.length, 0);
  }
  assert.equal(world.listener.actors.length, 0);
  for (let length = 0; length < 33; length += 8) {
    const actor = await world.dial();
    const { callback, nonceBCb } = await world.calledBack(actor);
    callback.socket.end();
    await actor.take(1);
    actor.socket.end(message(4, nonceBCb).subarray(0, length));
    assert.equal((await world.refusal(actor)).kind, 'peer-unavailable', `${length} bytes of AUTH_PROOF`);
  }
});

test('[a0-adm-4] a peer that goes while it is called back takes the callback with it', async () => {
  for (const leave of ['end', 'destroy'] as const) {
    const actor = await world.dial();
    const { callback } = await world.calledBack(actor);
    actor.socket[leave]();
    assert.equal((await world.domus.nextFailure()).error.message.includes('peer-unavailable'), true, leave);
    await until(() => callback.closed);
  }
});

test('[a0-tcp-7] a callback that finds nobody ends the handshake', async () => {
  const elsewhere = await freeAddress();
  const actor = await actorDials(world.domus.address, await issueLeaf(world.authority, elsewhere.text));
  actor.socket.write(authInit);
  const error = await world.refusal(actor);
  assert.match(error.message, /^peer-unavailable: connection refused/);
  assert.equal(actor.bytes.length, 0);
});

describe('an initiator', () => {
  test('[a0-tcp-6] [a0-tcp-11] [a0-adm-8] takes a callback that comes in whatever pieces, and closes it without a reply', async () => {
    const dialling = world.domus.dial(world.address.text);
    const primary = await world.listener.nextActor();
    const init = await primary.take(33);
    const callback = await world.dial();
    const bytes = message(2, randomBytes(32), init.subarray(1));
    for (const byte of bytes) callback.socket.write(Buffer.of(byte));
    await until(() => callback.closed);
    assert.equal(callback.bytes.length, 0);
    primary.socket.write(CHALLENGE);
    const stream = await dialling;
    const proof = (await primary.take(66)).subarray(33);
    assert.deepEqual(proof, message(4, bytes.subarray(1, 33)));
    assert.equal(stream.peer.address, world.address.text);
    stream.destroy();
    assert.equal(world.domus.failures.length, 0);
  });

  for (const [name, bytes] of [
    ['AUTH_CHALLENGE', CHALLENGE],
    ['AUTH_INIT', authInit],
    ['anything', Buffer.of(0)],
  ] as const) {
    test(`[a0-tcp-15] refuses ${name} before the callback`, async () => {
      const dialling = world.domus.dial(world.address.text);
      const primary = await world.listener.nextActor();
      primary.socket.write(bytes);
      await assert.rejects(dialling, { kind: 'protocol-violation', peer: world.address.text });
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
      const dialling = world.domus.dial(world.address.text);
      const primary = await world.listener.nextActor();
      const init = await primary.take(33);
      const callback = await world.dial();
      callback.socket.write(message(2, NONCE, init.subarray(1)));
      await until(() => callback.closed);
      primary.socket.write(bytes);
      await assert.rejects(dialling, { kind: 'protocol-violation' });
      await until(() => primary.closed);
      assert.equal(primary.bytes.length, 33);
    });
  }

  test('[a0-tcp-9] [a0-tcp-10] is not moved by a callback that shows the right nonce and another leaf or address', async () => {
    const dialling = world.domus.dial(world.address.text);
    const primary = await world.listener.nextActor();
    const echo = (await primary.take(33)).subarray(1);
    const sameAddress = await issueLeaf(world.authority, world.address.text);
    const otherAddress = await issueLeaf(world.authority, (await freeAddress()).text);
    for (const other of [sameAddress, otherAddress]) {
      const actor = await actorDials(world.domus.address, other);
      actor.socket.write(message(2, NONCE, echo));
      assert.deepEqual([(await world.refusal(actor)).detail, actor.bytes.length], ['unknown-callback', 0]);
    }
    // The honest one still counts.
    const callback = await world.dial();
    callback.socket.write(message(2, NONCE, echo));
    await until(() => callback.closed);
    primary.socket.write(CHALLENGE);
    (await dialling).destroy();
  });

  test('[a0-tcp-11] [a0-adm-9] takes a callback once, and none after its dial', async () => {
    const dialling = world.domus.dial(world.address.text);
    const primary = await world.listener.nextActor();
    const again = message(2, NONCE, (await primary.take(33)).subarray(1));
    const first = await world.dial();
    first.socket.write(again);
    await until(() => first.closed);
    assert.equal(world.domus.failures.length, 0);
    const second = await world.dial();
    second.socket.write(again);
    assert.equal((await world.refusal(second)).detail, 'unknown-callback');
    primary.socket.destroy();
    await assert.rejects(dialling, { kind: 'peer-unavailable' });

    const abort = new AbortController();
    const given = world.domus.dial(world.address.text, abort.signal);
    const late = message(2, NONCE, (await (await world.listener.nextActor()).take(33)).subarray(1));
    abort.abort();
    await assert.rejects(given, { detail: 'aborted' });
    const third = await world.dial();
    third.socket.write(late);
    assert.equal((await world.refusal(third)).detail, 'unknown-callback');
  });
});
