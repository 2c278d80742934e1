/** What may be a service, and what its full names and tabernae are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneWay, service, unary } from './service.ts';

const procedures = { add: unary<number, number>() };

test('[proc-name-2] [case-81] names that are empty, too long or of other characters are refused', () => {
  for (const name of ['', ' ', '1st', '-a', '.a', 'a/b', 'ä', 'a b', 'a'.repeat(101), 'a\n', 5, null, undefined]) {
    assert.throws(() => service(name as never, 'v1', procedures), { kind: 'invalid-config' }, `${name}`);
    assert.throws(() => service('sums', name as never, procedures), { kind: 'invalid-config' }, `${name}`);
  }
  for (const name of ['', '1st', 'a/b', 'ä', 'a'.repeat(101)]) {
    assert.throws(() => service('sums', 'v1', { [name]: unary() }), { kind: 'invalid-config' }, name);
  }
  for (const name of ['a', '_', 'A-b.c_1', 'a'.repeat(100)]) {
    assert.equal(service(name, name, { [name]: unary() }).taberna.name, `${name}/${name}`);
  }
});

test('[proc-name-2] names that mean something on a client or a service are refused', () => {
  const reserved = [
    'then',
    'constructor',
    'prototype',
    'toString',
    'toJSON',
    'valueOf',
    'name',
    'version',
    'procedures',
    'taberna',
  ];
  for (const name of reserved) {
    assert.throws(() => service('sums', 'v1', { [name]: unary() }), { kind: 'invalid-config' }, name);
  }
  assert.throws(() => service('sums', 'v1', JSON.parse('{"__proto__": {"kind": "unary"}}')), {
    kind: 'invalid-config',
  });
});

test('[proc-name-1] [proc-name-3] [case-78] a service has the taberna of its name and version, and its procedures have full names', () => {
  const Sums = service('sums', 'v1', { ...procedures, note: oneWay<string>() });
  assert.deepEqual(Sums.taberna, { name: 'sums/v1', idHi: 0xf0c5_d7c5, idLo: 0x5d44_9aab });
  assert.deepEqual([Sums.add.fullName, Sums.note.fullName], ['sums/v1/add', 'sums/v1/note']);
  assert.ok(Object.isFrozen(Sums) && Object.isFrozen(Sums.add));
});

test('a service without procedures, or with what no maker made, is refused', () => {
  assert.throws(() => service('sums', 'v1', {}), { kind: 'invalid-config' });
  for (const definition of [undefined, null, {}, { kind: 'other' }, { kind: 'toString' }]) {
    assert.throws(() => service('sums', 'v1', { add: definition as never }), { kind: 'invalid-config' });
  }
});
