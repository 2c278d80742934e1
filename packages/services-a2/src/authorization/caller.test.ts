import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createAuthority, issueAuth } from '@flaminia/certificates';
import { type AlternativeName, domusExtensions, issueCertificate } from '@flaminia/certificates/internal';
import { identityOf } from '@flaminia/transport-a0/internal';
import { callerFrom } from './caller.ts';

const ADDRESS = 'tcp://127.0.0.1:7000';

test('[api-35] a caller is what its leaf says', async () => {
  const ca = await createAuthority();
  const { cert } = await issueAuth({ ca, nodeId: 'worker, "1"', nodeType: 'worker' })(ADDRESS);
  const certificate = new X509Certificate(cert);
  const caller = callerFrom(identityOf(certificate, ADDRESS));
  assert.deepEqual([caller.nodeId, caller.nodeType, caller.address], ['worker, "1"', 'worker', ADDRESS]);
  assert.deepEqual(caller.sans, [`URI:aurelia+${ADDRESS}`, 'IP Address:127.0.0.1']);
  assert.ok(caller.certificate?.raw.equals(certificate.raw));
  assert.match(caller.subject, /OU=worker/);
  assert.ok(Object.isFrozen(caller) && Object.isFrozen(caller.sans));
});

test('[api-35] names with commas and quotes stay whole; a leaf without CN and OU has null', async () => {
  const extra: AlternativeName[] = [
    { kind: 'dns', value: 'a.example' },
    { kind: 'uri', value: 'urn:odd,value:"x"' },
    { kind: 'dns', value: 'b.example' },
  ];
  const now = Date.now();
  const { certificate } = await issueCertificate({
    subject: [{ type: 'O', value: 'nobody' }],
    notBefore: new Date(now - 60_000),
    notAfter: new Date(now + 60_000),
    extensions: domusExtensions(ADDRESS, extra),
  });
  const { nodeId, nodeType, sans } = callerFrom(identityOf(certificate, ADDRESS));
  assert.deepEqual([nodeId, nodeType], [null, null]);
  assert.deepEqual(sans.slice(2), ['DNS:a.example', 'URI:urn:odd,value:"x"', 'DNS:b.example']);
});

test('[api-35] in memory there is no certificate to look at', () => {
  const self = { address: ADDRESS, certificate: undefined, nodeId: null, nodeType: null } as const;
  assert.deepEqual({ ...callerFrom(self) }, { ...self, subject: '', sans: [] });
  assert.equal(callerFrom({ ...self, nodeId: 'a' }).subject, 'CN=a');
});
