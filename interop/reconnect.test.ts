/** Connections that break between Node and Rust, and either side restarting: what is replayed, and what fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Imperium, TRANSPORTS } from './imperium.ts';
import { PayloadTally } from './numbered-payload.ts';
import { AT_NODE, AT_RUST, openPair, type Pair, PROMPT } from './pair.ts';
import { sendRun } from './send-run.ts';
import { until } from './until.ts';

/** Dials that fail are repeated soon. */
const QUICK = { reconnectBackoff: [100] };
/** Both behind relays, so that the test can reach every connection between them. */
const WITHIN_REACH = {
  node: { config: QUICK, proxied: true },
  rust: { config: { ...PROMPT, ...QUICK }, proxied: true },
};
/** A session ends after a second without any connection. */
const BRIEF = { sendTimeout: 1_000, callisConnectTimeout: 1_000, acceptTimeout: 1_000 };
/** What Node goes on with, once that is seen: a new connection may take a loaded machine more than a second. */
const LASTING = { sendTimeout: 30_000, callisConnectTimeout: 15_000, acceptTimeout: 5_000 };
const WITHIN_REACH_BRIEFLY = {
  node: { config: { ...QUICK, ...BRIEF }, proxied: true },
  rust: { config: { ...PROMPT, ...QUICK, ...BRIEF }, proxied: true },
};

