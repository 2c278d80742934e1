/** Single messages between a Node domus and a Rust one: who dials, which keys, and every answer there is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, DomusError, type Endpoint, endpoint, json } from '@flaminia/domus';
import { ALGORITHMS, Imperium, TRANSPORTS } from './imperium.ts';
import { numberedPayload, PayloadTally } from './numbered-payload.ts';
import { AT_NODE, AT_RUST, openPair, type Pair } from './pair.ts';

/** Nobody registers it. */
const NOWHERE = endpoint(404n, bytes());
const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

for (const transport of TRANSPORTS) {
  const clauses = {
    tcp: '[a0-tcp-4] [a0-tcp-7] [a0-tcp-13]',
    unix: '[a0-unix-2] [a0-unix-8] [a0-unix-11] [a0-unix-12] [a0-unix-13]',
  }[transport];

  for (const algorithm of ALGORITHMS) {
    test(`${clauses} Node dials Rust over ${transport} with ${algorithm}, and messages go both ways`, async (t) => {
      const pair = await openPair(await Imperium.make(t, transport, algorithm));
      await nodeSends(pair);
      assert.equal((await pair.node.next('primary-callis-connected')).dialled, true);
      await rustSends(pair);
      assert.equal((await pair.rust.peer.metrics()).totalDialAttempts, 0, 'the connection that Node made serves both');
    });

    test(`${clauses} Rust dials Node over ${transport} with ${algorithm}, and messages go both ways`, async (t) => {
      const pair = await openPair(await Imperium.make(t, transport, algorithm));
      await rustSends(pair);
      assert.equal((await pair.node.next('primary-callis-connected')).dialled, false);
      await nodeSends(pair);
      const { dials } = pair.node.domus.reporting.snapshot();
      assert.equal(dials.attempts, 0, 'the connection that Rust made serves both');
    });
  }

  test(`[a1-send-1] [a1-pay-8] [api-45] Node sees every answer of a Rust taberna over ${transport}`, async (t) => {
    const pair = await openPair(await Imperium.make(t, transport), { rust: { config: { acceptTimeout: 300 } } });
    const { peer } = pair.rust;
    const [reject, undecodable, untaken, hold] = [1n, 2n, 3n, 4n].map((id) => endpoint(id, bytes())) as Four;
    await peer.taberna(reject.id, 'reject');
    await peer.taberna(undecodable.id, 'undecodable');
    await peer.taberna(untaken.id, 'untaken');
    await peer.taberna(hold.id, 'hold');
    assert.equal(await refusal(pair, reject), 'remote-taberna-rejected');
    assert.equal(await refusal(pair, undecodable), 'decode-failure');
    assert.equal(await refusal(pair, NOWHERE), 'unknown-taberna');
    // The crate's ingress holds two requests, which wait for acceptTimeout; the third is refused at once.
    const three = [refusal(pair, untaken), refusal(pair, untaken), refusal(pair, untaken)];
    assert.deepEqual(await Promise.all(three), ['taberna-busy', 'taberna-busy', 'taberna-busy']);
    const dropped = refusal(pair, hold);
    const { held } = await peer.next('received', (event) => event.held !== null);
    await peer.decide(held!, 'drop');
    assert.equal(await dropped, 'remote-taberna-rejected');
  });

  test(`[a1-in-3] [a1-in-4] [a1-in-5] [a1-in-7] [a1-in-8] Rust sees every answer of a Node taberna over ${transport}`, async (t) => {
    const config = { tabernaAcceptQueueSize: 1, acceptTimeout: 300 };
    const { node, rust } = await openPair(await Imperium.make(t, transport), { node: { config } });
    const [reject, decoding, untaken] = [endpoint(1n, bytes()), endpoint(2n, json()), endpoint(3n, bytes())];
    await node.domus.serve(reject, () => {
      throw new Error('no');
    });
    await node.domus.serve(decoding, () => {});
    await node.domus.taberna(untaken);
    const outcome = async (taberna: bigint, count: number): Promise<object> => {
      await rust.peer.route(taberna, node.address);
      return (await rust.peer.send({ taberna, count, depth: count, payload: Buffer.from('{') })).byError;
    };
    assert.deepEqual(await outcome(reject.id, 1), { 'remote-taberna-rejected': 1 });
    assert.deepEqual(await outcome(decoding.id, 1), { 'decode-failure': 1 });
    assert.deepEqual(await outcome(NOWHERE.id, 1), { 'unknown-taberna': 1 });
    assert.deepEqual(await outcome(untaken.id, 3), { 'taberna-busy': 3 }, 'two at once, one after acceptTimeout');
    assert.equal(node.domus.reporting.snapshot().requests.refusedBusy, 2);
  });

  test(`[a1-wire-8] [api-22] payloads of 0 bytes and of 8 MiB pass over ${transport}, and none above leaves`, async (t) => {
    const { node, rust } = await openPair(await Imperium.make(t, transport));
    const sizes: number[] = [];
    const tally = new PayloadTally();
    await node.domus.serve(AT_NODE, (payload) => {
      sizes.push(payload.length);
      if (payload.length > 0) tally.count(payload);
    });
    await rust.peer.taberna(AT_RUST.id, 'accept', { quiet: true });
    for (const size of [0, MAX_PAYLOAD_BYTES]) {
      const payload = size === 0 ? new Uint8Array() : numberedPayload(5, size);
      await node.domus.send(AT_RUST, payload, { to: rust.address });
      assert.deepEqual((await rust.peer.send({ taberna: AT_NODE.id, first: 5, sizeBytes: size })).failures, []);
    }
    assert.deepEqual([sizes, tally.damaged], [[0, MAX_PAYLOAD_BYTES], 0]);
    const { received, bytes: total, damaged } = await rust.peer.tally(AT_RUST.id);
    assert.deepEqual({ received, total, damaged }, { received: 2, total: MAX_PAYLOAD_BYTES, damaged: 0 });
    const tooLong = node.domus.send(AT_RUST, new Uint8Array(MAX_PAYLOAD_BYTES + 1), { to: rust.address });
    await assert.rejects(tooLong, (error) => DomusError.is(error) && error.kind === 'encode-failure');
  });

  test(`[a1-inv-4] at all of the crate's defaults over ${transport} a sequential sender is served in order`, async (t) => {
    const { node, rust } = await openPair(await Imperium.make(t, transport), { rust: { config: {} } });
    const tally = new PayloadTally();
    await node.domus.serve(AT_NODE, (payload) => void tally.count(payload));
    await rust.peer.taberna(AT_RUST.id, 'accept', { quiet: true });
    for (let sequence = 0; sequence < 100; sequence++) {
      await node.domus.send(AT_RUST, numberedPayload(sequence, 64), { to: rust.address });
    }
    assert.equal((await rust.peer.send({ taberna: AT_NODE.id, count: 100 })).accepted, 100);
    for (const seen of [tally, await rust.peer.tally(AT_RUST.id)]) {
      const { distinct, repeated, disordered, damaged } = seen;
      assert.deepEqual([distinct, repeated, disordered, damaged], [100, 0, 0, 0]);
    }
  });
}

