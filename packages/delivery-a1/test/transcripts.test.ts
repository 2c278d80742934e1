/**
 * The golden transcripts, replayed: the machine plays each domus of a conversation that the Rust crate had, hears what the
 * other one really said, and must say what was recorded, byte for byte. Texts of errors are each side's own.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorKindOf } from '@flaminia/transport-a0';
import type { Callis } from '../src/core/callis.ts';
import { CorePlayer, type Handlers } from './core-player.ts';
import type { Frame } from './frame-lines.ts';
import type { Outcome } from './test-shell.ts';
import { type RecordedFrame, readTranscript, type Step } from './transcript.ts';

const ACCEPT = 0;
const REJECT = 4;
const DECODE_FAILURE = 10;
const HANDLERS: Handlers = new Map([
  [1000, ACCEPT],
  [1001, REJECT],
  [1003, DECODE_FAILURE],
  [2000, ACCEPT],
]);

/** Ways to cut what the peer says into reads. */
const CUTS = {
  'whole frames': (bytes: Buffer) => [bytes],
  'byte by byte': (bytes: Buffer) => Array.from(bytes, (byte) => Buffer.of(byte)),
  'as the crate sent it': (bytes: Buffer, { pieces }: RecordedFrame) => inPieces(bytes, pieces),
} as const;

interface Conversation {
  readonly name: string;
  /** The two domus; the first one dials. */
  readonly domus: readonly [string, string];
  readonly clauses: string;
  readonly tcp?: boolean;
  /** Steps that did not reach the other side. */
  readonly lost?: readonly number[];
  /** Ids of fresh messages that do not follow on the one before, by step. */
  readonly jumps?: Readonly<Record<number, number>>;
}

const CONVERSATIONS: readonly Conversation[] = [
  {
    name: 'messages',
    domus: ['alpha', 'beta'],
    clauses: '[a1-wire-2] [a1-call-1] [a1-call-2] [a1-call-4] [a1-in-3] [a1-in-5] [a1-in-6] [a1-in-7] [a1-close-2]',
  },
  // The relay kept the ack to itself.
  { name: 'reconnect', domus: ['alpha', 'beta'], clauses: '[a1-call-5] [a1-pay-4] [a1-in-11] [a1-loss-1]', lost: [14] },
  // The crate gave id 1 to a send that it then failed unwritten; ours would go out (a1-call-8).
  { name: 'restart', domus: ['alpha', 'beta'], clauses: '[a1-call-7] [a1-loss-4]', jumps: { 25: 2 } },
  { name: 'tcp-crate-dials', domus: ['rust', 'counterpart'], clauses: '[a1-wire-2] [a1-wire-3]', tcp: true },
  { name: 'tcp-crate-listens', domus: ['counterpart', 'rust'], clauses: '[a1-wire-2] [a1-in-3]', tcp: true },
];

for (const conversation of CONVERSATIONS) {
  describe(`transcript ${conversation.name}`, () => {
    for (const self of conversation.domus) {
      for (const cut of Object.keys(CUTS) as (keyof typeof CUTS)[]) {
        test(`${conversation.clauses} ${self} says what was recorded, hearing ${cut}`, () => {
          new Replay(conversation, self, cut).run();
        });
      }
    }
  });
}

test('[a1-keep-7] on TCP the header of the crate, which comes apart from its payload, is nudged once', () => {
  const nudged = new Replay(CONVERSATIONS[3]!, 'counterpart', 'as the crate sent it');
  nudged.run();
  assert.equal(nudged.player.keepalives, 1);
  const whole = new Replay(CONVERSATIONS[3]!, 'counterpart', 'whole frames');
  whole.run();
  assert.equal(whole.player.keepalives, 0);
});

class Replay {
  player: CorePlayer;
  private readonly conversation: Conversation;
  private readonly self: string;
  private readonly cut: (typeof CUTS)[keyof typeof CUTS];
  private readonly steps: readonly Step[];
  private readonly calles = new Map<number, Callis>();
  /** Own messages by id, which a replay does not send again. */
  private readonly sent = new Map<number, Outcome>();
  /** Payloads that this side's handlers are to see. */
  private heard: string[] = [];

  constructor(conversation: Conversation, self: string, cut: keyof typeof CUTS) {
    this.conversation = conversation;
    this.self = self;
    this.cut = CUTS[cut];
    this.steps = readTranscript(conversation.name, conversation.domus[0]);
    this.player = this.fresh();
  }

