/** The hello exchange as the listener's peer sees it: the raw peer dials (a1-delivery, primary callis). */
import type { ConformanceCase } from '../conformance-case.ts';
import {
  expectAck,
  expectEnd,
  expectError,
  expectFrame,
  expectNothing,
  expectSeen,
  expectViolation,
  untilSeen,
} from '../expectations.ts';
import { BLOB, ERROR, HELLO_RESPONSE, hello, helloResponse, message, RECONNECT } from '../frames.ts';
import { connect, decide, dial, finish, hangUp, inTurn, reconnect, write } from '../steps.ts';

/** Two connections that have both passed A0 before either says hello: both sides cannot have dialled later than that. */
const twoPlain = inTurn('connect two at once', [
  dial(),
  dial('other'),
  write(hello()),
  expectFrame({ type: HELLO_RESPONSE }),
  write(hello(), 'other'),
  expectFrame({ type: HELLO_RESPONSE }, 'other'),
]);

export const GREETINGS: readonly ConformanceCase[] = [
  {
    id: 'hello-plain',
    clauses: '[a1-call-2] [a1-call-4] [a1-pay-1]',
    title: 'a plain hello gets a plain answer, and traffic flows',
    script: [connect(), write(message(1, 'accept', 'salve')), expectAck(1), expectSeen('accept', ['salve'])],
  },
  {
    id: 'hello-reconnect-without-session',
    clauses: '[a1-call-2]',
    title: 'RECONNECT for a session that is not held gets a plain answer',
    script: [connect('main', RECONNECT, 0), expectNothing()],
  },
  {
    id: 'hello-reconnect-after-loss',
    clauses: '[a1-call-2] [a1-call-5] [a1-loss-1]',
    title: 'RECONNECT after a broken connection is echoed',
    script: [connect(), hangUp(), reconnect('again'), expectNothing('again')],
  },
  {
    id: 'hello-reconnect-after-end',
    clauses: '[a1-call-2] [a1-wire-4]',
    title: 'RECONNECT after an orderly end is echoed',
    script: [connect(), finish(), expectEnd(), reconnect('again'), expectNothing('again')],
  },
  {
    id: 'hello-reconnect-after-violation',
    clauses: '[a1-wire-11] [a1-call-2]',
    title: 'a violation ends its callis and not the session',
    script: [connect(), expectViolation(helloResponse()), reconnect('again'), expectNothing('again')],
  },
  {
    id: 'hello-reconnect-beside-active',
    clauses: '[a1-call-2] [a1-call-14] [a1-in-15]',
    title: 'RECONNECT beside an active primary: both are read, and answers may take either',
    script: [
      connect(),
      reconnect('other'),
      write(message(1, 'accept', 'on main')),
      expectAck(1, ['main', 'other']),
      write(message(2, 'accept', 'on other'), 'other'),
      expectAck(2, ['main', 'other']),
      expectSeen('accept', ['on main', 'on other'], ['main', 'other']),
    ],
  },
  {
    id: 'hello-plain-twice-at-once',
    clauses: '[a1-call-11] [a1-call-14]',
    title: 'a plain hello on a connection older than the session restarts nothing',
    script: [
      twoPlain,
      write(message(1, 'accept', 'on main')),
      expectAck(1, ['main', 'other']),
      write(message(2, 'accept', 'on other'), 'other'),
      expectAck(2, ['main', 'other']),
      expectSeen('accept', ['on main', 'on other'], ['main', 'other']),
    ],
  },
  {
    id: 'hello-plain-for-held-session',
    clauses: '[a1-call-12] [a1-call-9]',
    title: 'a plain hello for a session that is held is a restart: the older callis ends',
    script: [connect(), expectNothing(), connect('again'), expectEnd(), expectNothing('again')],
  },
  {
    id: 'hello-plain-after-loss-low-ids',
    clauses: '[a1-call-12] [a1-call-13] [a1-call-9]',
    title: 'a peer that has restarted may use its ids again',
    script: [
      connect(),
      write(message(0, 'accept', 'old life')),
      expectAck(0),
      hangUp(),
      connect('again'),
      write(message(0, 'accept', 'new life'), 'again'),
      expectAck(0, 'again'),
      expectSeen('accept', ['old life', 'new life'], 'again'),
    ],
  },
  {
    id: 'hello-plain-then-reconnect',
    clauses: '[a1-call-12] [a1-call-5]',
    title: 'the session that a restart has begun can be resumed',
    script: [connect(), connect('again'), hangUp('again'), reconnect('third'), expectNothing('third')],
  },
  {
    id: 'restart-forgets-decisions',
    clauses: '[a1-call-9]',
    title: 'a decision on a request of the old session answers nothing after a restart',
    script: [
      connect(),
      write(message(1, 'hold', 'old life')),
      untilSeen('hold', 'old life'),
      hangUp(),
      connect('again'),
      expectNothing('again'),
      decide('accept'),
      expectNothing('again'),
    ],
  },
  {
    id: 'reconnect-answered-plainly-twice',
    clauses: '[a1-call-16]',
    title: 'a plain answer to RECONNECT that may not have arrived is given again',
    script: [connect('main', RECONNECT, 0), hangUp(), connect('again', RECONNECT, 0), expectNothing('again')],
  },
  {
    id: 'reconnect-answered-plainly-beside',
    clauses: '[a1-call-16]',
    title: 'a plain answer to RECONNECT that may not have arrived is given again while its callis stands, which ends',
    script: [connect('main', RECONNECT, 0), connect('again', RECONNECT, 0), expectEnd(), expectNothing('again')],
  },
  {
    id: 'reconnect-answered-plainly-once',
    clauses: '[a1-call-16]',
    title: 'a frame behind a plain answer to RECONNECT shows that it has arrived',
    script: [connect('main', RECONNECT, 0), expectNothing(), hangUp(), reconnect('again'), expectNothing('again')],
  },
  {
    id: 'blob-hello-without-primary',
    clauses: '[a1-type-8]',
    title: 'a blob hello without an active primary is refused with an error in place of the answer, and then the end',
    script: [
      dial(),
      write(hello({ flags: BLOB, id: 6, payload: blobProposal(1024, 16) })),
      expectFrame({ type: ERROR, id: 6 }),
      expectEnd(),
    ],
  },
  ...[0, 4, 7, 9].map((bytes) => ({
    id: `blob-hello-of-${bytes}-bytes`,
    clauses: '[a1-pay-5] [a1-wire-11]',
    title: `a blob hello with a payload of ${bytes} bytes, which is none`,
    script: [
      connect(),
      dial('blob'),
      expectViolation(hello({ flags: BLOB, payload: Buffer.alloc(bytes, 1) }), 'blob'),
      expectNothing(),
    ],
  })),
  {
    id: 'violation-leaves-other-callis',
    clauses: '[a1-wire-11] [a1-call-14]',
    title: 'a violation on one of two primaries leaves the other',
    script: [connect(), reconnect('other'), expectViolation(hello()), expectNothing('other')],
  },
  {
    id: 'answers-move-to-other-callis',
    clauses: '[a1-in-15] [a1-loss-2]',
    title: 'the answer to a message of a lost callis takes the other primary',
    script: [
      connect(),
      reconnect('other'),
      write(message(1, 'hold', 'salve')),
      untilSeen('hold', 'salve'),
      finish(),
      expectEnd(),
      decide('accept'),
      expectAck(1, 'other'),
      expectNothing('other'),
    ],
  },
  {
    id: 'first-frame-message-then-nothing-delivered',
    clauses: '[a1-call-2]',
    title: 'a message in place of the hello reaches nobody',
    script: [
      dial(),
      expectViolation(message(1, 'accept', 'too early')),
      connect('again'),
      expectSeen('accept', [], 'again'),
    ],
  },
  {
    id: 'unknown-taberna-on-second-callis',
    clauses: '[a1-in-3] [a1-call-14]',
    title: 'errors too may take any active primary',
    script: [
      connect(),
      reconnect('other'),
      write(message(1, 'unknown', 'salve'), 'other'),
      expectError(1, 1, ['main', 'other']),
    ],
  },
];

/** The payload of a blob hello. */
export function blobProposal(chunkSize: number, ackWindow: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(chunkSize, 0);
  payload.writeUInt32BE(ackWindow, 4);
  return payload;
}
