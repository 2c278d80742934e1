/** The suite itself: its ids, its list of differences, and that it does notice what it looks for. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CASES } from './cases/all.ts';
import type { Verdict } from './conformance-case.ts';
import { differenceOf, RUST_DIFFERENCES } from './differences.ts';
import { encodeFrame, errorPayload } from './frames.ts';
import { TRANSPORTS } from './ground.ts';
import { judge } from './judgement.ts';
import { FrameCutter, faultOf, readFrame } from './received-frame.ts';

const CASE = CASES[0]!;
const DIFFERS: Verdict = { kind: 'differs', step: 'a step', why: 'this instead of that' };

test('there are enough cases, each with an id of its own and a clause', () => {
  assert.ok(CASES.length >= 120);
  assert.equal(new Set(CASES.map(({ id }) => id)).size, CASES.length);
  for (const { id, clauses, script } of CASES) {
    assert.match(clauses, /^\[[a-z0-9-]+\]( \[[a-z0-9-]+\])*$/, id);
    assert.ok(script.length > 0, id);
  }
});

test('every listed difference has a case, and no case has two', () => {
  for (const difference of RUST_DIFFERENCES) {
    const { cases } = difference;
    const named = CASES.filter(({ id }) => TRANSPORTS.some((on) => differenceOf([difference], id, on) !== undefined));
    assert.ok(named.length > 0, `${cases} names no case`);
  }
  for (const { id } of CASES) {
    const listed = RUST_DIFFERENCES.filter((difference) =>
      TRANSPORTS.some((on) => differenceOf([difference], id, on) !== undefined),
    );
    assert.ok(listed.length <= 1, `${id} is listed ${listed.length} times`);
  }
});

test('docs/conformance.md tells every listed difference, and no other', () => {
  const page = readFileSync(new URL('../docs/conformance.md', import.meta.url), 'utf8');
  const rows = page.slice(page.indexOf('| what it does')).split('\n').slice(2);
  const told = rows.filter((row) => row.startsWith('| ')).map((row) => row.split(' | ')[0]?.slice(2));
  assert.deepEqual(new Set(told), new Set(RUST_DIFFERENCES.map(({ reason }) => reason)));
});

test('a verdict counts as the list says', () => {
  const kindOf = (verdict: Verdict, instead?: RegExp, occurs?: 'at-times'): string => {
    const list = instead === undefined ? [] : [{ cases: new RegExp(CASE.id), reason: 'so', instead }];
    const differences = list.map((entry) => (occurs === undefined ? entry : { ...entry, occurs }));
    return judge({ conformanceCase: CASE, transport: 'tcp', verdict }, differences).kind;
  };
  assert.equal(kindOf({ kind: 'conforms' }), 'passed');
  assert.equal(kindOf(DIFFERS), 'failed', 'unlisted');
  assert.equal(kindOf(DIFFERS, /this/), 'listed');
  assert.equal(kindOf(DIFFERS, /other/), 'failed', 'otherwise than listed');
  assert.equal(kindOf({ kind: 'conforms' }, /this/), 'failed', 'listed, and gone');
  assert.equal(kindOf({ kind: 'conforms' }, /this/, 'at-times'), 'passed');
});

test('what an implementation may not write is noticed', () => {
  const faults: Readonly<Record<string, Buffer>> = {
    'version 2': encodeFrame({ type: 3, version: 2 }),
    'src_taberna 1': encodeFrame({ type: 0x0100_0000, src: 1n }),
    'dst_taberna 1 on a control frame': encodeFrame({ type: 4, dst: 1n }),
    'flags 0x2': encodeFrame({ type: 0x0100_0000, flags: 2 }),
    'id 7': encodeFrame({ type: 5, id: 7 }),
    'a payload of 1 bytes': encodeFrame({ type: 4, payload: Buffer.alloc(1) }),
    'error id 27': encodeFrame({ type: 6, payload: errorPayload(27) }),
    'a type that nobody may write': encodeFrame({ type: 7 }),
  };
  for (const [fault, bytes] of Object.entries(faults)) assert.equal(faultOf(readFrame(bytes)), fault);
  const long = encodeFrame({ type: 6, payload: errorPayload(4, 'x'.repeat(1025)) });
  assert.equal(faultOf(readFrame(long)), '1029 bytes of payload');
  assert.equal(faultOf(readFrame(encodeFrame({ type: 2, id: 4711 }))), undefined);
});

test('frames are cut out of any pieces', () => {
  const bytes = Buffer.concat([encodeFrame({ type: 3 }), encodeFrame({ type: 6, payload: errorPayload(4, 'no') })]);
  const cutter = new FrameCutter();
  const types = [...bytes].flatMap((byte) => cutter.cut(Buffer.from([byte]))).map(({ type }) => type);
  assert.deepEqual(types, [3, 6]);
});
