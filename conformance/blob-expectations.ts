/** The words of scripts, part four: what is expected of blob streams. */
import { createHash } from 'node:crypto';
import { SeededBytes } from '../interop/seeded-bytes.ts';
import type { Step } from './conformance-case.ts';
import { expectFrame, type Names, namesOf } from './expectations.ts';
import { A3_MESSAGE, BLOB, CHUNK, CHUNK_HEAD_BYTES, COMPLETE, LAST_CHUNK } from './frames.ts';
import type { BlobOutcome } from './implementation.ts';
import { receivedText } from './received-frame.ts';
import { CHUNK_BYTES } from './shared-config.ts';
import { MAIN } from './stage.ts';

/** The message that opens a blob of the implementation comes; the script may name its id, and so the stream, by its text. */
export function expectBlobMessage(text: string, on: Names = MAIN): Step {
  const wanted = `the message of the blob "${text}"`;
  return {
    text: `expect ${wanted}`,
    run: async (stage) => {
      const frame = await stage.next(namesOf(on), wanted);
      const isIt = frame?.type === A3_MESSAGE && frame.flags === BLOB && frame.dst === stage.destinations.get(text);
      if (!isIt) throw new Error(`${frame === undefined ? 'the end' : receivedText(frame)} instead of ${wanted}`);
      const number = Number(frame.payload.readBigUInt64BE());
      if (number !== stage.blobNumber(text)) throw new Error(`blob ${number} instead of ${wanted}`);
      stage.messageIds.set(text, frame.id);
    },
  };
}

/** The bytes of a chunk, and whether it is marked as the last. */
export interface ChunkLooks {
  /** Default: a full one. */
  readonly bytes?: number;
  readonly isLast?: true;
}

/**
 * The next frame is this chunk of a blob of the implementation, with the bytes that belong there. The script may name its message id
 * by `chunkName`.
 */
export function expectChunk(text: string, chunk: number, looks: ChunkLooks = {}, on: Names = 'blob'): Step {
  const { bytes = CHUNK_BYTES, isLast } = looks;
  const wanted = `${isLast === true ? 'the last ' : ''}chunk ${chunk} of "${text}"`;
  return {
    text: `expect ${wanted}, ${bytes} B, on ${on}`,
    run: async (stage) => {
      const frame = await stage.next(namesOf(on), wanted);
      if (frame?.type !== CHUNK) {
        throw new Error(`${frame === undefined ? 'the end' : receivedText(frame)} instead of ${wanted}`);
      }
      const { payload } = frame;
      const content = new SeededBytes(stage.blobNumber(text)).piece(chunk * CHUNK_BYTES, bytes);
      const is = [payload.readUInt32BE(), Number(payload.readBigUInt64BE(4)), payload.readUInt16BE(12)];
      const should = [stage.messageIds.get(text), chunk, isLast === true ? LAST_CHUNK : 0];
      if (is.join() !== should.join()) throw new Error(`${receivedText(frame)}, flags ${is[2]}, instead of ${wanted}`);
      const found = payload.subarray(CHUNK_HEAD_BYTES);
      if (!found.equals(content)) throw new Error(`other bytes, ${found.length} of them, in ${wanted}`);
      stage.messageIds.set(chunkName(text, chunk), frame.id);
    },
  };
}

/** The name of the message id under which a chunk came last. */
export function chunkName(text: string, chunk: number): string {
  return `${text}, chunk ${chunk}`;
}

/** These full chunks come one after the other. */
export function expectChunks(text: string, chunks: readonly number[], on: Names = 'blob'): readonly Step[] {
  return chunks.map((chunk) => expectChunk(text, chunk, {}, on));
}

/** The implementation says that all of a stream has come. The script may name the id of that by `completeName`. */
export function expectComplete(stream: number, on: Names = 'blob'): Step {
  const wanted = `complete of ${stream}`;
  return {
    text: `expect ${wanted} on ${on}`,
    run: async (stage) => {
      const frame = await stage.next(namesOf(on), wanted);
      if (frame?.type !== COMPLETE || frame.payload.readUInt32BE() !== stream) {
        throw new Error(`${frame === undefined ? 'the end' : receivedText(frame)} instead of ${wanted}`);
      }
      stage.messageIds.set(completeName(stream), frame.id);
    },
  };
}

export function completeName(stream: number): string {
  return `complete of ${stream}`;
}

/** The acks of these chunks come, in any order, and then complete. */
export function expectWhole(stream: number, chunkIds: readonly number[], on: Names = 'blob'): readonly Step[] {
  return [...chunkIds.map((id) => expectFrame({ type: 4, id }, on)), expectComplete(stream, on)];
}

/** The taberna has read this text of a stream of the raw peer, and then this happened. */
export function expectRead(stream: number, text: string, end: BlobOutcome = 'whole'): Step {
  return {
    text: `expect that "${text}" was read of the stream ${stream}, and then ${end}`,
    run: async (stage) => {
      const reading = await stage.shared.readings.of(stage.blobNumber(stream));
      const sha256 = createHash('sha256').update(text).digest('hex');
      if (reading.end !== end) throw new Error(`${reading.bytes} bytes were read, and then ${reading.end}`);
      if (reading.sha256 !== sha256) throw new Error(`${reading.bytes} other bytes were read, and then ${reading.end}`);
    },
  };
}

/** The reading of a stream has ended like this, however much was read before. */
export function expectReadingEnd(stream: number, end: BlobOutcome): Step {
  return {
    text: `expect that the reading of the stream ${stream} ends as ${end}`,
    run: async (stage) => {
      const reading = await stage.shared.readings.of(stage.blobNumber(stream));
      if (reading.end !== end) throw new Error(`${reading.bytes} bytes were read, and then ${reading.end}`);
    },
  };
}
