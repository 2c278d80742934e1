/**
 * The golden vectors of procedures: every message byte for byte, written by this project, read by it, and read by a library
 * that shares no code with it. `UPDATE_VECTORS=1` writes the file anew.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { decode } from 'cborg';
import type { PortMessage } from '../../src/port.ts';
import {
  ANSWER,
  CALL,
  CANCEL,
  CREDIT,
  END,
  FAILURE,
  HeadReader,
  ITEMS,
  NO_LIMIT,
} from '../../src/procedures/core/wire.ts';
import { ProcedureError } from '../../src/procedures/procedure-error.ts';
import { decodeCbor } from '../../src/values/cbor-values.ts';
import { sequenceOf } from './raw-peer.ts';
import { Sums, sums } from './sums.ts';
import { twoNodes } from './two-nodes.ts';

const FILE = new URL('../../../../docs/protocol/vectors/procedures.json', import.meta.url);

interface Vector {
  readonly name: string;
  readonly from: 'caller' | 'callee';
  /** The message type, as hex. */
  readonly type: string;
  readonly hex: string;
  /** The items of the sequence; byte strings as `h'..'`. */
  readonly means: readonly unknown[];
}

interface Vectors {
  readonly taberna: { readonly name: string; readonly id: string };
  readonly messages: readonly Vector[];
}

const NAMES: Readonly<Record<number, string>> = {
  [CALL]: 'call',
  [ANSWER]: 'answer',
  [FAILURE]: 'failure',
  [ITEMS]: 'items',
  [END]: 'end',
  [CANCEL]: 'cancel',
  [CREDIT]: 'credit',
};

/** What both sides send when calls of every kind are made, in order. The virtual clock and the seed make it the same each time. */
async function conversation(t: TestContext): Promise<Vector[]> {
  const { handlers } = sums();
  const { client, caller, provider, world } = await twoNodes(t, Sums, {
    ...handlers,
    add: ({ a, b }) => {
      if (a > 1000)
        throw new ProcedureError('failed-precondition', 'the sum is too large', { details: { largest: 1000 } });
      return a + b;
    },
  });
  const vectors: Vector[] = [];
  for (const [from, { port }] of [
    ['caller', caller],
    ['callee', provider],
  ] as const) {
    const send = port.send.bind(port);
    port.send = (message: PortMessage, waiter) => {
      const type = message.type.toString(16);
      const means = sequenceOf(message.payload).map(readable);
      vectors.push({ name: '', from, type, hex: Buffer.from(message.payload).toString('hex'), means });
      send(message, waiter);
    };
  }
  const named: Vector[] = [];
  const step = async (name: string, run: () => Promise<unknown>): Promise<void> => {
    await run();
    await world.advance(0);
    for (const each of vectors.splice(0))
      named.push({ ...each, name: `${name}: ${NAMES[Number.parseInt(each.type, 16)]}` });
  };
  const all = async (items: AsyncIterable<unknown>): Promise<void> => {
    for await (const _each of items);
  };
  await step('unary', () => client.add({ a: 1, b: 2 }));
  await step('unary with metadata and a time', () =>
    client.add({ a: 0.5, b: 2 }, { metadata: { who: 'me' }, timeout: 250 }),
  );
  await step('unary that fails', () => assert.rejects(client.add({ a: 1001, b: 0 })));
  await step('unary with a bad input', () => assert.rejects(client.add({ a: 'x' as never, b: 0 })));
  await step('unary that is given up', async () => {
    const controller = new AbortController();
    const call = assert.rejects(client.wait(null, { signal: controller.signal }));
    await world.advance(0);
    controller.abort();
    await call;
  });
  await step('one-way', () => client.note('x'));
  await step('server stream', () => all(client.count(30)));
  await step('client stream', () => client.sum([1, 2, 3]));
  await step('two-way stream', () => all(client.echo(['a', 'ä'])));
  return named;
}

function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return `h'${Buffer.from(value).toString('hex')}'`;
  if (Array.isArray(value)) return value.map(readable);
  return value;
}

test('[proc-msg-1] [proc-msg-2] [proc-call-3] [proc-flow-2] [case-78] what is sent in calls of every kind is what the vectors hold', async (t) => {
  const { idHi, idLo, name } = Sums.taberna;
  const id = `0x${((BigInt(idHi) << 32n) | BigInt(idLo)).toString(16).padStart(16, '0')}`;
  const made: Vectors = { taberna: { name, id }, messages: await conversation(t) };
  if (process.env.UPDATE_VECTORS === '1') writeFileSync(FILE, textOf(made));
  const vectors = JSON.parse(readFileSync(FILE, 'utf8')) as Vectors;
  assert.deepEqual(JSON.parse(textOf(made)), vectors);
  const types = new Set(vectors.messages.map(({ type }) => type));
  assert.equal(types.size, 7, 'every message is there');
});

test('[proc-msg-1] [proc-msg-2] both readers find in each vector what it means', () => {
  const { messages } = JSON.parse(readFileSync(FILE, 'utf8')) as Vectors;
  for (const { name, type, hex, means } of messages) {
    const bytes = Buffer.from(hex, 'hex');
    assert.deepEqual(sequenceOf(bytes).map(readable), means, name);
    const [head, ...behind] = means as [unknown[], ...unknown[]];
    const reader = new HeadReader();
    reader.begin(bytes, head.length);
    const read = READERS[Number.parseInt(type, 16)]!(reader);
    assert.deepEqual([read.map(readable), reader.isBad], [head, false], name);
    assert.ok(behind.length <= 1, name);
    const item = bytes.subarray(reader.at);
    if (behind.length === 0) assert.equal(item.length, 0, name);
    else {
      assert.deepEqual(readable(decodeCbor(item)), behind[0], name);
      assert.deepEqual(readable(decode(item)), behind[0], name);
    }
  }
});

/** How the head of each message is read, field by field. */
const READERS: Readonly<Record<number, (reader: HeadReader) => unknown[]>> = {
  [CALL]: (reader) => [
    reader.uint(),
    reader.text(),
    reader.uint(),
    orNull(reader.uintOrNone()),
    reader.byteStringOrNone() ?? null,
    reader.uint(),
    reader.byteStringOrNone() ?? null,
  ],
  [ANSWER]: (reader) => [reader.uint()],
  [FAILURE]: (reader) => [reader.uint(), reader.text(), reader.text()],
  [ITEMS]: (reader) => [reader.uint(), reader.uint()],
  [END]: (reader) => [reader.uint(), reader.uint()],
  [CANCEL]: (reader) => [reader.uint()],
  [CREDIT]: (reader) => [reader.uint(), reader.uint()],
};

function orNull(number: number): number | null {
  return number === NO_LIMIT ? null : number;
}

/** One message a line, so that a change shows as one. */
function textOf({ taberna, messages }: Vectors): string {
  const lines = messages.map((each) => `    ${JSON.stringify(each)}`);
  return `{\n  "taberna": ${JSON.stringify(taberna)},\n  "messages": [\n${lines.join(',\n')}\n  ]\n}\n`;
}
