/** What waits for a primary, and in which order it goes out (a1-delivery, retained lanes). */
import type { ConformanceCase } from '../conformance-case.ts';
import {
  expectAck,
  expectEnd,
  expectError,
  expectFrame,
  expectMessage,
  expectNothing,
  untilSeen,
} from '../expectations.ts';
import { A3_MESSAGE, message } from '../frames.ts';
import { expectAcksAmidLarge, sendLarge } from '../large-messages.ts';
import { connect, decide, finish, readOn, reconnect, send, stopReading, write } from '../steps.ts';

const REJECTED = 4;

export const LANES: readonly ConformanceCase[] = [
  {
    id: 'lanes-in-order',
    clauses: '[a1-lane-3]',
    title: 'acks go before errors, and both before messages, whichever came first',
    script: [
      connect(),
      write(message(1, 'hold', 'one')),
      untilSeen('hold', 'one'),
      write(message(2, 'hold', 'two')),
      untilSeen('hold', 'two'),
      finish(),
      expectEnd(),
      send('salve'),
      decide('reject'),
      decide('accept'),
      reconnect('again'),
      expectAck(2, 'again'),
      expectError(1, REJECTED, 'again'),
      expectMessage('salve', 'again'),
    ],
  },
  {
    id: 'lane-is-a-queue',
    clauses: '[a1-lane-4]',
    title: 'what waits for its first primary goes out in the order of sending',
    config: { listenerDelay: 60_000 },
    script: [
      ...['a', 'b', 'c', 'd'].map((text) => send(text)),
      connect(),
      ...['a', 'b', 'c', 'd'].map((text) => expectMessage(text)),
    ],
  },
  {
    id: 'lane-replays-first',
    clauses: '[a1-lane-4] [a1-loss-1]',
    title: 'what is written again goes before what was never written, in the order of sending',
    script: [
      connect(),
      ...['a', 'b'].flatMap((text) => [send(text), expectMessage(text)]),
      finish(),
      expectEnd(),
      ...['c', 'd'].map((text) => send(text)),
      reconnect('again'),
      expectFrame({ type: A3_MESSAGE, id: 'a', text: 'a' }, 'again'),
      expectFrame({ type: A3_MESSAGE, id: 'b', text: 'b' }, 'again'),
      ...['c', 'd'].map((text) => expectMessage(text, 'again')),
    ],
  },
  {
    id: 'lane-one-answer-for-an-id',
    clauses: '[a1-lane-9] [a1-lane-3]',
    title: 'of two answers for an id that wait one is written, before messages that were sent sooner',
    transports: ['unix'],
    script: [
      connect(),
      stopReading(),
      sendLarge(),
      ...['one', 'two', 'three'].flatMap((text, index) => [
        write([message(1, 'accept', 'one'), message(2 + index, 'accept', `${text} more`)]),
        untilSeen('accept', `${text} more`),
      ]),
      readOn(),
      expectAcksAmidLarge([1, 2, 3, 4]),
      expectNothing(),
    ],
  },
];
