import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SendFailure } from '../port.ts';
import { failureOf, rejectionOf } from './send-failures.ts';

function failed(kind: SendFailure['kind'], text = '', delivery: SendFailure['delivery'] = 'refused'): SendFailure {
  return { kind, text, delivery, cause: undefined };
}

test('[topo-msg-5] a failed send says that a peer is gone, is there, is outside, or nothing', () => {
  assert.equal(failureOf(failed('unknown-taberna')), 'outside');
  assert.equal(failureOf(failed('remote-taberna-rejected')), 'rejected');
  assert.equal(failureOf(failed('taberna-busy')), 'rejected');
  assert.equal(failureOf(failed('send-timeout', '', 'unknown')), 'unreachable');
  assert.equal(failureOf(failed('peer-unavailable', '', 'not-sent')), 'unreachable');
  assert.equal(failureOf(failed('connection-lost', '', 'unknown')), 'unreachable');
  assert.equal(failureOf(failed('local-queue-full', '', 'not-sent')), 'inconclusive');
  assert.equal(failureOf(failed('domus-closed', '', 'not-sent')), 'inconclusive');
  assert.equal(failureOf(failed('domus-closed')), 'unreachable');
});

test('[topo-msg-3] a busy peer keeps its link; one whose topology has ended does not', () => {
  assert.equal(rejectionOf(failed('remote-taberna-rejected', 'not-linked')), 'not-linked');
  assert.equal(rejectionOf(failed('taberna-shutdown')), 'stopped');
  assert.equal(rejectionOf(failed('taberna-busy')), 'taberna-busy');
});
