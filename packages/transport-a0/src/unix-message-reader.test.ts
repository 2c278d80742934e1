import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recorded, UNIX_VECTORS, type UnixVectors } from '../test/unix-vectors.ts';
import { UnixMessageReader } from './unix-message-reader.ts';
import { decodeUnixMessage, type UnixMessage, type UnixMessageKind } from './unix-messages.ts';

const KINDS: readonly UnixMessageKind[] = ['auth-init', 'callback-init', 'auth-challenge', 'auth-proof'];

/** The head of a message: its length and its type. */
function head(length: number, type = 1): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(length);
  bytes.writeUInt8(type, 4);
  return bytes;
}

for (const vectors of UNIX_VECTORS) {
  test(`[a0-unix-1] vectors ${vectors.name}: whole, byte by byte and cut at every byte give the same messages`, () => {
    for (const kind of KINDS) {
      const bytes = recorded(vectors, kind);
      const whole = decodeUnixMessage(bytes.subarray(4));
      assert.deepEqual(readAll(vectors, kind, [bytes]), whole);
      assert.deepEqual(
        readAll(
          vectors,
          kind,
          [...bytes].map((byte) => Buffer.of(byte)),
        ),
        whole,
      );
      for (let cut = 0; cut <= bytes.length; cut++) {
        assert.deepEqual(readAll(vectors, kind, [bytes.subarray(0, cut), bytes.subarray(cut)]), whole);
      }
    }
  });
}

/** Reads pieces of one message; each piece is overwritten once it was read, as a shared buffer would be. */
function readAll(vectors: UnixVectors, kind: UnixMessageKind, pieces: readonly Buffer[]): UnixMessage | undefined {
  const reader = new UnixMessageReader();
  let message: UnixMessage | undefined;
  for (const piece of pieces.map((view) => Buffer.from(view))) {
    assert.equal(message === undefined || piece.length === 0, true, `${vectors.name}: complete before its last byte`);
    const read = reader.read(piece, [kind]);
    piece.fill(0xee);
    if (read === undefined) continue;
    assert.equal(read.rest.length, 0);
    message = read.message;
  }
  return message;
}

test('[a0-unix-1] what stands behind a message is handed back, and the next one is read after it', () => {
  const vectors = UNIX_VECTORS[0]!;
  const [init, proof] = [recorded(vectors, 'auth-init'), recorded(vectors, 'auth-proof')];
  const reader = new UnixMessageReader();
  const first = reader.read(Buffer.concat([init, proof, Buffer.from('more')]), ['auth-init']);
  assert.deepEqual(first?.message, vectors.init);
  const second = reader.read(first?.rest ?? Buffer.alloc(0), ['auth-proof']);
  assert.deepEqual(second?.message, vectors.proof);
  assert.equal(second?.rest.toString(), 'more');
});

test('[a0-unix-1] lengths of 1 to 65536 are taken; 0 and 65537 are refused with the fourth byte', () => {
  for (const length of [1, 65_536]) {
    assert.equal(new UnixMessageReader().read(head(length).subarray(0, 4), KINDS), undefined);
  }
  for (const length of [0, 65_537, 0xffff_ffff]) {
    const reader = new UnixMessageReader();
    const bytes = head(length);
    assert.equal(reader.read(bytes.subarray(0, 3), KINDS), undefined);
    assert.throws(() => reader.read(bytes.subarray(3, 4), KINDS), {
      kind: 'protocol-violation',
      message: /a message of \d+ bytes, not 1 to 65536/,
    });
  }
});

test('[a0-unix-5] a length out of bounds takes no memory', () => {
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 256 }, () => {
    const reader = new UnixMessageReader();
    assert.throws(() => reader.read(head(65_537), KINDS));
    return reader;
  });
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 16 * 65_536, `${readers.length} readers hold ${grown} bytes`);
});

test('[a0-unix-8] a kind that is not due is refused with its type byte, whatever its length says', () => {
  for (const [type, name] of [
    [2, 'auth-challenge'],
    [3, 'auth-proof'],
    [0, 'message type 0'],
    [5, 'message type 5'],
    [22, 'message type 22'],
  ] as const) {
    const expected: UnixMessageKind[] = ['auth-init', 'callback-init'];
    assert.throws(() => new UnixMessageReader().read(head(65_536, type), expected), {
      kind: 'protocol-violation',
      message: `protocol-violation: ${name} where auth-init or callback-init is due`,
    });
  }
});

test('[a0-unix-1] a payload of one byte ends as a malformed message', () => {
  assert.throws(() => new UnixMessageReader().read(head(1), KINDS), { message: /version ends outside the message/ });
});
