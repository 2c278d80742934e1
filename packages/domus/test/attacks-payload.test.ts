/** Payloads that are meant to hurt the codec of their receiver, from a peer with a good certificate. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes } from '../src/bytes.ts';
import { cbor } from '../src/cbor.ts';
import { endpoint } from '../src/endpoint.ts';
import { json } from '../src/json.ts';
import { failureOf } from './memory-bench.ts';
import { SocketImperium } from './socket-imperium.ts';

const DEPTH = 10_000;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const text = (value: string): Buffer => Buffer.from(value);

const CBOR_BOMBS: readonly (readonly [string, Buffer])[] = [
  ['nesting', Buffer.concat([Buffer.alloc(DEPTH, 0x81), hex('00')])],
  ['nesting without an end', Buffer.alloc(DEPTH, 0x9f)],
  ['tags on tags', Buffer.concat([Buffer.alloc(DEPTH, 0xc1), hex('00')])],
  ['an array of 2^64 - 1', hex('9b ffffffffffffffff')],
  ['a map of 2^32 - 1', hex('ba ffffffff')],
  ['bytes of 4 GiB', hex('5a ffffffff')],
  ['a text of 2^53', hex('7b 0020000000000000')],
  ['a bignum of 1 MiB', Buffer.concat([hex('c2 5a 00100000'), Buffer.alloc(0x10_0000, 0xff)])],
  ['__proto__', hex('a1 69 5f5f70726f746f5f5f a1 68 706f6c6c75746564 f5')],
  ['constructor.prototype', hex('a1 6b 636f6e7374727563746f72 a1 69 70726f746f74797065 a1 68 706f6c6c75746564 f5')],
  ['a record definition', hex('d9 dfff 83 19 0000 81 61 61 00')],
  ['a record that was never defined', hex('d9 e000 81 00')],
  ['a regular expression', hex('d8 1b 82 66 524547455850 6428612b292b24')],
  ['an error to revive', hex('d8 1b 83 65 4572726f72 61 61 61 62')],
  ['600,000 keys', Buffer.concat([hex('ba 000927c0'), Buffer.alloc(3 * 600_000, hex('61 61 00'))])],
  ['nothing', Buffer.alloc(0)],
];

const JSON_BOMBS: readonly (readonly [string, Buffer])[] = [
  ['__proto__', text('{"__proto__":{"polluted":true}}')],
  ['__proto__, escaped', text('{"\\u005f_proto__":{"polluted":true}}')],
  ['constructor.prototype', text('{"constructor":{"prototype":{"polluted":true}}}')],
  ['nesting without an end', text('['.repeat(1_000_000))],
  ['no UTF-8', hex('22 ff 22')],
  ['nothing', Buffer.alloc(0)],
];

for (const [name, codec, bombs, good] of [
  ['cbor', cbor<unknown>(), CBOR_BOMBS, hex('a1 61 61 01')],
  ['json', json<unknown>(), JSON_BOMBS, text('{"a":1}')],
] as const) {
  test(`[api-19] [a1-in-5] ${name}: every bomb is answered decode-failure, no handler sees it, and the next message arrives`, async (t) => {
    const sockets = new SocketImperium(t, 'unix');
    const [attacker, victim] = [await sockets.open(), await sockets.open()];
    const Inbox = endpoint('inbox', codec);
    // Whatever its codec: an attacker has bytes.
    const Bombs = endpoint('inbox', bytes());
    const seen: unknown[] = [];
    await victim.serve(Inbox, (message) => void seen.push(message));
    for (const [bomb, payload] of bombs) {
      const error = await failureOf(attacker.send(Bombs, payload, { to: victim.address }));
      assert.deepEqual([error.kind, error.delivery], ['decode-failure', 'refused'], bomb);
      assert.equal(({} as { polluted?: unknown }).polluted, undefined, bomb);
      await attacker.send(Bombs, good, { to: victim.address });
    }
    assert.deepEqual(
      seen,
      bombs.map(() => ({ a: 1 })),
    );
    assert.equal(victim.reporting.snapshot().primaryCalles.closed, 0, 'a bad message costs no connection');
  });
}