test('[a1-dial-4] at all of its defaults Rust dials 5 s after its first work, unless Node did', async (t) => {
  const { node, rust } = await openPair(await Imperium.make(t, 'unix'), { rust: { config: {} } });
  await node.domus.serve(AT_NODE, () => {});
  assert.equal((await rust.peer.send({ taberna: AT_NODE.id })).accepted, 1);
  assert.equal((await node.next('primary-callis-connected')).dialled, false);
});

type Four = [Endpoint<Uint8Array>, Endpoint<Uint8Array>, Endpoint<Uint8Array>, Endpoint<Uint8Array>];

/** A message from Node to Rust, checked to the byte. */
async function nodeSends({ node, rust }: Pair): Promise<void> {
  await rust.peer.taberna(AT_RUST.id, 'accept');
  await node.domus.send(AT_RUST, Buffer.from('salve'), { to: rust.address });
  const { type, payload } = await rust.peer.next('received');
  assert.deepEqual([type, payload.toString()], [0x0100_0007, 'salve']);
}

/** A message from Rust to Node, checked to the byte, with the identity that A0 proved. */
async function rustSends({ node, rust }: Pair): Promise<void> {
  const taberna = await node.domus.taberna(AT_NODE);
  const sent = rust.peer.send({ taberna: AT_NODE.id, payload: Buffer.from('ave') });
  const request = await taberna.receive();
  assert.deepEqual([request.from.address, Buffer.from(request.message).toString()], [rust.address, 'ave']);
  assert.equal(request.accept(), true);
  const report = await sent;
  assert.deepEqual([report.accepted, report.failures], [1, []]);
}

/** The kind with which a send is refused: by an answer, so that nobody handled the message. */
async function refusal({ node, rust }: Pair, to: Endpoint<Uint8Array>): Promise<string> {
  try {
    await node.domus.send(to, Buffer.from('x'), { to: rust.address });
  } catch (error) {
    assert(DomusError.is(error));
    assert.equal(error.delivery, 'refused');
    return error.kind;
  }
  return 'accepted';
}
