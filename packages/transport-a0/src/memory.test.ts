/** What the in-memory network has beyond the contract of all backends: it is cut and healed, and nothing is to be proved. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until, withLeakCheck } from '@flaminia/testkit';
import type { DomusAddr } from './address.ts';
import type { Backend } from './backend.ts';
import { DomusError } from './domus-error.ts';
import { MemoryNetwork } from './memory.ts';
import type { AuthenticatedStream } from './stream.ts';

const ADDRESSES: readonly DomusAddr[] = ['tcp://127.0.0.1:1', 'tcp://127.0.0.1:2', 'tcp://127.0.0.1:3'];
const SIGNAL: AbortSignal = new AbortController().signal;

interface Member {
  readonly address: DomusAddr;
  readonly backend: Backend;
  readonly accepted: AuthenticatedStream[];
}

const unexpected = (): never => assert.fail('memory has no handshake that could fail');

/** Three domus that listen. */
async function members(network: MemoryNetwork): Promise<[Member, Member, Member]> {
  const all = ADDRESSES.map((address): Member => {
    const accepted: AuthenticatedStream[] = [];
    const backend = network.backend({
      address,
      nodeId: null,
      nodeType: null,
      nextSequence: () => 1,
      events: {
        accepted: (stream) => void accepted.push(stream),
        inboundFailed: unexpected,
        admissionRefused: unexpected,
        listenerFailed: unexpected,
      },
    });
    return { address, backend, accepted };
  });
  for (const { backend } of all) await backend.listen();
  return all as [Member, Member, Member];
}

/** Reads a stream and notes how it closes. */
function reading(stream: AuthenticatedStream): { text: string; closed: (Error | undefined)[] } {
  const seen = { text: '', closed: [] as (Error | undefined)[] };
  stream.start({
    bytes: (chunk) => {
      seen.text += chunk.toString();
    },
    ended: () => {},
    drained: () => {},
    closed: (error) => void seen.closed.push(error),
  });
  return seen;
}

async function connect(from: Member, to: Member): Promise<[AuthenticatedStream, AuthenticatedStream]> {
  const dialled = await from.backend.dial(to.address, SIGNAL);
  return [dialled, to.accepted.pop()!];
}

const isUnavailable = (error: unknown): boolean => DomusError.is(error) && error.kind === 'peer-unavailable';

test(
  'a cut breaks every connection of the two, tells both ends why, and refuses new ones until heal',
  withLeakCheck(async () => {
    const network = new MemoryNetwork();
    const [a, b] = await members(network);
    const streams = [...(await connect(a, b)), ...(await connect(b, a))];
    const seen = streams.map(reading);
    streams[0]!.write(Buffer.from('lost in the cut'));
    network.cut(b.address, a.address);
    await until(() => seen.every(({ closed }) => closed.length === 1), 'closed on every end');
    for (const { closed, text } of seen) {
      assert.deepEqual([closed[0]?.message, text], ['the connection was cut', '']);
    }
    await assert.rejects(a.backend.dial(b.address, SIGNAL), isUnavailable);
    await assert.rejects(b.backend.dial(a.address, SIGNAL), isUnavailable);
    network.heal();
    for (const stream of await connect(a, b)) stream.destroy();
  }),
);

test(
  'a cut leaves other pairs alone',
  withLeakCheck(async () => {
    const network = new MemoryNetwork();
    const [a, b, c] = await members(network);
    const [dialled, accepted] = await connect(a, c);
    const seen = reading(accepted);
    network.cut(a.address, b.address);
    dialled.write(Buffer.from('through'));
    await until(() => seen.text === 'through', 'bytes');
    for (const stream of await connect(b, c)) stream.destroy();
    dialled.destroy();
    accepted.destroy();
    await until(() => seen.closed.length === 1, 'closed');
  }),
);

test(
  'a stream that was cut before it had a reader tells its first reader so',
  withLeakCheck(async () => {
    const network = new MemoryNetwork();
    const [a, b] = await members(network);
    const [dialled, accepted] = await connect(a, b);
    network.cut(a.address, b.address);
    const seen = [reading(dialled), reading(accepted)];
    await until(() => seen.every(({ closed }) => closed.length === 1), 'closed on both ends');
    assert.deepEqual(
      seen.map(({ closed }) => closed[0]?.message),
      ['the connection was cut', 'the connection was cut'],
    );
  }),
);

test(
  'bytes are those of the write, whatever the writer does to its buffer behind it',
  withLeakCheck(async () => {
    const [a, b] = await members(new MemoryNetwork());
    const [dialled, accepted] = await connect(a, b);
    const seen = reading(accepted);
    const bytes = Buffer.from('as written');
    dialled.write(bytes);
    bytes.fill(0);
    await until(() => seen.text !== '', 'bytes');
    assert.equal(seen.text, 'as written');
    dialled.destroy();
    accepted.destroy();
  }),
);

test(
  'a domus without a certificate is known by its address and the names in its options',
  withLeakCheck(async () => {
    const [a, b] = await members(new MemoryNetwork());
    const [dialled, accepted] = await connect(a, b);
    assert.deepEqual(dialled.peer, { address: b.address, certificate: undefined, nodeId: null, nodeType: null });
    assert.equal(accepted.peer.address, a.address);
    dialled.destroy();
    accepted.destroy();
  }),
);
