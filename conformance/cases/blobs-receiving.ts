/** The raw peer sends streams: chunks in any order, acks as permission, complete, and how streams end (a1-blobs, receiver). */
import { completeName, expectComplete, expectRead, expectReadingEnd, expectWhole } from '../blob-expectations.ts';
import { lastPart, part } from '../blob-frames.ts';
import {
  answerBlobDial,
  expectNothingOnBlob,
  openAnother,
  openStream,
  orderBlob,
  redialBlob,
  takeBlobDial,
} from '../blob-steps.ts';
import type { ConformanceCase, Step } from '../conformance-case.ts';
import { expectAck, expectEach, expectEnd, expectError, expectFrame, expectNothing } from '../expectations.ts';
import { ACK, ack, close, error, type Frame, message, RECONNECT } from '../frames.ts';
import { CHUNK_BYTES } from '../shared-config.ts';
import { finish, hangUp, write, writeCut, writeHead } from '../steps.ts';

const PEER_UNAVAILABLE = 3;
const STREAM_NOT_FOUND = 15;

/** A stream is idle after twice the limit, which is also all the time that a busy machine has for a blob callis. */
const SOON_IDLE = { sendTimeout: 4_000, callisConnectTimeout: 4_000, acceptTimeout: 4_000 };

/** Full chunks, which differ. */
const FULL = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((letter) => letter.repeat(CHUNK_BYTES));

/** Full chunks of the stream 5 under the ids 100, 101 and so on. */
function parts(count: number, first = 0): Frame[] {
  return FULL.slice(first, first + count).map((text, i) => part(100 + first + i, 5, first + i, text));
}

function acksOf(ids: readonly number[]): Step {
  return expectEach(
    ids.map((id) => ({ type: ACK, id })),
    'blob',
  );
}

/** Each of these is a whole blob for a reader, whatever the order and the borders of its chunks. */
const WHOLE: Readonly<Record<string, { readonly frames: readonly Frame[]; readonly text: string }>> = {
  'of-one-chunk': { frames: [lastPart(100, 5, 0, 'ave')], text: 'ave' },
  'that-is-empty': { frames: [lastPart(100, 5, 0, '')], text: '' },
  'of-whole-chunks': {
    frames: [...parts(3), lastPart(103, 5, 3, FULL[3]!)],
    text: FULL.slice(0, 4).join(''),
  },
  'with-an-empty-last-chunk': { frames: [...parts(1), lastPart(101, 5, 1, '')], text: FULL[0]! },
  'of-short-chunks': { frames: [part(100, 5, 0, 'a'), part(101, 5, 1, 'bc'), lastPart(102, 5, 2, 'd')], text: 'abcd' },
  'with-empty-chunks-between': {
    frames: [part(100, 5, 0, 'a'), part(101, 5, 1, ''), part(102, 5, 2, ''), lastPart(103, 5, 3, 'b')],
    text: 'ab',
  },
  'out-of-order': {
    frames: [part(100, 5, 2, 'c'), part(101, 5, 0, 'a'), part(102, 5, 1, 'b'), lastPart(103, 5, 3, 'd')],
    text: 'abcd',
  },
  'with-any-ids': {
    frames: [part(0xffff_ffff, 5, 0, 'a'), part(0, 5, 1, 'b'), lastPart(0x8000_0000, 5, 2, 'c')],
    text: 'abc',
  },
};

