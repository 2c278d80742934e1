/** Streams of the implementation that are lost, refused, given up or resumed: what it tells, and how they end (a1-blobs, sender). */
import { chunkName, expectBlobMessage, expectChunk, expectChunks, expectReadingEnd } from '../blob-expectations.ts';
import { blobResponse, OWN_NUMBERS } from '../blob-frames.ts';
import {
  ackChunks,
  answerBlobDial,
  dialBlob,
  expectNothingOnBlob,
  offer,
  orderBlob,
  redialBlob,
  sendBlob,
  takeBlob,
  takeBlobDial,
} from '../blob-steps.ts';
import type { ConformanceCase, Step } from '../conformance-case.ts';
import { expectAck, expectEnd, expectError, expectNothing, expectOutcome } from '../expectations.ts';
import { ack, close, error, RECONNECT } from '../frames.ts';
import { connect, finish, hangUp, write } from '../steps.ts';

const PEER_UNAVAILABLE = 3;

/** Names a stream whose id is another one. */
const SAME_ID = 5;

const KINDS = {
  7: 'protocol-violation',
  10: 'decode-failure',
  14: 'blob-ack-window-exceeded',
  15: 'blob-stream-not-found',
  18: 'blob-stream-missing-chunk',
  19: 'blob-buffer-full',
} as const;

/** The answers to chunks of "file". */
const acks = (...chunks: readonly number[]): Step => ackChunks('file', chunks);
const acksOn = (name: string, ...chunks: readonly number[]): Step => ackChunks('file', chunks, name);

