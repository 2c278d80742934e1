import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMPARISONS, isGoalMet } from './comparisons.ts';
import { PLANS } from './plan.ts';
import { formatReport, formatTable, type RoundTrial, type Row } from './report.ts';
import type { Trial } from './trial.ts';

const QUIET: Trial = {
  plan: '',
  agreed: '',
  messagesPerSecond: 0,
  fairness: null,
  latency: null,
  senderShare: 0.5,
  receiverShare: 0.25,
  othersShare: 0,
  idle: null,
};

function row(name: string, trials: readonly Partial<RoundTrial>[]): Row {
  const plan = PLANS.find((candidate) => candidate.name === name);
  assert.ok(plan);
  return { plan, trials: trials.map((trial, i) => ({ ...QUIET, plan: name, round: i + 1, ...trial })) };
}

const rates = (...perSecond: number[]): Partial<Trial>[] =>
  perSecond.map((messagesPerSecond) => ({ messagesPerSecond }));

test('a row has median, spread and the CPU of both sides', () => {
  const report = formatReport([row('p2p-128', rates(1_000_000, 500_000, 2_000_000))]);
  assert.match(report, /1 000 000 \(500 000–2 000 000\) \| +64\.0 /);
  assert.match(report, /\| +0\.50 \| +50% \| +0\.25 \| +25% \| +0% \|/);
});

test('a ratio is the median of those within the rounds, with their ends, its goal and whether it was met', () => {
  const report = formatReport([row('domus-tls-128', rates(100, 500, 900)), row('p2p-128', rates(1_000, 1_000, 1_000))]);
  assert.match(report, /domus-tls-128 \/ p2p-128 +\| +rate \| +0\.50 \| +0\.10–0\.90 \| ≥ 0\.45 \| +met \|/);
});

test('a machine that changes its speed between rounds changes no ratio', () => {
  const report = formatReport([row('domus-tls-128', rates(500, 50, 5_000)), row('p2p-128', rates(1_000, 100, 10_000))]);
  assert.match(report, /domus-tls-128 \/ p2p-128 +\| +rate \| +0\.50 \| +0\.50–0\.50 \|/);
});

test('a round that only one of the two has counts for no ratio', () => {
  const [first, , third] = rates(100, 500, 900);
  const ours = row('domus-tls-128', [
    { ...first, round: 1 },
    { ...third, round: 3 },
  ]);
  const report = formatReport([ours, row('p2p-128', rates(1_000, 1_000, 1_800))]);
  assert.match(report, /domus-tls-128 \/ p2p-128 +\| +rate \| +0\.30 \| +0\.10–0\.50 \|/);
});

test('two that share no round are compared by their medians', () => {
  const ours = row('domus-tls-128', [{ messagesPerSecond: 500, round: 2 }]);
  const report = formatReport([ours, row('p2p-128', rates(1_000))]);
  assert.match(report, /domus-tls-128 \/ p2p-128 +\| +rate \| +0\.50 \| +\| ≥ 0\.45 \| +met \|/);
});

test('a number by itself and a difference have goals, too', () => {
  const fair = formatReport([row('blob-tls-64', [{ messagesPerSecond: 1, fairness: 0.9 }])]);
  assert.match(fair, /blob-tls-64 +\| +fairness \| +0\.90 \| +\| ≥ 0\.95 \| MISSED \|/);
  const timed = (p50: number): Partial<Trial>[] => [{ messagesPerSecond: 1, latency: { p50, p99: p50 } }];
  const report = formatReport([row('reconnect', timed(12_000)), row('connect', timed(8_000))]);
  assert.match(report, /reconnect \/ connect +\| +p50 \| +1\.50 \|/);
  assert.match(report, /reconnect − connect +\| +p50 \| +4000 \| +\| ≤ 10000 \| +met \|/);
});

test('a goal for times and memory is kept from below, one for rates from above', () => {
  const goalOf = (metric: string): (typeof COMPARISONS)[number] => {
    const found = COMPARISONS.find((comparison) => comparison.metric === metric && comparison.goal !== undefined);
    assert.ok(found);
    return found;
  };
  assert.equal(isGoalMet(goalOf('p50'), 1.2), true);
  assert.equal(isGoalMet(goalOf('p50'), 1.3), false);
  assert.equal(isGoalMet(goalOf('rate'), 0.1), false);
});

test('a missed goal is said in capitals', () => {
  const report = formatReport([
    row('domus-tls-1', [{ messagesPerSecond: 1, latency: { p50: 200, p99: 300 } }]),
    row('p1t', [{ messagesPerSecond: 1, latency: { p50: 100, p99: 100 } }]),
  ]);
  assert.match(report, /domus-tls-1 \/ p1t \| +p50 \| +2\.00 \| +\| ≤ 1\.25 \| MISSED \|/);
  assert.match(report, /domus-tls-1 \/ p1t \| +p99 \| +3\.00 \| +\| +\| +\|/);
});

test('a comparison whose partner did not run is left out', () => {
  assert.doesNotMatch(formatReport([row('p2p-128', rates(1_000))]), /compared/);
});

test('idle rows have memory and timers of a peer', () => {
  const idle = { rssBytesPerPeer: 65_536, timersPerPeer: 1 };
  const report = formatReport([
    row('idle-domus', [{ idle }]),
    row('p7', [{ idle: { ...idle, rssBytesPerPeer: 32_768 } }]),
  ]);
  assert.match(report, /idle-domus \| +1000 \| +64\.0 \(64\.0–64\.0\) \| +1\.00 \|/);
  assert.match(report, /idle-domus \/ p7 \| +idle memory \| +2\.00 \| +\| ≤ 1\.60 \| MISSED/);
});

test('figures that other programs have disturbed are named', () => {
  const disturbed = row('p2p-128', [{ messagesPerSecond: 5, othersShare: 0.3 }]);
  assert.match(formatReport([disturbed, row('p2-128', rates(5))]), /DISTURBED: .* during p2p-128\./);
  assert.doesNotMatch(formatReport([row('p2-128', rates(5))]), /DISTURBED/);
});

test('a table is Markdown, its first column to the left', () => {
  const table = formatTable([
    ['name', 'n'],
    ['a', '100'],
  ]);
  assert.equal(table, '| name |   n |\n| ---- | --: |\n| a    | 100 |');
});

test('every comparison names plans that exist', () => {
  const names = new Set(PLANS.map((plan) => plan.name));
  for (const { ours, against } of COMPARISONS)
    assert.ok(names.has(ours) && names.has(against ?? ours), `${ours} ${against}`);
});