  run(): void {
    for (const [index, step] of this.steps.entries()) {
      if (step.kind === 'open') this.open(step.connection, step.by, index);
      else if (step.kind === 'frame') this.frame(step);
      else if (step.kind === 'cut') this.player.down(this.callisOf(step.connection));
      else this.end(step.connection, step.by);
    }
    this.finish();
  }

  private fresh(): CorePlayer {
    return new CorePlayer(this.conversation.tcp === true, HANDLERS);
  }

  private open(connection: number, dialler: string, index: number): void {
    const dials = dialler === this.self;
    if (dials && !this.player.wantsDial) this.sendAhead(index);
    assert.equal(this.player.wantsDial, dials, 'who dials');
    this.calles.set(connection, this.player.connected(dials));
  }

  /** A first dial has a reason: the next message of this side. */
  private sendAhead(index: number): void {
    const next = this.steps.slice(index).find((step) => step.kind === 'frame' && isMessageOf(this.self, step));
    this.send(next as RecordedFrame);
  }

  private send({ n, id, destination, msgType, bytes }: RecordedFrame): void {
    const jump = this.conversation.jumps?.[n];
    if (jump !== undefined) this.player.session.retained.nextId = jump;
    this.sent.set(id, this.player.send(destination, msgType, bytes.subarray(32)));
  }

  private frame(step: RecordedFrame): void {
    if (step.from === this.self) this.expectFrame(step);
    else if (this.conversation.lost?.includes(step.n) !== true) this.hear(step);
  }

  private expectFrame(step: RecordedFrame): void {
    if (isMessageOf(this.self, step) && !this.sent.has(step.id)) this.send(step);
    if (step.name === 'close') this.player.shutDown();
    const frame = this.player.next(this.callisOf(step.connection));
    const where = `step ${step.n} of ${this.conversation.name}`;
    assert.ok(frame !== undefined, `${where}: nothing is said`);
    assert.equal(comparable(frame.bytes, step), comparable(step.bytes, step), `${where}: ${frame.line}`);
  }

  private hear(step: RecordedFrame): void {
    const payload = step.bytes.subarray(32).toString('hex');
    if (step.name === 'a3-message' && HANDLERS.has(step.destination)) this.heard.push(payload);
    for (const chunk of this.cut(step.bytes, step)) this.player.bytes(this.callisOf(step.connection), chunk);
    if (step.name !== 'ack' && step.name !== 'error') return;
    const outcome = this.sent.get(step.id);
    assert.equal(outcome?.word, step.errorId === undefined ? 'accepted' : errorKindOf(step.errorId));
  }

  /** An end of the peer is heard. An end of this side is its own doing, or its death. */
  private end(connection: number, by: string): void {
    const callis = this.callisOf(connection);
    if (by !== this.self) this.player.down(callis);
    else if (!this.player.ends.has(callis)) this.die();
  }

  /** The process was killed; the next connection finds one that remembers nothing. */
  private die(): void {
    this.expectHeard();
    this.player = this.fresh();
    this.heard = [];
  }

  private finish(): void {
    assert.deepEqual(this.player.rest, [], 'frames that were not recorded');
    this.expectHeard();
    for (const [id, { word }] of this.sent) assert.notEqual(word, 'waiting', `message ${id} has no outcome`);
  }

  /** Handlers have seen each message once, also one that came twice. */
  private expectHeard(): void {
    assert.deepEqual(this.player.seen, [...new Set(this.heard)]);
  }

  private callisOf(connection: number): Callis {
    const callis = this.calles.get(connection);
    if (callis === undefined) throw new Error(`connection ${connection} was not opened`);
    return callis;
  }
}

function isMessageOf(domus: string, step: RecordedFrame): boolean {
  return step.from === domus && step.name === 'a3-message';
}

/** What must agree: all of a frame, but of an error neither its text nor the length of that. */
function comparable(bytes: Frame['bytes'], { errorId }: RecordedFrame): string {
  if (errorId === undefined) return bytes.toString('hex');
  return `${bytes.toString('hex', 0, 28)} error ${bytes.readUInt32BE(32)}`;
}

function inPieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  if (sizes.length === 0) return [bytes.subarray(0, 32), bytes.subarray(32)].filter(({ length }) => length > 0);
  const ends = sizes.map((_, index) => sizes.slice(0, index + 1).reduce((sum, size) => sum + size));
  return ends.map((end, index) => bytes.subarray(end - sizes[index]!, end));
}
