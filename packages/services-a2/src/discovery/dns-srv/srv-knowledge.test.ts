import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkClaim } from '../peer-claim.ts';
import { SrvKnowledge } from './srv-knowledge.ts';
import type { SrvOutcome, Target } from './srv-lookup.ts';

const target = (name: string, ips: readonly string[] | undefined, priority = 0): Target => {
  return { name, port: 7, priority, weight: 1, ips };
};
const found = (targets: readonly Target[], texts: readonly string[] | 'unanswered' = []): SrvOutcome => {
  return {
    kind: 'found',
    targets,
    texts: texts === 'unanswered' ? undefined : texts.map((text) => Buffer.from(text)),
    ttl: 0,
    reason: undefined,
  };
};
const absent: SrvOutcome = { kind: 'absent', reason: '' };
const failed: SrvOutcome = { kind: 'failed', reason: '' };
const addresses = (knowledge: SrvKnowledge) => knowledge.peers().map(({ address }) => address);

test('[invariant 1] a target without an answer keeps its addresses, one that is listed no more is gone', () => {
  const knowledge = new SrvKnowledge([], 0);
  knowledge.note(found([target('a', ['10.0.0.1', '::1'], 9), target('b', ['10.0.0.2'], 1)]), 0);
  assert.deepEqual(addresses(knowledge), ['tcp://10.0.0.2:7', 'tcp://10.0.0.1:7', 'tcp://[::1]:7']);
  knowledge.note(found([target('a', undefined), target('c', undefined)]), 1);
  assert.deepEqual(addresses(knowledge), ['tcp://10.0.0.1:7', 'tcp://[::1]:7']);
});

test('[invariant 2] failures change nothing; an absent name empties the list after the grace', () => {
  const knowledge = new SrvKnowledge([], 1_000);
  knowledge.note(found([target('a', ['10.0.0.1'])]), 0);
  knowledge.note(failed, 10_000);
  assert.equal(knowledge.emptyAt, Number.POSITIVE_INFINITY);
  knowledge.note(absent, 20_000);
  knowledge.note(failed, 20_500);
  assert.equal(knowledge.emptyAt, 21_000);
  knowledge.note(absent, 20_999);
  assert.equal(knowledge.peers().length, 1);
  knowledge.note(absent, 21_000);
  assert.deepEqual([knowledge.peers().length, knowledge.emptyAt], [0, Number.POSITIVE_INFINITY]);
  knowledge.note(found([target('a', ['10.0.0.1'])]), 22_000);
  knowledge.note(absent, 23_000);
  assert.equal(knowledge.emptyAt, 24_000, 'the grace begins anew');
});

test('a TXT record adds to what is configured; a bad one is left aside, an unanswered one stays', () => {
  const knowledge = new SrvKnowledge(['a/v1'], 0);
  const targets = [target('a', ['10.0.0.1'])];
  knowledge.note(found(targets, ['services=b/v1', 'm-zone=eu']), 0);
  assert.deepEqual(knowledge.peers()[0]!.services, ['a/v1', 'b/v1']);
  knowledge.note(found(targets, 'unanswered'), 1);
  assert.equal(knowledge.peers()[0]!.metadata.zone, 'eu');
  knowledge.note(found(targets, ['services=bad']), 2);
  assert.match(knowledge.refusal ?? '', /TXT record is ignored: services/);
  assert.deepEqual(knowledge.peers()[0]!.services, ['a/v1']);
  knowledge.note(found(targets, []), 3);
  assert.equal(knowledge.refusal, undefined);
});

test('a TXT record may have as much metadata as a peer; priority and weight come beside it', () => {
  const knowledge = new SrvKnowledge([], 0);
  const pairs = Array.from({ length: 65 }, (_, i) => `m-k${i}=v`);
  const targets = [target('a', ['10.0.0.1'], 3)];
  knowledge.note(found(targets, ['services=a/v1', ...pairs.slice(1)]), 0);
  assert.equal(knowledge.refusal, undefined);
  const [peer] = knowledge.peers();
  assert.deepEqual(
    [peer!.services, Object.keys(peer!.metadata).length, peer!.metadata['srv-priority'], peer!.metadata.k64],
    [['a/v1'], 66, '3', 'v'],
  );
  assert.equal(checkClaim(peer!).ok, true, 'it passes through a combination');
  knowledge.note(found(targets, pairs), 1);
  assert.match(knowledge.refusal ?? '', /TXT record is ignored: metadata/);
});
