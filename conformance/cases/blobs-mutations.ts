/**
 * A valid chunk, complete, blob hello and answer to one, changed in one field at a time, of the header and of the payload. As in
 * mutations.ts a table says what must become of each; the scripts follow from that.
 */
import { blobHello, blobResponse, completeOf, OWN_NUMBERS, part } from '../blob-frames.ts';
import { answerBlobDial, dialBlob, expectNothingOnBlob, offer, takeBlobDial } from '../blob-steps.ts';
import type { ConformanceCase, Step } from '../conformance-case.ts';
import { expectAck, expectEnd, expectError, expectFrame, expectNothing, expectViolation } from '../expectations.ts';
import { BLOB, type Frame, HELLO_RESPONSE } from '../frames.ts';
import { type Field, IDS, mutated, OVER_THE_LIMIT, TABERNAE, UNDEFINED_BITS, valueText } from '../mutated-frame.ts';
import { MAX_PAYLOAD_LEN } from '../shared-config.ts';
import { connect, dial, write } from '../steps.ts';

type Kind = 'chunk' | 'complete' | 'blob-hello' | 'blob-response';

/** `ends`: the callis ends without a word. `as-ever`: as the unchanged frame. A number: answered with that error. */
type Fate = 'ends' | 'as-ever' | number;

const FRAME_ID = 99;
const NO_STREAM = 77;
const STREAM_NOT_FOUND = 15;
const VIOLATION = 7;
const DECODE_FAILURE = 10;

/** Nobody has opened the stream, so a chunk is not found, and a complete is acked. */
const FRAMES: Readonly<Record<Kind, Frame>> = {
  chunk: part(FRAME_ID, NO_STREAM, 1, 'salve'),
  complete: completeOf(FRAME_ID, NO_STREAM),
  'blob-hello': blobHello(),
  'blob-response': blobResponse(),
};

const ALL = Object.keys(FRAMES) as Kind[];
const GREETINGS: readonly Kind[] = ['blob-hello', 'blob-response'];
const STREAM_FRAMES: readonly Kind[] = ['chunk', 'complete'];

interface Row {
  readonly field: Field;
  readonly values: readonly (number | bigint)[];
  readonly on: readonly Kind[];
  readonly fate: Fate;
  readonly clauses: string;
}

const TABLE: readonly Row[] = [
  { field: 'version', values: [0, 2, 0x0100, 0xffff], on: ALL, fate: 'ends', clauses: '[a1-wire-5] [a1-wire-11]' },
  { field: 'flags', values: [1, 2, 3], on: STREAM_FRAMES, fate: 'ends', clauses: '[a1-wire-9] [a1-wire-10]' },
  { field: 'flags', values: UNDEFINED_BITS, on: STREAM_FRAMES, fate: 'ends', clauses: '[a1-wire-10] [a1-wire-11]' },
  {
    field: 'flags',
    values: [...UNDEFINED_BITS.map((bit) => bit | BLOB), 0xffff],
    on: GREETINGS,
    fate: 'ends',
    clauses: '[a1-wire-10] [a1-wire-11]',
  },
  { field: 'flags', values: [0, 2], on: GREETINGS, fate: 'ends', clauses: '[a1-pay-1] [a1-pay-5]' },
  { field: 'flags', values: [3], on: ['blob-hello'], fate: 'as-ever', clauses: '[a1-bcal-11]' },
  { field: 'flags', values: [3], on: ['blob-response'], fate: 'ends', clauses: '[a1-bcal-13]' },
  {
    field: 'msg_type',
    values: [0, 1, 2, 7, 10, 11, 0x0100, 0xfffe, 0xffff],
    on: STREAM_FRAMES,
    fate: 'ends',
    clauses: '[a1-type-4] [a1-type-6] [a1-wire-11]',
  },
  { field: 'msg_type', values: [3, 4, 5, 6], on: STREAM_FRAMES, fate: 'ends', clauses: '[a1-pay-5] [a1-pay-6]' },
  { field: 'msg_type', values: [9], on: ['chunk'], fate: 'ends', clauses: '[a1-pay-5] [a1-wire-11]' },
  { field: 'msg_type', values: [8], on: ['complete'], fate: DECODE_FAILURE, clauses: '[a1-pay-5] [a1-brecv-10]' },
  {
    field: 'msg_type',
    values: [0x0001_0000, 0x00ff_ffff, 0x0100_0000, 0xffff_ffff],
    on: STREAM_FRAMES,
    fate: 'ends',
    clauses: '[a1-type-9] [a1-bcal-18]',
  },
  {
    field: 'msg_type',
    values: [0, 3, 4, 5, 6, 7, 8, 9, 10, 0xffff, 0x0001_0000, 0x0100_0000],
    on: GREETINGS,
    fate: 'ends',
    clauses: '[a1-type-4] [a1-wire-11]',
  },
  { field: 'peer_msg_id', values: IDS, on: ['chunk'], fate: STREAM_NOT_FOUND, clauses: '[a1-brecv-9]' },
  { field: 'peer_msg_id', values: IDS, on: ['complete'], fate: 'as-ever', clauses: '[a1-blob-16]' },
  { field: 'peer_msg_id', values: IDS, on: GREETINGS, fate: 'as-ever', clauses: '[a1-pay-3]' },
  { field: 'src_taberna', values: TABERNAE, on: ALL, fate: 'as-ever', clauses: '[a1-wire-7]' },
  { field: 'dst_taberna', values: TABERNAE, on: ALL, fate: 'as-ever', clauses: '[a1-wire-7]' },
  {
    field: 'payload_len',
    values: [0, 1, 4, 12, 17, 18, 19, 22, 24, MAX_PAYLOAD_LEN],
    on: ['chunk'],
    fate: DECODE_FAILURE,
    clauses: '[a1-brecv-10] [a1-pay-10]',
  },
  {
    field: 'payload_len',
    values: [0, 1, 3, 5, 18, MAX_PAYLOAD_LEN],
    on: ['complete'],
    fate: 'ends',
    clauses: '[a1-pay-5] [a1-pay-10]',
  },
  {
    field: 'payload_len',
    values: [1, 3, 5, 16, MAX_PAYLOAD_LEN],
    on: GREETINGS,
    fate: 'ends',
    clauses: '[a1-pay-5] [a1-pay-9]',
  },
  { field: 'payload_len', values: OVER_THE_LIMIT, on: ALL, fate: 'ends', clauses: '[a1-wire-8] [a1-wire-11]' },
];

