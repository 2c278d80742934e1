/**
 * One valid frame of each type, changed in one header field at a time. The table says for each field and value what must
 * become of each frame; the scripts follow from that.
 */
import type { ConformanceCase, Step } from '../conformance-case.ts';
import {
  expectEnd,
  expectError,
  expectFrame,
  expectMessage,
  expectNothing,
  expectOutcome,
  expectViolation,
} from '../expectations.ts';
import {
  A2_MESSAGE,
  ack,
  close,
  error,
  type Frame,
  HELLO_RESPONSE,
  hello,
  helloResponse,
  keepalive,
  message,
  RECONNECT,
} from '../frames.ts';
import { type Field, IDS, mutated, OVER_THE_LIMIT, TABERNAE, UNDEFINED_BITS, valueText } from '../mutated-frame.ts';
import { MAX_PAYLOAD_LEN } from '../shared-config.ts';
import { connect, dial, reconnect, send, takeConnection, write } from '../steps.ts';

type Kind = 'hello' | 'hello-response' | 'keepalive' | 'ack' | 'close' | 'error' | 'a2-message' | 'a3-message';

/**
 * `ends`: the callis ends without a word. `as-ever`: as the unchanged frame. `answered`: as a message to a taberna that
 * nobody has. `refused`: answered with protocol-violation, and then the end.
 */
type Fate = 'ends' | 'as-ever' | 'answered' | 'refused';

/** Nobody has sent it a message of this id. */
const UNKNOWN_ID = 77;
const PROTOCOL_VIOLATION = 7;
const UNKNOWN_TABERNA = 1;

const FRAMES: Readonly<Record<Kind, Frame>> = {
  hello: hello(),
  'hello-response': helloResponse(),
  keepalive: keepalive(),
  ack: ack(UNKNOWN_ID),
  close: close(),
  error: error(UNKNOWN_ID, 4, 'no'),
  'a2-message': message(UNKNOWN_ID, 0n, 'salve', { type: A2_MESSAGE }),
  'a3-message': message(UNKNOWN_ID, 0n, 'salve'),
};

const ALL = Object.keys(FRAMES) as Kind[];
const GREETINGS: readonly Kind[] = ['hello', 'hello-response'];
const EMPTY: readonly Kind[] = ['hello', 'hello-response', 'keepalive', 'ack', 'close'];
const MESSAGES: readonly Kind[] = ['a2-message', 'a3-message'];
const BEHIND_HELLO: readonly Kind[] = ALL.filter((kind) => !GREETINGS.includes(kind));
const CONTROL: readonly Kind[] = BEHIND_HELLO.filter((kind) => !MESSAGES.includes(kind));

interface Row {
  readonly field: Field;
  readonly values: readonly (number | bigint)[];
  readonly on: readonly Kind[];
  readonly fate: Fate;
  readonly clauses: string;
}

