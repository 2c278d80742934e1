/** Messages that open a stream of the raw peer: what becomes of them before the first chunk (a1-blobs, life of a stream). */
import { completeName, expectReadingEnd, expectWhole } from '../blob-expectations.ts';
import { blobResponse, lastPart, part } from '../blob-frames.ts';
import {
  answerBlobDial,
  dialBlob,
  expectNothingOnBlob,
  offer,
  openAnother,
  openStream,
  orderBlob,
  takeBlobDial,
  untilOffered,
} from '../blob-steps.ts';
import type { ConformanceCase } from '../conformance-case.ts';
import { expectAck, expectEnd, expectError, expectNoConnection, expectNothing } from '../expectations.ts';
import { ack, close, RECONNECT } from '../frames.ts';
import { INGRESS_SIZE } from '../shared-config.ts';
import { connect, decide, finish, hangUp, inTurn, write } from '../steps.ts';

const REJECTED = 4;
const BUFFER_FULL = 19;
const STREAM_NOT_FOUND = 15;

/** Room for one stream, and no more. */
const ONE_STREAM = { blobInboundBufferBytes: 256 };

/** A whole blob of one chunk, to its end. */
const carry = (stream: number, id: number): ReturnType<typeof inTurn> =>
  inTurn(`carry the stream ${stream}`, [
    write(lastPart(id, stream, 0, 'ave'), 'blob'),
    ...expectWhole(stream, [id]),
    write(ack(completeName(stream)), 'blob'),
    expectNothingOnBlob(),
  ]);

