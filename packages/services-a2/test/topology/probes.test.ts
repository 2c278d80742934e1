/** How a node that does not accept is checked, and how much a node trusts its own judgement. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MESSAGE } from '../../src/topology/core/message-types.ts';
import {
  decodeProbeRequest,
  decodeProbeResult,
  encodeProbeRequest,
  encodeProbeResult,
  type Fact,
} from '../../src/topology/core/messages.ts';
import { nameOf, stateOf } from '../../src/topology/core/node-table.ts';
import { living, recordOf, type Scripted, type Sent, scripted, unreachable } from './scripted.ts';
import { addressOf } from './sim-network.ts';
import type { SimNode } from './sim-node.ts';

function stateAt({ node }: Scripted, of: SimNode): string {
  return stateOf(node.core.membership.table.get(of.nodeId)!);
}

/** All others are links; the first of them has just not accepted. */
function withSilentLink(): Scripted & { readonly silent: SimNode; readonly failed: Sent } {
  const script = scripted({ others: 5 });
  const silent = script.others[0]!;
  const [accepts, fails] = [script.onSent, unreachable(script)];
  script.onSent = (message) => (message.to === silent.address ? fails : accepts)(message);
  script.node.start([]);
  for (const other of script.others) script.link(other);
  script.network.runUntilTrue(() => script.of(MESSAGE.probe).length > 0, 5_000, 1);
  return Object.assign(script, { silent, failed: script.of(MESSAGE.gossip, silent.address).at(-1)! });
}

test('[topo-det-1] a link that does not accept in time is probed again, three others are asked, then it is suspected', () => {
  const script = withSilentLink();
  const { silent, failed, network } = script;
  assert.equal(failed.deadline - failed.at, 500);
  const [probe, ...noOther] = script.of(MESSAGE.probe);
  assert.deepEqual([probe!.to, probe!.at, noOther.length], [silent.address, failed.deadline, 0]);
  const asked = script.of(MESSAGE.probeRequest);
  assert.equal(new Set(asked.map(({ to }) => to)).size, 3);
  for (const { payload, to } of asked) {
    assert.equal(decodeProbeRequest(payload).address, silent.address);
    assert.notEqual(to, silent.address);
  }
  // The answer to another question.
  const { token } = decodeProbeRequest(asked[0]!.payload);
  script.tell(script.others[1]!, MESSAGE.probeResult, encodeProbeResult(token + 1, true));
  network.runUntil(probe!.at + 999);
  assert.equal(stateAt(script, silent), 'live');
  network.runUntil(probe!.at + 1_001);
  assert.equal(stateAt(script, silent), 'suspect');
});

for (const isAsked of [true, false]) {
  test(`[topo-det-1] whom ${isAsked ? 'a helper' : 'nobody but one who was not asked'} reaches is ${isAsked ? 'not ' : ''}suspected`, () => {
    const script = withSilentLink();
    const { silent, network } = script;
    const asked = script.of(MESSAGE.probeRequest);
    const { token } = decodeProbeRequest(asked[0]!.payload);
    const others = script.others.filter(({ address }) => address !== silent.address);
    const wasAsked = ({ address }: SimNode): boolean => asked.some(({ to }) => to === address);
    const [one, another] = others.filter(wasAsked);
    script.tell(one!, MESSAGE.probeResult, encodeProbeResult(token, false));
    const teller = isAsked ? another : others.find((other) => !wasAsked(other));
    script.tell(teller!, MESSAGE.probeResult, encodeProbeResult(token, true));
    network.run(1_100);
    assert.equal(stateAt(script, silent), isAsked ? 'live' : 'suspect');
  });
}

test('[topo-msg-3] whoever rejects lives', () => {
  const script = withSilentLink();
  script.of(MESSAGE.probe)[0]!.fail('rejected', 'malformed');
  script.network.run(1_100);
  assert.equal(stateAt(script, script.silent), 'live');
});

