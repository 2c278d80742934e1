/** The words of scripts, part two: what the implementation must do, and must not. */
import type { Step } from './conformance-case.ts';
import { A3_MESSAGE, ACK, ERROR, type Frames, frameText, KEEPALIVE, listOf, type Temper, typeName } from './frames.ts';
import type { BlobOutcome, Outcome } from './implementation.ts';
import { OUTCOME_PATIENCE_MS, withPatience } from './patience.ts';
import { type ReceivedFrame, receivedText } from './received-frame.ts';
import { MAIN, type Stage } from './stage.ts';

/** What a frame must be. Flags that are left out must be 0; other fields that are left out may be anything. */
export interface FramePattern {
  readonly type: number;
  readonly flags?: number;
  readonly id?: number | string;
  readonly errorId?: number;
  /** How it ends: a Rust peer puts the name of the id in front. */
  readonly errorText?: string;
  /** Of the hello exchange of a blob callis: chunk size and window. */
  readonly numbers?: readonly [chunkBytes: number, window: number];
  /** Of a complete: the stream. */
  readonly stream?: number;
  /** The payload of a message. The script may then name its id by this text. */
  readonly text?: string;
}

export type Names = string | readonly string[];

/** The next frame on the callis, or on any of several, is such a one. */
export function expectFrame(pattern: FramePattern, on: Names = MAIN): Step {
  const wanted = patternText(pattern);
  return {
    text: `expect ${wanted} on ${on}`,
    run: async (stage) => {
      const frame = await stage.next(namesOf(on), wanted, pattern.type === KEEPALIVE);
      if (frame === undefined || !isMet(pattern, frame, stage)) {
        throw new Error(`${foundText(frame)} instead of ${wanted}`);
      }
      if (pattern.text !== undefined) stage.messageIds.set(pattern.text, frame.id);
    },
  };
}

/** Such frames come next, in any order. */
export function expectEach(patterns: readonly FramePattern[], on: Names = MAIN): Step {
  return {
    text: `expect ${patterns.map(patternText).join(', ')} on ${on}, in any order`,
    run: async (stage) => {
      const open = [...patterns];
      while (open.length > 0) {
        const frame = await stage.next(namesOf(on), patternText(open[0]!));
        const index = frame === undefined ? -1 : open.findIndex((pattern) => isMet(pattern, frame, stage));
        if (index < 0) throw new Error(`${foundText(frame)} instead of those`);
        open.splice(index, 1);
      }
    },
  };
}

export function expectAck(id: number | string, on: Names = MAIN): Step {
  return expectFrame({ type: ACK, id }, on);
}

export function expectError(id: number | string, errorId: number, on: Names = MAIN): Step {
  return expectFrame({ type: ERROR, id, errorId }, on);
}

/** A message that the implementation was told to send comes, to its destination; the script may name its id by its text. */
export function expectMessage(text: string, on: Names = MAIN): Step {
  return expectFrame({ type: A3_MESSAGE, text }, on);
}

/** The implementation says nothing more, and ends the callis. */
export function expectEnd(name: string = MAIN): Step {
  return {
    text: `expect the end of ${name}`,
    run: async (stage) => {
      const frame = await stage.next([name], 'the end');
      if (frame !== undefined) throw new Error(`${receivedText(frame)} instead of the end`);
    },
  };
}

/** Writes a frame, which ends the callis without a word: a message behind it is not answered. */
export function expectViolation(frames: Frames, name: string = MAIN): Step {
  const list = listOf(frames);
  return {
    text: `write ${list.map(frameText).join(', ')} on ${name}, and expect the end`,
    run: async (stage) => {
      const bytes = await Promise.all([...list, stage.nextMarker('accept')].map((frame) => stage.encode(frame)));
      stage.callis(name).write(Buffer.concat(bytes));
      await expectEnd(name).run(stage);
    },
  };
}

/**
 * The implementation has nothing more to say: a message is answered next. Twice, so that an answer which a handler gives
 * later than the first would be seen.
 */
export function expectNothing(on: Names = MAIN): Step {
  return {
    text: `expect nothing more on ${on}`,
    run: async (stage) => {
      for (let round = 0; round < 2; round++) await mark(stage, namesOf(on));
    },
  };
}

/** No keepalive has come so far, or so many. */
export function expectKeepalives(count: number, name: string = MAIN): Step {
  return {
    text: `expect ${count} keepalives so far on ${name}`,
    run: async (stage) => {
      const { keepalives } = stage.callis(name);
      if (keepalives !== count) throw new Error(`${keepalives} keepalives instead of ${count}`);
    },
  };
}

