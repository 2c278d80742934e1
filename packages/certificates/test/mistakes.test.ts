/** What a program without a type check can get wrong: `invalid-config`, with the name, what it must be and what was given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAuthority, devAuth, issueAuth } from '@flaminia/certificates';
import { DomusError } from '@flaminia/transport-a0';

/** A value as no type allows it. */
const none = (value: unknown): never => value as never;

test('[api-51] [api-53] options, authorities, folders and names that are none are refused by their names, and no key is shown', async () => {
  const ca = await createAuthority();
  const [certificate] = ca.certificates;
  const pem = ca.key.export({ type: 'pkcs8', format: 'pem' });
  const issue = (from: unknown) => () => issueAuth({ ca: none(from), nodeId: 'x' });
  const mistakes: (readonly [call: () => unknown, text: RegExp])[] = [
    [() => devAuth(none(undefined)), /options of devAuth must be an object, got undefined/],
    [() => devAuth(none({ nodeId: 'x', store: '/tmp' })), /options of devAuth must be made of nodeId, .*, got "store"/],
    [() => issueAuth(none({ ca, nodeID: 'x' })), /options of issueAuth must be made of ca, nodeId, .*, got "nodeID"/],
    [() => createAuthority(none({ ttl: 5 })), /options of createAuthority must be made of name, .*, got "ttl"/],
    [() => devAuth(none({ nodeId: 'x', directory: 5 })), /directory must be the path of a folder, got 5/],
    [() => devAuth({ nodeId: 'x', directory: '' }), /directory must be the path of a folder, got ""/],
    [() => issueAuth(none(null)), /options of issueAuth must be an object, got null/],
    [issue(undefined), /ca\.certificates must be a list of PEM texts, got undefined/],
    [issue(certificate), /ca\.certificates must be a list of PEM texts, got undefined/],
    [issue({ certificates: certificate, key: ca.key }), /ca\.certificates must be a list of PEM texts/],
    [issue({ certificates: [certificate], key: pem }), /ca\.key must be a KeyObject.*, got "string"/],
    [() => issueAuth({ ca, nodeId: 'x', extraSans: none(null) }), /extraSans must be a list of names, got null/],
    [() => createAuthority(none(null)), /options of createAuthority must be an object, got null/],
    [() => createAuthority({ parent: none(null) }), /parent\.certificates must be a list of PEM texts, got undefined/],
  ];
  for (const [call, text] of mistakes) {
    const error = await Promise.resolve()
      .then(call)
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    assert.ok(DomusError.is(error), `${text}: ${error}`);
    assert.equal(error.kind, 'invalid-config');
    assert.match(error.message, text);
    assert.doesNotMatch(error.message, /PRIVATE KEY/);
  }
});
