/** Keepalives: when they come, and when they do not; and what becomes of a primary that says or takes nothing. */
import type { ConformanceCase } from '../conformance-case.ts';
import {
  expectAck,
  expectEnd,
  expectFrame,
  expectKeepalives,
  expectMessage,
  expectNothing,
  expectOutcome,
} from '../expectations.ts';
import { A3_MESSAGE, ack, HEADER_BYTES, HELLO, KEEPALIVE, keepalive, message, RECONNECT } from '../frames.ts';
import { expectLarge, LARGE_NAMES, sendLarge } from '../large-messages.ts';
import {
  answerDial,
  connect,
  hangUp,
  reconnect,
  send,
  stopReading,
  takeConnection,
  write,
  writeHead,
  writeTail,
} from '../steps.ts';

const MESSAGE = message(1, 'accept', 'salve');

/** A keepalive right behind another is a rhythm of the shortest kind: five seconds without a frame are silence then. */
const RHYTHM = write([keepalive(), keepalive()]);

export const KEEPALIVES: readonly ConformanceCase[] = [
  {
    id: 'keepalive-when-idle',
    clauses: '[a1-keep-1] [a1-wire-6] [a1-pay-1]',
    title: 'a primary to which nothing is written gets keepalives, one after the other',
    config: { keepaliveInterval: 50 },
    script: [
      connect(),
      expectFrame({ type: KEEPALIVE, id: 0 }),
      expectFrame({ type: KEEPALIVE, id: 0 }),
      expectNothing(),
    ],
  },
  {
    id: 'keepalive-is-not-answered',
    clauses: '[a1-keep-2]',
    title: 'a keepalive is not answered',
    script: [connect(), write([keepalive(), keepalive()]), expectNothing(), expectKeepalives(0)],
  },
  {
    id: 'nudge',
    clauses: '[a1-keep-7]',
    title: 'a header whose payload has not begun gets a keepalive, once',
    transports: ['tcp'],
    script: [
      connect(),
      writeHead(MESSAGE, HEADER_BYTES),
      expectFrame({ type: KEEPALIVE }),
      writeTail(MESSAGE, HEADER_BYTES),
      expectAck(1),
      expectNothing(),
      expectKeepalives(1),
    ],
  },
  {
    id: 'no-nudge-on-unix-sockets',
    clauses: '[a1-keep-7]',
    title: 'there is no nudge on Unix sockets',
    transports: ['unix'],
    script: [
      connect(),
      writeHead(MESSAGE, HEADER_BYTES),
      writeTail(MESSAGE, HEADER_BYTES),
      expectAck(1),
      expectKeepalives(0),
    ],
  },
  {
    id: 'unread-primary-is-dropped',
    clauses: '[a1-keep-4] [a1-loss-2]',
    title:
      'a primary that takes no bytes is dropped within half of sendTimeout while another is active, which takes its work',
    transports: ['unix'],
    config: { sendTimeout: 12_000 },
    script: [
      connect(),
      reconnect('other'),
      stopReading(),
      sendLarge(),
      expectLarge('other'),
      write(
        LARGE_NAMES.map((name) => ack(name)),
        'other',
      ),
      ...LARGE_NAMES.map((name) => expectOutcome(name, 'accepted')),
    ],
  },
  {
    id: 'silent-primary-is-replaced',
    clauses: '[a1-keep-5] [a1-keep-6]',
    title:
      'a primary that keeps silent against its rhythm is replaced with RECONNECT; then it ends, and its work comes again',
    script: [
      connect(),
      RHYTHM,
      send('salve'),
      expectMessage('salve'),
      answerDial('again', RECONNECT),
      expectFrame({ type: A3_MESSAGE, id: 'salve', text: 'salve' }, 'again'),
      expectEnd(),
      write(ack('salve'), 'again'),
      expectOutcome('salve', 'accepted'),
      expectNothing('again'),
    ],
  },
  {
    id: 'silent-primary-without-replacement',
    clauses: '[a1-keep-6] [a1-loss-3]',
    title: 'a silent primary ends where no other can be had, and its work waits for the next one',
    script: [
      connect(),
      RHYTHM,
      send('salve'),
      expectMessage('salve'),
      takeConnection('refused'),
      expectFrame({ type: HELLO, flags: RECONNECT }, 'refused'),
      hangUp('refused'),
      expectEnd(),
      answerDial('again', RECONNECT),
      expectFrame({ type: A3_MESSAGE, id: 'salve', text: 'salve' }, 'again'),
      write(ack('salve'), 'again'),
      expectOutcome('salve', 'accepted'),
    ],
  },
];
