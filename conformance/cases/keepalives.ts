/** Keepalives: when they come, and when they do not. */
import type { ConformanceCase } from '../conformance-case.ts';
import { expectAck, expectFrame, expectKeepalives, expectNothing } from '../expectations.ts';
import { HEADER_BYTES, KEEPALIVE, keepalive, message } from '../frames.ts';
import { connect, write, writeHead, writeTail } from '../steps.ts';

const MESSAGE = message(1, 'accept', 'salve');

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
];
