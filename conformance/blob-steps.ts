/** The words of scripts, part three: blob calles, streams of the raw peer and streams of the implementation. */

import { chunkName, expectBlobMessage } from './blob-expectations.ts';
import { blobHello, blobResponse, completeOf, type Numbers, OWN_NUMBERS, part } from './blob-frames.ts';
import type { Step } from './conformance-case.ts';
import { expectAck, expectFrame, expectOutcome } from './expectations.ts';
import { A3_MESSAGE, ack, BLOB, type BlobTemper, HELLO, HELLO_RESPONSE, RECONNECT, type Temper } from './frames.ts';
import { MAIN, type Stage } from './stage.ts';
import { connect, dial, inTurn, takeConnection, write } from './steps.ts';

/** The blob callis of a script that names none. */
export const BLOB_CALLIS = 'blob';
const COMPLETE_ID = 0x6c00_0000;
/** Ids of chunks that only ask for an answer, and the stream that they name: nobody has opened it. */
const FIRST_PROBE_ID = 0x6e00_0000;
const NO_STREAM = 0x6e6e_6e6e;
const STREAM_NOT_FOUND = 15;

/** Dials a blob callis; the numbers agreed are the proposed ones, and RECONNECT is echoed, unless said otherwise. */
export function dialBlob(
  name: string = BLOB_CALLIS,
  numbers: Numbers = OWN_NUMBERS,
  flags = 0,
  answer: { readonly numbers?: Numbers; readonly flags?: number } = {},
): Step {
  const response = { type: HELLO_RESPONSE, flags: BLOB | (answer.flags ?? flags), numbers: answer.numbers ?? numbers };
  return inTurn(`dial the blob callis ${name}`, [
    dial(name),
    write(blobHello(numbers, flags), name),
    expectFrame(response, name),
  ]);
}

/** Dials one more, or another for one that is lost. */
export function redialBlob(name: string): Step {
  return dialBlob(name, OWN_NUMBERS, RECONNECT);
}

/** The implementation dials a blob callis, with a hello of these flags beside BLOB. It is not answered yet. */
export function takeBlobDial(name: string = BLOB_CALLIS, flags = 0): Step {
  return inTurn(`the implementation dials the blob callis ${name}`, [
    takeConnection(name),
    expectFrame({ type: HELLO, id: 0, flags: BLOB | flags, numbers: OWN_NUMBERS }, name),
  ]);
}

/** The same, answered as proposed. */
export function answerBlobDial(name: string = BLOB_CALLIS, flags = 0): Step {
  return inTurn(`answer the blob callis ${name}`, [
    takeBlobDial(name, flags),
    write(blobResponse(OWN_NUMBERS, flags), name),
  ]);
}

/** Writes a message that opens a stream of this id, or of that of a message of the implementation. */
export function offer(id: number, temper: Temper | BlobTemper, as: number | string = id, on: string = MAIN): Step {
  return {
    text: `offer the stream ${id} to ${temper}`,
    run: async (stage) => {
      const payload = numberPayload(stage, id);
      stage.callis(on).write(await stage.encode({ type: A3_MESSAGE, flags: BLOB, id: as, dst: temper, payload }));
    },
  };
}

/** A handler has seen the message that opens a stream. */
export function untilOffered(id: number, temper: BlobTemper): Step {
  return {
    text: `wait until ${temper} has seen the stream ${id}`,
    run: async (stage) => stage.shared.seen.until(await stage.taberna(temper), numberPayload(stage, id).toString()),
  };
}

/** Connects, and opens the first stream of the session: the implementation dials the blob callis. */
export function openStream(id: number, temper: BlobTemper = 'blob-reader'): Step {
  return inTurn(`open the stream ${id} to ${temper}`, [connect(), offer(id, temper), answerBlobDial(), expectAck(id)]);
}

/** Opens another one. */
export function openAnother(id: number, temper: BlobTemper = 'blob-reader'): Step {
  return inTurn(`open the stream ${id} to ${temper}`, [offer(id, temper), expectAck(id)]);
}

/** Has the implementation send a blob to the raw peer, all at once, or with a stop at so many bytes. */
export function sendBlob(text: string, sizeBytes: number, stopAfterBytes?: number): Step {
  return {
    text: `the implementation sends the blob "${text}" of ${sizeBytes} B`,
    run: async (stage) => {
      const { subject, raw, shared } = stage;
      const taberna = shared.nextTaberna();
      stage.destinations.set(text, taberna);
      const order = { to: raw.address, taberna, number: stage.blobNumber(text), sizeBytes };
      const outcome = subject.sendBlob(stopAfterBytes === undefined ? order : { ...order, stopAfterBytes });
      outcome.catch(() => {});
      stage.outcomes.set(text, outcome);
    },
  };
}

/** Connects, dials a blob callis, and takes a blob that the implementation sends; its chunks come next. */
export function takeBlob(text: string, sizeBytes: number, stopAfterBytes?: number): Step {
  return inTurn(`take the blob "${text}" of ${sizeBytes} B`, [
    connect(),
    sendBlob(text, sizeBytes, stopAfterBytes),
    expectBlobMessage(text),
    dialBlob(),
    write(ack(text)),
  ]);
}

/** Acks these chunks of a blob of the implementation. */
export function ackChunks(text: string, chunks: readonly number[], name: string = BLOB_CALLIS): Step {
  return write(
    chunks.map((chunk) => ack(chunkName(text, chunk))),
    name,
  );
}

/** Says that all of a blob of the implementation has come, which is acked: it ends well. */
export function expectFinish(text: string, name: string = BLOB_CALLIS): readonly Step[] {
  return [write(completeOf(COMPLETE_ID, text), name), expectAck(COMPLETE_ID, name), expectOutcome(text, 'whole')];
}

/** Tells a blob that has stopped at the implementation how to go on: one that it sends by its text, or gets by its id. */
export function orderBlob(name: string | number, order: 'go-on' | 'drop'): Step {
  return {
    text: `tell the blob ${name} to ${order}`,
    run: async (stage) => {
      await stage.subject.orderBlob(typeof name === 'string' ? 'sending' : 'reading', stage.blobNumber(name), order);
    },
  };
}

/** The implementation has nothing more to say on the blob callis: a chunk of a stream that nobody knows is answered next. */
export function expectNothingOnBlob(name: string = BLOB_CALLIS, on: string | readonly string[] = name): Step {
  let probes = 0;
  return {
    text: `expect nothing more on ${on}`,
    run: async (stage) => {
      const id = FIRST_PROBE_ID + ++probes;
      stage.callis(name).write(await stage.encode(part(id, NO_STREAM, 0, '')));
      await expectFrame({ type: 6, id, errorId: STREAM_NOT_FOUND }, on).run(stage);
    },
  };
}

function numberPayload(stage: Stage, id: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64BE(BigInt(stage.blobNumber(id)));
  return payload;
}
