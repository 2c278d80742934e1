import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress, tcpAddress, unixAddress } from './address.ts';

test('[a0-addr-1] TCP addresses: an IPv4 literal, or an IPv6 literal in brackets, and a port', () => {
  assert.deepEqual(parseAddress('tcp://10.0.0.1:7000'), {
    kind: 'tcp',
    text: 'tcp://10.0.0.1:7000',
    ip: '10.0.0.1',
    port: 7000,
    family: 4,
  });
  assert.equal(tcpAddress('::1', 65_535), 'tcp://[::1]:65535');
  assert.equal(tcpAddress('10.0.0.1', 1), 'tcp://10.0.0.1:1');
});

test('[a0-addr-2] TCP addresses that are equal as values have one text', () => {
  for (const text of ['tcp://[::1]:9', 'tcp://[0:0:0:0:0:0:0:1]:9', 'tcp://[0000::0001]:0009']) {
    assert.equal(parseAddress(text).text, 'tcp://[::1]:9');
  }
  assert.equal(parseAddress('tcp://[2001:DB8::A]:9').text, 'tcp://[2001:db8::a]:9');
});

test('[a0-addr-1] socket addresses: an absolute, canonical path', () => {
  assert.deepEqual(parseAddress('unix:///run/größe.sock'), {
    kind: 'unix',
    text: 'unix:///run/größe.sock',
    path: '/run/größe.sock',
  });
  assert.equal(unixAddress(`/${'x'.repeat(4095)}`).length, 'unix://'.length + 4096);
});

test('[a0-addr-1] anything else is invalid-config, and the text says what is wrong', () => {
  const rows: readonly (readonly [string, RegExp])[] = [
    ['', /must begin with/],
    ['10.0.0.1:1', /must begin with/],
    ['TCP://10.0.0.1:1', /must begin with/],
    ['tcp://10.0.0.1', /must be tcp:/],
    ['tcp://10.0.0.1:', /must be tcp:/],
    ['tcp://localhost:1', /must be tcp:/],
    ['tcp://10.0.0.1:1/', /must be tcp:/],
    ['tcp://10.0.0.1:-1', /must be tcp:/],
    ['tcp://::1:1', /must be tcp:/],
    ['tcp://[10.0.0.1]:1', /valid ip literal/],
    ['tcp://10.0.0.256:1', /valid ip literal/],
    ['tcp://010.0.0.1:1', /valid ip literal/],
    ['tcp://[::1::]:1', /valid ip literal/],
    ['tcp://[fe80::1%eth0]:1', /must be tcp:/],
    ['tcp://10.0.0.1:65536', /port must be 0\.\.65535/],
    ['tcp://0.0.0.0:1', /wildcard/],
    ['tcp://[::]:1', /wildcard/],
    ['unix://run/x', /absolute/],
    ['unix:///run/\0', /NUL/],
    ['unix:///run//x', /canonical/],
    ['unix:///run/./x', /canonical/],
    ['unix:///run/../x', /canonical/],
    ['unix:///run/x/', /canonical/],
    ['unix:///', /canonical/],
    ['unix:///run/\ud800', /UTF-8/],
    [`unix:///${'x'.repeat(4096)}`, /4096 bytes/],
  ];
  for (const [text, reason] of rows) {
    assert.throws(() => parseAddress(text), { kind: 'invalid-config', detail: 'address', message: reason }, text);
  }
  assert.throws(() => parseAddress(7 as unknown as string), { kind: 'invalid-config', message: /must be a string/ });
});
