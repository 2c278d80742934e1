import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { encodeTcpMessage, type TcpMessage, type TcpMessageKind, TcpMessageReader } from './tcp-messages.ts';

interface Vector {
  readonly name: TcpMessageKind;
  readonly hex: string;
  readonly decoded: Readonly<Record<string, string>>;
}

const path = new URL('../../../docs/protocol/vectors/a0-tcp.json', import.meta.url);
const vectors: readonly Vector[] = JSON.parse(readFileSync(path, 'utf8')).entries;
const every: readonly TcpMessageKind[] = ['auth-init', 'callback-init', 'auth-challenge', 'auth-proof'];

/** The message that a vector says it is. */
function messageOf({ name, decoded }: Vector): TcpMessage {
  const nonce = (field: string): Buffer => Buffer.from(decoded[field] ?? '', 'hex');
  switch (name) {
    case 'auth-init':
      return { kind: name, nonceACb: nonce('nonceACb') };
    case 'callback-init':
      return { kind: name, nonceBCb: nonce('nonceBCb'), echoNonceACb: nonce('echoNonceACb') };
    case 'auth-challenge':
      return { kind: name };
    case 'auth-proof':
      return { kind: name, echoNonceBCb: nonce('echoNonceBCb') };
  }
}

test('[a0-tcp-4] the golden messages are all there', () => {
  assert.deepEqual(vectors.map(({ name }) => name).sort(), [...every].sort());
});

for (const vector of vectors) {
  const bytes = Buffer.from(vector.hex, 'hex');

  test(`[a0-tcp-4] ${vector.name}: the bytes of the crate are read, and written again`, () => {
    const read = new TcpMessageReader().read(bytes, every);
    assert.deepEqual(read?.message, messageOf(vector));
    assert.equal(read?.rest.length, 0);
    assert.equal(encodeTcpMessage(messageOf(vector)).toString('hex'), vector.hex);
  });

  test(`[a0-tcp-4] ${vector.name}: in two pieces, cut at every byte, and one byte at a time`, () => {
    for (let cut = 0; cut < bytes.length; cut++) {
      const reader = new TcpMessageReader();
      assert.equal(reader.read(bytes.subarray(0, cut), every), undefined, `${cut} bytes are not a message`);
      assert.deepEqual(reader.read(bytes.subarray(cut), every)?.message, messageOf(vector));
    }
    const reader = new TcpMessageReader();
    for (const byte of bytes.subarray(0, -1)) assert.equal(reader.read(Buffer.of(byte), every), undefined);
    assert.deepEqual(reader.read(bytes.subarray(-1), every)?.message, messageOf(vector));
  });

  test(`[a0-tcp-14] ${vector.name}: what stands behind it is handed back`, () => {
    const behind = Buffer.from('behind');
    for (let cut = 0; cut < bytes.length; cut += 8) {
      const reader = new TcpMessageReader();
      reader.read(bytes.subarray(0, cut), every);
      const read = reader.read(Buffer.concat([bytes.subarray(cut), behind]), every);
      assert.equal(read?.rest.toString(), 'behind');
    }
  });
}

test('[a0-tcp-4] one message behind the other, in one chunk', () => {
  const reader = new TcpMessageReader();
  let rest: Buffer = Buffer.concat(vectors.map(({ hex }) => Buffer.from(hex, 'hex')));
  for (const vector of vectors) {
    const read = reader.read(rest, every);
    assert.deepEqual(read?.message, messageOf(vector));
    rest = read?.rest ?? Buffer.alloc(0);
  }
  assert.equal(rest.length, 0);
});

test('nonces are copies: the chunk may be used again', () => {
  const chunk = encodeTcpMessage({ kind: 'auth-init', nonceACb: Buffer.alloc(32, 7) });
  const reader = new TcpMessageReader();
  const first = reader.read(chunk, every);
  chunk.fill(9);
  chunk[0] = 1;
  reader.read(chunk, every);
  assert.deepEqual(first?.message, { kind: 'auth-init', nonceACb: Buffer.alloc(32, 7) });
});

test('[a0-tcp-15] a type that is unknown or not due is refused from its first byte', () => {
  for (const type of [0, 5, 127, 255]) {
    assert.throws(() => new TcpMessageReader().read(Buffer.of(type), every), { kind: 'protocol-violation' });
  }
  for (const vector of vectors) {
    const others = every.filter((kind) => kind !== vector.name);
    assert.throws(() => new TcpMessageReader().read(Buffer.from(vector.hex, 'hex').subarray(0, 1), others), {
      kind: 'protocol-violation',
      detail: 'unexpected-message',
    });
  }
});
