/** Many messages at once, and the pace of single ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Imperium, TRANSPORTS } from './imperium.ts';
import { PayloadTally } from './numbered-payload.ts';
import { AT_NODE, AT_RUST, openPair } from './pair.ts';
import { sendRun } from './send-run.ts';

const COUNT = 100_000;
/** Few enough for the lane of each sender. */
const DEPTH = 100;

for (const transport of TRANSPORTS) {
  test(`[a1-send-1] [a1-inv-1] [a1-inv-3] 100,000 messages each way at once over ${transport}: none lost, none doubled`, async (t) => {
    const { node, rust } = await openPair(await Imperium.make(t, transport));
    const atNode = new PayloadTally();
    await node.domus.serve(AT_NODE, (payload) => void atNode.count(payload));
    await rust.peer.taberna(AT_RUST.id, 'accept', { quiet: true });
    const [fromNode, fromRust] = await Promise.all([
      sendRun(node.domus, AT_RUST, { to: rust.address, count: COUNT, depth: DEPTH }),
      rust.peer.send({ taberna: AT_NODE.id, count: COUNT, depth: DEPTH }),
    ]);
    assert.deepEqual([fromNode.byError, fromRust.byError], [{}, {}]);
    for (const { received, distinct, damaged } of [atNode, await rust.peer.tally(AT_RUST.id)]) {
      assert.deepEqual({ received, distinct, damaged }, { received: COUNT, distinct: COUNT, damaged: 0 });
    }
    assert.equal(node.domus.reporting.snapshot().replays, 0, 'no callis was lost');
  });
}

test('[a1-keep-7] the nudge makes sequential messages from Rust over TCP at least 10 times as fast', async (t) => {
  const imperium = await Imperium.make(t, 'tcp');
  const medianMicros = async (nudge: boolean): Promise<number> => {
    const { node, rust } = await openPair(imperium, { node: { nudge } });
    await node.domus.serve(AT_NODE, () => {});
    const report = await rust.peer.send({ taberna: AT_NODE.id, count: 60 });
    assert.equal(report.accepted, 60);
    assert.equal(node.domus.reporting.snapshot().keepalives.nudges > 0, nudge);
    return report.medianMicros;
  };
  const [slow, fast] = [await medianMicros(false), await medianMicros(true)];
  assert(slow >= 10 * fast, `${slow} µs without, ${fast} µs with the nudge`);
});

test('[a1-keep-7] over Unix sockets nothing is nudged', async (t) => {
  const { node, rust } = await openPair(await Imperium.make(t, 'unix'));
  await node.domus.serve(AT_NODE, () => {});
  assert.equal((await rust.peer.send({ taberna: AT_NODE.id, count: 60 })).accepted, 60);
  assert.equal(node.domus.reporting.snapshot().keepalives.nudges, 0);
});
