/**
 * `calls`: messages of procedures (docs/protocol/procedures.md) to a node that provides a service and has calls under way: what
 * the peer sends, what becomes of the node's own messages, and how time passes.
 */
import { bidiStream, clientStream, oneWay, ProcedureError, service, unary } from '@flaminia/services-a2';
import { encodeCbor, type TabernaKey } from '@flaminia/services-a2/internal';
import {
  ANSWER,
  CALL,
  CANCEL,
  Calls,
  CREDIT,
  DEFAULT_CALL_SETTINGS,
  END,
  FAILURE,
  HeadReader,
  ITEMS,
  KIND_NUMBERS,
  ProvidedService,
  type ProviderSource,
  StreamCall,
  UnaryCall,
} from '@flaminia/services-a2/testing';
import { Broken } from '../broken.ts';
import { happening, happenings, happeningsLayout } from '../message-list.ts';
import { concat } from '../mutations.ts';
import { type Decision, PEER, ScriptedPort } from '../scripted-port.ts';
import type { FuzzTarget, Outcome } from '../target.ts';

const Fuzz = service('fuzz', 'v1', {
  ask: unary<unknown, unknown>({ idempotent: true }),
  fail: unary<unknown, unknown>(),
  tell: oneWay<unknown>(),
  pour: clientStream<unknown, unknown>(),
  both: bidiStream<unknown, unknown>(),
});

/** A stream, and a promise, that nobody ever goes on with: nothing of the fuzzer waits for a turn of the event loop. */
const never = <T>(): Promise<T> => new Promise<T>(() => {});
const endless: AsyncIterable<unknown> = { [Symbol.asyncIterator]: () => ({ next: () => never() }) };
const handlers = {
  ask: (input: unknown) => input,
  fail: () => {
    throw new ProcedureError('not-found', 'nothing there', { details: { a: 1 } });
  },
  tell: () => {},
  pour: () => never(),
  both: () => endless,
};

/** Kinds of happenings: the first ones are messages to the service, then to the calls of the node. */
const TYPES = [CALL, ITEMS, END, CANCEL, CREDIT, ANSWER];
const ANSWERS = [ANSWER, FAILURE, ITEMS, END, CREDIT, CALL];
const FIRST_ANSWER = TYPES.length;
const FATE = FIRST_ANSWER + ANSWERS.length;
const TIME = FATE + 1;
const SESSION = TIME + 1;
const KINDS = SESSION + 1;

/** The longest pause of a message that found no room at its peer. */
const LONGEST_PAUSE_MS = 1_000;

const REPLY = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2);
/** Calls that the node makes before anything happens. Their ids follow from the numbers of the scripted port. */
const OWN_CALLS = 3;

/** A node with its service and calls of its own under way. */
class Node {
  readonly port = new ScriptedPort();
  readonly calls = new Calls(this.port);
  readonly provided: ProvidedService;
  /** Messages that would be calls if they could be read. */
  callsIn = 0;
  private settled = 0;

  constructor() {
    this.provided = new ProvidedService({
      port: this.port,
      service: Fuzz,
      handlers,
      refusal: (_caller, procedure) => (procedure.endsWith('/forbidden') ? 'not-allowed' : undefined),
      concurrency: 4,
      maxWaiting: 4,
      windowBytes: 65_536,
      watch: (timed) => this.calls.watch(timed),
      unwatch: (timed) => this.calls.unwatch(timed),
      report: () => {},
    });
    const parts = { calls: this.calls, providers: peerAlone, settings: DEFAULT_CALL_SETTINGS };
    const { ask, both, pour } = Fuzz;
    const settle = (): void => void this.settled++;
    new UnaryCall(ask, 'question', undefined, parts, settle, settle).start();
    new StreamCall(both, endless, undefined, parts, undefined).start();
    new StreamCall(pour, endless, undefined, parts, { resolve: settle, reject: settle }).start();
  }

  /** Where answers go, and with which ids: as the calls say. */
  get reply(): TabernaKey {
    return headOf(this.port.sent[0]!.payload).reply;
  }

  happen(kind: number, bytes: Uint8Array): Decision | undefined {
    if (kind < FIRST_ANSWER) {
      if (kind === 0) this.callsIn++;
      return this.port.deliver(Fuzz.taberna, TYPES[kind]!, bytes);
    }
    if (kind < FATE) return this.port.deliver(this.reply, ANSWERS[kind - FIRST_ANSWER]!, bytes);
    const number = bytes[0] ?? 0;
    if (kind === FATE) this.port.decideOldest(number % 5);
    else if (kind === TIME) this.port.pass(number * 500);
    else this.port.happen({ kind: (['lost', 'ended'] as const)[number % 2]!, address: PEER });
    return undefined;
  }

  /** What must hold at any time. */
  check(): void {
    if (this.provided.underWay > this.callsIn) throw new Broken('more calls are under way than have come');
    if (this.provided.underWay > 8) throw new Broken('more calls are under way than may be');
    if (this.settled > 2) throw new Broken('a call has ended twice');
  }

