/** A bounded share of the fuzzer, the committed corpus, and proof that it sees what it should. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DomusCore, FrameDecoder, type PeerSession } from '@flaminia/delivery-a1/internal';
import { A3_MESSAGE_TYPE_BASE, cbor, type MessageCodec } from '@flaminia/domus';
import { Calls, Topology } from '@flaminia/services-a2/testing';
import { UnixMessageReader } from '@flaminia/transport-a0/internal';
import { type CampaignOptions, campaign } from '../src/fuzz/campaign.ts';
import { checkDecoding } from '../src/fuzz/codec-check.ts';
import { readCorpus } from '../src/fuzz/corpus-file.ts';
import { shrink } from '../src/fuzz/minimize.ts';
import { SessionBench } from '../src/fuzz/session-bench.ts';
import type { FuzzTarget } from '../src/fuzz/target.ts';
import { TARGETS } from '../src/fuzz/targets.ts';
import { pair } from '../src/sim/pair.ts';

/** Executions beside the corpus; a target that costs more gets fewer. */
const BUDGETS: Readonly<Record<string, number>> = {
  frames: 4000,
  session: 1500,
  'a0-tcp': 4000,
  'a0-unix': 1500,
  san: 1000,
  cbor: 4000,
  json: 4000,
  calls: 1000,
  topology: 1000,
};

function run(target: FuzzTarget, options: Partial<CampaignOptions> = {}): ReturnType<typeof campaign> {
  return campaign(target, { seed: 1, executions: BUDGETS[target.name]!, corpus: readCorpus(target.name), ...options });
}

function target(name: string): FuzzTarget {
  return TARGETS.find((one) => one.name === name)!;
}

for (const one of TARGETS) {
  test(`fuzzing ${one.name}: the committed corpus and a fixed number of executions break nothing`, () => {
    const corpus = readCorpus(one.name);
    assert.ok(corpus.length > 0, 'a corpus is committed');
    const { failure, executions, verdicts } = run(one, { executions: corpus.length + BUDGETS[one.name]! });
    const hex = Buffer.from(failure?.input ?? []).toString('hex');
    const again = `npm run fuzz -- --target ${one.name} --input ${hex}`;
    assert.equal(failure, undefined, `${(failure?.error as Error)?.message}: ${again}`);
    assert.ok(executions >= corpus.length);
    assert.ok(verdicts.size > 2, 'inputs of more than one kind');
  });
}

test('fuzzing: the same seed gives the same executions, another seed others', () => {
  const inputsOf = (seed: number): string[] => {
    const inputs: string[] = [];
    run(target('cbor'), {
      seed,
      executions: 500,
      begins: (_, input) => inputs.push(Buffer.from(input).toString('hex')),
    });
    return inputs;
  };
  assert.deepEqual(inputsOf(3), inputsOf(3));
  assert.notDeepEqual(inputsOf(3), inputsOf(4));
});

test('fuzzing: a broken input shrinks to what breaks it', () => {
  const input = Uint8Array.from({ length: 300 }, (_, i) => i & 0xff);
  const small = shrink(input, (shorter) => shorter.includes(77) && shorter.includes(200));
  assert.deepEqual([...small], [77, 200]);
});

test('fuzzing: a decoding that assigns to a prototype is found', () => {
  const polluting: MessageCodec<unknown> = {
    encode: () => ({ type: A3_MESSAGE_TYPE_BASE, payload: new Uint8Array(0) }),
    decode: () => Object.assign(Object.prototype, { polluted: true }),
  };
  try {
    assert.throws(
      () => checkDecoding(polluting, new Uint8Array(1)),
      /Broken: a prototype has got the property polluted/,
    );
  } finally {
    delete (Object.prototype as { polluted?: boolean }).polluted;
  }
});

test('fuzzing: a decoded value that lies in the input is found', () => {
  const aliasing: MessageCodec<unknown> = { ...cbor(), decode: ({ payload }) => payload.subarray(0, 1) };
  assert.throws(() => checkDecoding(aliasing, new Uint8Array(1)), /Broken: decoded bytes lie in the input/);
});

