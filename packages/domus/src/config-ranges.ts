/** The range of each field of the configuration by itself (config); relations between fields stand in `resolve-config.ts`. */
import { outOfRange, unknownName } from '@flaminia/transport-a0';
import { type BlobWindow, CONFIG_DEFAULTS, type DomusConfig } from './config.ts';

/** Some fields of a configuration, not yet frozen. */
export type ConfigFields = { -readonly [Field in keyof DomusConfig]?: DomusConfig[Field] };

/** Fields that are one number. */
type NumberField = Exclude<keyof DomusConfig, 'reconnectBackoff' | 'blobWindow'>;

/** The smallest and the largest value, and the unit for texts. */
type Range = readonly [min: number, max: number, unit: string];

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const ranges: Readonly<Record<NumberField, Range>> = {
  sendQueueSize: [1, 4096, 'messages'],
  sendQueueBytes: [1, GIB, 'bytes'],
  sendTimeout: [1, 300_000, 'ms'],
  callisConnectTimeout: [1, 300_000, 'ms'],
  acceptTimeout: [1, 60_000, 'ms'],
  tabernaAcceptQueueSize: [1, 8192, 'messages'],
  tabernaAcceptQueueBytes: [1, GIB, 'bytes'],
  keepaliveInterval: [0, 300_000, 'ms'],
  listenerDelay: [0, 60_000, 'ms'],
  listenerReconnectTimeout: [0, 300_000, 'ms'],
  socketCallbackTimeout: [0, 60_000, 'ms'],
  socketHandshakeTimeout: [0, 120_000, 'ms'],
  tcpCallbackTimeout: [0, 120_000, 'ms'],
  tcpHandshakeTimeout: [0, 300_000, 'ms'],
  limitedLogInterval: [0, 3_600_000, 'ms'],
  inboundHandshakeLimitTotal: [1, 1024, 'handshakes'],
  inboundHandshakeLimitPerPeer: [1, 64, 'handshakes'],
  maxParallelCallisPerPeer: [1, 64, 'calles'],
  // Their real bounds depend on the window and on the machine; too large a value is clamped, not refused.
  blobOutboundBufferBytes: [1, Number.MAX_SAFE_INTEGER, 'bytes'],
  blobInboundBufferBytes: [1, Number.MAX_SAFE_INTEGER, 'bytes'],
  maxPayloadLen: [1, 64 * MIB, 'bytes'],
};

const windowRanges: Readonly<Record<keyof BlobWindow, Range>> = {
  chunkSize: [1, MIB, 'bytes'],
  ackWindow: [1, 4096, 'chunks'],
};

const BACKOFF_MAX_ENTRIES = 16;
const backoffRange: Range = [0, 300_000, 'ms'];

/**
 * The fields that are present, as copies that nobody else can change. Unknown fields, since they are misspelt ones,
 * values outside their range, and anything but a plain object are `invalid-config`.
 */
export function checkedFields(partial: Partial<DomusConfig>): ConfigFields {
  const fields: Record<string, unknown> = {};
  for (const [field, value] of entriesOf(partial, 'config')) {
    if (value === undefined) continue;
    if (field === 'reconnectBackoff') fields[field] = checkedBackoff(value);
    else if (field === 'blobWindow') fields[field] = checkedWindow(value);
    else fields[field] = checkedNumber(field, value, rangeOf(field));
  }
  return fields;
}

function checkedBackoff(value: unknown): readonly number[] {
  if (!Array.isArray(value) || value.length > BACKOFF_MAX_ENTRIES) {
    const given = Array.isArray(value) ? `${value.length} entries` : value;
    throw outOfRange('reconnectBackoff', `a list of 0 to ${BACKOFF_MAX_ENTRIES} entries`, given);
  }
  return Object.freeze(
    Array.from(value, (wait: unknown, index) => checkedNumber(`reconnectBackoff[${index}]`, wait, backoffRange)),
  );
}

function checkedWindow(value: unknown): BlobWindow {
  const given = new Map(entriesOf(value, 'blobWindow'));
  for (const part of given.keys())
    if (!Object.hasOwn(windowRanges, part)) throw unknownName('blobWindow', part, windowRanges);
  return Object.freeze({
    chunkSize: checkedNumber('blobWindow.chunkSize', given.get('chunkSize'), windowRanges.chunkSize),
    ackWindow: checkedNumber('blobWindow.ackWindow', given.get('ackWindow'), windowRanges.ackWindow),
  });
}

function checkedNumber(field: string, value: unknown, [min, max, unit]: Range): number {
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
  throw outOfRange(field, `an integer, ${min} to ${max} ${unit}`, value);
}

function rangeOf(field: string): Range {
  if (Object.hasOwn(ranges, field)) return ranges[field as NumberField];
  throw unknownName('config', field, CONFIG_DEFAULTS.tcp);
}

function entriesOf(value: unknown, owner: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw outOfRange(owner, 'an object', value);
  if (isPlain(value)) return Object.entries(value);
  throw outOfRange(owner, 'a plain object, with fields of its own', value);
}

/** A map, or an object that inherits fields or has getters from its class, would seem empty. Plain ones may be of any realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
