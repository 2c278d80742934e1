/** The hello exchange of a blob callis, as the raw peer dials it (a1-blobs, blob callis). */
import { blobHello, type Numbers, OWN_NUMBERS } from '../blob-frames.ts';
import { dialBlob, expectNothingOnBlob, openStream, redialBlob } from '../blob-steps.ts';
import type { ConformanceCase } from '../conformance-case.ts';
import { expectEnd, expectError, expectFrame, expectNothing, expectViolation } from '../expectations.ts';
import { BLOB, ERROR, HELLO_RESPONSE, hello, RECONNECT } from '../frames.ts';
import { connect, dial, finish, hangUp, reconnect, write } from '../steps.ts';

const WITHOUT_PRIMARY = 13;
const PEER_UNAVAILABLE = 3;

/** What is proposed, and what must be agreed: the lesser of both sides, in each number by itself. */
const PROPOSALS: readonly (readonly [proposed: Numbers, agreed: Numbers])[] = [
  [OWN_NUMBERS, OWN_NUMBERS],
  [
    [32, 8],
    [32, 4],
  ],
  [
    [128, 2],
    [64, 2],
  ],
  [
    [1, 1],
    [1, 1],
  ],
  [[0x7fff_ffff, 0x8000_0000], OWN_NUMBERS],
  [[0xffff_ffff, 0xffff_ffff], OWN_NUMBERS],
];

const NO_PROPOSALS: readonly Numbers[] = [
  [0, 4],
  [64, 0],
  [0, 0],
];

