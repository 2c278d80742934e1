/**
 * `session`: the machine of a peer session (a1-delivery) under programs of frames, sends, answers, losses and time, on up
 * to three calles (connections) at once. One program of four runs twice, the second time with every chunk in single bytes:
 * both must look the same from outside.
 */
import { Broken } from '../broken.ts';
import { goldenTranscript } from '../golden.ts';
import { hashOf } from '../hash.ts';
import { concat } from '../mutations.ts';
import { type Message, SessionBench } from '../session-bench.ts';
import {
  frameOf,
  generateProgram,
  optionsOf,
  programLayout,
  rawStep,
  type Step,
  step,
  stepsOf,
} from '../session-program.ts';
import type { FuzzTarget, Outcome } from '../target.ts';

const CALLES_MOST = 3;
/** Longer than any deadline of a program. */
const DRAIN_MS = 40_000;

/** Steps that many programs need to get anywhere. */
const PARTS = [
  step('accept'),
  step('frame', 0, 0),
  step('frame', 0, 1),
  step('frame', 0, 0, 4, 0, 1),
  step('send', 0, 1, 1, 20, 100),
  step('dialled'),
  step('down'),
  step('wait', 0, 4, 0),
  step('take'),
  step('decide'),
];

export const session: FuzzTarget = {
  name: 'session',
  maxBytes: 1024,
  words: [],
  parts: PARTS,
  unitsAreFree: true,
  seeds,
  generate: generateProgram,
  layout: programLayout,
  run,
};

function run(input: Uint8Array): Outcome {
  const { trace, features, verdict } = play(input, false);
  // A nudge answers a header whose payload has not come, so there pieces make a difference.
  if (hashOf(input) % 4 === 0) compareTraces(trace, play(input, !optionsOf(input).nudges).trace);
  return { verdict, features: [...features] };
}

function compareTraces(first: readonly string[], second: readonly string[]): void {
  const length = Math.max(first.length, second.length);
  for (let i = 0; i < length; i++) {
    if (first[i] !== second[i]) throw new Broken(`"${first[i]}" became "${second[i]}" the second time`);
  }
}

interface Played {
  readonly trace: readonly string[];
  readonly features: ReadonlySet<string>;
  readonly verdict: string;
}

function play(input: Uint8Array, oneByOne: boolean): Played {
  const options = optionsOf(input);
  const bench = new SessionBench(options);
  for (const next of stepsOf(input)) carryOut(bench, next, options.firstId, oneByOne);
  const verdict = verdictOf(bench);
  if (options.drains) bench.wait(DRAIN_MS);
  bench.end();
  return { trace: bench.trace, features: bench.features, verdict };
}

function carryOut(bench: SessionBench, next: Step, firstId: number, oneByOne: boolean): void {
  const [a, b, c] = next.details;
  const callis = bench.open[next.which % Math.max(1, bench.open.length)];
  switch (next.kind) {
    case 'accept':
      if (bench.open.length < CALLES_MOST) bench.accept();
      break;
    case 'dialled':
      bench.dialled();
      break;
    case 'dial-failed':
      bench.dialFailed();
      break;
    case 'wait':
      bench.wait(((a << 8) | b) * (c < 128 ? 1 : 0.125));
      break;
    case 'send':
      bench.send(messageOf(next));
      break;
    case 'take':
      bench.take();
      break;
    case 'decide':
      bench.decide(a, [0, 0, 4, 10][b & 3]!);
      break;
    case 'close-peer':
      bench.closePeer(a * 50);
      break;
    case 'settings':
      bench.changeSettings((a & 1) !== 0);
      break;
    case 'begin-shutdown':
      bench.beginShutdown();
      break;
    case 'end-shutdown':
      bench.endShutdown();
      break;
    case 'frame':
      if (callis !== undefined) bench.bytes(callis, frameOf(next.details, firstId), oneByOne);
      break;
    case 'raw':
      if (callis !== undefined) bench.bytes(callis, next.bytes, oneByOne);
      break;
    default:
      if (callis !== undefined) bench[next.kind](callis);
  }
}

function messageOf({ details: [a, b, c, d] }: Step): Message {
  return {
    tier: a % 4 === 0 ? 'a2' : 'a3',
    taberna: b & 3,
    length: c === 255 ? 5000 : c,
    timeoutMs: d * 100,
    wait: (a & 16) !== 0,
    isLocal: (a & 96) === 96,
  };
}

/** How the newest callis stands, or how the last one ended. */
function verdictOf({ open, trace, core }: SessionBench): string {
  const phase = open.at(-1)?.phase;
  if (phase !== undefined) return phase;
  const { protocolViolations, primaryClosed } = core.counters;
  if (protocolViolations > 0) return 'ended by a violation';
  if (primaryClosed > 0) return 'ended otherwise';
  return trace.some((line) => line.includes(' destroy ')) ? 'never active' : 'no callis';
}

/** The golden conversations, with us in the place of either side, and some programs of every kind of step. */
function seeds(): Uint8Array[] {
  const files = ['transcript-messages', 'transcript-reconnect', 'transcript-restart', 'transcript-blob'];
  return files.flatMap((file) => [listening(file), dialling(file)]);
}

/** Alpha dials us, and says what it said. */
function listening(file: string): Uint8Array {
  return conversation(file, 'alpha', () => step('accept'));
}

/** We dial beta, and it answers what it answered; our ids are others, so its acks are of nothing. */
function dialling(file: string): Uint8Array {
  return conversation(file, 'beta', () => concat(step('send', 0, 1, 1, 5, 100), step('dialled')));
}

function conversation(file: string, peer: string, opening: () => Uint8Array): Uint8Array {
  const said = goldenTranscript(file).filter(({ layer, from }) => layer === 'A1' && from === peer);
  const connections = [...new Set(said.map(({ connection }) => connection))];
  const parts: Uint8Array[] = [];
  for (const [index, connection] of connections.entries()) {
    if (index > 0) parts.push(step('down', 0));
    parts.push(opening());
    for (const { bytes } of said.filter((one) => one.connection === connection)) parts.push(rawStep(0, bytes));
  }
  return concat(Uint8Array.of(8), ...parts);
}
