/** Procedures between a Node domus and a Rust one, which knows nothing of them but docs/protocol/procedures.md. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  anyAuthenticatedPeer,
  type Client,
  clientStream,
  Imperium as Fabric,
  oneWay,
  ProcedureError,
  type Service,
  serverStream,
  service,
  staticDiscovery,
  unary,
} from '@flaminia/domus/services';
import { Imperium, TRANSPORTS, type Transport } from './imperium.ts';
import { openPair, type Pair } from './pair.ts';

const procedures = {
  add: unary<{ a: number; b: number }, number>(),
  count: serverStream<number, number>(),
  sum: clientStream<number, number>(),
  note: oneWay<string>(),
  /** No Rust program offers it. */
  missing: unary<null, number>(),
};
const Sums: Service<typeof procedures> = service('sums', 'v1', procedures);
const TABERNA = (BigInt(Sums.taberna.idHi) << 32n) | BigInt(Sums.taberna.idLo);
/** Where answers to calls of the Rust program come. */
const ANSWERS = 42n;

interface Rig extends Pair {
  readonly fabric: Fabric;
  readonly client: Client<typeof Sums>;
}

async function rig(t: TestContext, transport: Transport): Promise<Rig> {
  const imperium = await Imperium.make(t, transport);
  const pair = await openPair(imperium);
  const { node, rust } = pair;
  const provider = { address: rust.address, services: ['sums/v1'] };
  const fabric = await Fabric.join(node.domus, { discovery: staticDiscovery([provider]) });
  imperium.onEnd(() => fabric.leave({ drainTimeout: 0 }));
  await rust.peer.listen(ANSWERS);
  await rust.peer.route(TABERNA, node.address);
  return { ...pair, fabric, client: fabric.client(Sums) };
}

/** Offers the service at Node; gives what its handlers went through. */
async function provide({
  fabric,
}: Rig): Promise<{ readonly notes: string[]; readonly callers: unknown[]; left: number; pulled: number }> {
  const seen = { notes: [] as string[], callers: [] as unknown[], left: 0, pulled: 0 };
  await fabric.provide(
    Sums,
    {
      add: ({ a, b }, context) => {
        seen.callers.push([context.caller.nodeId, context.caller.address]);
        if (a === 0) throw new ProcedureError('not-found', 'nothing to add', { details: { a } });
        if (a < 0) throw new Error('a secret');
        return a + b;
      },
      count: async function* (to) {
        try {
          for (; seen.pulled < to; seen.pulled++) yield seen.pulled;
        } finally {
          seen.left++;
        }
      },
      sum: async (inputs) => {
        let sum = 0;
        for await (const each of inputs) sum += each;
        return sum;
      },
      note: (text) => void seen.notes.push(text),
      missing: () => new Promise(() => {}),
    },
    { verifier: anyAuthenticatedPeer() },
  );
  return seen;
}

