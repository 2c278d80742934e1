/** What a call sends along for its handler: short texts by name (a2-services, procedures). */
import { decodeCbor, encodeCbor } from '../values/cbor-values.ts';
import type { CallContext } from './call-types.ts';
import { METADATA_MAX_BYTES } from './core/wire.ts';
import { ProcedureError } from './procedure-error.ts';

export type Metadata = Readonly<Record<string, string>>;

export const NO_METADATA: Metadata = Object.freeze({});

const TRACE = ['traceparent', 'tracestate'] as const;

/**
 * The metadata of a call as CBOR; undefined where there is none. The trace context of the call that it is part of goes on, unless
 * the caller gives one. Throws `invalid-argument` for what is no text, and for more than 8 KiB.
 */
export function metadataItem(given: Metadata | undefined, parent: CallContext | undefined): Uint8Array | undefined {
  const metadata: Record<string, string> = {};
  for (const name of parent === undefined ? [] : TRACE) {
    const value = parent!.metadata[name];
    if (value !== undefined) metadata[name] = value;
  }
  for (const [name, value] of Object.entries(given ?? {})) {
    if (typeof value !== 'string') throw new ProcedureError('invalid-argument', `metadata ${name} is no text`);
    metadata[name] = value;
  }
  if (Object.keys(metadata).length === 0) return undefined;
  const item = encodeCbor(metadata);
  if (item.length <= METADATA_MAX_BYTES) return item;
  throw new ProcedureError(
    'invalid-argument',
    `the metadata takes ${item.length} bytes, more than the ${METADATA_MAX_BYTES} that a call may have`,
  );
}

/** The metadata that a peer sent; undefined where it is none. */
export function metadataOf(item: Uint8Array): Metadata | undefined {
  if (item.length > METADATA_MAX_BYTES) return undefined;
  let value: unknown;
  try {
    value = decodeCbor(item);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return undefined;
  return Object.values(value).every((each) => typeof each === 'string') ? Object.freeze(value as Metadata) : undefined;
}
