import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { CallbackTable, sameBytes } from './callback-table.ts';

const address = 'tcp://127.0.0.1:7000';
const leaf = Buffer.from('leaf');
const theirs = randomBytes(32);

function tableWith(nonce: Buffer): { table: CallbackTable; completions: Buffer[]; forget: () => void } {
  const table = new CallbackTable();
  const completions: Buffer[] = [];
  const forget = table.expect(nonce, { address, leaf }, (nonceBCb) => completions.push(nonceBCb));
  return { table, completions, forget };
}

test('[a0-tcp-10] [a0-tcp-11] a callback that matches in full completes its entry, once', () => {
  const nonce = randomBytes(32);
  const { table, completions, forget } = tableWith(nonce);
  assert.equal(table.fulfil(Buffer.from(nonce), { address, leaf: Buffer.from(leaf) }, theirs), true);
  assert.deepEqual([completions, table.size], [[theirs], 0]);
  assert.equal(table.fulfil(nonce, { address, leaf }, theirs), false);
  forget();
  assert.equal(completions.length, 1);
});

test('[a0-tcp-9] [a0-tcp-10] a callback that differs anywhere changes nothing', () => {
  const nonce = randomBytes(32);
  const { table, completions } = tableWith(nonce);
  const bent = Buffer.from(nonce);
  bent[31]! ^= 1;
  assert.equal(table.fulfil(bent, { address, leaf }, theirs), false);
  assert.equal(table.fulfil(nonce.subarray(0, 31), { address, leaf }, theirs), false);
  assert.equal(table.fulfil(nonce, { address: 'tcp://127.0.0.1:7001', leaf }, theirs), false);
  assert.equal(table.fulfil(nonce, { address: 'tcp://127.0.0.2:7000', leaf }, theirs), false);
  assert.equal(table.fulfil(nonce, { address, leaf: Buffer.from('Leaf') }, theirs), false);
  assert.equal(table.fulfil(nonce, { address }, theirs), false);
  assert.deepEqual([completions.length, table.size], [0, 1]);
  assert.equal(table.fulfil(nonce, { address, leaf }, theirs), true);
});

test('[a0-adm-9] once forgotten, an entry is refused and not created again', () => {
  const nonce = randomBytes(32);
  const { table, completions, forget } = tableWith(nonce);
  forget();
  forget();
  assert.equal(table.fulfil(nonce, { address, leaf }, theirs), false);
  assert.deepEqual([completions.length, table.size], [0, 0]);
});

test('entries of several dials do not touch each other', () => {
  const table = new CallbackTable();
  const done: number[] = [];
  const nonces = Array.from({ length: 50 }, () => randomBytes(32));
  const forgets = nonces.map((nonce, index) => table.expect(nonce, { address }, () => done.push(index)));
  forgets[3]?.();
  assert.equal(table.fulfil(nonces[7]!, { address }, theirs), true);
  assert.equal(table.fulfil(nonces[3]!, { address }, theirs), false);
  assert.deepEqual([done, table.size], [[7], 48]);
});

test('bytes are compared whole', () => {
  assert.equal(sameBytes(Buffer.from('a'), Buffer.from('a')), true);
  assert.equal(sameBytes(Buffer.from('a'), Buffer.from('b')), false);
  assert.equal(sameBytes(Buffer.from('a'), Buffer.from('ab')), false);
});
