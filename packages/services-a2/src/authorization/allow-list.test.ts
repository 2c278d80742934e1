import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import { DomusError } from '@flaminia/transport-a0';
import { identityOf } from '@flaminia/transport-a0/internal';
import { type AllowEntry, nodeId, nodeType } from './allow-entry.ts';
import { allowList, allowListOf } from './allow-list.ts';
import type { AllowRules } from './allow-list-verifier.ts';
import { type Caller, callerFrom } from './caller.ts';
import { isAllowed, type PeerVerifier } from './peer-verifier.ts';

const ADDRESS = 'tcp://127.0.0.1:7000';
const identity = { name: 'identity', version: 'v1', procedures: { validateSession: {}, getUser: {} } } as const;
const VALIDATE = 'identity/v1/validateSession';
const GET_USER = 'identity/v1/getUser';

const whoIs = (id: string | null, type: string | null = null): Caller =>
  callerFrom({ address: ADDRESS, certificate: undefined, nodeId: id, nodeType: type });
const allows = (verifier: PeerVerifier | undefined, caller: Caller, procedure: string): boolean =>
  isAllowed(verifier, caller, procedure).allowed;

test('[case-83] listed, unlisted, procedure absent, empty set, no list: allow and four times refuse', () => {
  const list = allowList(identity, { validateSession: [nodeId('a')] });
  const empty = allowList(identity, { validateSession: [] });
  assert.equal(allows(list, whoIs('a'), VALIDATE), true);
  assert.equal(allows(list, whoIs('b'), VALIDATE), false);
  assert.equal(allows(list, whoIs('a'), GET_USER), false);
  assert.equal(allows(empty, whoIs('a'), VALIDATE), false);
  assert.equal(allows(allowList(identity, {}), whoIs('a'), VALIDATE), false);
  assert.equal(allows(undefined, whoIs('a'), VALIDATE), false);
});

test('[case-83] types and ids are told apart, and neither is a prefix or a pattern of the other', () => {
  const list = allowList(identity, { validateSession: [nodeType('gateway'), nodeId('admin-1')] });
  const rows: [string, string | null, boolean][] = [
    ['any', 'gateway', true],
    ['admin-1', null, true],
    ['admin-1', 'worker', true],
    ['gateway', null, false],
    ['gateway', 'admin-1', false],
    ['admin-10', 'worker', false],
    ['Admin-1', 'Gateway', false],
    ['*', '*', false],
  ];
  for (const [id, type, expected] of rows) assert.equal(allows(list, whoIs(id, type), VALIDATE), expected, id);
});

test('[case-82] a caller is who its certificate says, whatever it claims to be', async () => {
  const ca = await createAuthority();
  const { cert } = await issueAuth({ ca, nodeId: 'x', nodeType: 'worker' })(ADDRESS);
  const x = callerFrom(identityOf(new X509Certificate(cert), ADDRESS));
  const list = allowList(identity, { '*': [nodeId('y'), nodeType('gateway')], getUser: [nodeId('x')] });
  assert.equal(allows(list, x, GET_USER), true);
  assert.equal(allows(list, x, VALIDATE), false);
});

test('[case-49] [case-51] a caller without CN is refused, also where its type is listed', () => {
  const list = allowListOf({ '*': [nodeType('gateway'), nodeId('a')] });
  for (const id of [null, '', undefined as unknown as null]) {
    assert.equal(allows(list, whoIs(id, 'gateway'), VALIDATE), false);
  }
});

test('lists of a procedure and of * add up, but an empty list closes a procedure', () => {
  const list = allowList(identity, { validateSession: [nodeType('gateway')], '*': [nodeId('admin-1')] });
  assert.equal(allows(list, whoIs('admin-1'), VALIDATE), true);
  assert.equal(allows(list, whoIs('g', 'gateway'), VALIDATE), true);
  assert.equal(allows(list, whoIs('g', 'gateway'), GET_USER), false);
  const closed = allowList(identity, { validateSession: [], '*': [nodeId('admin-1')] });
  assert.equal(allows(closed, whoIs('admin-1'), VALIDATE), false);
  assert.equal(allows(closed, whoIs('admin-1'), GET_USER), true);
  const rest = allowList(identity, { validateSession: [nodeId('a')], '*': [] });
  assert.equal(allows(rest, whoIs('a'), VALIDATE), true);
  assert.equal(allows(rest, whoIs('a'), GET_USER), false);
});

