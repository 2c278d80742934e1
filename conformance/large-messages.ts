/** The words of scripts, part five: messages so large that a few of them fill a Unix socket whose reader does not read. */
import type { Step } from './conformance-case.ts';
import { A3_MESSAGE, ACK } from './frames.ts';
import { type ReceivedFrame, receivedText } from './received-frame.ts';
import { MAIN, type Stage } from './stage.ts';
import { inTurn, send } from './steps.ts';

/** Eight of them are ten times what Linux lets wait in one. */
const LARGE_BYTES = 250_000;
const LARGE = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

/** Has the implementation send all of them to the raw peer. */
export function sendLarge(): Step {
  const sends = LARGE.map((text) => send(text, largePayload(text)));
  return inTurn('the implementation sends eight large messages', sends);
}

/** All of them come, in any order; the script may name their ids by `LARGE_NAMES`. */
export function expectLarge(name: string = MAIN): Step {
  return {
    text: `expect the large messages on ${name}`,
    run: async (stage) => {
      const open = new Set(LARGE);
      while (open.size > 0) {
        const frame = await stage.next([name], `the large messages ${[...open]}`);
        const text = frame?.payload.toString('latin1', 0, 1) ?? '';
        noteLarge(stage, open.delete(text) ? text : 'not yet come', frame);
      }
    },
  };
}

/**
 * Each of these ids is acked, and once where the acks had to wait behind the first large message; these acks come in order, and before
 * the last large message. Acks that came sooner have not waited, and may be repeated.
 */
export function expectAcksAmidLarge(ids: readonly number[], name: string = MAIN): Step {
  const wanted = `an ack for each of ${ids.map((id) => `#${id}`).join(', ')}, amid the large messages`;
  return {
    text: `expect ${wanted}`,
    run: async (stage) => {
      const [early, waited, messages] = [new Set<number>(), [] as number[], [...LARGE]];
      while (messages.length > 0) {
        const frame = await stage.next([name], wanted);
        if (frame?.type !== ACK) noteLarge(stage, messages.shift()!, frame);
        else if (messages.length === LARGE.length) early.add(frame.id);
        else waited.push(frame.id);
      }
      const isOnce = waited.every((id, index) => ids.includes(id) && id > (waited[index - 1] ?? 0));
      const isEach = ids.every((id) => early.has(id) || waited.includes(id));
      if (!isOnce || !isEach) throw new Error(`acks for ${[...early]}, and later for ${waited}`);
    },
  };
}

export const LARGE_NAMES: readonly string[] = LARGE;

function noteLarge(stage: Stage, text: string, frame: ReceivedFrame | undefined): void {
  if (frame?.type !== A3_MESSAGE || !frame.payload.equals(largePayload(text))) {
    throw new Error(`${frame === undefined ? 'the end' : receivedText(frame)} instead of the large message "${text}"`);
  }
  stage.messageIds.set(text, frame.id);
}

function largePayload(text: string): Buffer {
  return Buffer.alloc(LARGE_BYTES, text);
}