/** The handler of this taberna has seen these texts so far, in this order. `on` is an active callis. */
export function expectSeen(temper: Temper, texts: readonly string[], on: Names = MAIN): Step {
  return {
    text: `expect that ${temper} has seen [${texts.join(', ')}]`,
    run: async (stage) => {
      const names = namesOf(on);
      const taberna = await stage.taberna(temper);
      const marker = stage.nextMarker(temper);
      stage.callis(names[0]!).write(await stage.encode(marker));
      await stage.shared.seen.until(taberna, marker.text);
      if (temper !== 'hold') await expectAnswer(stage, marker.id, names);
      const seen = stage.shared.seen.of(taberna).filter((text) => !text.startsWith('marker '));
      if (seen.join() !== texts.join()) throw new Error(`seen: [${seen.join(', ')}]`);
    },
  };
}

/** A handler has seen this text: what follows comes later than that. */
export function untilSeen(temper: Temper, text: string): Step {
  return {
    text: `wait until ${temper} has seen "${text}"`,
    run: async (stage) => stage.shared.seen.until(await stage.taberna(temper), text),
  };
}

/** The send with this text ends like this; `patienceMs` where its deadline is near. */
export function expectOutcome(
  text: string,
  outcome: Outcome | BlobOutcome,
  patienceMs: number = OUTCOME_PATIENCE_MS,
): Step {
  return {
    text: `expect "${text}" to end as ${outcome}`,
    run: async (stage) => {
      const sent = stage.outcomes.get(text);
      if (sent === undefined) throw new Error(`the script has sent no "${text}" yet`);
      const found = await withPatience(sent, `the outcome of "${text}"`, patienceMs);
      if (found !== outcome) throw new Error(`"${text}" ended as ${found} instead of ${outcome}`);
    },
  };
}

/** The implementation has made no connection that the script has not taken. */
export function expectNoConnection(): Step {
  return {
    text: 'expect no connection',
    run: async (stage) => {
      const made = stage.raw.happenings.rest().filter(({ kind }) => kind === 'connection');
      if (made.length > 0) throw new Error(`${made.length} connections that nobody expected`);
    },
  };
}

/** The shutdown that has begun has reached the tabernae: a message to one that accepts is answered with an error. */
export function untilClosing(): Step {
  return {
    text: 'wait until no taberna accepts any more',
    run: async (stage) => {
      for (let type = ACK; type === ACK; ) {
        const marker = stage.nextMarker('accept');
        stage.callis(MAIN).write(await stage.encode(marker));
        const frame = await stage.next([MAIN], 'an answer');
        if (frame?.id !== marker.id) throw new Error(`${foundText(frame)} at once`);
        type = frame.type;
      }
    },
  };
}

/** The shutdown that has begun ends. */
export function expectShutdown(): Step {
  const text = 'expect the end of the shutdown';
  return {
    text,
    run: async ({ shutdown }) =>
      withPatience(shutdown ?? Promise.reject(new Error('no shutdown')), text, OUTCOME_PATIENCE_MS),
  };
}

async function mark(stage: Stage, names: readonly string[]): Promise<void> {
  const marker = stage.nextMarker('accept');
  stage.callis(names[0]!).write(await stage.encode(marker));
  await expectAck(marker.id, names).run(stage);
}

async function expectAnswer(stage: Stage, id: number, names: readonly string[]): Promise<void> {
  const frame = await stage.next(names, `an answer to #${id}`);
  if (frame?.id !== id) throw new Error(`${foundText(frame)} instead of an answer`);
}

function foundText(frame: ReceivedFrame | undefined): string {
  return frame === undefined ? 'the end' : receivedText(frame);
}

function isMet(pattern: FramePattern, frame: ReceivedFrame, stage: Stage): boolean {
  const { type, flags = 0, id, errorId, errorText, numbers, stream, text } = pattern;
  if (frame.type !== type || frame.flags !== flags) return false;
  if (id !== undefined && frame.id !== (typeof id === 'string' ? stage.messageIds.get(id) : id)) return false;
  if (errorId !== undefined && frame.errorId !== errorId) return false;
  if (errorText !== undefined && !frame.payload.subarray(4).toString().endsWith(errorText)) return false;
  if (numbers !== undefined && numbersOf(frame) !== numbers.join(' x ')) return false;
  if (stream !== undefined && frame.payload.readUInt32BE() !== stream) return false;
  return text === undefined || (frame.payload.toString() === text && frame.dst === stage.destinations.get(text));
}

function numbersOf({ payload }: ReceivedFrame): string {
  return payload.length === 8 ? `${payload.readUInt32BE()} x ${payload.readUInt32BE(4)}` : 'none';
}

function patternText({ type, flags, id, errorId, numbers, stream, text }: FramePattern): string {
  const parts = [
    typeName(type),
    flags === undefined ? '' : `with flags ${flags}`,
    errorId === undefined ? '' : String(errorId),
    id === undefined ? '' : `#${id}`,
    numbers === undefined ? '' : numbers.join(' x '),
    stream === undefined ? '' : `of ${stream}`,
    text === undefined ? '' : `"${text}"`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

export function namesOf(on: Names): readonly string[] {
  return typeof on === 'string' ? [on] : on;
}
