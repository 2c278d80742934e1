/** How sessions between Node and Rust begin, stay and end: both dialling at once, idle peers, close from either side. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Imperium, TRANSPORTS } from './imperium.ts';
import { PayloadTally } from './numbered-payload.ts';
import { AT_NODE, AT_RUST, openPair, PROMPT } from './pair.ts';
import { sendRun } from './send-run.ts';
import { until } from './until.ts';

const STARTS = 100;
/** So many messages each side has for the other when it starts. */
const FIRST_WORK = 5;

for (const transport of TRANSPORTS) {
  test(`[a0-adm-10] [a1-call-11] [a1-call-14] ${STARTS} times both dial at once over ${transport}, and all arrives once`, async (t) => {
    const { node, rust } = await openPair(await Imperium.make(t, transport));
    let doubled = 0;
    for (let start = 1; start <= STARTS; start++) {
      const atNode = new PayloadTally();
      await node.domus.serve(AT_NODE, (payload) => void atNode.count(payload));
      await rust.peer.taberna(AT_RUST.id, 'accept', { quiet: true });
      const [fromNode, fromRust] = await Promise.all([
        sendRun(node.domus, AT_RUST, { to: rust.address, count: FIRST_WORK }),
        rust.peer.send({ taberna: AT_NODE.id, count: FIRST_WORK, depth: FIRST_WORK }),
      ]);
      const atRust = await rust.peer.tally(AT_RUST.id);
      const seen = [
        fromNode.byError,
        fromRust.byError,
        atNode.received,
        atNode.distinct,
        atRust.received,
        atRust.distinct,
      ];
      assert.deepEqual(seen, [{}, {}, FIRST_WORK, FIRST_WORK, FIRST_WORK, FIRST_WORK], `start ${start}`);
      const { dials, primaryCalles } = node.domus.reporting.snapshot();
      if (dials.attempts === 1 && primaryCalles.opened > 1) doubled++;
      await Promise.all([node.stop(), rust.peer.shutdown()]);
      await Promise.all([node.start(), rust.reopen()]);
      await rust.peer.route(AT_NODE.id, node.address);
    }
    assert(doubled > 0, 'at least once both dials succeeded');
  });

  test(`[a1-keep-1] [a1-keep-2] idle peers keep one connection alive over ${transport}`, async (t) => {
    const { node, rust } = await openPair(await Imperium.make(t, transport), {
      node: { config: { keepaliveInterval: 100 } },
      rust: { config: { ...PROMPT, keepaliveInterval: 100 }, proxied: true },
    });
    await rust.peer.taberna(AT_RUST.id, 'accept');
    await node.domus.send(AT_RUST, Buffer.from('before'), { to: rust.address });
    const heard = rust.proxy.passedBytes('out');
    // Each of Rust's keepalives has at least its 32 bytes of header.
    await until('10 keepalives each way', () => {
      const { sent } = node.domus.reporting.snapshot().keepalives;
      return sent >= 10 && rust.proxy.passedBytes('out') >= heard + 320;
    });
    await node.domus.send(AT_RUST, Buffer.from('after'), { to: rust.address });
    const { primaryCalles, protocolViolations } = node.domus.reporting.snapshot();
    assert.deepEqual([primaryCalles.opened, primaryCalles.closed, protocolViolations], [1, 0, 0]);
    const { totalPrimaryOpened, totalProtocolViolation } = await rust.peer.metrics();
    assert.deepEqual([totalPrimaryOpened, totalProtocolViolation], [1, 0]);
  });

  test(`[a1-loss-7] [a1-loss-8] Rust closes over ${transport}: Node's work fails at once, and a restarted Rust is welcome`, async (t) => {
    const { node, rust } = await openPair(await Imperium.make(t, transport));
    await rust.peer.taberna(AT_RUST.id, 'hold');
    const sent = sendRun(node.domus, AT_RUST, { to: rust.address, count: 3, depth: 3 });
    for (let taken = 0; taken < 3; taken++) await rust.peer.next('received');
    await rust.peer.shutdown();
    assert.deepEqual((await sent).byError, { 'peer-unavailable': 3 });
    await node.next('peer-disconnected');
    await rust.reopen();
    await rust.peer.taberna(AT_RUST.id, 'accept');
    assert.deepEqual((await sendRun(node.domus, AT_RUST, { to: rust.address, count: 3 })).byError, {});
  });

  test(`[a1-close-2] [a1-close-3] Node closes over ${transport}: Rust's work fails at once, and a restarted Node is welcome`, async (t) => {
    const { node, rust } = await openPair(await Imperium.make(t, transport));
    const taberna = await node.domus.taberna(AT_NODE);
    const sent = rust.peer.send({ taberna: AT_NODE.id, count: 3, depth: 3 });
    await taberna.receive();
    await taberna.receive();
    await until('one request waits', () => node.domus.reporting.snapshot().requests.undecided === 3);
    await node.stop({ drainTimeout: 0 });
    // The one in the queue is answered; of those that a handler had taken the close tells.
    assert.deepEqual((await sent).byError, { 'domus-closed': 1, 'peer-unavailable': 2 });
    const disconnected = await rust.peer.next('peer-disconnected');
    assert.equal(disconnected.reason, 'remote-closed');
    await node.start();
    await node.domus.serve(AT_NODE, () => {});
    assert.deepEqual((await rust.peer.send({ taberna: AT_NODE.id, count: 3 })).byError, {});
  });

  test(`[a1-close-4] over ${transport} requests that a Node handler has taken are answered before the close`, async (t) => {
    const { node, rust } = await openPair(await Imperium.make(t, transport));
    const taberna = await node.domus.taberna(AT_NODE);
    const sent = rust.peer.send({ taberna: AT_NODE.id });
    const request = await taberna.receive();
    const stopped = node.stop();
    request.accept();
    assert.equal((await sent).accepted, 1);
    await stopped;
  });
}
