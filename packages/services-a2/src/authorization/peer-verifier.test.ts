import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomusError } from '@flaminia/transport-a0';
import { type Caller, callerFrom } from './caller.ts';
import { anyAuthenticatedPeer, LocalTrustVerifier } from './local-trust.ts';
import { isAllowed, type PeerVerifier, requireVerifier } from './peer-verifier.ts';

const caller = callerFrom({
  address: 'tcp://127.0.0.1:7000',
  certificate: undefined,
  nodeId: 'gateway-1',
  nodeType: 'gateway',
});

const answering = (answer: unknown): PeerVerifier => ({ verify: () => answer as boolean });

test('[case-51] only true allows; false, nothing, truthy values and promises refuse', async () => {
  assert.deepEqual(isAllowed(answering(true), caller, 'a/v1/b'), { allowed: true });
  assert.deepEqual(isAllowed(answering(false), caller, 'a/v1/b'), { allowed: false, reason: 'not-allowed' });
  const odd = [undefined, null, 0, 1, 'true', {}, Promise.resolve(true), Promise.reject(new Error('late'))];
  for (const answer of odd) {
    const permission = isAllowed(answering(answer), caller, 'a/v1/b');
    assert.deepEqual(permission, { allowed: false, reason: 'verifier-undecided' });
  }
  // A rejection that nobody took notice of would end the process here.
  await new Promise((resolve) => setImmediate(resolve));
});

test('[case-51] a verifier that throws refuses, and the throw is kept for the own log', () => {
  const cause = new Error('the list is not loaded');
  const verifier: PeerVerifier = {
    verify() {
      throw cause;
    },
  };
  assert.deepEqual(isAllowed(verifier, caller, 'a/v1/b'), { allowed: false, reason: 'verifier-threw', cause });
});

test('[case-51] an answer that throws when it is looked at refuses', () => {
  const cause = new Error('looked at');
  const deny = (): never => {
    throw cause;
  };
  const answer = new Proxy({}, { get: deny });
  assert.deepEqual(isAllowed(answering(answer), caller, 'a/v1/b'), { allowed: false, reason: 'verifier-threw', cause });
});

test('[case-83] no verifier refuses', () => {
  assert.deepEqual(isAllowed(undefined, caller, 'a/v1/b'), { allowed: false, reason: 'no-verifier' });
});

test('the verifier is asked about this caller and this procedure, and with its own this', () => {
  const asked: [Caller, string][] = [];
  class Recording implements PeerVerifier {
    readonly list = asked;
    verify(who: Caller, procedure: string): boolean {
      this.list.push([who, procedure]);
      return true;
    }
  }
  isAllowed(new Recording(), caller, 'taberna/orders');
  assert.deepEqual(asked, [[caller, 'taberna/orders']]);
});

test('anyAuthenticatedPeer lets everybody in, also one without CN', () => {
  assert.ok(anyAuthenticatedPeer() instanceof LocalTrustVerifier);
  const nameless = callerFrom({ ...caller, nodeId: null, nodeType: null });
  for (const who of [caller, nameless]) assert.equal(isAllowed(anyAuthenticatedPeer(), who, 'a/v1/b').allowed, true);
});

test('a guard without a verifier, or with something else, is invalid-config', () => {
  for (const given of [undefined, null, true, 'any', {}, { verify: true }]) {
    assert.throws(
      () => requireVerifier('verifier', given),
      (error) => DomusError.is(error) && error.kind === 'invalid-config' && error.detail === 'verifier',
    );
  }
  const verifier = anyAuthenticatedPeer();
  assert.equal(requireVerifier('verifier', verifier), verifier);
});
