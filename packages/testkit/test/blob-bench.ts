/** What the scenarios of blob streams share: small numbers, an open stream, and the wire in few words. */
import type { Callis, DeliverySettings } from '@flaminia/delivery-a1/internal';
import type { ReadingHand, WritingHand } from '../src/sim/blob-hands.ts';
import type { End } from '../src/sim/connection.ts';
import { type Pair, type PairOptions, type Place, pair } from '../src/sim/pair.ts';
import { numbersPayload, type RawFrame, type RawPeer } from '../src/sim/raw-peer.ts';

/** Where the ids of each session begin; `@0` in the words of `shown`. */
export const FIRST_ID = 0x8000_0000;

/** Four chunks of four bytes, and room for two streams. */
export const SMALL: Partial<DeliverySettings> = {
  blobChunkBytes: 4,
  blobWindow: 4,
  blobOutboundBufferBytes: 32,
  blobInboundBufferBytes: 32,
};

/** The frame types that a raw peer writes. */
export const MESSAGE = 0x0100_0000;
export const HELLO = 1;
export const RESPONSE = 2;
export const ACK = 4;
export const ERROR = 6;
export const CHUNK = 8;
export const COMPLETE = 9;

/** The pair with small numbers. */
export function smallPair(options: PairOptions = {}): Pair {
  return pair({ firstId: FIRST_ID, ...options, settings: { ...SMALL, ...options.settings } });
}

export interface Opened {
  readonly scenario: Pair;
  readonly a: Place;
  readonly b: Place;
  readonly writer: WritingHand;
  readonly reader: ReadingHand;
  /** The streams that `b` has accepted, in order. */
  readonly streams: ReadingHand[];
}

/** A stream from `a` to taberna 7 of `b`, open and proven, with nothing written. */
export function opened(options: PairOptions = {}): Opened {
  const scenario = smallPair(options);
  const { a, b } = scenario;
  const streams = b.serveBlobs(7);
  const writer = a.sendBlob(b, 7, 'file');
  scenario.drive(50);
  return { scenario, a, b, writer, reader: streams[0]!, streams };
}

/** The active blob calles of one place to another. */
export function blobCalles(place: Place, other: Place): readonly Callis[] {
  return place.session(other).blobs?.calles ?? [];
}

/** Breaks every blob callis between two places. */
export function cutBlobs(scenario: Pair, place: Place = scenario.a, other: Place = scenario.b): void {
  for (const callis of [...blobCalles(place, other)]) scenario.cutCallis(callis);
}

/** Bytes that are reserved at these places: out and in of the first, out and in of the next ... */
export function reserved(...places: readonly Place[]): number[] {
  return places.flatMap((place) => place.reserved);
}

/** Lines of the wire in few words: `@3` is the id 3 behind the first. */
export function short(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line
      .replace(/#(\d+)/g, (whole, id: string) => (Number(id) >= FIRST_ID ? `@${Number(id) - FIRST_ID}` : whole))
      .replace(/blob-transfer-|A3 | 0x1000000|0x0{15}| #0| \(0 B\)/g, '')
      .replace(/(complete|hello-response BLOB|hello BLOB|RECONNECT)(.*) \(\d+ B\)/, '$1$2'),
  );
}

/** A raw peer at `a` with an active primary to `b`, which accepts the streams of taberna 7. */
export function rawSender(options: PairOptions = {}): Omit<Opened, 'writer' | 'reader'> & { readonly raw: RawPeer } {
  const scenario = smallPair(options);
  const { a, b } = scenario;
  const raw = scenario.raw(a);
  const streams = b.serveBlobs(7);
  raw.dial(b.index);
  scenario.drive(10);
  raw.write([{ type: HELLO }]);
  scenario.drive(10);
  raw.read.length = 0;
  return { scenario, a, b, raw, streams };
}

/** The same with an open stream under id 5, and a proven blob callis, which is the newest end. */
export function rawStream(options: PairOptions = {}): ReturnType<typeof rawSender> & { readonly reader: ReadingHand } {
  const bench = rawSender(options);
  const { scenario, raw, streams } = bench;
  raw.write([{ type: MESSAGE, flags: 1, id: 5, dst: 7 }]);
  scenario.drive(50);
  raw.read.length = 0;
  return { ...bench, reader: streams[0]! };
}

/** A raw peer at `b` that has accepted a stream of `a`, whose blob callis is `blobEnd`. */
export function rawReceiver(options: PairOptions = {}): {
  readonly scenario: Pair;
  readonly a: Place;
  readonly b: Place;
  readonly raw: RawPeer;
  readonly writer: WritingHand;
  readonly blobEnd: End;
  readonly primaryEnd: End;
} {
  const scenario = smallPair(options);
  const { a, b } = scenario;
  const raw = scenario.raw(b);
  const writer = a.sendBlob(b, 7, 'file');
  scenario.drive(20);
  raw.dial(a.index);
  scenario.drive(10);
  raw.write([blobHello()]);
  scenario.drive(10);
  const [primaryEnd, blobEnd] = raw.ends as [End, End];
  raw.write([{ type: ACK, id: FIRST_ID }], primaryEnd);
  // Long enough for the blob callis to have been a good one, whose loss is no failed dial.
  scenario.drive(1000);
  raw.read.length = 0;
  return { scenario, a, b, raw, writer, blobEnd, primaryEnd };
}

/** A blob hello. */
export function blobHello(chunkSize = 4, window = 4, flags = 1): RawFrame {
  return { type: HELLO, flags, payload: numbersPayload(chunkSize, window) };
}
