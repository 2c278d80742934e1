/** Error frames that the implementation reads: every id, ids that do not exist, and texts of any kind. */
import { ERROR_IDS, type WireErrorKind } from '@flaminia/transport-a0';
import type { ConformanceCase } from '../conformance-case.ts';
import { expectMessage, expectNothing, expectOutcome, expectViolation } from '../expectations.ts';
import { ack, error } from '../frames.ts';
import { answerDial, connect, send, write } from '../steps.ts';

const REJECTED = 4;

const KNOWN: readonly ConformanceCase[] = (Object.entries(ERROR_IDS) as [WireErrorKind, number][]).map(
  ([kind, id]) => ({
    id: `error-id-${id}`,
    clauses: '[a1-err-1] [a1-pay-4] [a1-pay-8]',
    title: `an error ${id} ends the send that it names as ${kind}`,
    script: [
      send('salve'),
      answerDial(),
      expectMessage('salve'),
      write(error('salve', id)),
      expectOutcome('salve', kind),
      expectNothing(),
    ],
  }),
);

const UNKNOWN: readonly ConformanceCase[] = [0, 27, 28, 1001, 0x7fff_ffff, 0xffff_ffff].flatMap((errorId) => [
  {
    id: `unknown-error-id-${errorId}`,
    clauses: '[a1-pay-6] [a1-wire-11]',
    title: `an error ${errorId} for an id that was never sent`,
    script: [connect(), expectViolation(error(1, errorId, 'no'))],
  },
  {
    id: `unknown-error-id-${errorId}-as-answer`,
    clauses: '[a1-pay-6] [a1-loss-1]',
    title: `an error ${errorId} answers nothing: the message comes again`,
    script: [
      send('salve'),
      answerDial(),
      expectMessage('salve'),
      expectViolation(error('salve', errorId)),
      answerDial('again', 2),
      expectMessage('salve', 'again'),
      write(ack('salve'), 'again'),
      expectOutcome('salve', 'accepted'),
    ],
  },
]);

const NO_TEXTS: Readonly<Record<string, readonly number[]>> = {
  'a lone continuation byte': [0x80],
  'a byte that never occurs': [0xff],
  'a sequence cut short': [0x61, 0xe2, 0x82],
  'an overlong form': [0xc0, 0xaf],
  'half a surrogate pair': [0xed, 0xa0, 0x80],
  'a number over the last one': [0xf4, 0x90, 0x80, 0x80],
};

const NOT_UTF8: readonly ConformanceCase[] = Object.entries(NO_TEXTS).map(([name, bytes]) => ({
  id: `error-text-with-${name.replace(/^an? /, '').replaceAll(' ', '-')}`,
  clauses: '[a1-pay-7] [a1-wire-11]',
  title: `an error text with ${name} is not UTF-8`,
  script: [connect(), expectViolation(error(1, REJECTED, Uint8Array.from(bytes)))],
}));

const TEXTS: Readonly<Record<string, string>> = {
  empty: '',
  'of-1024-bytes': 'x'.repeat(1024),
  'of-1025-bytes': 'x'.repeat(1025),
  'cut-inside-a-letter': `x${'é'.repeat(512)}`,
  'of-100000-bytes': 'x'.repeat(100_000),
  'that-names-another-id': 'UnknownTaberna: no such taberna',
  'that-doubles-an-id': 'UnknownTaberna: UnknownTaberna: no such taberna',
  'with-a-nul': 'a\0b',
};

const ACCEPTED_TEXTS: readonly ConformanceCase[] = Object.entries(TEXTS).map(([name, text]) => ({
  id: `error-text-${name}`,
  clauses: '[a1-pay-7] [a1-pay-8]',
  title: `an error text ${name.replaceAll('-', ' ')}: only the number counts`,
  script: [
    send('salve'),
    answerDial(),
    expectMessage('salve'),
    write(error('salve', REJECTED, text)),
    expectOutcome('salve', 'remote-taberna-rejected'),
    expectNothing(),
  ],
}));

export const ERROR_FRAMES: readonly ConformanceCase[] = [...KNOWN, ...UNKNOWN, ...NOT_UTF8, ...ACCEPTED_TEXTS];