type Methods = Record<string, (this: unknown, ...given: never[]) => unknown>;

/** A bug: a method of the product that does something else than it should. */
interface Mutation {
  readonly bug: string;
  readonly target: string;
  readonly methods: () => Methods;
  readonly method: string;
  readonly instead: (right: (...given: unknown[]) => unknown, given: unknown[], self: never) => unknown;
}

function methodsOf(value: object): Methods {
  return Object.getPrototypeOf(value) as Methods;
}

function core(): DomusCore {
  return new SessionBench({ nudges: false, isSmall: false, isLower: true, drains: false, firstId: 1 }).core;
}

function session(): PeerSession {
  return core().peer('tcp://10.0.0.2:4000');
}

const MUTATIONS: readonly Mutation[] = [
  {
    bug: 'a payload that came in pieces loses its beginning',
    target: 'frames',
    methods: () => FrameDecoder.prototype as unknown as Methods,
    method: 'finishCarry',
    instead: (right, given, self: { carry: Uint8Array }) => {
      self.carry.fill(0, 0, 1);
      return right(...given);
    },
  },
  {
    bug: 'the limit of a payload is not looked at',
    target: 'frames',
    methods: () => FrameDecoder.prototype as unknown as Methods,
    method: 'next',
    instead: (right) => right(2 ** 32),
  },
  {
    bug: 'a message comes twice',
    target: 'a0-unix',
    methods: () => UnixMessageReader.prototype as unknown as Methods,
    method: 'read',
    instead: (right, [chunk, expected]) => {
      const read = right(chunk, expected) as { rest: unknown } | undefined;
      return read === undefined ? undefined : { ...read, rest: chunk };
    },
  },
  {
    bug: 'a rejection is sent as an ack',
    target: 'session',
    methods: () => methodsOf(session()),
    method: 'decide',
    instead: (right, [epoch, id, , text, now]) => right(epoch, id, 0, text, now),
  },
  {
    bug: 'nothing expires',
    target: 'session',
    methods: () => methodsOf(session().retained),
    method: 'expire',
    instead: () => undefined,
  },
  {
    bug: 'queued payloads stay in the read buffer',
    target: 'session',
    methods: () => methodsOf(pair().a.shelve(1)),
    method: 'detach',
    instead: () => undefined,
  },
  {
    bug: 'an end leaves a connection open',
    target: 'session',
    methods: () => methodsOf(core()),
    method: 'abort',
    instead: () => undefined,
  },
  {
    bug: 'a restart of the peer throws',
    target: 'session',
    methods: () => methodsOf(session()),
    method: 'restart',
    instead: () => {
      throw new TypeError('not a function');
    },
  },
];

for (const { bug, target: name, methods: find, method, instead } of MUTATIONS) {
  test(`fuzzing ${name} finds the bug: ${bug}`, () => {
    const methods = find();
    const right = methods[method]!;
    methods[method] = function mutated(this: unknown, ...given: never[]) {
      return instead((...passed) => right.apply(this, passed as never[]), given, this as never);
    };
    try {
      assert.ok(run(target(name), { executions: 5000 }).failure !== undefined);
    } finally {
      methods[method] = right;
    }
  });
}

test('fuzzing: a call that stays in its table, and a topology that goes on, are found', () => {
  const { end } = Calls.prototype;
  const { stop } = Topology.prototype;
  try {
    Calls.prototype.end = () => {};
    Topology.prototype.stop = () => {};
    const errors = ['calls', 'topology'].map((name) => run(target(name)).failure?.error as Error | undefined);
    assert.deepEqual(
      errors.map((error) => error?.message),
      ['a call is left in the table', 'a timer is left'],
    );
  } finally {
    Calls.prototype.end = end;
    Topology.prototype.stop = stop;
  }
});
