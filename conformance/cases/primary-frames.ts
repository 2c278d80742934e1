/** Frames on an active primary: where they may not stand, and what is ignored. */
import type { ConformanceCase } from '../conformance-case.ts';
import {
  expectEnd,
  expectMessage,
  expectNothing,
  expectOutcome,
  expectSeen,
  expectViolation,
} from '../expectations.ts';
import {
  ack,
  BLOB,
  chunk,
  complete,
  error,
  type Frame,
  hello,
  helloResponse,
  keepalive,
  message,
  RECONNECT,
} from '../frames.ts';
import { answerDial, connect, send, write } from '../steps.ts';

/** Frames that end a primary, whoever dialled it. */
const MISPLACED: readonly { readonly id: string; readonly clauses: string; readonly frame: Frame }[] = [
  { id: 'second-hello', clauses: '[a1-type-6] [a1-wire-11]', frame: hello() },
  { id: 'second-hello-reconnect', clauses: '[a1-type-6] [a1-wire-11]', frame: hello({ flags: RECONNECT }) },
  {
    id: 'second-hello-blob',
    clauses: '[a1-type-6] [a1-wire-11]',
    frame: hello({ flags: BLOB, payload: Buffer.alloc(8, 1) }),
  },
  { id: 'second-hello-response', clauses: '[a1-type-6] [a1-wire-11]', frame: helloResponse() },
  {
    id: 'second-hello-response-reconnect',
    clauses: '[a1-type-6] [a1-wire-11]',
    frame: helloResponse({ flags: RECONNECT }),
  },
  { id: 'chunk', clauses: '[a1-type-5] [a1-wire-11]', frame: chunk() },
  { id: 'chunk-empty', clauses: '[a1-type-5] [a1-wire-11]', frame: chunk({ payload: Buffer.alloc(0) }) },
  { id: 'chunk-malformed', clauses: '[a1-type-5] [a1-wire-11]', frame: chunk({ payload: Buffer.alloc(17) }) },
  { id: 'chunk-with-flags', clauses: '[a1-wire-10] [a1-wire-11]', frame: chunk({ flags: BLOB }) },
  { id: 'complete', clauses: '[a1-type-5] [a1-wire-11]', frame: complete() },
  { id: 'complete-empty', clauses: '[a1-type-5] [a1-wire-11]', frame: complete({ payload: Buffer.alloc(0) }) },
  { id: 'complete-with-flags', clauses: '[a1-wire-10] [a1-wire-11]', frame: complete({ flags: BLOB }) },
  { id: 'reserved-type', clauses: '[a1-type-4] [a1-wire-11]', frame: { type: 7 } },
  { id: 'unknown-type', clauses: '[a1-type-4] [a1-wire-11]', frame: { type: 0xffff } },
  { id: 'ack-with-payload', clauses: '[a1-pay-1] [a1-pay-5]', frame: ack(1, { payload: Buffer.alloc(1) }) },
  { id: 'error-without-number', clauses: '[a1-pay-2] [a1-pay-5]', frame: { type: 6, id: 1, payload: Buffer.alloc(3) } },
  { id: 'error-of-unknown-number', clauses: '[a1-pay-6] [a1-wire-11]', frame: error(1, 27) },
  { id: 'version-2', clauses: '[a1-wire-5] [a1-wire-11]', frame: keepalive({ version: 2 }) },
  {
    id: 'reconnect-on-message',
    clauses: '[a1-wire-10] [a1-wire-11]',
    frame: message(1, 'accept', 'no', { flags: RECONNECT }),
  },
];

const ON_ACCEPTED: readonly ConformanceCase[] = MISPLACED.map(({ id, clauses, frame }) => ({
  id: `on-accepted-${id}`,
  clauses,
  title: `${id} on a primary that the raw peer dialled: the end without a word, and the session is kept`,
  script: [connect(), expectViolation(frame), connect('again', RECONNECT), expectSeen('accept', [], 'again')],
}));

const ON_DIALLED: readonly ConformanceCase[] = MISPLACED.map(({ id, clauses, frame }) => ({
  id: `on-dialled-${id}`,
  clauses,
  title: `${id} on a primary that the implementation dialled: the end, and it comes back with RECONNECT`,
  script: [
    send('first'),
    answerDial(),
    expectMessage('first'),
    write(ack('first')),
    expectOutcome('first', 'accepted'),
    send('second'),
    expectMessage('second'),
    expectViolation(frame),
    answerDial('again', RECONNECT),
    expectMessage('second', 'again'),
    write(ack('second'), 'again'),
    expectOutcome('second', 'accepted'),
  ],
}));

const IGNORED: readonly ConformanceCase[] = [
  {
    id: 'flood-of-acks',
    clauses: '[a1-loss-10]',
    title: 'two thousand acks for messages that were never sent',
    script: [connect(), write(Array.from({ length: 2_000 }, (_, id) => ack(id))), expectNothing()],
  },
  {
    id: 'flood-of-errors',
    clauses: '[a1-loss-10]',
    title: 'two thousand errors for messages that were never sent',
    script: [connect(), write(Array.from({ length: 2_000 }, (_, id) => error(id, 4, 'no'))), expectNothing()],
  },
  {
    id: 'flood-of-keepalives',
    clauses: '[a1-keep-2]',
    title: 'two thousand keepalives',
    script: [connect(), write(Array.from({ length: 2_000 }, () => keepalive())), expectNothing()],
  },
  {
    id: 'silence-behind-violation',
    clauses: '[a1-wire-11]',
    title: 'nothing behind a violation is read',
    script: [
      connect(),
      write([keepalive({ version: 9 }), message(1, 'accept', 'behind')]),
      expectEnd(),
      connect('again', RECONNECT),
      expectSeen('accept', [], 'again'),
    ],
  },
];

export const PRIMARY_FRAMES: readonly ConformanceCase[] = [...ON_ACCEPTED, ...ON_DIALLED, ...IGNORED];