  /** Ends all; nothing may be left. */
  close(): void {
    const gone = new ProcedureError('unavailable', 'gone');
    this.provided.close();
    this.calls.close(gone);
    if (this.settled !== 2) throw new Broken(`${this.settled} of two calls have ended`);
    if (this.calls.size > 0) throw new Broken('a call is left in the table');
    if (this.provided.serves(PEER)) throw new Broken('a served call is left');
    // What found no room at the peer is sent once more behind the end.
    this.port.pass(LONGEST_PAUSE_MS);
    if (this.port.timersLeft > 0) throw new Broken('a timer is left');
  }
}

const peerAlone: ProviderSource = {
  pick: ({ exclude }) =>
    exclude?.has(PEER) === true ? undefined : { address: PEER, nodeId: 'peer', health: 'healthy', metadata: {} },
  wait: () => never(),
  begin: (provider) => ({ provider, taken() {}, end() {} }),
  called() {},
  hasOffer: () => false,
  mayRetry: () => false,
};

export const calls: FuzzTarget = {
  name: 'calls',
  maxBytes: 2048,
  words: [
    ...Object.keys(Fuzz.procedures).map((name) => encodeCbor(`fuzz/v1/${name}`)),
    ...['unavailable', 'cancelled', 'invalid-argument'].map((code) => encodeCbor(code)),
    encodeCbor(2 ** 53 - 1),
    encodeCbor(null),
    encodeCbor(REPLY),
    Uint8Array.of(0xf6),
  ],
  parts: [...idsOfOwnCalls().flatMap((id) => answersTo(id)), ...callsWith(7), ...restOf(7)],
  unitsAreFree: true,
  seeds,
  layout: happeningsLayout,
  run,
};

function run(input: Uint8Array): Outcome {
  const node = new Node();
  const features = new Set<string>();
  let verdict = 'nothing happened';
  for (const { kind, bytes } of happenings(input)) {
    const before = node.port.sent.length;
    const decision = node.happen(kind % KINDS, bytes);
    node.check();
    if (decision === 'open') throw new Broken('a message is left undecided');
    const said = node.port.sent.slice(before).map(({ type }) => type & 0xff);
    const told = decision === undefined || decision === 'taken' ? (decision ?? 'happened') : 'rejected';
    verdict = `${told}, ${said.length === 0 ? 'silence' : `answered with ${new Set(said).size} kinds`}`;
    features.add(`${kind % KINDS} ${told} ${said.join(',')} ${node.provided.underWay} ${node.calls.size}`);
  }
  node.close();
  return { verdict, features: [...features] };
}

/** The id of a call, and where its answers go. */
function headOf(call: Uint8Array): { readonly id: number; readonly reply: TabernaKey } {
  const reader = new HeadReader();
  reader.begin(call, 7);
  const id = reader.uint();
  reader.text();
  reader.uint();
  reader.uintOrNone();
  if (!reader.keyOrNone() || reader.isBad) throw new Broken('a call cannot be read');
  return { id, reply: { idHi: reader.hi, idLo: reader.lo } };
}

function head(...items: readonly unknown[]): Uint8Array {
  return encodeCbor(items);
}

function answersTo(id: number): Uint8Array[] {
  return [
    happening(FIRST_ANSWER, concat(head(id), encodeCbor('answer'))),
    happening(FIRST_ANSWER + 1, concat(head(id, 'not-found', 'no'), encodeCbor({ a: 1 }))),
    happening(FIRST_ANSWER + 2, concat(head(id, 0), encodeCbor([1, 'two']))),
    happening(FIRST_ANSWER + 3, head(id, 1)),
    happening(FIRST_ANSWER + 4, head(id, 1_000)),
  ];
}

function callsWith(id: number): Uint8Array[] {
  return [Fuzz.ask, Fuzz.fail, Fuzz.tell, Fuzz.pour, Fuzz.both].map(({ fullName, definition }, index) => {
    const reply = definition.kind === 'one-way' ? null : REPLY;
    const fields = head(id + index, fullName, KIND_NUMBERS[definition.kind], index === 1 ? 5 : null, reply, 100, null);
    return happening(0, concat(fields, encodeCbor({ a: [1] })));
  });
}

function restOf(id: number): Uint8Array[] {
  return [
    happening(1, concat(head(id + 3, 0), encodeCbor([1, 2]))),
    happening(2, head(id + 3, 1)),
    happening(3, head(id + 4)),
    happening(4, head(id + 4, 70_000)),
    happening(FATE, Uint8Array.of(0)),
    happening(FATE, Uint8Array.of(2)),
    happening(TIME, Uint8Array.of(70)),
    happening(SESSION, Uint8Array.of(0)),
    happening(SESSION, Uint8Array.of(1)),
  ];
}

function seeds(): Uint8Array[] {
  const [asked, both, poured] = idsOfOwnCalls().map(answersTo);
  return [
    concat(...callsWith(7), ...restOf(7)),
    concat(asked![0]!, both![2]!, both![4]!, both![3]!, poured![0]!),
    concat(asked![1]!, both![1]!, poured![4]!, poured![1]!),
    concat(...restOf(7).slice(4)),
  ];
}

/** As the numbers of the scripted port bring them: the same in each execution. */
function idsOfOwnCalls(): number[] {
  const { sent } = new Node().port;
  return Array.from({ length: OWN_CALLS }, (_, index) => headOf(sent[index]!.payload).id);
}
