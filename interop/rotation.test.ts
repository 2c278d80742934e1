/** Certificates that are rotated on both sides while messages flow and connections are cut: nothing fails, nothing is repeated. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Imperium, TRANSPORTS } from './imperium.ts';
import { PayloadTally } from './numbered-payload.ts';
import { AT_NODE, AT_RUST, openPair, PROMPT } from './pair.ts';
import { sendRun } from './send-run.ts';
import { until } from './until.ts';

const ROTATIONS = 6;
/** Messages of one run of each side; runs go on until all rotations are over. */
const RUN = 500;
const DEPTH = 16;

for (const transport of TRANSPORTS) {
  test(`[a0-rot-1] ${ROTATIONS} rotations of each side over ${transport}, with traffic and cuts: no send fails`, async (t) => {
    const imperium = await Imperium.make(t, transport);
    const { node, rust } = await openPair(imperium, {
      node: { proxied: true, config: { reconnectBackoff: [10] } },
      rust: { proxied: true, config: { ...PROMPT, reconnectBackoff: [10] } },
    });
    const atNode = new PayloadTally();
    await node.domus.serve(AT_NODE, (payload) => void atNode.count(payload));
    await rust.peer.taberna(AT_RUST.id, 'accept', { quiet: true });
    let isOver = false;
    const [sent, failed] = [
      { node: 0, rust: 0 },
      { node: {}, rust: {} },
    ];
    const nodeRuns = async (): Promise<void> => {
      for (; !isOver; sent.node += RUN) {
        const { byError } = await sendRun(node.domus, AT_RUST, {
          to: rust.address,
          count: RUN,
          depth: DEPTH,
          first: sent.node,
        });
        Object.assign(failed.node, byError);
      }
    };
    const rustRuns = async (): Promise<void> => {
      for (; !isOver; sent.rust += RUN) {
        const { byError } = await rust.peer.send({ taberna: AT_NODE.id, count: RUN, depth: DEPTH, first: sent.rust });
        Object.assign(failed.rust, byError);
      }
    };
    const traffic = Promise.all([nodeRuns(), rustRuns()]);
    for (let rotation = 1; rotation <= ROTATIONS; rotation++) {
      const name = `rust-in-its-life-${rotation}`;
      await rust.peer.reloadAuth(await imperium.materialFiles(rust.address, name));
      await node.domus.reloadAuth(await imperium.material(node.address, `node-in-its-life-${rotation}`));
      // Only a new handshake shows a new certificate.
      rust.proxy.cut();
      node.proxy.cut();
      await until(`Node to see ${name}`, () =>
        node.domus.reporting.connectedPeers().some(({ identity }) => identity?.nodeId === name),
      );
      const [before, heard] = [sent.node, atNode.received];
      await until('traffic behind the rotation', () => sent.node > before && atNode.received > heard);
    }
    isOver = true;
    await traffic;
    const atRust = await rust.peer.tally(AT_RUST.id);
    assert.deepEqual(failed, { node: {}, rust: {} });
    assert.deepEqual([atRust.received, atRust.distinct, atRust.damaged], [sent.node, sent.node, 0]);
    assert.deepEqual([atNode.received, atNode.distinct], [sent.rust, sent.rust]);
    const { protocolViolations } = node.domus.reporting.snapshot();
    assert.equal(protocolViolations, 0);
  });
}
