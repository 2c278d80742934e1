import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { DomusError } from '@flaminia/transport-a0';
import { CONFIG_DEFAULTS, type DomusConfig, type TransportKind } from './config.ts';
import { resolveConfig } from './resolve-config.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const MACHINE = 64 * GIB;

const resolved = (partial: Partial<DomusConfig>, kind: TransportKind = 'tcp', memory = MACHINE): DomusConfig =>
  resolveConfig(partial, kind, undefined, memory).config;

/** The error of a configuration that must be refused. */
function refusal(partial: unknown, memory = MACHINE): DomusError {
  try {
    resolveConfig(partial as Partial<DomusConfig>, 'tcp', undefined, memory);
  } catch (error) {
    assert.ok(error instanceof DomusError);
    assert.equal(error.kind, 'invalid-config');
    return error;
  }
  assert.fail(`accepted: ${JSON.stringify(partial)}`);
}

/** Each field that is one number: default, least and largest value, as the specification lists them. */
const numbers: [field: keyof DomusConfig, fallback: number, min: number, max: number][] = [
  ['sendQueueSize', 128, 1, 4096],
  ['sendQueueBytes', 64 * MIB, 1, GIB],
  ['sendTimeout', 30_000, 1, 300_000],
  ['callisConnectTimeout', 15_000, 1, 300_000],
  ['acceptTimeout', 5_000, 1, 60_000],
  ['tabernaAcceptQueueSize', 1024, 1, 8192],
  ['tabernaAcceptQueueBytes', 64 * MIB, 1, GIB],
  ['keepaliveInterval', 15_000, 0, 300_000],
  ['listenerDelay', 0, 0, 60_000],
  ['listenerReconnectTimeout', 20_000, 0, 300_000],
  ['socketCallbackTimeout', 2_000, 0, 60_000],
  ['socketHandshakeTimeout', 5_000, 0, 120_000],
  ['tcpCallbackTimeout', 10_000, 0, 120_000],
  ['tcpHandshakeTimeout', 10_000, 0, 300_000],
  ['limitedLogInterval', 120_000, 0, 3_600_000],
  ['inboundHandshakeLimitTotal', 64, 1, 1024],
  ['inboundHandshakeLimitPerPeer', 3, 1, 64],
  ['maxParallelCallisPerPeer', 8, 1, 64],
  ['maxPayloadLen', 8 * MIB, 1, 64 * MIB],
];

/** What else must be given for a field's largest value to satisfy its relation. */
const company: Partial<Record<keyof DomusConfig, Partial<DomusConfig>>> = {
  callisConnectTimeout: { sendTimeout: 300_000 },
  acceptTimeout: { sendTimeout: 60_000 },
};

for (const [field, fallback, min, max] of numbers) {
  test(`[cfg-1] [cfg-2] ${field} is ${fallback} by default and ${min} to ${max}`, () => {
    assert.equal(resolved({})[field], fallback);
    for (const value of [min, max]) {
      assert.equal(resolved({ ...company[field], [field]: value })[field], value);
    }
    for (const value of [min - 1, max + 1]) {
      const text = refusal({ ...company[field], [field]: value }).message;
      for (const part of [field, `${min} to ${max}`, `got ${value}`]) assert.ok(text.includes(part), text);
    }
    for (const value of [min + 0.5, Number.NaN, Number.POSITIVE_INFINITY, '7', 7n, null, true, [min], { min }]) {
      assert.ok(refusal({ [field]: value }).message.includes(field));
    }
  });
}

test('[cfg-1] the table of this test and the defaults name the same fields', () => {
  const others = ['reconnectBackoff', 'blobWindow', 'blobOutboundBufferBytes', 'blobInboundBufferBytes'];
  const tested = [...numbers.map(([field]) => field), ...others].sort();
  assert.deepEqual(tested, Object.keys(CONFIG_DEFAULTS.tcp).sort());
  assert.deepEqual(tested, Object.keys(CONFIG_DEFAULTS.unix).sort());
});

test('[cfg-1] the transports differ in their blob window alone', () => {
  const { blobWindow: tcpWindow, ...tcp } = resolved({});
  const { blobWindow: unixWindow, ...unix } = resolved({}, 'unix');
  assert.deepEqual(tcp, unix);
  assert.deepEqual(tcpWindow, { chunkSize: 65_536, ackWindow: 64 });
  assert.deepEqual(unixWindow, { chunkSize: 131_072, ackWindow: 32 });
});

