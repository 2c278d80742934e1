import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { judgeTlsPeer, requireSource } from './tls-peer.ts';

const path = new URL('../../../docs/protocol/vectors/material.json', import.meta.url);
const { leaves } = JSON.parse(readFileSync(path, 'utf8')) as { leaves: Record<string, { certificates: string }> };
const leaf = new X509Certificate(leaves['tcp-alpha-p256']!.certificates);

/** What TLS would show of a good peer, with one thing changed. */
function shown(over: Partial<Record<'authorized' | 'reused' | 'protocol' | 'leaf', unknown>> = {}): TLSSocket {
  const facts = { authorized: true, reused: false, protocol: 'TLSv1.3', leaf, ...over };
  return {
    authorized: facts.authorized,
    isSessionReused: () => facts.reused,
    getProtocol: () => facts.protocol,
    getPeerX509Certificate: () => facts.leaf,
  } as unknown as TLSSocket;
}

test('a peer that TLS has judged is the one that its leaf names', () => {
  const { address, leaf: judged } = judgeTlsPeer(shown());
  assert.deepEqual([address, judged], ['tcp://127.0.0.1:7401', leaf]);
});

for (const [name, over, detail] of [
  ['[a0-auth-13] unauthorized', { authorized: false }, 'unauthorized'],
  ['[a0-auth-21] a resumed session', { reused: true }, 'session-resumed'],
  ['[a0-auth-20] TLS 1.2', { protocol: 'TLSv1.2' }, 'tls-version'],
  ['[a0-tcp-2] no certificate', { leaf: undefined }, 'no-certificate'],
  ['[a0-auth-12] a leaf of the other transport', { leaf: unixLeaf() }, 'no-identity'],
] as const) {
  test(`${name} is refused even where TLS let it pass`, () => {
    assert.throws(() => judgeTlsPeer(shown(over)), { kind: 'protocol-violation', detail });
  });
}

function unixLeaf(): X509Certificate {
  return new X509Certificate(leaves['unix-alpha-p256']!.certificates);
}

test('[a0-tcp-2] the source ip must be that of the certificate, compared as a value', () => {
  const passes = [
    ['tcp://127.0.0.1:1', '127.0.0.1'],
    ['tcp://127.0.0.1:1', '::ffff:127.0.0.1'],
    ['tcp://127.0.0.1:1', '::FFFF:127.0.0.1'],
    ['tcp://[::1]:1', '::1'],
    ['tcp://[2001:db8::1]:1', '2001:0db8:0:0::1'],
    ['tcp://[fe80::1]:1', 'fe80::1%eth0'],
  ] as const;
  for (const [address, ip] of passes) requireSource(address, ip);
  const fails = [
    ['tcp://127.0.0.1:1', '127.0.0.2'],
    ['tcp://127.0.0.1:1', '::1'],
    ['tcp://127.0.0.1:1', '::ffff:127.0.0.2'],
    ['tcp://[::1]:1', '127.0.0.1'],
    ['tcp://[::1]:1', '::2'],
    ['unix:///run/x.sock', '127.0.0.1'],
  ] as const;
  for (const [address, ip] of fails) {
    assert.throws(
      () => requireSource(address, ip),
      { kind: 'protocol-violation', detail: 'source-mismatch' },
      String(ip),
    );
  }
});

test('a connection that is gone before its source can be asked for has ended, and nobody has lied', () => {
  assert.throws(() => requireSource('tcp://127.0.0.1:1', undefined), { kind: 'peer-unavailable', detail: 'ended' });
});