export const BLOBS_OFFERS: readonly ConformanceCase[] = [
  {
    id: 'blob-offer-inactive-until-accepted',
    clauses: '[a1-blob-7] [a1-blob-8]',
    title: 'until the handler accepts nothing is dialled and nothing answered',
    script: [
      connect(),
      offer(5, 'blob-hold'),
      untilOffered(5, 'blob-hold'),
      expectNothing(),
      expectNoConnection(),
      decide('accept', 'blob-hold'),
      answerBlobDial(),
      expectAck(5),
      carry(5, 100),
    ],
  },
  {
    id: 'blob-offer-chunk-before-accept',
    clauses: '[a1-blob-7] [a1-brecv-8]',
    title: 'a chunk of a stream that is not accepted is not found, and does it no harm',
    script: [
      connect(),
      dialBlob(),
      offer(5, 'blob-hold'),
      untilOffered(5, 'blob-hold'),
      write(part(99, 5, 0, 'too early'), 'blob'),
      expectError(99, STREAM_NOT_FOUND, 'blob'),
      decide('accept', 'blob-hold'),
      expectAck(5),
      carry(5, 100),
    ],
  },
  {
    id: 'blob-offer-rejected',
    clauses: '[a1-blob-11]',
    title: 'a rejected message leaves no stream',
    script: [
      connect(),
      dialBlob(),
      offer(5, 'blob-reject'),
      expectError(5, REJECTED),
      write(part(100, 5, 0, 'ave'), 'blob'),
      expectError(100, STREAM_NOT_FOUND, 'blob'),
      expectNothing(),
    ],
  },
  {
    id: 'blob-offer-rejected-later',
    clauses: '[a1-blob-11] [a1-in-7]',
    title: 'so does one whose handler rejects it later',
    script: [
      connect(),
      offer(5, 'blob-hold'),
      untilOffered(5, 'blob-hold'),
      decide('reject', 'blob-hold'),
      expectError(5, REJECTED),
      expectNothing(),
      expectNoConnection(),
    ],
  },
  {
    id: 'blob-offer-unknown-taberna',
    clauses: '[a1-blob-5] [a1-in-3]',
    title: 'a blob for a taberna that does not exist is answered unknown-taberna',
    script: [connect(), offer(5, 'unknown'), expectError(5, 1), expectNothing(), expectNoConnection()],
  },
  {
    id: 'blob-offer-taberna-busy',
    clauses: '[a1-blob-5] [a1-in-4]',
    title: 'a blob for a taberna that has no room is answered taberna-busy',
    script: [
      connect(),
      ...Array.from({ length: INGRESS_SIZE }, (_, i) => offer(5 + i, 'untaken')),
      offer(5 + INGRESS_SIZE, 'untaken'),
      expectError(5 + INGRESS_SIZE, 11),
    ],
  },
  {
    id: 'blob-offer-buffer-full',
    clauses: '[a1-blob-6] [a1-blim-1] [a1-blim-2] [a1-err-10]',
    title: 'without room for its window a blob is answered blob-buffer-full, until the stream before has ended',
    config: ONE_STREAM,
    alone: true,
    script: [
      openStream(5),
      offer(6, 'blob-reader'),
      expectError(6, BUFFER_FULL),
      write(part(99, 6, 0, 'ave'), 'blob'),
      expectError(99, STREAM_NOT_FOUND, 'blob'),
      carry(5, 100),
      openAnother(7),
      carry(7, 101),
    ],
  },
  {
    id: 'blob-offer-buffer-freed-by-rejection',
    clauses: '[a1-blob-11] [a1-blim-2]',
    title: 'a rejection gives the room back',
    config: ONE_STREAM,
    alone: true,
    script: [connect(), dialBlob(), offer(5, 'blob-reject'), expectError(5, REJECTED), openAnother(6), carry(6, 100)],
  },
  {
    id: 'blob-offer-buffer-freed-by-failure',
    clauses: '[a1-brecv-9] [a1-blim-2] [a1-blim-11]',
    title: 'so does a chunk that fails its stream',
    config: ONE_STREAM,
    alone: true,
    script: [
      openStream(5),
      write(part(100, 5, 0, 'x'.repeat(65)), 'blob'),
      expectError(100, 7, 'blob'),
      openAnother(6),
      carry(6, 101),
    ],
  },
  {
    id: 'blob-offer-buffer-freed-by-unknown-taberna',
    clauses: '[a1-blob-5] [a1-blim-11]',
    title: 'and a message that no taberna takes reserves nothing',
    config: ONE_STREAM,
    alone: true,
    script: [
      connect(),
      offer(5, 'unknown'),
      expectError(5, 1),
      offer(6, 'blob-reader'),
      answerBlobDial(),
      expectAck(6),
    ],
  },
  {
    id: 'blob-offer-given-up-before-ack',
    clauses: '[a1-brecv-15]',
    title: 'a stream that the handler gives up before the message is acked is rejected',
    script: [
      connect(),
      offer(5, 'blob-sleeper'),
      takeBlobDial(),
      orderBlob(5, 'drop'),
      expectError(5, REJECTED),
      expectNothing(),
    ],
  },
  {
    id: 'blob-offer-repeated',
    clauses: '[a1-in-11] [a1-blob-9]',
    title: 'the message that opened a stream is acked again when repeated, and opens nothing',
    script: [openStream(5), offer(5, 'blob-reader'), expectAck(5), carry(5, 100), expectNothing()],
  },
  {
    id: 'blob-offer-repeated-behind-loss',
    clauses: '[a1-in-12] [a1-blob-9]',
    title: 'one that comes again while its blob callis is awaited is acked once, when that is up',
    script: [
      connect(),
      offer(5, 'blob-reader'),
      takeBlobDial(),
      finish(),
      expectEnd(),
      connect('again', RECONNECT),
      offer(5, 'blob-reader', 5, 'again'),
      expectNothing('again'),
      write(blobResponse(), 'blob'),
      expectAck(5, 'again'),
      expectNothing('again'),
    ],
  },
  {
    id: 'blob-session-closed',
    clauses: '[a1-blim-6]',
    title: 'a close fails the streams of the session with peer-unavailable',
    script: [openStream(5), write(close()), expectEnd(), expectReadingEnd(5, 'peer-unavailable')],
  },
  {
    id: 'blob-session-restarted',
    clauses: '[a1-blim-6] [a1-call-9]',
    title: 'a restart of the peer fails them with peer-restarted',
    script: [openStream(5), hangUp(), connect('again'), expectReadingEnd(5, 'peer-restarted'), expectNothing('again')],
  },
];