test('[cfg-1] [cfg-2] reconnectBackoff takes 0 to 16 waits of 0 to 300,000', () => {
  assert.deepEqual(resolved({}).reconnectBackoff, [1_000, 2_000, 4_000]);
  for (const waits of [[], [0], [300_000], new Array<number>(16).fill(1)]) {
    assert.deepEqual(resolved({ reconnectBackoff: waits }).reconnectBackoff, waits);
  }
  assert.match(refusal({ reconnectBackoff: new Array(17).fill(1) }).message, /0 to 16 entries, got "17 entries"/);
  assert.match(
    refusal({ reconnectBackoff: [1, 300_001] }).message,
    /reconnectBackoff\[1\].*0 to 300000 ms, got 300001/,
  );
  for (const bad of [[-1], [0.5], ['1'], new Array(1), 5, 'abc', null, { 0: 1 }]) refusal({ reconnectBackoff: bad });
});

test('[cfg-1] [cfg-2] blobWindow takes a pair of 1 to 1 MiB and 1 to 4096', () => {
  const roomy = { blobOutboundBufferBytes: 8 * GIB, blobInboundBufferBytes: 8 * GIB };
  for (const [chunkSize, ackWindow] of [
    [1, 1],
    [MIB, 4096],
    [1, 4096],
    [MIB, 1],
  ] as const) {
    assert.deepEqual(resolved({ ...roomy, blobWindow: { chunkSize, ackWindow } }).blobWindow, { chunkSize, ackWindow });
  }
  const bad: [unknown, RegExp][] = [
    [{ chunkSize: 0, ackWindow: 1 }, /blobWindow\.chunkSize .*1 to 1048576 bytes, got 0/],
    [{ chunkSize: MIB + 1, ackWindow: 1 }, /blobWindow\.chunkSize .*got 1048577/],
    [{ chunkSize: 1, ackWindow: 0 }, /blobWindow\.ackWindow .*1 to 4096 chunks, got 0/],
    [{ chunkSize: 1, ackWindow: 4097 }, /blobWindow\.ackWindow .*got 4097/],
    [{ chunkSize: 1 }, /blobWindow\.ackWindow .*got undefined/],
    [{ ackWindow: 1 }, /blobWindow\.chunkSize .*got undefined/],
    [{ chunkSize: 1, ackWindow: 1, chunks: 1 }, /blobWindow has no field "chunks"/],
    [64, /blobWindow must be an object, got 64/],
    [null, /blobWindow must be an object, got null/],
  ];
  for (const [blobWindow, text] of bad) assert.match(refusal({ ...roomy, blobWindow }).message, text);
});

test('[cfg-3] a given value that breaks a relation is refused, with both fields in the text', () => {
  const pairs: [keyof DomusConfig, keyof DomusConfig, number, number][] = [
    ['callisConnectTimeout', 'sendTimeout', 2_001, 2_000],
    ['acceptTimeout', 'sendTimeout', 2_001, 2_000],
    ['inboundHandshakeLimitPerPeer', 'inboundHandshakeLimitTotal', 5, 4],
  ];
  for (const [field, limit, above, bound] of pairs) {
    const error = refusal({ [field]: above, [limit]: bound });
    assert.equal(error.detail, field);
    assert.ok(error.message.includes(`${field} must be at most ${limit} (${bound}), got ${above}`), error.message);
    assert.equal(resolved({ [field]: bound, [limit]: bound })[field], bound);
  }
  // against a limit that is a default
  assert.match(refusal({ callisConnectTimeout: 30_001 }).message, /at most sendTimeout \(30000\), got 30001/);
});

test('[cfg-4] a default that breaks a relation with a given value is lowered', () => {
  const quick = resolved({ sendTimeout: 1_000 });
  assert.deepEqual([quick.callisConnectTimeout, quick.acceptTimeout], [1_000, 1_000]);
  assert.equal(resolved({ inboundHandshakeLimitTotal: 2 }).inboundHandshakeLimitPerPeer, 2);
  assert.deepEqual(resolved({ blobInboundBufferBytes: MIB }).blobWindow, { chunkSize: 65_536, ackWindow: 16 });
  const tiny = resolved({ blobOutboundBufferBytes: 1_000, blobInboundBufferBytes: 999 });
  assert.deepEqual(tiny.blobWindow, { chunkSize: 999, ackWindow: 1 });
});

test('[cfg-3] a blob window and a buffer that holds less are refused', () => {
  const blobWindow = { chunkSize: 1024, ackWindow: 8 };
  const small = { blobWindow, blobOutboundBufferBytes: 8191 };
  assert.match(refusal(small).message, /blobOutboundBufferBytes must be at least .* \(8192\), got 8191/);
  assert.equal(resolved({ blobWindow, blobInboundBufferBytes: 8192 }).blobInboundBufferBytes, 8192);
  const large = { blobWindow: { chunkSize: MIB, ackWindow: 257 } };
  assert.match(
    refusal(large).message,
    /blobWindow must be at most blobOutboundBufferBytes \(268435456\) .*, got 269484032/,
  );
});