test('[topo-det-2] a node probes for others those who live in its table, and nobody else', () => {
  const script = scripted({ others: 3 });
  const [asker, known, gone] = script.others as [SimNode, SimNode, SimNode];
  const { table } = script.node.core.membership;
  table.bury(table.get(gone.nodeId)!, 'claimer', 0);
  const ask = (address: string): boolean => {
    script.tell(asker, MESSAGE.probeRequest, encodeProbeRequest(9, address));
    script.network.run(10);
    const { token, reached } = decodeProbeResult(script.of(MESSAGE.probeResult, asker.address).at(-1)!.payload);
    assert.equal(token, 9);
    return reached;
  };
  assert.equal(ask(addressOf(77)), false);
  assert.equal(ask(gone.address), false);
  assert.equal(script.of(MESSAGE.probe).length, 0);
  assert.equal(ask(known.address), true);
  assert.deepEqual(
    script.of(MESSAGE.probe).map(({ to }) => to),
    [known.address],
  );
});

test('[topo-det-5] claims about its own record are answered with the next incarnation, at most once a gossip period', () => {
  const script = scripted({ others: 1 });
  const { node, network } = script;
  const { membership } = node.core;
  node.start([]);
  const first = membership.own.record.incarnation;
  const claim = (claimer: string): void => {
    const about = nameOf(membership.table.get(node.nodeId)!);
    script.gossip(script.others[0]!, { kind: 'suspect', about, claimer } satisfies Fact);
  };
  network.run(1_000);
  claim('a');
  assert.equal(membership.own.record.incarnation, first + 1);
  for (let round = 0; round < 19; round++) {
    network.run(10);
    claim(`b${round}`);
  }
  assert.equal(membership.own.record.incarnation, first + 1);
  network.run(10);
  assert.equal(membership.own.record.incarnation, first + 2);
});

test('[topo-det-3, topo-det-5] a claim ends with the next incarnation, and means nothing for another record', () => {
  const script = scripted({ others: 2 });
  const [victim, peer] = script.others as [SimNode, SimNode];
  const about = nameOf(script.node.core.membership.table.get(victim.nodeId)!);
  const claim: Fact = { kind: 'suspect', about, claimer: peer.nodeId };
  script.gossip(peer, claim);
  assert.equal(stateAt(script, victim), 'suspect');
  script.gossip(peer, living(recordOf(victim, { incarnation: about.incarnation + 1 })));
  assert.equal(stateAt(script, victim), 'live');
  script.gossip(peer, claim);
  assert.equal(stateAt(script, victim), 'live');
});

test('[topo-det-6] probe periods and timeouts grow with signs of slowness up to nine times, and shrink again', () => {
  const script = scripted({ others: 1 });
  const { network } = script;
  const accepts = script.onSent;
  script.onSent = (message) => network.at(network.now + 1, () => message.fail('inconclusive'));
  script.node.start([]);
  script.link(script.others[0]!);
  const timeouts = (): number[] => script.of(MESSAGE.gossip).map(({ deadline, at }) => deadline - at);
  network.run(100_000);
  assert.deepEqual(timeouts().slice(0, 10), [500, 1_000, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000, 4_500, 4_500]);
  const [one, two] = script.of(MESSAGE.gossip).slice(-2) as [Sent, Sent];
  assert.ok(two.at - one.at >= 8_100 && two.at - one.at <= 9_900);
  script.onSent = accepts;
  script.sent.length = 0;
  network.run(60_000);
  assert.deepEqual(timeouts().slice(0, 10), [4_500, 4_000, 3_500, 3_000, 2_500, 2_000, 1_500, 1_000, 500, 500]);
});

test('[topo-det-6] a node that was asleep judges nobody for a probe period', () => {
  const script = scripted({ others: 2 });
  const { node, network } = script;
  const [victim, peer] = script.others as [SimNode, SimNode];
  node.start([]);
  network.run(2_000);
  const about = nameOf(node.core.membership.table.get(victim.nodeId)!);
  script.gossip(peer, { kind: 'dead', about, claimer: peer.nodeId, ageMs: 0 });
  node.stall(20_000);
  network.run(20_950);
  assert.equal(stateAt(script, victim), 'suspect');
  network.run(100);
  assert.equal(stateAt(script, victim), 'dead');
});
