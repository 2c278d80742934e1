/** The implementation dials the blob callis: its hello, what it makes of answers, and its loss (a1-blobs, blob callis). */

import { completeName, expectRead, expectReadingEnd, expectWhole } from '../blob-expectations.ts';
import { blobHello, blobResponse, completeOf, lastPart, type Numbers, OWN_NUMBERS, part } from '../blob-frames.ts';
import { expectFirstDialsSettled } from '../blob-precedence.ts';
import {
  answerBlobDial,
  dialBlob,
  expectNothingOnBlob,
  offer,
  openAnother,
  openStream,
  redialBlob,
  takeBlobDial,
} from '../blob-steps.ts';
import type { ConformanceCase, Step } from '../conformance-case.ts';
import {
  expectAck,
  expectEnd,
  expectError,
  expectMessage,
  expectNoConnection,
  expectNothing,
  expectOutcome,
  expectViolation,
} from '../expectations.ts';
import { ack, BLOB, error, type Frame, HELLO_RESPONSE, RECONNECT } from '../frames.ts';
import { connect, dial, finish, hangUp, inTurn, send, write } from '../steps.ts';

/** The implementation has said its first blob hello, for a stream of id 5, and waits for the answer. */
const asked = inTurn('the implementation has said its blob hello', [
  connect(),
  offer(5, 'blob-reader'),
  takeBlobDial(),
]);

/** The stream 5 can be read: its only chunk under the id 100. */
function works(name: string): readonly Step[] {
  return [
    write(lastPart(100, 5, 0, 'ave'), name),
    ...expectWhole(5, [100], name),
    write(ack(completeName(5)), name),
    expectRead(5, 'ave'),
  ];
}

const WRONG_ANSWERS: Readonly<Record<string, Frame>> = {
  'reconnect-alone': blobResponse(OWN_NUMBERS, RECONNECT),
  'chunk-size-over-proposal': blobResponse([65, 4]),
  'window-over-proposal': blobResponse([64, 5]),
  'numbers-far-over-proposal': blobResponse([0xffff_ffff, 0xffff_ffff]),
  'chunk-size-zero': blobResponse([0, 4]),
  'window-zero': blobResponse([64, 0]),
  'without-blob': { type: HELLO_RESPONSE },
  'without-blob-with-numbers': { ...blobResponse(), flags: 0 },
  ...Object.fromEntries(
    [0, 4, 7, 9].map((bytes) => [`of-${bytes}-bytes`, { ...blobResponse(), payload: Buffer.alloc(bytes, 1) }]),
  ),
  'undefined-flag': { ...blobResponse(), flags: BLOB | 4 },
  'a-hello': blobHello(),
  'a-chunk': part(100, 5, 0, 'ave'),
  'a-complete': completeOf(100, 5),
  'an-ack': ack(0),
  'unknown-error': error(0, 99),
};

const LESSER: readonly Numbers[] = [
  [64, 1],
  [1, 4],
  [32, 2],
];

