import assert from 'node:assert/strict';
import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadAuthMaterial } from './auth-material.ts';
import { tlsSettings } from './tls-options.ts';

const path = new URL('../../../docs/protocol/vectors/material.json', import.meta.url);
const { authority, leaves } = JSON.parse(readFileSync(path, 'utf8')) as {
  authority: string;
  leaves: Record<string, { certificates: string; privateKey: string }>;
};
const { certificates, privateKey } = leaves['tcp-alpha-p256']!;
const material = loadAuthMaterial({ ca: authority, cert: certificates, key: privateKey }, 'tcp');
const keyPem = Buffer.from('key');
const settings = tlsSettings(material, keyPem);

test('[a0-auth-20] TLS 1.3 alone, on both sides', () => {
  for (const side of [settings.context, settings.server]) {
    assert.deepEqual([side.minVersion, side.maxVersion], ['TLSv1.3', 'TLSv1.3']);
    assert.match(side.ciphers ?? '', /^TLS_AES_128_GCM_SHA256:.*@SECLEVEL=2$/);
  }
});

test('[a0-tcp-2] nobody is let through unjudged', () => {
  assert.deepEqual([settings.server.requestCert, settings.server.rejectUnauthorized], [true, true]);
  assert.equal(settings.client.rejectUnauthorized, true);
  assert.equal('checkServerIdentity' in settings.client, false, "Node's own check of the IP name stands");
});

test('[a0-auth-21] no tickets, no sessions', () => {
  for (const side of [settings.context, settings.server]) assert.equal(side.secureOptions, constants.SSL_OP_NO_TICKET);
  assert.equal('session' in settings.client, false);
});

test('[a0-auth-22] no server name, no ALPN, no hook', () => {
  const all = { ...settings.context, ...settings.client, ...settings.server };
  for (const [name, value] of Object.entries(all)) assert.notEqual(typeof value, 'function', name);
  for (const name of ['servername', 'ALPNProtocols', 'SNICallback', 'pskCallback', 'pskIdentityHint', 'ticketKeys']) {
    assert.equal(name in all, false, name);
  }
});

test('[a0-auth-13] [a0-auth-18] the CA set is all that is trusted, and a path may end only at a self-signed one', () => {
  assert.deepEqual(settings.context.ca, [material.ca[0]!.toString()]);
  assert.equal('allowPartialTrustChain' in settings.context, false);
  assert.equal(settings.context.cert, material.chain[0].toString());
  assert.deepEqual([settings.context.key, settings.server.key], [keyPem, keyPem]);
});
