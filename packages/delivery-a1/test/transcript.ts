/** The recorded conversations of docs/protocol/vectors, reduced to what A1 sees of them. */
import { readFileSync } from 'node:fs';

/** A frame as the transcript takes it apart. */
export interface RecordedFrame {
  readonly kind: 'frame';
  readonly n: number;
  readonly connection: number;
  readonly from: string;
  readonly name: string;
  readonly bytes: Buffer;
  readonly id: number;
  readonly msgType: number;
  readonly destination: number;
  /** Sizes of the pieces in which it came, where that was recorded. */
  readonly pieces: readonly number[];
  /** Number of an error. */
  readonly errorId: number | undefined;
}

/** Something that happens to a primary connection. */
export interface RecordedEvent {
  readonly kind: 'open' | 'end' | 'cut';
  readonly n: number;
  readonly connection: number;
  /** Who dialled, or who ended its direction; empty for a cut. */
  readonly by: string;
}

export type Step = RecordedFrame | RecordedEvent;

interface RawStep {
  readonly n: number;
  readonly connection?: number;
  readonly channel: string;
  readonly event?: 'open' | 'end' | 'cut';
  readonly dialler?: string;
  readonly by?: string;
  readonly from?: string;
  readonly layer?: string;
  readonly name?: string;
  readonly hex?: string;
  readonly tlsRecords?: readonly number[];
  readonly decoded?: {
    readonly peerMsgId: number;
    readonly msgType: number;
    readonly dstTaberna: string;
    readonly payload: { readonly errorId?: number } | null;
  };
}

const FOLDER = new URL('../../../docs/protocol/vectors/', import.meta.url);

/**
 * The steps of `transcript-<name>.json` in the order of their recording. A transcript without connections has one, which
 * `dialler` opened.
 */
export function readTranscript(name: string, dialler: string): Step[] {
  const { steps } = JSON.parse(readFileSync(new URL(`transcript-${name}.json`, FOLDER), 'utf8')) as {
    steps: readonly RawStep[];
  };
  const primary = steps.filter(({ channel }) => channel === 'primary').flatMap(stepOf);
  if (primary.some(({ kind }) => kind === 'open')) return primary;
  return [{ kind: 'open', n: 0, connection: 1, by: dialler }, ...primary];
}

function stepOf(raw: RawStep): Step[] {
  const { n, connection = 1, event, decoded } = raw;
  if (event !== undefined) return [{ kind: event, n, connection, by: raw.dialler ?? raw.by ?? '' }];
  if (raw.layer !== 'A1' || decoded === undefined) return [];
  return [
    {
      kind: 'frame',
      n,
      connection,
      from: raw.from!,
      name: raw.name!,
      bytes: Buffer.from(raw.hex!, 'hex'),
      id: decoded.peerMsgId,
      msgType: decoded.msgType,
      destination: Number(decoded.dstTaberna),
      pieces: raw.tlsRecords ?? [],
      errorId: decoded.payload?.errorId,
    },
  ];
}
