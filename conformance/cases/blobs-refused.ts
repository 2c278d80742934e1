/** Chunks that may not come: each is answered with its error and fails its stream alone (a1-blobs, receiver). */
import { expectRead, expectReadingEnd, expectWhole } from '../blob-expectations.ts';
import { completeOf, lastPart, part } from '../blob-frames.ts';
import { expectNothingOnBlob, openAnother, openStream, redialBlob } from '../blob-steps.ts';
import type { ConformanceCase } from '../conformance-case.ts';
import { expectAck, expectError, expectFrame, expectNothing } from '../expectations.ts';
import { type BlobTemper, CHUNK, ERROR, type Frame } from '../frames.ts';
import type { BlobOutcome } from '../implementation.ts';
import { write } from '../steps.ts';

interface Refused {
  readonly clauses: string;
  readonly temper?: BlobTemper;
  /** They are taken, and acked if the reader reads; the ids are those of the frames. */
  readonly before?: readonly Frame[];
  readonly chunk: Frame;
  readonly errorId: number;
  readonly kind: BlobOutcome;
}

const FAR = 2n ** 64n - 1n;

/** Chunks that fail the stream 5. The refused one has the id 199. */
const REFUSED: Readonly<Record<string, Refused>> = {
  'at-window': {
    clauses: '[a1-brecv-4]',
    chunk: part(199, 5, 4, 'x'),
    errorId: 14,
    kind: 'blob-ack-window-exceeded',
  },
  'beyond-window': {
    clauses: '[a1-brecv-4]',
    before: [part(100, 5, 0, 'a')],
    chunk: part(199, 5, 5, 'x'),
    errorId: 14,
    kind: 'blob-ack-window-exceeded',
  },
  'far-beyond-window': {
    clauses: '[a1-brecv-4]',
    chunk: part(199, 5, FAR, 'x'),
    errorId: 14,
    kind: 'blob-ack-window-exceeded',
  },
  'last-at-window': {
    clauses: '[a1-brecv-4]',
    chunk: lastPart(199, 5, 4, 'x'),
    errorId: 14,
    kind: 'blob-ack-window-exceeded',
  },
  'over-size': {
    clauses: '[a1-brecv-6]',
    chunk: part(199, 5, 0, 'x'.repeat(65)),
    errorId: 7,
    kind: 'protocol-violation',
  },
  'last-over-size': {
    clauses: '[a1-brecv-6]',
    chunk: lastPart(199, 5, 0, 'x'.repeat(65)),
    errorId: 7,
    kind: 'protocol-violation',
  },
  'far-over-size': {
    clauses: '[a1-brecv-6] [a1-brecv-11]',
    chunk: part(199, 5, 0, 'x'.repeat(100_000)),
    errorId: 7,
    kind: 'protocol-violation',
  },
  'for-full-store': {
    clauses: '[a1-brecv-5] [a1-blob-14]',
    temper: 'blob-sleeper',
    before: [0, 1, 2, 3].map((chunk) => part(100 + chunk, 5, chunk, 'x')),
    chunk: part(199, 5, 4, 'x'),
    errorId: 19,
    kind: 'blob-buffer-full',
  },
  'last-for-full-store': {
    clauses: '[a1-brecv-5] [a1-blob-14]',
    temper: 'blob-sleeper',
    before: [0, 1, 2, 3].map((chunk) => part(100 + chunk, 5, chunk, 'x')),
    chunk: lastPart(199, 5, 4, 'x'),
    errorId: 19,
    kind: 'blob-buffer-full',
  },
  'last-before-a-later-one': {
    clauses: '[a1-brecv-6]',
    temper: 'blob-sleeper',
    before: [part(100, 5, 0, 'a'), part(101, 5, 2, 'c')],
    chunk: lastPart(199, 5, 1, 'b'),
    errorId: 7,
    kind: 'protocol-violation',
  },
  'last-while-first-is-missing': {
    clauses: '[a1-brecv-7]',
    chunk: lastPart(199, 5, 1, 'b'),
    errorId: 18,
    kind: 'blob-stream-missing-chunk',
  },
  'last-while-one-is-missing': {
    clauses: '[a1-brecv-7]',
    before: [part(100, 5, 0, 'a')],
    chunk: lastPart(199, 5, 2, 'c'),
    errorId: 18,
    kind: 'blob-stream-missing-chunk',
  },
  'fills-window-while-one-is-missing': {
    clauses: '[a1-brecv-7]',
    temper: 'blob-sleeper',
    before: [part(100, 5, 0, 'a'), part(101, 5, 2, 'c'), part(102, 5, 3, 'd')],
    chunk: part(199, 5, 4, 'e'),
    errorId: 18,
    kind: 'blob-stream-missing-chunk',
  },
};

