import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNIX_VECTORS } from '../test/unix-vectors.ts';
import { DomusError } from './domus-error.ts';
import {
  type AuthChallenge,
  type AuthInit,
  decodeUnixMessage,
  encodeUnixMessage,
  type UnixMessage,
} from './unix-messages.ts';

const NONCE = Buffer.alloc(32, 7);
const INIT: AuthInit = {
  kind: 'auth-init',
  origin: '/a',
  destination: '/b/c',
  certificates: [Buffer.from('leaf'), Buffer.from('other')],
  nonceA: NONCE,
  nonceACb: Buffer.alloc(32, 8),
};
const CHALLENGE: AuthChallenge = {
  kind: 'auth-challenge',
  origin: '/b/c',
  destination: '/a',
  certificates: [Buffer.from('leaf')],
  nonceB: NONCE,
  signature: Buffer.from('signature'),
};
const SAMPLES: readonly UnixMessage[] = [
  INIT,
  CHALLENGE,
  { kind: 'auth-proof', echoNonceBCb: NONCE, signature: Buffer.from('signature') },
  { kind: 'callback-init', origin: '/b/c', destination: '/a', nonceBCb: NONCE, echoNonceACb: NONCE },
];

/** The payload of a message, changed by `change`. */
function payloadOf(message: UnixMessage, change: (payload: Buffer) => void = () => {}): Buffer {
  const payload = Buffer.from(encodeUnixMessage(message).subarray(4));
  change(payload);
  return payload;
}

function refuses(payload: Buffer, text: RegExp): void {
  assert.throws(
    () => decodeUnixMessage(payload),
    (error) => DomusError.is(error) && error.kind === 'protocol-violation' && text.test(error.message),
  );
}

for (const { name, entries } of UNIX_VECTORS) {
  for (const entry of entries) {
    test(`[a0-unix-2] vector ${name}, ${entry.name}: decodes to what it says, and back to its bytes`, () => {
      const message = decodeUnixMessage(entry.bytes.subarray(4));
      assert.equal(message.kind, entry.name);
      assert.deepEqual(vectorForm(message), fieldsOf(entry.decoded));
      assert.deepEqual(encodeUnixMessage(message), entry.bytes);
    });
  }
}

for (const sample of SAMPLES) {
  test(`[a0-unix-1] ${sample.kind} cut at any byte, or with a byte behind its last field, is refused`, () => {
    const payload = payloadOf(sample);
    assert.deepEqual(decodeUnixMessage(payload), sample);
    for (let length = 0; length < payload.length; length++) refuses(payload.subarray(0, length), /./);
    refuses(Buffer.concat([payload, Buffer.of(0)]), /1 bytes behind the last field/);
  });

  test(`[a0-unix-1] ${sample.kind} of another version or an unknown type is refused`, () => {
    for (const version of [0, 2, 255])
      refuses(
        payloadOf(sample, (bytes) => bytes.writeUInt8(version, 1)),
        /version/,
      );
    for (const type of [0, 5, 255])
      refuses(
        payloadOf(sample, (bytes) => bytes.writeUInt8(type, 0)),
        /type/,
      );
  });

  test(`[a0-unix-4] ${sample.kind} with a nonce of 31 or 33 bytes is refused`, () => {
    const payload = payloadOf(sample);
    const offsets = NONCE_LENGTH_OFFSETS[sample.kind];
    for (const offset of offsets) {
      assert.equal(payload.readUInt16BE(offset), 32);
      for (const length of [0, 31, 33]) {
        refuses(
          payloadOf(sample, (bytes) => bytes.writeUInt16BE(length, offset)),
          /nonce_len is \d+, not 32/,
        );
      }
    }
  });
}

/** Where the u16 lengths of nonces stand in the samples: behind type, version, two path lengths and the chain's lengths. */
const NONCE_LENGTH_OFFSETS: Readonly<Record<UnixMessage['kind'], readonly number[]>> = {
  'auth-init': [16, 18],
  'auth-challenge': [12],
  'auth-proof': [2],
  'callback-init': [6, 8],
};

test('[a0-unix-4] 1 and 16 certificates are taken; none, 17 and an empty one are refused', () => {
  const certificate = Buffer.from('certificate');
  const of = (count: number): UnixMessage => ({ ...INIT, certificates: Array(count).fill(certificate) });
  for (const count of [1, 16]) assert.deepEqual(decodeUnixMessage(payloadOf(of(count))), of(count));
  refuses(
    payloadOf(INIT, (bytes) => bytes.writeUInt16BE(0, 6)),
    /cert_count is 0/,
  );
  refuses(
    payloadOf(INIT, (bytes) => bytes.writeUInt16BE(17, 6)),
    /cert_count is 17/,
  );
  refuses(
    payloadOf(INIT, (bytes) => bytes.writeUInt16BE(65_535, 6)),
    /cert_count is 65535/,
  );
  refuses(
    payloadOf(INIT, (bytes) => bytes.writeUInt32BE(0, 8)),
    /cert_len is 0/,
  );
});

