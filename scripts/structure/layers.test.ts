import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkLayers } from './layers.ts';
import { sourceFile } from './source-file.ts';

const usual = ['.', './internal'];
const doors = new Map(
  ['transport-a0', 'delivery-a1', 'services-a2', 'domus', 'certificates', 'inspector', 'cli', 'testkit'].map(
    (name) => [name, new Set(name === 'domus' || name === 'services-a2' ? [...usual, './testing'] : usual)] as const,
  ),
);
const found = (path: string, source: string) =>
  checkLayers(sourceFile(path, source), doors).map(({ line, text }) => `${line}: ${text}`);
const ofProduct = (name: string, source: string) => found(`packages/${name}/src/a.ts`, source);

test('arrows that go down are allowed, types and values', () => {
  const a0 = "import { DomusError } from '@flaminia/transport-a0';";
  assert.deepEqual(
    ofProduct('delivery-a1', `${a0} import type { Backend } from '@flaminia/transport-a0/internal';`),
    [],
  );
  assert.deepEqual(ofProduct('certificates', a0), []);
  assert.deepEqual(ofProduct('domus', "import { Delivery } from '@flaminia/delivery-a1/internal';"), []);
  assert.deepEqual(ofProduct('inspector', "import { Domus } from '@flaminia/domus';"), []);
  assert.deepEqual(ofProduct('testkit', "import { devAuth } from '@flaminia/certificates';"), []);
});

test('arrows that go up or sideways are not, types included', () => {
  const expected = (from: string, to: string) => [`1: ${from} may not import ${to}`];
  for (const [from, to] of [
    ['transport-a0', 'delivery-a1'],
    ['transport-a0', 'certificates'],
    ['delivery-a1', 'domus'],
    ['delivery-a1', 'testkit'],
    ['domus', 'certificates'],
    ['domus', 'domus'],
    ['certificates', 'domus'],
    ['inspector', 'delivery-a1'],
  ] as const) {
    assert.deepEqual(ofProduct(from, `import type { A } from '@flaminia/${to}';`), expected(from, to));
  }
});

test('a package that the law does not name is refused', () => {
  const text = '1: package surprise has no place in the layers';
  assert.deepEqual(ofProduct('surprise', "import { A } from '@flaminia/domus';"), [text]);
});

test('tests, demo, bench and interop may import every package, through its doors', () => {
  const source = "import { A } from '@flaminia/certificates'; import { B } from '@flaminia/domus/testing';";
  for (const path of ['packages/transport-a0/src/a.test.ts', 'packages/domus/test/a.ts', 'demo/a.ts', 'interop/a.ts']) {
    assert.deepEqual(found(path, source), [], path);
  }
  assert.deepEqual(found('demo/a.ts', "import { A } from '../packages/domus/src/a.ts';"), [
    '1: ../packages/domus/src/a.ts enters domus past its doors',
  ]);
  assert.deepEqual(found('demo/a.ts', "import { A } from '@flaminia/domus/src/a.ts';"), [
    '1: @flaminia/domus/src/a.ts is no door of a package',
  ]);
});

test('product code uses no door for tests, no test, and nothing outside its src', () => {
  assert.deepEqual(ofProduct('inspector', "import { A } from '@flaminia/domus/testing';"), [
    '1: @flaminia/domus/testing is a door for tests',
  ]);
  assert.deepEqual(ofProduct('inspector', "import { A } from '@flaminia/services-a2/testing';"), [
    '1: inspector may not import services-a2',
  ]);
  assert.deepEqual(ofProduct('domus', "import { A } from '@flaminia/services-a2/testing';"), []);
  assert.deepEqual(ofProduct('domus', "import './b.test.ts';"), ['1: ./b.test.ts is a test']);
  assert.deepEqual(ofProduct('domus', "import '../test/b.ts';"), [
    '1: ../test/b.ts leaves the src folder of its package',
  ]);
  assert.deepEqual(ofProduct('domus', "import './b.js';"), ['1: ./b.js must end in .ts']);
});

test('certificates sees the public door of transport-a0 alone', () => {
  assert.deepEqual(ofProduct('certificates', "import { A } from '@flaminia/transport-a0/internal';"), [
    '1: certificates may use the public door of transport-a0 alone',
  ]);
});

test('services-a2 sees delivery-a1 through its port alone', () => {
  const source = "import { Delivery } from '@flaminia/delivery-a1/internal';";
  assert.deepEqual(found('packages/services-a2/src/port.ts', source), []);
  assert.equal(found('packages/services-a2/src/calls.ts', source).length, 1);
});

test('values of delivery-a1 and of the inner door of transport-a0 meet in the wiring alone', () => {
  const delivery = "import { Delivery } from '@flaminia/delivery-a1/internal';";
  const inner = "import { TcpBackend } from '@flaminia/transport-a0/internal';";
  const innerType = "import type { Backend } from '@flaminia/transport-a0/internal';";
  const outer = "import { DomusError } from '@flaminia/transport-a0';";
  assert.deepEqual(found('packages/domus/src/wiring.ts', delivery + inner), []);
  assert.deepEqual(ofProduct('domus', delivery + outer + innerType), []);
  assert.deepEqual(ofProduct('domus', inner + outer), []);
  assert.deepEqual(ofProduct('domus', `${delivery}\n${inner}`), [
    '2: values of delivery-a1 and transport-a0 meet in packages/domus/src/wiring.ts alone',
  ]);
});

test('foreign packages with an owner are imported by it alone', () => {
  const source = "import * as x509 from '@peculiar/x509';";
  assert.deepEqual(ofProduct('certificates', source), []);
  assert.deepEqual(found('packages/domus/src/a.test.ts', source), []);
  assert.deepEqual(ofProduct('transport-a0', `const x = await import('@peculiar/x509');`), [
    '1: @peculiar/x509 may be imported by certificates alone',
  ]);
  assert.deepEqual(ofProduct('delivery-a1', "import { encode } from 'cbor-x';"), [
    '1: cbor-x may be imported by services-a2 alone',
  ]);
});