for (const transport of TRANSPORTS) {
  test(`[a1-loss-1] [a1-loss-3] [a1-call-5] Node replays to Rust what was unanswered when the ${transport} connection broke`, async (t) => {
    const pair = await openPair(await Imperium.make(t, transport), WITHIN_REACH);
    const { node, rust } = pair;
    await rust.peer.taberna(AT_RUST.id, 'hold');
    const sent = sendRun(node.domus, AT_RUST, { to: rust.address, count: 3, depth: 3 });
    for (let taken = 0; taken < 3; taken++) await rust.peer.next('received');
    await interrupt(pair);
    const again = [];
    for (let taken = 0; taken < 3; taken++) {
      const { sequence, held } = await rust.peer.next('received');
      again.push(sequence);
      await rust.peer.decide(held!, 'accept');
    }
    assert.deepEqual(again, [0n, 1n, 2n], 'in order');
    assert.deepEqual(await sent, { accepted: 3, byError: {} });
    assert.equal(node.domus.reporting.snapshot().replays, 3);
  });

  test(`[a1-in-10] [a1-in-11] [a1-in-12] [a1-loss-4] what Rust replays over ${transport} reaches no Node handler twice`, async (t) => {
    const pair = await openPair(await Imperium.make(t, transport), WITHIN_REACH);
    const { node, rust } = pair;
    await dialFromNode(pair);
    const taberna = await node.domus.taberna(AT_NODE);
    const sent = rust.peer.send({ taberna: AT_NODE.id, count: 3, depth: 3 });
    const requests = [await taberna.receive(), await taberna.receive(), await taberna.receive()];
    await interrupt(pair);
    await until('Rust has replayed', () => node.domus.reporting.snapshot().requests.duplicates >= 3);
    for (const request of requests) assert.equal(request.accept(), true);
    assert.deepEqual((await sent).byError, {});
    await assert.rejects(taberna.receive({ timeout: 0 }), { code: 'receive-timeout' });
  });

  test(`[a1-inv-1] [a1-inv-3] 20 breaks under load over ${transport} lose nothing that was accepted, and double nothing in Node`, async (t) => {
    const { node, rust } = await openPair(await Imperium.make(t, transport), WITHIN_REACH);
    const count = 20_000;
    const atNode = new PayloadTally();
    let breaks = 0;
    await node.domus.serve(AT_NODE, (payload) => {
      atNode.count(payload);
      if (atNode.distinct % 1000 !== 0) return;
      breaks++;
      node.proxy.cut();
      rust.proxy.cut();
    });
    await rust.peer.taberna(AT_RUST.id, 'accept', { quiet: true });
    const [fromNode, fromRust] = await Promise.all([
      sendRun(node.domus, AT_RUST, { to: rust.address, count }),
      rust.peer.send({ taberna: AT_NODE.id, count, depth: 64 }),
    ]);
    assert.deepEqual([fromNode.byError, fromRust.byError, breaks], [{}, {}, 20]);
    const { received, distinct, damaged } = atNode;
    assert.deepEqual({ received, distinct, damaged }, { received: count, distinct: count, damaged: 0 });
    assert(node.domus.reporting.snapshot().primaryCalles.closed >= 10, 'the breaks were real');
    // A Rust domus forgets requests that are undecided when their connection breaks: those may reach it twice.
    const atRust = await rust.peer.tally(AT_RUST.id);
    assert.deepEqual([atRust.distinct, atRust.damaged], [count, 0]);
  });

  test(`[a1-wire-3] [a1-loss-1] a frame that broke off in the middle over ${transport} is sent again whole, both ways`, async (t) => {
    const pair = await openPair(await Imperium.make(t, transport), WITHIN_REACH);
    const { node, rust } = pair;
    await dialFromNode(pair);
    const atNode = new PayloadTally();
    await node.domus.serve(AT_NODE, (payload) => void atNode.count(payload));
    const big = { count: 1, first: 10, sizeBytes: 1_000_000 };
    rust.proxy.cutAfter('in', 400_000);
    assert.deepEqual(await sendRun(node.domus, AT_RUST, { ...big, to: rust.address }), { accepted: 1, byError: {} });
    rust.proxy.cutAfter('out', 400_000);
    assert.deepEqual((await rust.peer.send({ ...big, taberna: AT_NODE.id })).failures, []);
    assert.deepEqual([atNode.received, atNode.damaged], [1, 0]);
    const { received, damaged } = await rust.peer.tally(AT_RUST.id);
    assert.deepEqual({ received, damaged }, { received: 2, damaged: 0 });
    assert.equal(node.domus.reporting.snapshot().primaryCalles.closed, 2);
  });

  test(`[a1-keep-4] [a1-lane-11] a Rust that reads nothing over ${transport} costs Node that connection and its messages, no more`, async (t) => {
    const pair = await openPair(await Imperium.make(t, transport), {
      ...WITHIN_REACH,
      node: WITHIN_REACH_BRIEFLY.node,
    });
    const { node, rust } = pair;
    await dialFromNode(pair);
    rust.proxy.stall();
    const stuck = sendRun(node.domus, AT_RUST, {
      to: rust.address,
      count: 4,
      depth: 4,
      first: 10,
      sizeBytes: 8_000_000,
    });
    assert.deepEqual((await stuck).byError, { 'send-timeout': 4 });
    await node.next('primary-callis-disconnected');
    // A Rust domus goes on writing some of its answers to a connection that it does not know to be dead.
    rust.proxy.cut();
    node.domus.config.update(LASTING);
    const later = await sendRun(node.domus, AT_RUST, { to: rust.address, count: 3, first: 20 });
    assert.deepEqual(later, { accepted: 3, byError: {} });
  });

  test(`[a1-wire-4] [a1-loss-1] an end of Rust's direction alone is the end of the ${transport} connection for Node`, async (t) => {
    const pair = await openPair(await Imperium.make(t, transport), WITHIN_REACH);
    const { node, rust } = pair;
    await dialFromNode(pair);
    rust.proxy.halfClose('out');
    await node.next('primary-callis-disconnected');
    assert.deepEqual(await sendRun(node.domus, AT_RUST, { to: rust.address, count: 3, first: 10 }), {
      accepted: 3,
      byError: {},
    });
  });

  test(`[a1-call-7] [a1-call-8] Rust restarts within sendTimeout over ${transport}: written work fails, the rest is sent`, async (t) => {
    const { node, rust } = await openPair(await Imperium.make(t, transport), WITHIN_REACH);
    await rust.peer.taberna(AT_RUST.id, 'hold');
    const written = sendRun(node.domus, AT_RUST, { to: rust.address, count: 2, depth: 2 });
    await rust.peer.next('received');
    await rust.peer.next('received');
    await rust.crash();
    await node.next('primary-callis-disconnected');
    const unwritten = sendRun(node.domus, AT_RUST, { to: rust.address, count: 3, depth: 3, first: 10 });
    await rust.start();
    await rust.peer.taberna(AT_RUST.id, 'accept');
    assert.deepEqual((await written).byError, { 'peer-restarted': 2 });
    assert.deepEqual(await unwritten, { accepted: 3, byError: {} });
    await node.next('peer-session-restarted');
    const again = sendRun(node.domus, AT_RUST, { to: rust.address, count: 3, first: 20 });
    assert.deepEqual((await again).byError, {});
  });

  test(`[a1-loss-5] [a1-loss-6] Rust restarts after sendTimeout over ${transport}: Node has given the session up and begins anew`, async (t) => {
    const { node, rust } = await openPair(await Imperium.make(t, transport), WITHIN_REACH_BRIEFLY);
    await rust.peer.taberna(AT_RUST.id, 'hold');
    const written = sendRun(node.domus, AT_RUST, { to: rust.address, count: 1 });
    await rust.peer.next('received');
    await rust.crash();
    const { byError } = await written;
    assert.equal((byError['send-timeout'] ?? 0) + (byError['peer-unavailable'] ?? 0), 1);
    await node.next('peer-disconnected');
    await until('Node has forgotten the peer', () => node.domus.reporting.snapshot().sends.retained === 0);
    node.domus.config.update(LASTING);
    await rust.start();
    await rust.peer.taberna(AT_RUST.id, 'accept');
    assert.deepEqual(await sendRun(node.domus, AT_RUST, { to: rust.address, count: 3 }), { accepted: 3, byError: {} });
  });

  test(`[a1-id-2] Node restarts within sendTimeout over ${transport}: nothing of its new life is taken for the old`, async (t) => {
    const { node, rust } = await openPair(await Imperium.make(t, transport), WITHIN_REACH);
    await rust.peer.taberna(AT_RUST.id, 'accept', { quiet: true });
    const run = { to: rust.address, count: 100 };
    assert.equal((await sendRun(node.domus, AT_RUST, run)).accepted, 100);
    await node.crash();
    await rust.peer.next('primary-callis-disconnected');
    await node.start();
    assert.equal((await sendRun(node.domus, AT_RUST, { ...run, first: 100 })).accepted, 100);
    const { received, distinct } = await rust.peer.tally(AT_RUST.id);
    assert.deepEqual({ received, distinct }, { received: 200, distinct: 200 });
    await node.domus.serve(AT_NODE, () => {});
    assert.equal((await rust.peer.send({ taberna: AT_NODE.id, count: 10 })).accepted, 10);
  });

  test(`[a1-call-2] Node restarts after sendTimeout over ${transport}: both begin anew`, async (t) => {
    const pair = await openPair(await Imperium.make(t, transport), WITHIN_REACH_BRIEFLY);
    const { node, rust } = pair;
    await dialFromNode(pair);
    await node.crash();
    const { failures } = await rust.peer.send({ taberna: AT_NODE.id });
    assert.equal(failures.length, 1);
    await node.start();
    node.domus.config.update(LASTING);
    await node.domus.serve(AT_NODE, () => {});
    await until('the next session works', async () => (await rust.peer.send({ taberna: AT_NODE.id })).accepted === 1);
    assert.equal((await sendRun(node.domus, AT_RUST, { to: rust.address, count: 3, first: 10 })).accepted, 3);
  });
}

/** Makes Node the side that dialled. */
async function dialFromNode({ node, rust }: Pair): Promise<void> {
  await rust.peer.taberna(AT_RUST.id, 'accept', { quiet: true });
  await node.domus.send(AT_RUST, Buffer.from('first'), { to: rust.address });
}

/** Breaks every connection, and lets none through until both sides know. */
async function interrupt({ node, rust }: Pair): Promise<void> {
  for (const { proxy } of [node, rust]) {
    proxy.refuse();
    proxy.cut();
  }
  await Promise.all([node.next('primary-callis-disconnected'), rust.peer.next('primary-callis-disconnected')]);
  for (const { proxy } of [node, rust]) proxy.admit();
}