export const BLOBS_RECEIVING: readonly ConformanceCase[] = [
  ...Object.entries(WHOLE).map(([name, { frames, text }]) => ({
    id: `blob-${name}`,
    clauses: '[a1-blob-13] [a1-blob-15] [a1-blob-16] [a1-brecv-1] [a1-blim-7]',
    title: `a blob ${name.replaceAll('-', ' ')}: its chunks are acked, then complete comes`,
    script: [
      openStream(5),
      write(frames, 'blob'),
      acksOf(frames.map(({ id }) => id as number)),
      expectComplete(5),
      write(ack(completeName(5)), 'blob'),
      expectRead(5, text),
      expectNothingOnBlob(),
      expectNothing(),
    ],
  })),
  {
    id: 'blob-longer-than-window',
    clauses: '[a1-blob-13] [a1-blim-7]',
    title: 'chunks beyond the first window, each behind the ack that permits it',
    script: [
      openStream(5),
      ...[0, 1, 2, 3, 4, 5].flatMap((chunk) => [
        write(part(100 + chunk, 5, chunk, FULL[chunk]!), 'blob'),
        expectAck(100 + chunk, 'blob'),
      ]),
      write(lastPart(106, 5, 6, 'end'), 'blob'),
      ...expectWhole(5, [106]),
      expectRead(5, `${FULL.slice(0, 6).join('')}end`),
    ],
  },
  {
    id: 'blob-chunk-byte-by-byte',
    clauses: '[a1-wire-3] [a1-blim-7]',
    title: 'a chunk that comes byte by byte',
    script: [
      openStream(5),
      writeCut(
        lastPart(100, 5, 0, 'ave'),
        Array.from({ length: 52 }, (_, i) => i + 1),
        'blob',
      ),
      ...expectWhole(5, [100]),
      expectRead(5, 'ave'),
    ],
  },
  {
    id: 'blob-slow-reader-withholds-acks',
    clauses: '[a1-blob-14] [a1-brecv-12] [a1-blim-10]',
    title: 'chunks are acked when they are read, and not before; messages flow meanwhile',
    script: [
      openStream(5, 'blob-sleeper'),
      write(parts(4), 'blob'),
      expectNothingOnBlob(),
      write(message(1, 'accept', 'salve')),
      expectAck(1),
      orderBlob(5, 'go-on'),
      acksOf([100, 101, 102, 103]),
      write(lastPart(104, 5, 4, 'end'), 'blob'),
      ...expectWhole(5, [104]),
      expectRead(5, `${FULL.slice(0, 4).join('')}end`),
    ],
  },
  {
    id: 'blob-slow-reader-hinders-no-other',
    clauses: '[a1-brecv-12] [a1-blim-1]',
    title: 'a stream that nobody reads stands in no other’s way',
    script: [
      openStream(5, 'blob-sleeper'),
      write(parts(4), 'blob'),
      openAnother(6),
      write(lastPart(200, 6, 0, 'fast'), 'blob'),
      ...expectWhole(6, [200]),
      expectRead(6, 'fast'),
    ],
  },
  {
    id: 'blob-whole-before-it-is-read',
    clauses: '[a1-blob-15] [a1-brecv-14] [a1-brecv-16]',
    title: 'with LAST_CHUNK come the acks that are withheld, then complete, read or not',
    script: [
      openStream(5, 'blob-sleeper'),
      write(parts(2), 'blob'),
      expectNothingOnBlob(),
      write(lastPart(102, 5, 2, 'end'), 'blob'),
      ...expectWhole(5, [100, 101, 102]),
      write(ack(completeName(5)), 'blob'),
      expectNothingOnBlob(),
      orderBlob(5, 'go-on'),
      expectRead(5, `${FULL[0]}${FULL[1]}end`),
    ],
  },
  {
    id: 'blob-whole-outlives-session',
    clauses: '[a1-brecv-16]',
    title: 'what has arrived whole can be read behind the end of the session',
    script: [
      openStream(5, 'blob-sleeper'),
      write(lastPart(100, 5, 0, 'ave'), 'blob'),
      ...expectWhole(5, [100]),
      write(close()),
      expectEnd(),
      orderBlob(5, 'go-on'),
      expectRead(5, 'ave'),
    ],
  },
  {
    id: 'blob-repeat-of-acked-chunk',
    clauses: '[a1-brecv-2] [a1-blim-8]',
    title: 'a repeat of a chunk that was acked is acked again and dropped',
    script: [
      openStream(5),
      write(part(100, 5, 0, 'once '), 'blob'),
      expectAck(100, 'blob'),
      write(part(101, 5, 0, 'twice'), 'blob'),
      expectAck(101, 'blob'),
      write(lastPart(102, 5, 1, 'only'), 'blob'),
      ...expectWhole(5, [102]),
      expectRead(5, 'once only'),
    ],
  },
  {
    id: 'blob-repeat-of-withheld-chunk',
    clauses: '[a1-brecv-3] [a1-blim-8]',
    title: 'a repeat of a chunk whose ack is withheld is dropped, and acked under its newest id',
    script: [
      openStream(5, 'blob-sleeper'),
      write([part(100, 5, 0, 'once '), part(101, 5, 0, 'twice'), part(102, 5, 2, 'c'), part(103, 5, 2, 'C')], 'blob'),
      expectNothingOnBlob(),
      write(part(104, 5, 1, 'b'), 'blob'),
      orderBlob(5, 'go-on'),
      acksOf([101, 104, 103]),
      write(lastPart(105, 5, 3, ''), 'blob'),
      ...expectWhole(5, [105]),
      expectRead(5, 'once bc'),
    ],
  },
  {
    id: 'blob-repeat-of-last-chunk',
    clauses: '[a1-brecv-2] [a1-brecv-8]',
    title: 'a repeat of LAST_CHUNK is acked until complete is, and not found behind that',
    script: [
      openStream(5),
      write(lastPart(100, 5, 0, 'ave'), 'blob'),
      ...expectWhole(5, [100]),
      write(lastPart(101, 5, 0, 'ave'), 'blob'),
      expectAck(101, 'blob'),
      write([ack(completeName(5)), lastPart(102, 5, 0, 'ave')], 'blob'),
      expectError(102, STREAM_NOT_FOUND, 'blob'),
      expectRead(5, 'ave'),
    ],
  },
  {
    id: 'blob-complete-answered-with-error',
    clauses: '[a1-blob-16]',
    title: 'an error for complete ends the stream like an ack',
    script: [
      openStream(5),
      write(lastPart(100, 5, 0, 'ave'), 'blob'),
      ...expectWhole(5, [100]),
      write(error(completeName(5), STREAM_NOT_FOUND), 'blob'),
      expectRead(5, 'ave'),
      expectNothingOnBlob(),
    ],
  },
  {
    id: 'blob-complete-repeated-once',
    clauses: '[a1-blob-17]',
    title: 'complete comes once more when its callis is lost before the ack, and never again',
    script: [
      openStream(5),
      write(lastPart(100, 5, 0, 'ave'), 'blob'),
      ...expectWhole(5, [100]),
      hangUp('blob'),
      answerBlobDial('again', RECONNECT),
      expectComplete(5, 'again'),
      hangUp('again'),
      expectNothing(),
      redialBlob('third'),
      expectNothingOnBlob('third'),
      expectRead(5, 'ave'),
    ],
  },
  {
    id: 'blob-acks-outlive-their-callis',
    clauses: '[a1-blob-13] [a1-brecv-2]',
    title: 'a chunk that comes again on the next callis is acked there',
    script: [
      openStream(5),
      write(part(100, 5, 0, 'once '), 'blob'),
      expectAck(100, 'blob'),
      finish('blob'),
      expectEnd('blob'),
      answerBlobDial('again', RECONNECT),
      expectNothingOnBlob('again'),
      write([part(101, 5, 0, 'once '), lastPart(102, 5, 1, 'only')], 'again'),
      expectAck(101, 'again'),
      ...expectWhole(5, [102], 'again'),
      expectRead(5, 'once only'),
    ],
  },
  {
    id: 'blob-chunk-cut-off-with-its-callis',
    clauses: '[a1-brecv-1] [a1-blim-7]',
    title: 'a chunk that is cut off with its callis comes whole on the next',
    script: [
      openStream(5),
      writeHead(part(100, 5, 0, 'XXXXXXXX'), 54, 'blob'),
      finish('blob'),
      expectEnd('blob'),
      answerBlobDial('again', RECONNECT),
      expectNothingOnBlob('again'),
      write(lastPart(101, 5, 0, 'ave'), 'again'),
      ...expectWhole(5, [101], 'again'),
      expectRead(5, 'ave'),
    ],
  },
  ...['blob', 'main'].map((on) => ({
    id: `blob-aborted-by-sender-on-${on}`,
    clauses: '[a1-bsend-15] [a1-bsend-17]',
    title: `an error for the stream’s id on ${on} gives the stream up`,
    script: [
      openStream(5),
      write(part(100, 5, 0, 'half'), 'blob'),
      expectAck(100, 'blob'),
      write(error(5, PEER_UNAVAILABLE, 'stream-aborted'), on),
      expectRead(5, 'half', 'peer-unavailable'),
      write(part(101, 5, 1, 'late'), 'blob'),
      expectError(101, STREAM_NOT_FOUND, 'blob'),
      expectNothing(),
    ],
  })),
  {
    id: 'blob-failed-by-sender-with-its-kind',
    clauses: '[a1-bsend-17]',
    title: 'the stream fails with the kind of that error',
    script: [openStream(5), write(error(5, 17), 'blob'), expectReadingEnd(5, 'blob-stream-idle-timeout')],
  },
  {
    id: 'blob-aborted-by-receiver',
    clauses: '[a1-brecv-15]',
    title: 'a receiver that is destroyed says so with the stream’s id; what comes behind is not found',
    script: [
      openStream(5, 'blob-sleeper'),
      write(parts(2), 'blob'),
      expectNothingOnBlob(),
      orderBlob(5, 'drop'),
      expectError(5, PEER_UNAVAILABLE, 'blob'),
      write(part(102, 5, 2, 'late'), 'blob'),
      expectError(102, STREAM_NOT_FOUND, 'blob'),
      expectNothing(),
    ],
  },
  {
    id: 'blob-aborted-by-receiver-without-callis',
    clauses: '[a1-brecv-15]',
    title: 'without a blob callis the primary carries that',
    script: [
      openStream(5, 'blob-sleeper'),
      hangUp('blob'),
      takeBlobDial('again', RECONNECT),
      orderBlob(5, 'drop'),
      expectError(5, PEER_UNAVAILABLE),
    ],
  },
  {
    id: 'blob-left-by-receiver-when-whole',
    clauses: '[a1-brecv-15] [a1-blob-15]',
    title: 'giving up what has arrived whole is no abort',
    script: [
      openStream(5, 'blob-sleeper'),
      write(lastPart(100, 5, 0, 'ave'), 'blob'),
      ...expectWhole(5, [100]),
      orderBlob(5, 'drop'),
      expectNothingOnBlob(),
      write(ack(completeName(5)), 'blob'),
      expectNothingOnBlob(),
    ],
  },
  {
    id: 'blob-idle',
    clauses: '[a1-brecv-13]',
    title: 'no chunk for 2 × sendTimeout: an error names the stream, which fails',
    config: SOON_IDLE,
    script: [
      openStream(5),
      expectFrame({ type: 6, id: 5, errorId: 17 }, 'blob'),
      expectReadingEnd(5, 'blob-stream-idle-timeout'),
      write(part(100, 5, 0, 'late'), 'blob'),
      expectError(100, STREAM_NOT_FOUND, 'blob'),
    ],
  },
  {
    id: 'blob-idle-not-while-acks-are-withheld',
    clauses: '[a1-brecv-14]',
    title: 'the limit does not run while acks are withheld: a stream that is opened later meets it, this one does not',
    config: SOON_IDLE,
    script: [
      openStream(5, 'blob-sleeper'),
      write(part(100, 5, 0, 'held'), 'blob'),
      expectNothingOnBlob(),
      openAnother(6),
      expectFrame({ type: 6, id: 6, errorId: 17 }, 'blob'),
      orderBlob(5, 'go-on'),
      expectAck(100, 'blob'),
      write(lastPart(101, 5, 1, ''), 'blob'),
      ...expectWhole(5, [101]),
      expectRead(5, 'held'),
    ],
  },
];
