/** How errors travel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFirst } from 'cborg';
import { ProcedureError } from './procedure-error.ts';
import { failurePayload } from './told.ts';

function told(error: ProcedureError): { readonly head: unknown[]; readonly behind: Uint8Array } {
  const [head, behind] = decodeFirst(failurePayload(7, error)) as [unknown[], Uint8Array];
  return { head, behind };
}

test('[proc-ans-5] an error travels with code, message and details, and without its cause', () => {
  const { head, behind } = told(
    new ProcedureError('not-found', 'no such thing', { details: [1], cause: new Error('a secret') }),
  );
  assert.deepEqual(
    [head, [...behind]],
    [
      [7, 'not-found', 'no such thing'],
      [0x81, 1],
    ],
  );
});

test('[proc-ans-5] a long message is cut, and details that are too large or no CBOR are left out', () => {
  assert.deepEqual(told(new ProcedureError('internal', 'x'.repeat(5000))).head, [7, 'internal', 'x'.repeat(4096)]);
  for (const details of ['x'.repeat(65_536), new Uint8Array(70_000), () => {}, { f: Symbol('no') }]) {
    const { head, behind } = told(new ProcedureError('internal', 'why', { details }));
    assert.deepEqual([head, behind.length], [[7, 'internal', 'why'], 0]);
  }
  assert.ok(told(new ProcedureError('internal', 'why', { details: 'x'.repeat(65_000) })).behind.length > 65_000);
});