export const BLOBS_GREETING: readonly ConformanceCase[] = [
  ...PROPOSALS.map(([proposed, agreed]) => ({
    id: `blob-hello-proposes-${proposed.join('x')}`,
    clauses: '[a1-bcal-1] [a1-bcal-2] [a1-pay-9]',
    title: `a blob hello that proposes ${proposed.join(' × ')} is answered with ${agreed.join(' × ')}`,
    script: [connect(), dialBlob('blob', proposed, 0, { numbers: agreed }), expectNothingOnBlob(), expectNothing()],
  })),
  ...NO_PROPOSALS.map((numbers) => ({
    id: `blob-hello-proposes-${numbers.join('x')}`,
    clauses: '[a1-bcal-13] [a1-wire-11]',
    title: `a blob hello that proposes ${numbers.join(' × ')} ends without a word`,
    script: [connect(), dial('blob'), expectViolation(blobHello(numbers), 'blob'), expectNothing()],
  })),
  {
    id: 'blob-hello-id',
    clauses: '[a1-pay-3] [a1-bcal-1]',
    title: 'the answer to a blob hello echoes its id',
    script: [
      connect(),
      dial('blob'),
      write(blobHello(OWN_NUMBERS, 0, { id: 4711 }), 'blob'),
      expectFrame({ type: HELLO_RESPONSE, flags: BLOB, id: 4711, numbers: OWN_NUMBERS }, 'blob'),
    ],
  },
  {
    id: 'blob-hello-reconnect-first',
    clauses: '[a1-bcal-11]',
    title: 'RECONNECT on the first blob hello of a session gets a plain answer',
    script: [connect(), dialBlob('blob', OWN_NUMBERS, RECONNECT, { flags: 0 }), expectNothingOnBlob()],
  },
  {
    id: 'blob-hello-reconnect-after-loss',
    clauses: '[a1-bcal-10] [a1-bcal-11]',
    title: 'RECONNECT after the loss of the blob callis is echoed',
    script: [connect(), dialBlob(), hangUp('blob'), redialBlob('again'), expectNothingOnBlob('again')],
  },
  {
    id: 'blob-hello-reconnect-after-end',
    clauses: '[a1-bcal-11] [a1-wire-4]',
    title: 'so it is after its orderly end',
    script: [
      connect(),
      dialBlob(),
      finish('blob'),
      expectEnd('blob'),
      redialBlob('again'),
      expectNothingOnBlob('again'),
    ],
  },
  {
    id: 'blob-hello-reconnect-beside-active',
    clauses: '[a1-bcal-5] [a1-bcal-11]',
    title: 'RECONNECT beside an active blob callis: both are read, and answers may take either',
    script: [
      connect(),
      dialBlob(),
      redialBlob('other'),
      expectNothingOnBlob('blob', ['blob', 'other']),
      expectNothingOnBlob('other', ['blob', 'other']),
    ],
  },
  {
    id: 'blob-hello-plain-beside-active',
    clauses: '[a1-bcal-14]',
    title: 'a plain blob hello beside an active blob callis ends without an answer, and the first goes on',
    script: [
      connect(),
      dialBlob(),
      dial('other'),
      write(blobHello(), 'other'),
      expectEnd('other'),
      expectNothingOnBlob(),
    ],
  },
  {
    id: 'blob-hello-plain-after-loss',
    clauses: '[a1-bcal-11] [a1-bcal-14]',
    title: 'a plain blob hello after the loss of the blob callis gets a plain answer',
    script: [connect(), dialBlob(), finish('blob'), expectEnd('blob'), dialBlob('again'), expectNothingOnBlob('again')],
  },
  {
    id: 'blob-hello-numbers-hold',
    clauses: '[a1-bcal-2]',
    title: 'the numbers that are agreed hold while a blob callis is up',
    script: [
      connect(),
      dialBlob('blob', [32, 2]),
      dialBlob('other', OWN_NUMBERS, RECONNECT, { numbers: [32, 2] }),
      expectNothingOnBlob('other', ['blob', 'other']),
    ],
  },
  {
    id: 'blob-hello-numbers-anew',
    clauses: '[a1-bcal-2]',
    title: 'they are agreed anew when no blob callis and no stream is left',
    script: [connect(), dialBlob('blob', [32, 2]), finish('blob'), expectEnd('blob'), redialBlob('again')],
  },
  {
    id: 'blob-hello-numbers-hold-by-stream',
    clauses: '[a1-bcal-2]',
    title: 'a stream that lives holds them too',
    script: [
      openStream(5, 'blob-sleeper'),
      finish('blob'),
      expectEnd('blob'),
      dialBlob('again', [128, 8], RECONNECT, { numbers: OWN_NUMBERS }),
    ],
  },
  {
    id: 'blob-hello-without-session',
    clauses: '[a1-bcal-6] [a1-type-8]',
    title: 'a blob hello without a session is answered with error 13 for its id, and then the end',
    script: [
      dial('blob'),
      write(blobHello(OWN_NUMBERS, 0, { id: 6 }), 'blob'),
      expectError(6, WITHOUT_PRIMARY, 'blob'),
      expectEnd('blob'),
    ],
  },
  ...[0, RECONNECT].map((flags) => ({
    id: `blob-hello-without-primary-${flags === 0 ? 'plain' : 'reconnect'}`,
    clauses: '[a1-bcal-6] [a1-type-8]',
    title: `so it is in a session whose primary is lost, ${flags === 0 ? 'plain' : 'with RECONNECT'}`,
    script: [
      connect(),
      finish(),
      expectEnd(),
      dial('blob'),
      write(blobHello(OWN_NUMBERS, flags, { id: 6 }), 'blob'),
      expectError(6, WITHOUT_PRIMARY, 'blob'),
      expectEnd('blob'),
      reconnect('again'),
      expectNothing('again'),
    ],
  })),
  {
    id: 'blob-hello-at-callis-limit',
    clauses: '[a1-bcal-7] [a1-log-3]',
    title: 'a plain blob hello at the callis limit gets error 3 with its text, and then the end',
    config: { maxParallelCallisPerPeer: 1 },
    script: [
      connect(),
      dial('blob'),
      write(blobHello(OWN_NUMBERS, 0, { id: 9 }), 'blob'),
      expectFrame({ type: ERROR, id: 9, errorId: PEER_UNAVAILABLE, errorText: 'callis limit reached' }, 'blob'),
      expectEnd('blob'),
      expectNothing(),
    ],
  },
  {
    id: 'blob-hello-reconnect-at-callis-limit',
    clauses: '[a1-bcal-19]',
    title: 'one that resumes ends the blob callis that has been silent longest, and never the only primary',
    config: { maxParallelCallisPerPeer: 2 },
    script: [
      connect(),
      dialBlob(),
      redialBlob('other'),
      expectEnd('blob'),
      expectNothingOnBlob('other'),
      expectNothing(),
    ],
  },
  {
    id: 'blob-callis-counts-for-the-limit',
    clauses: '[a1-dial-7] [a1-bcal-7]',
    title: 'blob calles count among those of the limit',
    config: { maxParallelCallisPerPeer: 2 },
    script: [
      dial(),
      dial('second'),
      write(hello()),
      expectFrame({ type: HELLO_RESPONSE }),
      dialBlob(),
      write(hello({ id: 9 }), 'second'),
      expectError(9, PEER_UNAVAILABLE, 'second'),
      expectEnd('second'),
      expectNothingOnBlob(),
    ],
  },
  {
    id: 'blob-hello-cut-off',
    clauses: '[a1-wire-4] [a1-bcal-11]',
    title: 'a blob hello without its numbers is none: the next one is the first',
    script: [
      connect(),
      dial('blob'),
      write({ ...blobHello(), payload: Buffer.alloc(4), payloadLength: 8 }, 'blob'),
      finish('blob'),
      expectEnd('blob'),
      dialBlob('again', OWN_NUMBERS, RECONNECT, { flags: 0 }),
      expectNothingOnBlob('again'),
    ],
  },
];
