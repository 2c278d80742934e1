import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DomusAddr, DomusError } from '@flaminia/transport-a0';
import type { AlternativeName } from './extension.ts';
import { checkExtraNames, checkLeafAddress, checkName, checkNodeId, checkTtl } from './limits.ts';

function refuses(check: () => void, field: string, shown: string): void {
  assert.throws(check, (error) => {
    assert.ok(DomusError.is(error), String(error));
    assert.equal(error.kind, 'invalid-config');
    assert.ok(error.message.includes(field), error.message);
    assert.ok(error.message.includes(shown), error.message);
    return true;
  });
}

test('[case-8] node ids that would leave a folder, or that no certificate holds, are refused with field and value', () => {
  for (const good of ['worker-1', 'a', 'Straße 7', '...', '.hidden', 'x'.repeat(64), '💡'.repeat(64)])
    checkNodeId(good);
  const bad = ['', '.', '..', '../up', 'a/b', 'a\\b', '/etc', 'nul\0', 'line\n', '\x7f', 'x'.repeat(65), '\ud800'];
  for (const nodeId of bad) refuses(() => checkNodeId(nodeId), 'nodeId', JSON.stringify(nodeId));
  refuses(() => checkNodeId(7 as unknown as string), 'nodeId', '7');
});

test('a name of a distinguished name may hold slashes, unlike a node id', () => {
  checkName('nodeType', 'worker/eu');
  refuses(() => checkName('nodeType', ''), 'nodeType', '1 to 64');
});

test('lifetimes are whole milliseconds from one second to 100 years', () => {
  for (const good of [1000, 60_000, 3_153_600_000_000]) checkTtl(good);
  for (const bad of [0, 999, -1, 1500.5, Number.NaN, Number.POSITIVE_INFINITY, 3_153_600_000_001]) {
    refuses(() => checkTtl(bad), 'ttlMs', String(bad));
  }
});

test('extra names may not give a leaf a second Aurelia identity, and must be what their kind says', () => {
  checkExtraNames([
    { kind: 'dns', value: 'worker.example' },
    { kind: 'ip', value: '::1' },
    { kind: 'ip', value: '10.0.0.1' },
    { kind: 'uri', value: 'spiffe://example/worker' },
    { kind: 'email', value: 'ops@example.org' },
  ]);
  const bad: AlternativeName[] = [
    { kind: 'uri', value: 'aurelia+tcp://10.0.0.1:1' },
    { kind: 'uri', value: 'AURELIA+unix:///x' },
    { kind: 'ip', value: '10.0.0.256' },
    { kind: 'ip', value: '[::1]' },
    { kind: 'dns', value: '' },
    { kind: 'dns', value: 'bücher.example' },
  ];
  for (const name of bad) refuses(() => checkExtraNames([name]), 'extraSans', JSON.stringify(name.value));
});

test('a leaf names a known port, or a path in ASCII', () => {
  assert.equal(checkLeafAddress('tcp://[0:0:0:0:0:0:0:1]:7').text, 'tcp://[::1]:7');
  assert.equal(checkLeafAddress('unix:///run/a b').kind, 'unix');
  refuses(() => checkLeafAddress('tcp://127.0.0.1:0'), 'port', '0');
  for (const bad of ['unix:///tmp/ä', 'unix://relative', 'tcp://host:1', 'tcp://0.0.0.0:1'] as DomusAddr[]) {
    refuses(() => checkLeafAddress(bad), 'address', JSON.stringify(bad));
  }
});
