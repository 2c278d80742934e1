/** Frames that a blob callis takes, and those that end it alone (a1-blobs, blob callis). */
import { blobHello, blobResponse, completeOf, part } from '../blob-frames.ts';
import { dialBlob, expectNothingOnBlob } from '../blob-steps.ts';
import type { ConformanceCase } from '../conformance-case.ts';
import {
  expectEnd,
  expectFrame,
  expectKeepalives,
  expectMessage,
  expectNothing,
  expectOutcome,
  expectSeen,
  expectViolation,
} from '../expectations.ts';
import {
  A2_MESSAGE,
  ack,
  BLOB,
  close,
  error,
  type Frame,
  hello,
  KEEPALIVE,
  keepalive,
  message,
  RECONNECT,
} from '../frames.ts';
import { MAX_PAYLOAD_LEN } from '../shared-config.ts';
import { connect, finish, hangUp, send, write } from '../steps.ts';

const VIOLATIONS: readonly (readonly [name: string, clauses: string, frame: Frame])[] = [
  ['message', '[a1-type-9] [a1-bcal-18]', message(1, 'accept', 'salve')],
  ['a2-message', '[a1-type-9] [a1-bcal-18]', message(1, 'accept', 'salve', { type: A2_MESSAGE })],
  ['blob-message', '[a1-type-9] [a1-bcal-18]', message(1, 'accept', 'salve', { flags: BLOB })],
  ['hello', '[a1-type-6] [a1-bcal-18]', hello()],
  ['blob-hello', '[a1-type-6] [a1-bcal-18]', blobHello()],
  ['hello-response', '[a1-type-6] [a1-bcal-18]', blobResponse()],
  ['keepalive-with-payload', '[a1-pay-5] [a1-bcal-18]', keepalive({ payload: Buffer.alloc(1) })],
  ['ack-with-payload', '[a1-pay-5] [a1-wire-11]', ack(1, { payload: Buffer.alloc(1) })],
  ['error-of-3-bytes', '[a1-pay-5] [a1-wire-11]', { ...error(1, 3), payload: Buffer.alloc(3) }],
  ['unknown-error', '[a1-pay-6] [a1-wire-11]', error(1, 27)],
  [
    'chunk-over-payload-limit',
    '[a1-wire-8] [a1-wire-11]',
    { ...part(1, 7, 0, ''), payloadLength: MAX_PAYLOAD_LEN + 1 },
  ],
];

export const BLOBS_CALLIS: readonly ConformanceCase[] = [
  ...VIOLATIONS.map(([name, clauses, frame]) => ({
    id: `on-blob-callis-${name}`,
    clauses,
    title: `${name} on a blob callis ends it alone`,
    script: [
      connect(),
      dialBlob(),
      expectViolation(frame, 'blob'),
      expectNothing(),
      expectSeen('accept', []),
      dialBlob('again', undefined, RECONNECT),
    ],
  })),
  ...[
    ['chunk', part(1, 7, 0, 'ave')],
    ['last-chunk', part(1, 7, 0, 'ave', { flags: 1 })],
    ['complete', completeOf(1, 7)],
  ].map(([name, frame]) => ({
    id: `on-primary-beside-blob-callis-${name as string}`,
    clauses: '[a1-type-5] [a1-wire-11]',
    title: `a ${name as string} on the primary ends that, blob callis or not`,
    script: [connect(), dialBlob(), expectViolation(frame as Frame)],
  })),
  {
    id: 'blob-callis-keepalives',
    clauses: '[a1-bcal-18] [a1-keep-2]',
    title: 'keepalives on a blob callis do no harm, and are not answered',
    script: [connect(), dialBlob(), write([keepalive(), keepalive(), keepalive()], 'blob'), expectNothingOnBlob()],
  },
  {
    id: 'blob-callis-sends-no-keepalive',
    clauses: '[a1-bcal-8] [a1-keep-1]',
    title: 'keepalives come on the primary, and none on the blob callis',
    config: { keepaliveInterval: 200 },
    script: [
      connect(),
      dialBlob(),
      expectFrame({ type: KEEPALIVE, id: 0 }),
      expectFrame({ type: KEEPALIVE, id: 0 }),
      expectNothingOnBlob(),
      expectKeepalives(0, 'blob'),
    ],
  },
  {
    id: 'blob-callis-close',
    clauses: '[a1-bcal-18] [a1-loss-7]',
    title: 'a close on a blob callis ends the session',
    script: [
      connect(),
      dialBlob(),
      write(close(), 'blob'),
      expectEnd('blob'),
      expectEnd(),
      connect('again', RECONNECT, 0),
    ],
  },
  {
    id: 'primary-close-ends-blob-callis',
    clauses: '[a1-loss-7]',
    title: 'a close on the primary ends the blob callis too',
    script: [connect(), dialBlob(), write(close()), expectEnd(), expectEnd('blob')],
  },
  {
    id: 'restart-ends-blob-callis',
    clauses: '[a1-call-9] [a1-bcal-11]',
    title: 'a restart ends the older blob callis, and the new session has had none',
    script: [
      connect(),
      dialBlob(),
      expectNothing(),
      connect('again'),
      expectEnd('blob'),
      dialBlob('new', undefined, RECONNECT, { flags: 0 }),
    ],
  },
  {
    id: 'blob-callis-unknown-answers',
    clauses: '[a1-loss-10] [a1-type-7]',
    title: 'acks and errors on a blob callis for ids that nobody used are ignored',
    script: [connect(), dialBlob(), write([ack(1), error(2, 3), ack(0xffff_ffff)], 'blob'), expectNothingOnBlob()],
  },
  {
    id: 'blob-callis-acks-message',
    clauses: '[a1-type-7]',
    title: 'an ack for a message is valid on a blob callis',
    script: [
      connect(),
      dialBlob(),
      send('salve'),
      expectMessage('salve'),
      write(ack('salve'), 'blob'),
      expectOutcome('salve', 'accepted'),
    ],
  },
  {
    id: 'blob-callis-refuses-message',
    clauses: '[a1-type-7]',
    title: 'so is an error',
    script: [
      connect(),
      dialBlob(),
      send('salve'),
      expectMessage('salve'),
      write(error('salve', 4), 'blob'),
      expectOutcome('salve', 'remote-taberna-rejected'),
    ],
  },
  {
    id: 'blob-callis-lost-without-stream',
    clauses: '[a1-bcal-9]',
    title: 'a blob callis that breaks leaves the primary as it is',
    script: [connect(), dialBlob(), hangUp('blob'), expectNothing()],
  },
  {
    id: 'blob-callis-ended-without-stream',
    clauses: '[a1-bcal-9] [a1-wire-4]',
    title: 'so does one that ends',
    script: [connect(), dialBlob(), finish('blob'), expectEnd('blob'), expectNothing()],
  },
  {
    id: 'primary-lost-beside-blob-callis',
    clauses: '[a1-loss-1] [a1-call-5]',
    title: 'a primary that is lost is resumed beside the blob callis, which goes on',
    script: [connect(), dialBlob(), finish(), expectEnd(), connect('again', RECONNECT), expectNothingOnBlob()],
  },
];
