/**
 * How what an application gives becomes one frozen, full configuration, at `open` and at each live update (config).
 *
 * 1. A resolved configuration is full, frozen, and inside every range and relation.
 * 2. Only given values are refused. A default that does not go with a given value is lowered until it does.
 * 3. A resolution that throws has changed nothing; the text names field, range and value.
 */
import { totalmem } from 'node:os';
import { outOfRange } from '@flaminia/transport-a0';
import { CONFIG_DEFAULTS, type DomusConfig, type TransportKind } from './config.ts';
import { type ConfigFields, checkedFields } from './config-ranges.ts';

/** A configuration in force, with what a later update needs to know. */
export interface ResolvedConfig {
  readonly config: DomusConfig;
  /** What the application asked for so far, defaults left out. */
  readonly given: Partial<DomusConfig>;
  /** Values that were changed in this step, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * The configuration from what an application gives, and for a live update from what it gave before as well.
 *
 * @param partial fields to set; those that are absent or undefined stay as they are. Unknown fields, wrong types and
 *   values outside a range or relation are `invalid-config`.
 * @param current the configuration in force, for a live update.
 * @param memoryBytes the machine's memory, half of which bounds the blob buffers.
 */
export function resolveConfig(
  partial: Partial<DomusConfig>,
  kind: TransportKind,
  current?: ResolvedConfig,
  memoryBytes: number = totalmem(),
): ResolvedConfig {
  const cap = Math.min(8 * GIB, Math.floor(memoryBytes / 2));
  const { fields, warnings } = clamped(checkedFields(partial), cap);
  const given: Partial<DomusConfig> = { ...current?.given, ...fields };
  const config: Draft = { ...CONFIG_DEFAULTS[kind], ...given };
  for (const [field, limit] of RELATIONS) fitBelow(config, given, field, limit);
  fitBlobs(config, given, cap);
  return Object.freeze({
    config: Object.freeze(config),
    given: Object.freeze(given),
    warnings: Object.freeze(warnings),
  });
}

const GIB = 1024 ** 3;

type Draft = Required<ConfigFields>;

/** Each first field is at most the second. */
const RELATIONS = [
  ['callisConnectTimeout', 'sendTimeout'],
  ['acceptTimeout', 'sendTimeout'],
  ['inboundHandshakeLimitPerPeer', 'inboundHandshakeLimitTotal'],
] as const;

type RelatedField = (typeof RELATIONS)[number][0 | 1];

const BLOB_BUFFERS = ['blobOutboundBufferBytes', 'blobInboundBufferBytes'] as const;

/** Lowers given blob buffers to the cap: so much memory is a wish, not a mistake. */
function clamped(fields: ConfigFields, cap: number): { fields: ConfigFields; warnings: string[] } {
  const warnings: string[] = [];
  for (const field of BLOB_BUFFERS) {
    const value = fields[field];
    if (value === undefined || value <= cap) continue;
    warnings.push(`${field} ${value} is above the cap, the smaller of 8 GiB and half of the memory: ${cap} is used`);
    fields[field] = cap;
  }
  return { fields, warnings };
}

function fitBelow(config: Draft, given: Partial<DomusConfig>, field: RelatedField, limit: RelatedField): void {
  if (config[field] <= config[limit]) return;
  if (given[field] !== undefined) throw outOfRange(field, `at most ${limit} (${config[limit]})`, config[field]);
  config[field] = config[limit];
}

/** A window must fit both buffers: its bytes are reserved when a stream opens. */
function fitBlobs(config: Draft, given: Partial<DomusConfig>, cap: number): void {
  for (const buffer of BLOB_BUFFERS) {
    config[buffer] = Math.min(config[buffer], cap);
    const { chunkSize, ackWindow } = config.blobWindow;
    const needed = chunkSize * ackWindow;
    if (needed <= config[buffer]) continue;
    if (given.blobWindow === undefined) {
      const smaller = Math.min(chunkSize, config[buffer]);
      config.blobWindow = Object.freeze({ chunkSize: smaller, ackWindow: Math.floor(config[buffer] / smaller) });
    } else if (given[buffer] === undefined) {
      throw outOfRange('blobWindow', `at most ${buffer} (${config[buffer]}) as chunkSize × ackWindow`, needed);
    } else {
      throw outOfRange(buffer, `at least chunkSize × ackWindow (${needed})`, config[buffer]);
    }
  }
}