test('[a0-unix-5] a length that leads outside the message is refused', () => {
  refuses(
    payloadOf(INIT, (bytes) => bytes.writeUInt32BE(0xffff_ffff, 8)),
    /certificate ends outside/,
  );
  refuses(
    payloadOf(CHALLENGE, (bytes) => bytes.writeUInt32BE(0xffff_ffff, 14)),
    /signature ends outside/,
  );
  refuses(
    payloadOf(CHALLENGE, (bytes) => bytes.writeUInt32BE(CHALLENGE.signature.length + 1, 14)),
    /signature ends/,
  );
  refuses(
    payloadOf(CHALLENGE, (bytes) => bytes.writeUInt32BE(CHALLENGE.signature.length - 1, 14)),
    /1 bytes behind/,
  );
});

test('[a0-unix-3] paths of 1 to 4096 bytes are taken; 0 and 4097 are refused', () => {
  const longest = `/${'ä'.repeat(2047)}b`;
  assert.equal(Buffer.byteLength(longest), 4096);
  for (const origin of ['/a', longest]) {
    assert.deepEqual(decodeUnixMessage(payloadOf({ ...INIT, origin })), { ...INIT, origin });
  }
  refuses(
    payloadOf(INIT, (bytes) => bytes.writeUInt16BE(0, 2)),
    /origin_len is 0/,
  );
  refuses(
    payloadOf(INIT, (bytes) => bytes.writeUInt16BE(0, 4)),
    /destination_len is 0/,
  );
  refuses(payloadOf({ ...INIT, origin: `${longest}c` }), /origin_len is 4097/);
  refuses(payloadOf({ ...INIT, destination: `${longest}c` }), /destination_len is 4097/);
});

for (const path of ['a/b', '/', '/a/', '//a', '/a//b', '/a/.', '/./a', '/a/..', '/../a', '/a\0b', '\ufeff/a']) {
  test(`[a0-unix-3] the path ${JSON.stringify(path)} is refused`, () => {
    refuses(payloadOf({ ...INIT, origin: path }), /origin is not an absolute, canonical path/);
    refuses(payloadOf({ ...CHALLENGE, destination: path }), /destination is not an absolute, canonical path/);
  });
}

test('[a0-unix-3] a path that is not UTF-8 is refused', () => {
  const [firstOfOrigin] = [20];
  assert.equal(payloadOf(INIT).readUInt8(firstOfOrigin), '/'.charCodeAt(0));
  refuses(
    payloadOf(INIT, (bytes) => bytes.writeUInt8(0xc3, firstOfOrigin + 1)),
    /origin is not UTF-8/,
  );
});

test('[a0-unix-4] an own chain that does not fit the wire is refused with a text that names the part', () => {
  const refusal = { kind: 'invalid-config', detail: 'cert' };
  const certificates = Array(17).fill(Buffer.from('certificate'));
  assert.throws(() => encodeUnixMessage({ ...INIT, certificates }), { ...refusal, message: /17 certificates/ });
  const fits = 65_536 - (payloadOf({ ...INIT, certificates: [Buffer.of(1)] }).length - 1);
  assert.equal(payloadOf({ ...INIT, certificates: [Buffer.alloc(fits)] }).length, 65_536);
  assert.throws(() => encodeUnixMessage({ ...INIT, certificates: [Buffer.alloc(fits + 1)] }), {
    ...refusal,
    message: /65537 bytes/,
  });
});

/** A message in the form of the vectors. */
function vectorForm(message: UnixMessage): Record<string, unknown> {
  const { kind, ...fields } = message;
  const hex = (value: unknown): unknown => (Buffer.isBuffer(value) ? value.toString('hex') : value);
  const entries = Object.entries(fields).map(([name, value]): [string, unknown] =>
    name === 'certificates' ? ['certsHex', (value as Buffer[]).map(hex)] : [name, hex(value)],
  );
  return Object.fromEntries(entries);
}

/** The fields of a vector without lengths, type and version, which the bytes prove. */
function fieldsOf(decoded: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const derived = /^(length|type|version|typeName|certCount|certLens|\w+Len)$/;
  return Object.fromEntries(Object.entries(decoded).filter(([name]) => !derived.test(name)));
}