for (const transport of TRANSPORTS) {
  test(`[proc-msg-1] [proc-call-4] [proc-ans-2] a Rust program calls a procedure of Node over ${transport}`, async (t) => {
    const made = await rig(t, transport);
    const { peer, address } = made.rust;
    const seen = await provide(made);
    const name = 'sums/v1/add';
    const call = { taberna: TABERNA, name };
    assert.deepEqual(await peer.call({ ...call, a: 1, b: 2 }), { end: 'answer', value: 3 });
    assert.deepEqual(await peer.call({ ...call, a: 0.5, b: 2, remaining: 10_000 }), { end: 'answer', value: 2.5 });
    assert.deepEqual(await peer.call({ ...call, a: 0, b: 2 }), {
      end: 'failure',
      code: 'not-found',
      message: 'nothing to add',
    });
    const internal = { end: 'failure', code: 'internal', message: 'the handler failed' };
    assert.deepEqual(await peer.call({ ...call, a: -1, b: 2 }), internal);
    const [nodeId, from] = seen.callers[0] as [string, string];
    assert.match(nodeId, /^rust-/);
    assert.equal(from, address);
    const codeOf = async (fields: object): Promise<unknown> => {
      const report = await peer.call({ ...call, a: 1, b: 2, ...fields });
      return report.end === 'failure' ? report.code : report.end;
    };
    assert.equal(await codeOf({ name: 'sums/v1/nope' }), 'unknown-procedure');
    assert.equal(await codeOf({ kind: 2 }), 'invalid-argument');
    assert.equal(await codeOf({ remaining: 0 }), 'deadline-exceeded');
    assert.equal(await codeOf({ name: 'sums/v1/missing', input: 'x', remaining: 50 }), 'deadline-exceeded');
    // The crate refuses a send of its own beyond 128 under way.
    const many = await Promise.all(Array.from({ length: 100 }, (_, a) => peer.call({ ...call, a: a + 1, b: 1 })));
    assert.deepEqual(
      many.map((report) => (report as { value: number }).value),
      Array.from({ length: 100 }, (_, a) => a + 2),
    );
  });

  test(`[proc-call-5] [proc-msg-3] a Rust program makes one-way calls to Node over ${transport}`, async (t) => {
    const made = await rig(t, transport);
    const { peer } = made.rust;
    const seen = await provide(made);
    const call = { taberna: TABERNA, kind: 1, input: 'hello' };
    assert.deepEqual(await peer.call({ ...call, name: 'sums/v1/note' }), { end: 'taken' });
    assert.deepEqual(seen.notes, ['hello']);
    await assert.rejects(peer.call({ ...call, name: 'sums/v1/nope' }), (error: { kind: string; message: string }) => {
      assert.equal(error.kind, 'remote-taberna-rejected');
      assert.match(error.message, /unknown-procedure: the provider has no procedure of this name/);
      return true;
    });
    await assert.rejects(peer.call({ ...call, kind: 1, name: 'sums/v1/add' }), { kind: 'remote-taberna-rejected' });
  });

  test(`[proc-flow-3] [proc-flow-6] [proc-stop-3] a Rust program reads a stream of Node with little credit over ${transport}`, async (t) => {
    const made = await rig(t, transport);
    const { peer } = made.rust;
    const seen = await provide(made);
    const stream = { taberna: TABERNA, name: 'sums/v1/count', kind: 2, credit: 500 };
    assert.deepEqual(await peer.call({ ...stream, input: 20_000 }), { end: 'end', items: 20_000, sum: 199_990_000 });
    assert.equal(seen.left, 1);
    seen.pulled = 0;
    const left = await peer.call({ ...stream, input: 1e9, leaveAfter: 1000 });
    assert.equal(left.end, 'left');
    // The program has sent its cancel; an answer that comes behind it was made behind it.
    assert.equal((await peer.call({ taberna: TABERNA, name: 'sums/v1/add', a: 1, b: 1 })).end, 'answer');
    assert.equal(seen.left, 2);
    assert.ok(seen.pulled < 3000, `${seen.pulled} items were pulled`);
  });

  test(`[proc-call-3] [proc-ans-1] [proc-ans-2] [proc-name-1] Node calls a procedure of a Rust program over ${transport}`, async (t) => {
    const { client, rust, node } = await rig(t, transport);
    await rust.peer.serveSums(TABERNA, node.address);
    assert.equal(await client.add({ a: 1, b: 2 }), 3);
    assert.equal(await client.add({ a: 0.25, b: 2 }), 2.25);
    await assert.rejects(client.add({ a: 1000, b: 2 }), {
      name: 'ProcedureError',
      code: 'failed-precondition',
      message: 'the sum is too large',
      details: { largest: 1000 },
    });
    await assert.rejects(client.add({ a: 'x' as never, b: 2 }), { code: 'invalid-argument' });
    await assert.rejects(client.missing(null), { code: 'unknown-procedure' });
    const many = await Promise.all(Array.from({ length: 300 }, (_, a) => client.add({ a, b: 1 })));
    assert.deepEqual(
      many,
      Array.from({ length: 300 }, (_, a) => a + 1),
    );
  });

  test(`[proc-flow-2] [proc-flow-5] [proc-stop-2] Node reads a stream of a Rust program over ${transport}, to its end and not`, async (t) => {
    const { fabric, rust, node } = await rig(t, transport);
    await rust.peer.serveSums(TABERNA, node.address);
    const client = fabric.client(Sums, { windowBytes: 1024 });
    let [next, isInOrder] = [0, true];
    for await (const each of client.count(20_000)) isInOrder &&= each === next++;
    assert.deepEqual([next, isInOrder], [20_000, true]);
    for await (const each of client.count(1e9)) if (each === 5000) break;
    const { sent } = await rust.peer.next('stream-left');
    assert.ok(sent > 5000 && sent < 10_000, `${sent} items were sent`);
  });

  test(`[proc-loss-1] [case-76] calls to a Rust program that ends fail at once over ${transport}`, async (t) => {
    const { client, rust, node } = await rig(t, transport);
    await rust.peer.serveSums(TABERNA, node.address);
    const outputs = client.count(1e9)[Symbol.asyncIterator]();
    await outputs.next();
    await rust.peer.shutdown();
    await assert.rejects(
      async () => {
        for (;;) await outputs.next();
      },
      { code: 'unavailable' },
    );
  });
}