/** BLOB on a hello, and on a message, is the business of the blob cases. */
const TABLE: readonly Row[] = [
  { field: 'version', values: [0, 2, 0x0100, 0xffff], on: ALL, fate: 'ends', clauses: '[a1-wire-5] [a1-wire-11]' },
  { field: 'flags', values: [...UNDEFINED_BITS, 0xffff], on: ALL, fate: 'ends', clauses: '[a1-wire-10] [a1-wire-11]' },
  { field: 'flags', values: [1, 3], on: CONTROL, fate: 'ends', clauses: '[a1-wire-9] [a1-wire-10]' },
  { field: 'flags', values: [1, 3], on: ['hello-response'], fate: 'ends', clauses: '[a1-pay-5] [a1-wire-11]' },
  { field: 'flags', values: [2], on: BEHIND_HELLO, fate: 'ends', clauses: '[a1-wire-9] [a1-wire-10]' },
  { field: 'flags', values: [2], on: ['hello-response'], fate: 'ends', clauses: '[a1-call-6] [a1-wire-11]' },
  { field: 'flags', values: [3], on: MESSAGES, fate: 'ends', clauses: '[a1-wire-9] [a1-wire-10]' },
  {
    field: 'msg_type',
    values: [0, 7, 10, 11, 0x0100, 0xfffe, 0xffff],
    on: ALL,
    fate: 'ends',
    clauses: '[a1-type-4] [a1-wire-11]',
  },
  { field: 'msg_type', values: [8, 9], on: ALL, fate: 'ends', clauses: '[a1-type-5] [a1-wire-11]' },
  { field: 'msg_type', values: [1, 2], on: BEHIND_HELLO, fate: 'ends', clauses: '[a1-type-6] [a1-wire-11]' },
  { field: 'msg_type', values: [3, 4, 5], on: MESSAGES, fate: 'ends', clauses: '[a1-pay-5] [a1-wire-11]' },
  {
    field: 'msg_type',
    values: [2, 3, 4, 5, 6, 0x0001_0000, 0x0100_0000, 0xffff_ffff],
    on: ['hello'],
    fate: 'ends',
    clauses: '[a1-call-2] [a1-wire-11]',
  },
  {
    field: 'msg_type',
    values: [1, 3, 4, 5, 6, 0x0001_0000, 0x0100_0000, 0xffff_ffff],
    on: ['hello-response'],
    fate: 'ends',
    clauses: '[a1-call-1] [a1-wire-11]',
  },
  {
    field: 'msg_type',
    values: [0x0001_0000, 0x00ff_ffff, 0x0100_0000, 0xffff_ffff],
    on: BEHIND_HELLO,
    fate: 'answered',
    clauses: '[a1-type-1] [a1-in-3]',
  },
  { field: 'peer_msg_id', values: IDS, on: ['hello', 'hello-response'], fate: 'as-ever', clauses: '[a1-pay-3]' },
  { field: 'peer_msg_id', values: IDS, on: ['keepalive', 'close'], fate: 'as-ever', clauses: '[a1-wire-6]' },
  { field: 'peer_msg_id', values: IDS, on: ['ack', 'error'], fate: 'as-ever', clauses: '[a1-loss-10]' },
  { field: 'peer_msg_id', values: IDS, on: MESSAGES, fate: 'answered', clauses: '[a1-pay-4]' },
  { field: 'src_taberna', values: TABERNAE, on: [...GREETINGS, ...CONTROL], fate: 'as-ever', clauses: '[a1-wire-7]' },
  { field: 'src_taberna', values: TABERNAE, on: MESSAGES, fate: 'answered', clauses: '[a1-wire-7]' },
  { field: 'dst_taberna', values: TABERNAE, on: [...GREETINGS, ...CONTROL], fate: 'as-ever', clauses: '[a1-wire-7]' },
  { field: 'dst_taberna', values: TABERNAE, on: MESSAGES, fate: 'answered', clauses: '[a1-in-3]' },
  {
    field: 'payload_len',
    values: [1, 4, 8, MAX_PAYLOAD_LEN],
    on: EMPTY,
    fate: 'ends',
    clauses: '[a1-pay-1] [a1-pay-5]',
  },
  {
    field: 'payload_len',
    values: OVER_THE_LIMIT,
    on: [...EMPTY, 'error'],
    fate: 'ends',
    clauses: '[a1-wire-8] [a1-wire-11]',
  },
  { field: 'payload_len', values: [0, 1, 2, 3], on: ['error'], fate: 'ends', clauses: '[a1-pay-2] [a1-pay-5]' },
  {
    field: 'payload_len',
    values: [4, 1028, 1029, MAX_PAYLOAD_LEN],
    on: ['error'],
    fate: 'as-ever',
    clauses: '[a1-pay-2] [a1-pay-7]',
  },
  {
    field: 'payload_len',
    values: [0, 1, MAX_PAYLOAD_LEN],
    on: MESSAGES,
    fate: 'answered',
    clauses: '[a1-wire-8] [a1-in-3]',
  },
  { field: 'payload_len', values: OVER_THE_LIMIT, on: MESSAGES, fate: 'refused', clauses: '[a1-wire-8] [a1-in-2]' },
];

const FATES: Readonly<Record<Fate, string>> = {
  ends: 'the callis ends without a word',
  'as-ever': 'as ever',
  answered: 'answered as a message to an unknown taberna',
  refused: 'answered with protocol-violation, then the end',
};

/** A case for each row, value and frame; ids like `ack-flags-0x4`. */
export const MUTATIONS: readonly ConformanceCase[] = TABLE.flatMap(({ field, values, on, fate, clauses }) =>
  on.flatMap((kind) =>
    values
      .map((value) => ({ value, frame: mutated(FRAMES[kind], field, value) }))
      .map(({ value, frame }) => ({
        id: `${kind}-${field}-${valueText(field, value)}`,
        clauses,
        title: `${kind} with ${field} ${valueText(field, value)}: ${FATES[fate]}`,
        script: scriptOf(kind, frame, fate),
      })),
  ),
);

function scriptOf(kind: Kind, frame: Frame, fate: Fate): readonly Step[] {
  if (kind === 'hello') return [dial(), ...helloFate(frame, fate)];
  if (kind === 'hello-response') {
    return [send('salve'), takeConnection(), expectFrame({ type: 1, id: 0 }), ...responseFate(frame, fate)];
  }
  return [connect(), ...activeFate(kind, frame, fate)];
}

function helloFate(frame: Frame, fate: Fate): Step[] {
  if (fate === 'ends') return [expectViolation(frame)];
  return [write(frame), expectFrame({ type: HELLO_RESPONSE, id: Number(frame.id ?? 0) }), expectNothing()];
}

function responseFate(frame: Frame, fate: Fate): Step[] {
  if (fate === 'ends') return [expectViolation(frame)];
  return [write(frame), expectMessage('salve'), write(ack('salve')), expectOutcome('salve', 'accepted')];
}

function activeFate(kind: Kind, frame: Frame, fate: Fate): Step[] {
  const id = Number(frame.id ?? 0);
  if (fate === 'answered') return [write(frame), expectError(id, UNKNOWN_TABERNA), expectNothing()];
  if (fate === 'refused') return [write(frame), expectError(id, PROTOCOL_VIOLATION), expectEnd()];
  // A close ends the session, a violation in a close does not: the next hello tells them apart.
  if (kind === 'close') {
    return fate === 'ends'
      ? [expectViolation(frame), reconnect('again')]
      : [write(frame), expectEnd(), connect('again', RECONNECT, 0)];
  }
  return fate === 'ends' ? [expectViolation(frame)] : [write(frame), expectNothing()];
}