export const BLOBS_SENDING_ENDS: readonly ConformanceCase[] = [
  ...([7, 10, 14, 15, 18, 19] as const).map((errorId) => ({
    id: `blob-send-chunk-refused-with-${errorId}`,
    clauses: '[a1-bsend-16]',
    title: `error ${errorId} for a chunk fails its stream with that kind, and no other`,
    script: [
      takeBlob('file', 300),
      ...expectChunks('file', [0, 1, 2, 3]),
      write(error(chunkName('file', 2), errorId, 'no'), 'blob'),
      expectOutcome('file', KINDS[errorId]),
      acks(0),
      expectNothingOnBlob(),
      sendBlob('other', 64),
      expectBlobMessage('other'),
      write(ack('other')),
      expectChunk('other', 0, { isLast: true }),
    ],
  })),
  ...['blob', 'main'].map((on) => ({
    id: `blob-send-failed-by-stream-id-on-${on}`,
    clauses: '[a1-bsend-17] [a1-brecv-13]',
    title: `an error with the stream’s id on ${on} fails it`,
    script: [
      takeBlob('file', 300),
      ...expectChunks('file', [0, 1, 2, 3]),
      write(error('file', 17, 'idle'), on),
      expectOutcome('file', 'blob-stream-idle-timeout'),
      acks(0),
      expectNothingOnBlob(),
      expectNothing(),
    ],
  })),
  {
    id: 'blob-send-given-up-by-receiver',
    clauses: '[a1-bsend-17] [a1-brecv-15]',
    title: 'a receiver that gives up fails the sender with peer-unavailable',
    script: [
      takeBlob('file', 300),
      ...expectChunks('file', [0, 1, 2, 3]),
      write(error('file', PEER_UNAVAILABLE, 'stream-aborted'), 'blob'),
      expectOutcome('file', 'peer-unavailable'),
    ],
  },
  {
    id: 'blob-send-stream-id-names-own-first',
    clauses: '[a1-bsend-17]',
    title: 'an error with the id of streams in both directions fails the one that this side sends, and then the other',
    script: [
      takeBlob('file', 300),
      ...expectChunks('file', [0, 1, 2, 3]),
      offer(SAME_ID, 'blob-reader', 'file'),
      expectAck('file'),
      write(error('file', PEER_UNAVAILABLE), 'blob'),
      expectOutcome('file', 'peer-unavailable'),
      write(error('file', PEER_UNAVAILABLE), 'blob'),
      expectReadingEnd(SAME_ID, 'peer-unavailable'),
    ],
  },
  {
    id: 'blob-send-given-up',
    clauses: '[a1-bsend-15]',
    title: 'a sender that is destroyed says so with the stream’s id on the blob callis, and nothing more comes',
    script: [
      takeBlob('file', 300, 128),
      ...expectChunks('file', [0, 1]),
      orderBlob('file', 'drop'),
      expectError('file', PEER_UNAVAILABLE, 'blob'),
      expectOutcome('file', 'dropped'),
      acks(0, 1),
      expectNothingOnBlob(),
      expectNothing(),
    ],
  },
  {
    id: 'blob-send-given-up-without-callis',
    clauses: '[a1-bsend-15]',
    title: 'without a blob callis the primary carries that',
    script: [
      takeBlob('file', 300, 128),
      ...expectChunks('file', [0, 1]),
      hangUp('blob'),
      takeBlobDial('again', RECONNECT),
      orderBlob('file', 'drop'),
      expectError('file', PEER_UNAVAILABLE),
      expectOutcome('file', 'dropped'),
    ],
  },
  {
    id: 'blob-send-without-callis',
    clauses: '[a1-bsend-19]',
    title: 'a stream that has no blob callis for 2 × sendTimeout fails with peer-unavailable',
    config: { sendTimeout: 3_000, callisConnectTimeout: 3_000, acceptTimeout: 3_000 },
    script: [
      takeBlob('file', 300),
      ...expectChunks('file', [0, 1, 2, 3]),
      hangUp('blob'),
      takeBlobDial('unanswered', RECONNECT),
      expectOutcome('file', 'peer-unavailable', 20_000),
    ],
  },
  {
    id: 'blob-send-replay',
    clauses: '[a1-bsend-13] [a1-bsend-1] [a1-bcal-3] [a1-bcal-10]',
    title: 'what a lost callis carried unanswered comes again on the next one: the same bytes, under new ids',
    script: [
      takeBlob('file', 256),
      ...expectChunks('file', [0, 1, 2]),
      expectChunk('file', 3, { isLast: true }),
      acks(1),
      expectNothingOnBlob(),
      hangUp('blob'),
      answerBlobDial('again', RECONNECT),
      expectChunk('file', 0, {}, 'again'),
      expectChunk('file', 2, {}, 'again'),
      expectChunk('file', 3, { isLast: true }, 'again'),
      acksOn('again', 0, 2, 3),
      expectOutcome('file', 'whole'),
      expectNothingOnBlob('again'),
    ],
  },
  {
    id: 'blob-send-replay-on-inbound',
    clauses: '[a1-bsend-13] [a1-bcal-3]',
    title: 'a blob callis that the peer dials serves that too',
    script: [
      takeBlob('file', 128),
      expectChunk('file', 0),
      expectChunk('file', 1, { isLast: true }),
      hangUp('blob'),
      takeBlobDial('theirs', RECONNECT),
      redialBlob('ours'),
      expectChunk('file', 0, {}, 'ours'),
      expectChunk('file', 1, { isLast: true }, 'ours'),
      write(blobResponse(OWN_NUMBERS, RECONNECT), 'theirs'),
      acksOn('ours', 0, 1),
      expectOutcome('file', 'whole'),
    ],
  },
  {
    id: 'blob-send-replay-before-fresh',
    clauses: '[a1-bsend-11] [a1-bsend-8]',
    title: 'chunks that are written again come ahead of fresh ones',
    script: [
      takeBlob('file', 256, 128),
      ...expectChunks('file', [0, 1]),
      hangUp('blob'),
      orderBlob('file', 'go-on'),
      answerBlobDial('again', RECONNECT),
      ...expectChunks('file', [0, 1, 2], 'again'),
      expectChunk('file', 3, { isLast: true }, 'again'),
    ],
  },
  {
    id: 'blob-send-late-answers',
    clauses: '[a1-bsend-14]',
    title: 'an error for a chunk of an earlier attempt is ignored',
    script: [
      takeBlob('file', 128),
      expectChunk('file', 0),
      expectChunk('file', 1, { isLast: true }),
      hangUp('blob'),
      takeBlobDial('again', RECONNECT),
      write(error(chunkName('file', 0), 18)),
      expectNothing(),
      write(blobResponse(OWN_NUMBERS, RECONNECT), 'again'),
      expectChunk('file', 0, {}, 'again'),
      expectChunk('file', 1, { isLast: true }, 'again'),
      acksOn('again', 0, 1),
      expectOutcome('file', 'whole'),
    ],
  },
  {
    id: 'blob-send-acks-suffice-after-loss',
    clauses: '[a1-blob-19]',
    title: 'if a callis was lost behind LAST_CHUNK, acks of all chunks are enough',
    script: [
      takeBlob('file', 64),
      expectChunk('file', 0, { isLast: true }),
      hangUp('blob'),
      answerBlobDial('again', RECONNECT),
      expectChunk('file', 0, { isLast: true }, 'again'),
      write(ack(chunkName('file', 0)), 'again'),
      expectOutcome('file', 'whole'),
    ],
  },
  {
    id: 'blob-send-redial-answered-plainly',
    clauses: '[a1-bcal-12]',
    title: 'a plain answer to RECONNECT fails the stream with peer-restarted',
    script: [
      takeBlob('file', 64),
      expectChunk('file', 0, { isLast: true }),
      hangUp('blob'),
      takeBlobDial('again', RECONNECT),
      write(blobResponse(), 'again'),
      expectOutcome('file', 'peer-restarted'),
      expectNothingOnBlob('again'),
    ],
  },
  {
    id: 'blob-send-redial-other-numbers',
    clauses: '[a1-bcal-17]',
    title: 'so do other numbers',
    script: [
      takeBlob('file', 64),
      expectChunk('file', 0, { isLast: true }),
      hangUp('blob'),
      takeBlobDial('again', RECONNECT),
      write(blobResponse([32, 4], RECONNECT), 'again'),
      expectOutcome('file', 'peer-restarted'),
    ],
  },
  {
    id: 'blob-send-plain-hello-after-loss',
    clauses: '[a1-bcal-12]',
    title: 'so does a plain hello of the peer',
    script: [
      takeBlob('file', 64),
      expectChunk('file', 0, { isLast: true }),
      hangUp('blob'),
      takeBlobDial('theirs', RECONNECT),
      dialBlob('ours'),
      expectOutcome('file', 'peer-restarted'),
    ],
  },
  {
    id: 'blob-send-session-closed',
    clauses: '[a1-blim-6]',
    title: 'a close fails the stream with peer-unavailable',
    script: [
      takeBlob('file', 300),
      ...expectChunks('file', [0, 1, 2, 3]),
      write(close()),
      expectEnd(),
      expectOutcome('file', 'peer-unavailable'),
    ],
  },
  {
    id: 'blob-send-session-restarted',
    clauses: '[a1-blim-6]',
    title: 'a restart of the peer fails it with peer-restarted',
    script: [
      takeBlob('file', 300),
      ...expectChunks('file', [0, 1, 2, 3]),
      finish(),
      expectEnd(),
      connect('again'),
      expectOutcome('file', 'peer-restarted'),
    ],
  },
];
