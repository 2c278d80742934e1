/** Messages that come twice: on one callis, on another, and after a reconnect. */
import type { ConformanceCase, Step } from '../conformance-case.ts';
import {
  expectAck,
  expectEach,
  expectEnd,
  expectError,
  expectNothing,
  expectSeen,
  untilSeen,
} from '../expectations.ts';
import { ERROR, type Frame, message, type Temper } from '../frames.ts';
import { INGRESS_SIZE } from '../shared-config.ts';
import { connect, decide, finish, inTurn, reconnect, write } from '../steps.ts';

interface Answered {
  readonly temper: Temper;
  /** 0 is an ack. */
  readonly errorId: number;
}

const ANSWERED: readonly Answered[] = [
  { temper: 'accept', errorId: 0 },
  { temper: 'reject', errorId: 4 },
  { temper: 'undecodable', errorId: 10 },
  { temper: 'unknown', errorId: 1 },
];

const expectAnswer = (errorId: number, on?: string) => (errorId === 0 ? expectAck(1, on) : expectError(1, errorId, on));
const seenOnce = (temper: Temper, on?: string) =>
  temper === 'accept' || temper === 'reject' ? [expectSeen(temper, ['salve'], on)] : [];

const OF_ANSWERED: readonly ConformanceCase[] = ANSWERED.flatMap(({ temper, errorId }) => {
  const frame: Frame = message(1, temper, 'salve');
  return [
    {
      id: `duplicate-of-${temper}`,
      clauses: '[a1-in-10] [a1-in-11] [a1-inv-3]',
      title: `a duplicate to ${temper} gets the same answer, and no handler sees it`,
      script: [
        connect(),
        write(frame),
        expectAnswer(errorId),
        write(frame),
        expectAnswer(errorId),
        expectNothing(),
        ...seenOnce(temper),
      ],
    },
    {
      id: `replay-of-${temper}`,
      clauses: '[a1-in-10] [a1-in-11] [a1-call-5]',
      title: `a replay to ${temper} after a reconnect gets the same answer, and no handler sees it`,
      script: [
        connect(),
        write(frame),
        expectAnswer(errorId),
        finish(),
        expectEnd(),
        reconnect('again'),
        write(frame, 'again'),
        expectAnswer(errorId, 'again'),
        expectNothing('again'),
        ...seenOnce(temper, 'again'),
      ],
    },
  ];
});

const HELD = message(1, 'hold', 'salve');
const holding = [connect(), write(HELD), untilSeen('hold', 'salve')];

/** A hundred messages to a taberna that nobody has, and their answers. */
const manyOthers = (first: number): Step => {
  const ids = Array.from({ length: 100 }, (_, i) => first + i);
  return inTurn(`a hundred others from #${first}`, [
    write(ids.map((id) => message(id, 'unknown', ''))),
    expectEach(ids.map((id) => ({ type: ERROR, id, errorId: 1 }))),
  ]);
};

const BY_HAND: readonly ConformanceCase[] = [
  {
    id: 'duplicate-of-undecided',
    clauses: '[a1-in-12] [a1-in-10]',
    title: 'a duplicate of an undecided message gets no answer of its own',
    script: [
      ...holding,
      write(HELD),
      expectNothing(),
      decide('accept'),
      expectAck(1),
      expectNothing(),
      expectSeen('hold', ['salve']),
    ],
  },
  {
    id: 'duplicate-of-undecided-on-other-callis',
    clauses: '[a1-in-12]',
    title: 'nor does one on another callis',
    script: [
      ...holding,
      reconnect('other'),
      write(HELD, 'other'),
      expectNothing(['other', 'main']),
      decide('accept'),
      expectAck(1, ['main', 'other']),
      expectNothing(['main', 'other']),
      expectSeen('hold', ['salve'], ['main', 'other']),
    ],
  },
  {
    id: 'replay-of-undecided',
    clauses: '[a1-in-10] [a1-in-12] [a1-call-5]',
    title: 'a replay of an undecided message is answered by the decision on the first',
    script: [
      ...holding,
      finish(),
      expectEnd(),
      reconnect('again'),
      write(HELD, 'again'),
      expectNothing('again'),
      decide('accept'),
      expectAck(1, 'again'),
      expectNothing('again'),
      expectSeen('hold', ['salve'], 'again'),
    ],
  },
  {
    id: 'decided-behind-reconnect',
    clauses: '[a1-in-15] [a1-call-5]',
    title: 'a decision after a reconnect is answered on the new primary, without a replay',
    script: [
      ...holding,
      finish(),
      expectEnd(),
      reconnect('again'),
      decide('accept'),
      expectAck(1, 'again'),
      expectNothing('again'),
    ],
  },
  {
    id: 'decided-while-away',
    clauses: '[a1-in-15] [a1-call-5]',
    title: 'a decision while there is no callis waits for the next',
    script: [
      ...holding,
      finish(),
      expectEnd(),
      decide('reject'),
      reconnect('again'),
      expectError(1, 4, 'again'),
      expectNothing('again'),
    ],
  },
  {
    id: 'duplicate-to-another-taberna',
    clauses: '[a1-in-10] [a1-in-11]',
    title: 'an id counts once in a session, whatever the taberna',
    script: [
      connect(),
      write(message(1, 'accept', 'salve')),
      expectAck(1),
      write(message(1, 'reject', 'vale')),
      expectAck(1),
      expectNothing(),
      expectSeen('reject', []),
    ],
  },
  {
    id: 'duplicate-of-busy',
    clauses: '[a1-in-11] [a1-in-4]',
    title: 'a duplicate of a message that found the ingress full gets the same answer',
    script: [
      connect(),
      write(Array.from({ length: INGRESS_SIZE + 1 }, (_, i) => message(i + 1, 'untaken', `m${i}`))),
      expectError(INGRESS_SIZE + 1, 11),
      write(message(INGRESS_SIZE + 1, 'untaken', 'again')),
      expectError(INGRESS_SIZE + 1, 11),
      expectNothing(),
    ],
  },
  {
    id: 'duplicate-in-one-write',
    clauses: '[a1-in-10] [a1-inv-3]',
    title: 'three of one id in one write are seen once',
    script: [
      connect(),
      write([HELD, HELD, HELD]),
      untilSeen('hold', 'salve'),
      expectNothing(),
      decide('accept'),
      expectAck(1),
      expectNothing(),
      expectSeen('hold', ['salve']),
    ],
  },
  {
    id: 'duplicate-behind-many',
    clauses: '[a1-in-10]',
    title: 'an answer is remembered over more messages than lie in any lane',
    script: [
      connect(),
      write(message(1, 'accept', 'salve')),
      expectAck(1),
      ...Array.from({ length: 20 }, (_, batch) => manyOthers(100 + batch * 100)),
      write(message(1, 'accept', 'salve')),
      expectAck(1),
      expectSeen('accept', ['salve']),
    ],
  },
  {
    id: 'ids-out-of-order',
    clauses: '[a1-in-10] [a1-id-1]',
    title: 'ids may come in any order, wrap, and be any u32',
    script: [
      connect(),
      ...[0xffff_ffff, 0, 5, 3, 0x8000_0000].flatMap((id) => [write(message(id, 'accept', `m${id}`)), expectAck(id)]),
      expectSeen(
        'accept',
        [0xffff_ffff, 0, 5, 3, 0x8000_0000].map((id) => `m${id}`),
      ),
    ],
  },
];

export const DUPLICATES: readonly ConformanceCase[] = [...OF_ANSWERED, ...BY_HAND];