export const BLOBS_DIALLING: readonly ConformanceCase[] = [
  {
    id: 'blob-dial-hello',
    clauses: '[a1-blob-8] [a1-blob-9] [a1-bcal-1] [a1-bcal-3] [a1-bcal-10]',
    title: 'on accept it dials with a plain hello and its numbers; the message is acked behind the answer, not before',
    script: [asked, expectNothing(), write(blobResponse(), 'blob'), expectAck(5), ...works('blob')],
  },
  ...Object.entries(WRONG_ANSWERS).map(([name, answer]) => ({
    id: `blob-dial-answered-${name}`,
    clauses: '[a1-bcal-13] [a1-bcal-4] [a1-wire-11]',
    title: `a wrong answer (${name}) ends that callis alone, and the next dial may succeed`,
    script: [asked, write(answer, 'blob'), expectEnd('blob'), answerBlobDial('again'), expectAck(5), ...works('again')],
  })),
  ...[3, 13].map((errorId) => ({
    id: `blob-dial-refused-with-${errorId}`,
    clauses: '[a1-type-8] [a1-bcal-4]',
    title: `error ${errorId} in place of the answer fails that dial, and the next one may succeed`,
    script: [
      asked,
      write(error(0, errorId, 'no'), 'blob'),
      finish('blob'),
      expectEnd('blob'),
      answerBlobDial('again'),
      expectAck(5),
      ...works('again'),
    ],
  })),
  {
    id: 'blob-dial-ended-before-answer',
    clauses: '[a1-bcal-4] [a1-bcal-10]',
    title: 'a connection that ends before the answer is dialled again, with a plain hello',
    script: [asked, hangUp('blob'), answerBlobDial('again'), expectAck(5), ...works('again')],
  },
  {
    id: 'blob-dial-never-answered',
    clauses: '[a1-blob-10]',
    title: 'no blob callis within sendTimeout of the accept: the message is answered send-timeout',
    config: { sendTimeout: 3_000, callisConnectTimeout: 3_000, acceptTimeout: 3_000 },
    script: [asked, expectError(5, 12), expectReadingEnd(5, 'send-timeout')],
  },
  ...LESSER.map(([chunkBytes, window]) => ({
    id: `blob-dial-answered-${chunkBytes}x${window}`,
    clauses: '[a1-bcal-2]',
    title: `it takes the lesser numbers ${chunkBytes} × ${window} of an answer`,
    script: [
      asked,
      write(blobResponse([chunkBytes, window]), 'blob'),
      expectAck(5),
      openAnother(6),
      write(part(100, 6, 0, 'x'.repeat(chunkBytes + 1)), 'blob'),
      expectError(100, 7, 'blob'),
      openAnother(7),
      write(part(101, 7, window, 'x'), 'blob'),
      expectError(101, 14, 'blob'),
      write(lastPart(102, 5, 0, 'x'), 'blob'),
      ...expectWhole(5, [102]),
      expectRead(5, 'x'),
    ],
  })),
  {
    id: 'blob-dial-not-for-second-stream',
    clauses: '[a1-blob-8] [a1-blob-9]',
    title: 'with a blob callis up a stream needs no dial and is acked at once',
    script: [openStream(5), openAnother(6), expectNothing(), expectNoConnection()],
  },
  {
    id: 'blob-dial-not-with-inbound',
    clauses: '[a1-blob-8] [a1-bcal-3]',
    title: 'it dials none where the peer has dialled one',
    script: [connect(), dialBlob(), openAnother(5), expectNoConnection(), ...works('blob')],
  },
  {
    id: 'blob-dial-first-ones-at-once',
    clauses: '[a1-bcal-15]',
    title: 'first blob hellos of both sides at once: one callis comes up, and no stream fails',
    script: [
      asked,
      dial('ours'),
      write(blobHello(), 'ours'),
      expectFirstDialsSettled('blob', 'ours'),
      expectAck(5),
      ...works('blob'),
    ],
  },
  {
    id: 'blob-dial-after-loss',
    clauses: '[a1-bcal-3] [a1-bcal-10] [a1-bcal-9]',
    title: 'with a live stream a lost blob callis is dialled again, with RECONNECT, and the stream goes on',
    script: [
      openStream(5),
      write(part(99, 5, 0, 'salve '), 'blob'),
      expectAck(99, 'blob'),
      hangUp('blob'),
      answerBlobDial('again', RECONNECT),
      expectNothingOnBlob('again'),
      write(lastPart(100, 5, 1, 'et vale'), 'again'),
      ...expectWhole(5, [100], 'again'),
      write(ack(completeName(5)), 'again'),
      expectRead(5, 'salve et vale'),
      expectNothing(),
    ],
  },
  {
    id: 'blob-dial-after-end',
    clauses: '[a1-bcal-3] [a1-wire-4]',
    title: 'so it is after an orderly end',
    script: [
      openStream(5),
      finish('blob'),
      expectEnd('blob'),
      answerBlobDial('again', RECONNECT),
      expectNothingOnBlob('again'),
      ...works('again'),
    ],
  },
  {
    id: 'blob-dial-after-loss-answered-plainly',
    clauses: '[a1-bcal-12]',
    title: 'a plain answer to RECONNECT fails the streams with peer-restarted',
    script: [
      openStream(5),
      hangUp('blob'),
      takeBlobDial('again', RECONNECT),
      write(blobResponse(), 'again'),
      expectReadingEnd(5, 'peer-restarted'),
      write(part(100, 5, 0, 'ave'), 'again'),
      expectError(100, 15, 'again'),
    ],
  },
  {
    id: 'blob-dial-after-loss-other-numbers',
    clauses: '[a1-bcal-17]',
    title: 'other numbers than those of the streams fail these with peer-restarted',
    script: [
      openStream(5),
      hangUp('blob'),
      takeBlobDial('again', RECONNECT),
      write(blobResponse([64, 2], RECONNECT), 'again'),
      expectReadingEnd(5, 'peer-restarted'),
    ],
  },
  {
    id: 'blob-dial-after-loss-both-sides',
    clauses: '[a1-bcal-3] [a1-bcal-5]',
    title: 'after a loss both sides dial with RECONNECT, and both calles carry the stream',
    script: [
      openStream(5),
      hangUp('blob'),
      answerBlobDial('theirs', RECONNECT),
      redialBlob('ours'),
      write(part(99, 5, 0, 'salve '), 'ours'),
      expectAck(99, ['theirs', 'ours']),
      write(lastPart(100, 5, 1, 'et vale'), 'theirs'),
      ...expectWhole(5, [100], ['theirs', 'ours']),
      expectRead(5, 'salve et vale'),
    ],
  },
  {
    id: 'blob-hello-plain-with-live-stream',
    clauses: '[a1-bcal-12]',
    title: 'a plain blob hello of the peer after a loss fails the streams with peer-restarted',
    script: [
      openStream(5),
      hangUp('blob'),
      takeBlobDial('theirs', RECONNECT),
      dialBlob('ours'),
      expectReadingEnd(5, 'peer-restarted'),
      expectNothingOnBlob('ours'),
    ],
  },
  {
    id: 'blob-dial-not-without-stream',
    clauses: '[a1-bcal-3]',
    title: 'without a stream nobody dials a lost blob callis again; the next stream dials with RECONNECT',
    script: [
      openStream(5),
      ...works('blob'),
      finish('blob'),
      expectEnd('blob'),
      expectNothing(),
      expectNoConnection(),
      offer(6, 'blob-reader'),
      answerBlobDial('again', RECONNECT),
      expectAck(6),
    ],
  },
  {
    id: 'blob-loss-leaves-primary',
    clauses: '[a1-bcal-9]',
    title: 'the loss of a blob callis does not touch the primary, nor messages under way',
    script: [
      openStream(5),
      send('salve'),
      expectMessage('salve'),
      hangUp('blob'),
      answerBlobDial('again', RECONNECT),
      write(ack('salve')),
      expectOutcome('salve', 'accepted'),
      expectNothing(),
    ],
  },
  {
    id: 'blob-violation-leaves-primary',
    clauses: '[a1-wire-11] [a1-bcal-18]',
    title: 'a violation on a blob callis is a loss of that alone: with a live stream it is dialled again',
    script: [
      openStream(5),
      expectViolation(blobHello(), 'blob'),
      answerBlobDial('again', RECONNECT),
      expectNothingOnBlob('again'),
      ...works('again'),
    ],
  },
];