test('by text: tabernae, several services, versions and beginnings', () => {
  const list = allowListOf({
    'identity/v1/*': [nodeId('a')],
    'identity/v1/get*': [nodeId('b')],
    'taberna/orders': [nodeId('c')],
    'taberna/*': [nodeId('d')],
    'closed/*': [],
    '*': [nodeId('root')],
  });
  const rows: [string, string, boolean][] = [
    ['a', VALIDATE, true],
    ['a', GET_USER, true],
    ['b', GET_USER, true],
    ['b', VALIDATE, false],
    ['a', 'identity/v2/getUser', false],
    ['a', 'identity/v10/getUser', false],
    ['c', 'taberna/orders', true],
    ['c', 'taberna/orders2', false],
    ['d', 'taberna/orders', true],
    ['d', 'identity/v1/getUser', false],
    ['root', 'other/v1/x', true],
    ['root', 'closed/v1/x', false],
    ['a', '__proto__', false],
    ['a', 'constructor', false],
  ];
  for (const [id, procedure, expected] of rows) {
    assert.equal(allows(list, whoIs(id), procedure), expected, `${id} ${procedure}`);
  }
});

test('a list that is changed afterwards changes nothing', () => {
  const entries: AllowEntry[] = [nodeId('a')];
  const rules: Record<string, AllowEntry[]> = { [VALIDATE]: entries };
  const list = allowListOf(rules);
  entries.push(nodeId('b'));
  rules['*'] = [nodeId('b')];
  assert.equal(allows(list, whoIs('b'), VALIDATE), false);
});

test('[case-81] misuse is invalid-config and names the place', () => {
  const text = 'validateSession' as unknown as AllowEntry;
  const rows: [() => unknown, RegExp][] = [
    [() => nodeId(''), /nodeId must be a text that is not empty/],
    [() => nodeType(7 as unknown as string), /nodeType must be/],
    [() => allowListOf({ '': [] }), /key of an allow list/],
    [() => allowListOf({ 'a*b': [] }), /key of an allow list .* got "a\*b"/],
    [() => allowListOf({ '**': [] }), /key of an allow list/],
    [() => allowListOf({ a: [text] }), /rules\["a"\]\[0\] must be nodeId/],
    [() => allowListOf({ a: nodeId('x') } as unknown as AllowRules), /rules\["a"\] must be a list/],
    [() => allowListOf({ a: [{ kind: 'node-id', nodeId: '' }] }), /nodeId must be/],
    [() => allowListOf(undefined as unknown as AllowRules), /rules must be/],
    [() => allowList(identity, undefined as unknown as { getUser: [] }), /rules must be/],
    [() => allowList(undefined as unknown as typeof identity, {}), /service must be/],
    [() => allowList({ ...identity, procedures: { 'get*': {} } }, { 'get*': [] }), /has no procedure "get\*"/],
  ];
  for (const [misuse, text] of rows) {
    assert.throws(
      misuse,
      (error) => DomusError.is(error) && error.kind === 'invalid-config' && text.test(error.message),
    );
  }
});

test('[case-48] a procedure that the service does not have fails to compile, and at run time', () => {
  // @ts-expect-error the service has no such procedure
  assert.throws(() => allowList(identity, { validate: [nodeId('a')] }), /identity\/v1 has no procedure "validate"/);
  // @ts-expect-error what every object inherits is no procedure
  assert.throws(() => allowList(identity, { toString: [nodeId('a')] }), /has no procedure "toString"/);
  // @ts-expect-error a text is no entry
  assert.throws(() => allowList(identity, { getUser: ['a'] }), /must be nodeId/);
  const rules = { getUser: undefined } as unknown as { getUser: AllowEntry[] };
  assert.equal(allows(allowList(identity, rules), whoIs('a'), GET_USER), false);
});