/** Chunks that are answered, and harm neither stream nor callis. */
const ANSWERED: Readonly<Record<string, readonly [clauses: string, frame: Frame, errorId: number]>> = {
  'of-unknown-stream': ['[a1-brecv-8]', part(199, 77, 0, 'x'), 15],
  'last-of-unknown-stream': ['[a1-brecv-8]', lastPart(199, 77, 0, 'x'), 15],
  'of-unknown-stream-far-over-size': ['[a1-brecv-8] [a1-brecv-11]', part(199, 77, 0, 'x'.repeat(100_000)), 15],
  'with-undefined-flag': ['[a1-brecv-10]', part(199, 5, 0, 'x', { flags: 2 }), 7],
  'with-undefined-flag-and-last': ['[a1-brecv-10]', part(199, 5, 0, 'x', { flags: 3 }), 7],
  'with-all-flags': ['[a1-brecv-10]', part(199, 5, 0, 'x', { flags: 0xffff }), 7],
  'with-length-too-small': ['[a1-brecv-10]', part(199, 5, 0, 'xyz', { length: 2 }), 10],
  'with-length-too-great': ['[a1-brecv-10]', part(199, 5, 0, 'xyz', { length: 4 }), 10],
  'with-length-far-too-great': ['[a1-brecv-10]', part(199, 5, 0, 'xyz', { length: 0xffff_ffff }), 10],
  'with-length-of-nothing': ['[a1-brecv-10]', part(199, 5, 0, 'xyz', { length: 0 }), 10],
  'without-payload': ['[a1-brecv-10]', { type: CHUNK, id: 199 }, 10],
  'of-17-bytes': ['[a1-brecv-10]', { type: CHUNK, id: 199, payload: Buffer.alloc(17) }, 10],
};

export const BLOBS_REFUSED: readonly ConformanceCase[] = [
  ...Object.entries(REFUSED).map(([name, { clauses, temper = 'blob-reader', before = [], chunk, errorId, kind }]) => ({
    id: `blob-chunk-${name}`,
    clauses: `${clauses} [a1-brecv-9]`,
    title: `a chunk ${name.replaceAll('-', ' ')} is answered with error ${errorId} and fails its stream alone`,
    script: [
      openStream(5, temper),
      openAnother(6),
      ...(before.length === 0 ? [] : [write(before, 'blob')]),
      ...(temper === 'blob-reader' ? before.map(({ id }) => expectAck(id!, 'blob')) : [expectNothingOnBlob()]),
      write(chunk, 'blob'),
      expectError(199, errorId, 'blob'),
      write(part(200, 5, 0, 'late'), 'blob'),
      expectError(200, 15, 'blob'),
      write(lastPart(201, 6, 0, 'the other'), 'blob'),
      ...expectWhole(6, [201]),
      expectRead(6, 'the other'),
      ...(temper === 'blob-reader' ? [expectReadingEnd(5, kind)] : []),
      expectNothing(),
    ],
  })),
  ...Object.entries(ANSWERED).map(([name, [clauses, frame, errorId]]) => ({
    id: `blob-chunk-${name}`,
    clauses,
    title: `a chunk ${name.replaceAll('-', ' ')} is answered with error ${errorId}; stream and callis go on`,
    script: [
      openStream(5),
      write(frame, 'blob'),
      expectError(199, errorId, 'blob'),
      write(lastPart(100, 5, 0, 'ave'), 'blob'),
      ...expectWhole(5, [100]),
      expectRead(5, 'ave'),
      expectNothing(),
    ],
  })),
  ...[part(199, 5, 1, 'x'), lastPart(199, 5, 1, 'x')].map((frame, i) => ({
    id: `blob-chunk-${i === 0 ? '' : 'last-'}behind-last`,
    clauses: '[a1-brecv-6] [a1-brecv-16]',
    title: 'a chunk behind LAST_CHUNK is a violation; what has arrived whole is read all the same',
    script: [
      openStream(5, 'blob-reader'),
      write([lastPart(100, 5, 0, 'ave'), frame], 'blob'),
      expectAck(100, 'blob'),
      expectFrame({ type: ERROR, id: 199, errorId: 7 }, 'blob'),
      expectRead(5, 'ave'),
    ],
  })),
  {
    id: 'blob-chunk-missing-text',
    clauses: '[a1-err-9] [a1-brecv-7]',
    title: 'the text of a missing chunk says what was delivered',
    script: [
      openStream(5),
      write(lastPart(100, 5, 1, 'b'), 'blob'),
      expectFrame(
        { type: ERROR, id: 100, errorId: 18, errorText: 'last_delivered_chunk_id=none delivered_bytes=0' },
        'blob',
      ),
    ],
  },
  {
    id: 'blob-last-chunk-overtakes-on-two-calles',
    clauses: '[a1-brecv-7] [a1-bcal-5]',
    title: 'where two calles carry a stream, LAST_CHUNK may come before an earlier one',
    script: [
      openStream(5),
      redialBlob('other'),
      expectNothingOnBlob('other', ['blob', 'other']),
      write(lastPart(101, 5, 1, 'vale'), 'other'),
      expectNothingOnBlob('other', ['blob', 'other']),
      write(part(100, 5, 0, 'ave '), 'blob'),
      expectRead(5, 'ave vale'),
    ],
  },
  {
    id: 'blob-complete-for-own-stream-of-peer',
    clauses: '[a1-bsend-18]',
    title: 'complete for a stream that the implementation does not send is acked, and harms none that it gets',
    script: [
      openStream(5),
      write([completeOf(99, 5), lastPart(100, 5, 0, 'ave')], 'blob'),
      expectAck(99, 'blob'),
      ...expectWhole(5, [100]),
      expectRead(5, 'ave'),
    ],
  },
];