test('[cfg-5] blob buffers above the cap are clamped with a warning', () => {
  const capped = resolveConfig({ blobOutboundBufferBytes: 9 * GIB }, 'tcp', undefined, MACHINE);
  assert.equal(capped.config.blobOutboundBufferBytes, 8 * GIB);
  assert.equal(capped.warnings.length, 1);
  assert.match(capped.warnings[0]!, /^blobOutboundBufferBytes 9663676416 .* 8589934592 is used$/);
  const small = resolveConfig({ blobInboundBufferBytes: 3 * GIB }, 'tcp', undefined, 4 * GIB);
  assert.equal(small.config.blobInboundBufferBytes, 2 * GIB);
  assert.equal(small.warnings.length, 1);
  // an update of something else does not warn again
  assert.deepEqual(resolveConfig({ sendTimeout: 1 }, 'tcp', small, 4 * GIB).warnings, []);
  for (const bad of [0, -1, 0.5, Number.POSITIVE_INFINITY]) refusal({ blobInboundBufferBytes: bad });
});

test('[cfg-4] default blob buffers and windows shrink on a machine with little memory, without a word', () => {
  const { config, warnings } = resolveConfig({}, 'tcp', undefined, 4 * MIB);
  assert.equal(config.blobOutboundBufferBytes, 2 * MIB);
  assert.deepEqual(config.blobWindow, { chunkSize: 65_536, ackWindow: 32 });
  assert.deepEqual(warnings, []);
});

test('[cfg-2] unknown fields and things that are no object are refused', () => {
  assert.match(refusal({ sendTimout: 5 }).message, /config has no field "sendTimout"/);
  assert.match(refusal({ constructor: 5 }).message, /config has no field "constructor"/);
  for (const bad of [null, undefined, 5, 'x', [1]]) assert.match(refusal(bad).message, /config must be an object/);
  assert.deepEqual(resolved({ sendTimeout: undefined } as unknown as Partial<DomusConfig>), resolved({}));
});

test('[cfg-6] what is no plain object is refused, since its fields would not be seen', () => {
  class Settings {
    get sendTimeout(): number {
      return 5_000;
    }
  }
  const fields = { sendTimeout: 5_000 };
  for (const odd of [new Map(Object.entries(fields)), new Settings(), Object.create(fields), new Date()]) {
    assert.match(refusal(odd).message, /config must be a plain object, with fields of its own, got object/);
    assert.match(refusal({ blobWindow: odd }).message, /blobWindow must be a plain object/);
  }
  const bare = Object.assign(Object.create(null), fields);
  for (const plain of [fields, Object.freeze({ ...fields }), bare, runInNewContext('({ sendTimeout: 5_000 })')]) {
    assert.equal(resolved(plain).sendTimeout, 5_000);
  }
});

test('[api-41] what is resolved is frozen throughout and shares nothing with what was given', () => {
  const waits = [5];
  const blobWindow = { chunkSize: 1, ackWindow: 1 };
  const { config } = resolveConfig({ reconnectBackoff: waits, blobWindow }, 'tcp');
  waits.push(7);
  blobWindow.chunkSize = 9;
  assert.deepEqual(config.reconnectBackoff, [5]);
  assert.equal(config.blobWindow.chunkSize, 1);
  for (const value of [config, config.reconnectBackoff, config.blobWindow, resolved({}), resolved({}).blobWindow]) {
    assert.ok(Object.isFrozen(value));
  }
});

test('[cfg-6] an update adds to what was given before, and defaults stay defaults', () => {
  const first = resolveConfig({ sendTimeout: 10_000, acceptTimeout: 4_000 }, 'tcp');
  assert.equal(first.config.callisConnectTimeout, 10_000);
  const second = resolveConfig({ sendTimeout: 20_000 }, 'tcp', first);
  assert.equal(second.config.callisConnectTimeout, 15_000);
  assert.equal(second.config.acceptTimeout, 4_000);
  assert.deepEqual(second.given, { sendTimeout: 20_000, acceptTimeout: 4_000 });
});

test('[cfg-6] an update that breaks a relation with an earlier given value is refused and changes nothing', () => {
  const first = resolveConfig({ acceptTimeout: 4_000 }, 'tcp');
  assert.throws(() => resolveConfig({ sendTimeout: 3_000 }, 'tcp', first), /acceptTimeout must be at most sendTimeout/);
  assert.deepEqual(first.given, { acceptTimeout: 4_000 });
  assert.equal(first.config.sendTimeout, 30_000);
});
