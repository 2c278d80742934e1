/** Inbound messages: what each of them is answered, and when (a1-delivery, inbound messages). */
import type { ConformanceCase } from '../conformance-case.ts';
import {
  expectAck,
  expectEach,
  expectEnd,
  expectError,
  expectNothing,
  expectSeen,
  untilSeen,
} from '../expectations.ts';
import { A2_MESSAGE, ACK, ERROR, type Frame, HEADER_BYTES, message } from '../frames.ts';
import { INGRESS_SIZE, MAX_PAYLOAD_LEN } from '../shared-config.ts';
import { connect, decide, reconnect, write, writeHead } from '../steps.ts';

const UNKNOWN_TABERNA = 1;
const REJECTED = 4;
const PROTOCOL_VIOLATION = 7;
const DECODE_FAILURE = 10;
const BUSY = 11;

const TYPES = [0x0001_0000, 0x00ff_ffff, 0x0100_0000, 0x0100_0001, 0x8000_0000, 0xffff_feff, 0xffff_ff00, 0xffff_ffff];

const OF_EACH_TYPE: readonly ConformanceCase[] = TYPES.map((type) => ({
  id: `message-of-type-0x${type.toString(16)}`,
  clauses: '[a1-type-1] [a1-in-6]',
  title: `a message of type 0x${type.toString(16)} reaches its taberna with its type`,
  script: [
    connect(),
    write(message(1, 'accept', 'salve', { type })),
    expectAck(1),
    expectSeen('accept', [type === 0x0100_0000 ? 'salve' : `salve (type 0x${type.toString(16)})`]),
  ],
}));

/** As many messages as the ingress holds, and one. */
const FULL: readonly Frame[] = Array.from({ length: INGRESS_SIZE + 1 }, (_, i) => message(i + 1, 'untaken', `m${i}`));

