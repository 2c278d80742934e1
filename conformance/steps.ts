/** The words of scripts, part one: connections, frames that are written, and what the implementation is told to do. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Step } from './conformance-case.ts';
import { expectFrame } from './expectations.ts';
import { type Frame, type Frames, frameText, hello, listOf, RECONNECT } from './frames.ts';
import type { Decision } from './implementation.ts';
import { MAIN, type Stage } from './stage.ts';

/** Dials the implementation and passes A0. Nothing of A1 is written. */
export function dial(name: string = MAIN): Step {
  return {
    text: `dial ${name}`,
    run: async (stage) => stage.join(name, await stage.raw.dial(stage.shared.address)),
  };
}

/** Dials and says hello: with these flags, and the same in the answer unless `answer` says otherwise. */
export function connect(name: string = MAIN, flags = 0, answer: number = flags): Step {
  return inTurn(`connect ${name}`, [
    dial(name),
    write(hello({ flags }), name),
    expectFrame({ type: 2, flags: answer }, name),
  ]);
}

/** Dials and says that the session is still held; so does the implementation. */
export function reconnect(name: string): Step {
  return connect(name, RECONNECT);
}

/** Takes the next connection that the implementation makes. */
export function takeConnection(name: string = MAIN): Step {
  return {
    text: `the implementation dials ${name}`,
    run: async (stage) => stage.join(name, (await stage.raw.happenings.connection()).stream),
  };
}

/** Takes the next connection of the implementation, with a hello of these flags, and answers it. */
export function answerDial(name: string = MAIN, flags = 0, answer: number = flags): Step {
  return inTurn(`answer ${name}`, [
    takeConnection(name),
    expectFrame({ type: 1, flags }, name),
    write({ type: 2, flags: answer }, name),
  ]);
}

/** Writes frames, all at once. */
export function write(frames: Frames, name: string = MAIN): Step {
  const list = listOf(frames);
  return {
    text: `write ${list.map(frameText).join(', ')} on ${name}`,
    run: async (stage) => stage.callis(name).write(await encodeAll(stage, list)),
  };
}

/** Writes frames cut at these places, each piece on its own, `pauseMs` behind the last. */
export function writeCut(frames: Frames, cuts: readonly number[], name: string = MAIN, pauseMs = 0): Step {
  const list = listOf(frames);
  const rhythm = pauseMs === 0 ? '' : `, ${pauseMs} ms apart,`;
  return {
    text: `write ${list.map(frameText).join(', ')} in ${cuts.length + 1} pieces${rhythm} on ${name}`,
    run: async (stage) => {
      const bytes = await encodeAll(stage, list);
      for (const [i, end] of [...cuts, bytes.length].entries()) {
        if (i > 0 && pauseMs > 0) await pause(pauseMs);
        await stage.callis(name).writeOut(bytes.subarray(cuts[i - 1] ?? 0, end));
      }
    },
  };
}

/** Writes the first bytes of a frame. */
export function writeHead(frame: Frame, bytes: number, name: string = MAIN): Step {
  return {
    text: `write ${bytes} bytes of ${frameText(frame)} on ${name}`,
    run: async (stage) => stage.callis(name).write((await stage.encode(frame)).subarray(0, bytes)),
  };
}

/** Writes a frame from this byte on. */
export function writeTail(frame: Frame, from: number, name: string = MAIN): Step {
  return {
    text: `write the rest of ${frameText(frame)} on ${name}`,
    run: async (stage) => stage.callis(name).write((await stage.encode(frame)).subarray(from)),
  };
}

/** Reads nothing more, so that what the implementation writes has to wait. */
export function stopReading(name: string = MAIN): Step {
  return { text: `stop reading ${name}`, run: async (stage) => stage.callis(name).stopReading() };
}

/** Reads on. */
export function readOn(name: string = MAIN): Step {
  return { text: `read ${name} on`, run: async (stage) => stage.callis(name).readOn() };
}

/** Ends the own direction. */
export function finish(name: string = MAIN): Step {
  return { text: `end the own direction of ${name}`, run: async (stage) => stage.callis(name).finish() };
}

/** Breaks the connection. */
export function hangUp(name: string = MAIN): Step {
  return { text: `break ${name}`, run: async (stage) => stage.callis(name).hangUp() };
}

/** Has the implementation send a message with this text to the raw peer. */
export function send(text: string, payload: Uint8Array = Buffer.from(text)): Step {
  return {
    text: `the implementation sends "${text}"`,
    run: async (stage) => {
      const { subject, raw, shared } = stage;
      const taberna = shared.nextTaberna();
      stage.destinations.set(text, taberna);
      const outcome = subject.send({ to: raw.address, taberna, payload });
      // A case that has failed before nobody asks for it.
      outcome.catch(() => {});
      stage.outcomes.set(text, outcome);
    },
  };
}

/** Has the oldest undecided request of the taberna decided. */
export function decide(decision: Decision, temper: 'hold' | 'blob-hold' = 'hold'): Step {
  return {
    text: `the handler decides: ${decision}`,
    run: async (stage) => stage.subject.decide(await stage.taberna(temper), decision),
  };
}

/** Begins a graceful shutdown of the implementation. */
export function shutDown(): Step {
  return {
    text: 'the implementation begins its shutdown',
    run: async (stage) => {
      stage.shutdown = stage.subject.shutdown();
      stage.shutdown.catch(() => {});
    },
  };
}

/** Steps that mean one thing together. */
export function inTurn(text: string, steps: readonly Step[]): Step {
  return {
    text,
    run: async (stage) => {
      for (const step of steps) await step.run(stage);
    },
  };
}

async function encodeAll(stage: Stage, frames: readonly Frame[]): Promise<Buffer> {
  const encoded: Buffer[] = [];
  for (const frame of frames) encoded.push(await stage.encode(frame));
  return Buffer.concat(encoded);
}
