/** Frames that arrive in pieces, together, or not to their end. */
import type { ConformanceCase } from '../conformance-case.ts';
import { expectAck, expectEach, expectEnd, expectFrame, expectNothing, expectSeen } from '../expectations.ts';
import { ACK, ack, HEADER_BYTES, HELLO_RESPONSE, hello, keepalive, message, RECONNECT } from '../frames.ts';
import { MAIN } from '../stage.ts';
import { connect, dial, finish, reconnect, write, writeCut, writeHead } from '../steps.ts';

const GREETING = hello({ id: 5 });
const MESSAGE = message(1, 'accept', 'salve');
const MESSAGE_BYTES = HEADER_BYTES + 'salve'.length;
const BOTH_BYTES = HEADER_BYTES + MESSAGE_BYTES;

const answered = [expectFrame({ type: HELLO_RESPONSE, id: 5 }), expectAck(1), expectSeen('accept', ['salve'])];

const BY_HAND: readonly ConformanceCase[] = [
  {
    id: 'pieces-hello-and-message-at-once',
    clauses: '[a1-wire-2] [a1-wire-3]',
    title: 'a message in one write with the hello is read behind it',
    script: [dial(), write([GREETING, MESSAGE]), ...answered],
  },
  {
    id: 'pieces-byte-by-byte',
    clauses: '[a1-wire-3]',
    title: 'a hello and a message that come byte by byte',
    script: [dial(), writeCut([GREETING, MESSAGE], rangeOf(1, BOTH_BYTES)), ...answered],
  },
  {
    id: 'pieces-header-apart-from-payload',
    clauses: '[a1-wire-3]',
    title: 'header and payload in writes of their own',
    script: [dial(), writeCut([GREETING, MESSAGE], [HEADER_BYTES, 2 * HEADER_BYTES]), ...answered],
  },
  {
    id: 'pieces-with-pauses',
    clauses: '[a1-wire-3]',
    title: 'a message whose header and payload come in pieces 1.5 s apart, and one behind it',
    script: [
      connect(),
      writeCut([MESSAGE, message(2, 'accept', 'vale')], [10, HEADER_BYTES + 2], MAIN, 1_500),
      expectEach([
        { type: ACK, id: 1 },
        { type: ACK, id: 2 },
      ]),
      expectSeen('accept', ['salve', 'vale']),
    ],
  },
  {
    id: 'pieces-many-frames-at-once',
    clauses: '[a1-wire-3] [a1-inv-4]',
    title: 'eight messages in one write are seen in order',
    script: [
      connect(),
      write(rangeOf(1, 9).map((id) => message(id, 'accept', `m${id}`))),
      expectEach(rangeOf(1, 9).map((id) => ({ type: ACK, id }))),
      expectSeen(
        'accept',
        rangeOf(1, 9).map((id) => `m${id}`),
      ),
    ],
  },
  {
    id: 'pieces-control-frames-between',
    clauses: '[a1-wire-3] [a1-keep-2]',
    title: 'control frames and messages in one write',
    script: [
      connect(),
      write([keepalive(), ack(900), MESSAGE, keepalive(), message(2, 'accept', 'vale'), ack(901)]),
      expectEach([
        { type: ACK, id: 1 },
        { type: ACK, id: 2 },
      ]),
      expectNothing(),
    ],
  },
];

const CUT_IN_TWO: readonly ConformanceCase[] = rangeOf(1, BOTH_BYTES)
  .filter((at) => at % 4 === 0 || at < 4 || at > BOTH_BYTES - 4)
  .map((at) => ({
    id: `cut-at-${at}`,
    clauses: '[a1-wire-3]',
    title: `a hello and a message, cut at byte ${at}`,
    script: [dial(), writeCut([GREETING, MESSAGE], [at]), ...answered],
  }));

const HELLO_CUT_OFF: readonly ConformanceCase[] = rangeOf(0, HEADER_BYTES).map((bytes) => ({
  id: `hello-cut-off-at-${bytes}`,
  clauses: '[a1-wire-4] [a1-call-2]',
  title: `${bytes} bytes of a hello and then the end: no session has begun`,
  script: [
    dial(),
    writeHead(hello(), bytes),
    finish(),
    expectEnd(),
    connect('again', RECONNECT, 0),
    expectNothing('again'),
  ],
}));

const MESSAGE_CUT_OFF: readonly ConformanceCase[] = rangeOf(1, MESSAGE_BYTES).map((bytes) => ({
  id: `message-cut-off-at-${bytes}`,
  clauses: '[a1-wire-4] [a1-loss-1]',
  title: `${bytes} bytes of a message and then the end: nobody sees it, and the session goes on`,
  script: [
    connect(),
    writeHead(MESSAGE, bytes),
    finish(),
    expectEnd(),
    reconnect('again'),
    write(message(2, 'accept', 'vale'), 'again'),
    expectAck(2, 'again'),
    expectSeen('accept', ['vale'], 'again'),
  ],
}));

export const PIECES: readonly ConformanceCase[] = BY_HAND;
export const CUTS: readonly ConformanceCase[] = [...CUT_IN_TWO, ...HELLO_CUT_OFF, ...MESSAGE_CUT_OFF];

function rangeOf(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