const BY_HAND: readonly ConformanceCase[] = [
  {
    id: 'message-accepted',
    clauses: '[a1-in-6] [a1-inv-2]',
    title: 'a message that its handler accepts is acked, once',
    script: [
      connect(),
      write(message(1, 'accept', 'salve')),
      expectAck(1),
      expectNothing(),
      expectSeen('accept', ['salve']),
    ],
  },
  {
    id: 'message-rejected',
    clauses: '[a1-in-7] [a1-err-3]',
    title: 'a message that its handler rejects gets error 4, once',
    script: [
      connect(),
      write(message(1, 'reject', 'salve')),
      expectError(1, REJECTED),
      expectNothing(),
      expectSeen('reject', ['salve']),
    ],
  },
  {
    id: 'message-undecided',
    clauses: '[a1-in-6] [a1-inv-2]',
    title: 'a message is not acked before its handler accepts',
    script: [
      connect(),
      write(message(1, 'hold', 'salve')),
      untilSeen('hold', 'salve'),
      expectNothing(),
      decide('accept'),
      expectAck(1),
      expectNothing(),
    ],
  },
  {
    id: 'message-rejected-later',
    clauses: '[a1-in-7]',
    title: 'a rejection that comes later',
    script: [
      connect(),
      write(message(1, 'hold', 'salve')),
      untilSeen('hold', 'salve'),
      expectNothing(),
      decide('reject'),
      expectError(1, REJECTED),
      expectNothing(),
    ],
  },
  {
    id: 'message-dropped',
    clauses: '[a1-in-7] [a1-err-3]',
    title: 'a request that its handler drops undecided counts as rejected',
    script: [
      connect(),
      write(message(1, 'hold', 'salve')),
      untilSeen('hold', 'salve'),
      decide('drop'),
      expectError(1, REJECTED),
      expectNothing(),
    ],
  },
  {
    id: 'message-to-unknown-taberna',
    clauses: '[a1-in-3]',
    title: 'a message to a taberna that nobody has gets error 1',
    script: [connect(), write(message(1, 'unknown', 'salve')), expectError(1, UNKNOWN_TABERNA), expectNothing()],
  },
  {
    id: 'message-undecodable',
    clauses: '[a1-in-5] [a1-err-6]',
    title: 'a message that the codec refuses gets error 10',
    script: [connect(), write(message(1, 'undecodable', 'salve')), expectError(1, DECODE_FAILURE), expectNothing()],
  },
  {
    id: 'message-to-full-ingress',
    clauses: '[a1-in-4] [a1-in-13] [a1-err-4]',
    title: 'a message beyond what the ingress holds gets error 11 at once',
    script: [connect(), write(FULL), expectError(INGRESS_SIZE + 1, BUSY), expectNothing()],
  },
  {
    id: 'message-that-nobody-takes',
    clauses: '[a1-in-8] [a1-err-4]',
    title: 'a message that nobody takes within acceptTimeout gets error 11',
    config: { acceptTimeout: 100 },
    script: [connect(), write(message(1, 'untaken', 'salve')), expectError(1, BUSY), expectNothing()],
  },
  {
    id: 'message-taken-has-time',
    clauses: '[a1-in-8]',
    title: 'a message that was taken may be decided after acceptTimeout',
    config: { acceptTimeout: 100 },
    script: [
      connect(),
      write(message(1, 'hold', 'salve')),
      untilSeen('hold', 'salve'),
      // It came later, and its time is over.
      write(message(2, 'untaken', 'vale')),
      expectError(2, BUSY),
      decide('accept'),
      expectAck(1),
    ],
  },
  {
    id: 'full-ingress-delays-nobody',
    clauses: '[a1-in-14] [a1-inv-7] [a1-in-1]',
    title: 'a taberna that takes nothing delays no other',
    script: [
      connect(),
      write([...FULL, message(100, 'accept', 'salve')]),
      expectEach([
        { type: ACK, id: 100 },
        { type: ERROR, id: INGRESS_SIZE + 1, errorId: BUSY },
      ]),
    ],
  },
  {
    id: 'message-empty',
    clauses: '[a1-in-6] [a1-wire-1]',
    title: 'a message without payload is a message',
    script: [connect(), write(message(1, 'accept', '')), expectAck(1), expectSeen('accept', [''])],
  },
  {
    id: 'message-of-the-longest-payload',
    clauses: '[a1-wire-8]',
    title: 'a payload as long as the limit is accepted',
    script: [connect(), write(message(1, 'accept', 'x'.repeat(MAX_PAYLOAD_LEN))), expectAck(1), expectNothing()],
  },
  {
    id: 'message-oversized',
    clauses: '[a1-in-2] [a1-wire-8] [a1-wire-11]',
    title: 'a message over the limit is answered with protocol-violation from its header alone, and then the end',
    script: [
      connect(),
      writeHead(message(1, 'accept', '', { payloadLength: MAX_PAYLOAD_LEN + 1 }), HEADER_BYTES),
      expectError(1, PROTOCOL_VIOLATION),
      expectEnd(),
      reconnect('again'),
      expectSeen('accept', [], 'again'),
    ],
  },
  {
    id: 'message-oversized-with-payload',
    clauses: '[a1-in-2]',
    title: 'what comes behind an oversized header is discarded',
    script: [
      connect(),
      write([message(1, 'accept', 'x'.repeat(MAX_PAYLOAD_LEN + 1)), message(2, 'accept', 'behind')]),
      expectError(1, PROTOCOL_VIOLATION),
      expectEnd(),
      reconnect('again'),
      expectSeen('accept', [], 'again'),
    ],
  },
  {
    id: 'message-oversized-a2',
    clauses: '[a1-in-2]',
    title: 'a message of the services layer over the limit is answered in the same way',
    script: [
      connect(),
      write(message(1, 'accept', '', { type: A2_MESSAGE, payloadLength: 0xffff_ffff })),
      expectError(1, PROTOCOL_VIOLATION),
      expectEnd(),
    ],
  },
];

export const ANSWERS: readonly ConformanceCase[] = [...BY_HAND, ...OF_EACH_TYPE];