/** Fields of payloads: where they are, and what becomes of values. */
const PAYLOADS: readonly {
  readonly field: string;
  readonly on: Kind;
  readonly at: number;
  readonly bytes: 2 | 4;
  readonly values: readonly number[];
  readonly fate: Fate;
  readonly clauses: string;
}[] = [
  {
    field: 'request_msg_id',
    on: 'chunk',
    at: 0,
    bytes: 4,
    values: IDS,
    fate: STREAM_NOT_FOUND,
    clauses: '[a1-brecv-8]',
  },
  { field: 'chunk_id', on: 'chunk', at: 8, bytes: 4, values: IDS, fate: STREAM_NOT_FOUND, clauses: '[a1-brecv-8]' },
  {
    field: 'chunk_id_high',
    on: 'chunk',
    at: 4,
    bytes: 4,
    values: IDS,
    fate: STREAM_NOT_FOUND,
    clauses: '[a1-brecv-8]',
  },
  { field: 'chunk_flags', on: 'chunk', at: 12, bytes: 2, values: [1], fate: STREAM_NOT_FOUND, clauses: '[a1-brecv-8]' },
  {
    field: 'chunk_flags',
    on: 'chunk',
    at: 12,
    bytes: 2,
    values: [2, ...UNDEFINED_BITS, 0xffff],
    fate: VIOLATION,
    clauses: '[a1-brecv-10] [a1-pay-10]',
  },
  {
    field: 'chunk_len',
    on: 'chunk',
    at: 14,
    bytes: 4,
    values: [0, 1, 4, 6, 0x7fff_ffff, 0xffff_ffff],
    fate: DECODE_FAILURE,
    clauses: '[a1-brecv-10] [a1-pay-10]',
  },
  { field: 'request_msg_id', on: 'complete', at: 0, bytes: 4, values: IDS, fate: 'as-ever', clauses: '[a1-bsend-18]' },
];

/** A case for each row, value and frame; ids like `chunk-flags-0x4`. */
export const BLOBS_MUTATIONS: readonly ConformanceCase[] = [
  ...TABLE.flatMap(({ field, values, on, fate, clauses }) =>
    on.flatMap((kind) =>
      values.map((value) =>
        caseOf(kind, field, valueText(field, value), mutated(FRAMES[kind], field, value), fate, clauses),
      ),
    ),
  ),
  ...PAYLOADS.flatMap(({ field, on, at, bytes, values, fate, clauses }) =>
    values.map((value) => {
      const { stream, ...frame } = FRAMES[on];
      const payload = Buffer.from(frame.payload!);
      payload.writeUInt32BE(Number(stream), 0);
      payload.writeUIntBE(value, at, bytes);
      return caseOf(on, field, `0x${value.toString(16)}`, { ...frame, payload }, fate, clauses);
    }),
  ),
];

function caseOf(kind: Kind, field: string, value: string, frame: Frame, fate: Fate, clauses: string): ConformanceCase {
  const becomes =
    fate === 'ends' ? 'the callis ends without a word' : fate === 'as-ever' ? fate : `answered with error ${fate}`;
  return {
    id: `${kind}-${field}-${value}`,
    clauses,
    title: `${kind} with ${field} ${value}: ${becomes}`,
    script: scriptOf(kind, frame, fate),
  };
}

function scriptOf(kind: Kind, frame: Frame, fate: Fate): readonly Step[] {
  const id = Number(frame.id ?? 0);
  if (kind === 'blob-hello') {
    const wanted = { type: HELLO_RESPONSE, flags: BLOB, id, numbers: OWN_NUMBERS };
    const steps = [write(frame, 'blob'), expectFrame(wanted, 'blob'), expectNothingOnBlob()];
    return [connect(), dial('blob'), ...(fate === 'ends' ? [expectViolation(frame, 'blob')] : steps)];
  }
  if (kind === 'blob-response') {
    const asked = [connect(), offer(5, 'blob-reader'), takeBlobDial()];
    if (fate !== 'ends') return [...asked, write(frame, 'blob'), expectAck(5), expectNothingOnBlob()];
    return [...asked, write(frame, 'blob'), expectEnd('blob'), answerBlobDial('again'), expectAck(5)];
  }
  const active = [connect(), dialBlob()];
  if (fate === 'ends') return [...active, expectViolation(frame, 'blob'), expectNothing()];
  const usual = kind === 'chunk' ? STREAM_NOT_FOUND : undefined;
  const errorId = fate === 'as-ever' ? usual : fate;
  const answer = errorId === undefined ? expectAck(id, 'blob') : expectError(id, errorId, 'blob');
  return [...active, write(frame, 'blob'), answer, expectNothingOnBlob()];
}
