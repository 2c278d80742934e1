/** What the tests of the machines of blob streams share: a sink that keeps what has moved, and hosts that note what they hear. */
import { BlobBudget } from '../src/core/blob-budget.ts';
import { PiecePool } from '../src/core/blob-pieces.ts';
import { InboundBlob, type InboundHost } from '../src/core/inbound-blob.ts';
import { OutboundBlob, type OutboundHost } from '../src/core/outbound-blob.ts';
import type { CoreSink } from '../src/core/sink.ts';
import { WaitingShare } from '../src/core/waiting-share.ts';

export const GIVEN_UP = { kind: 'peer-unavailable', text: 'given up', delivery: 'unknown', cause: undefined } as const;

/** A sink that counts how often a stream was announced, and clears the mark at once. */
function sinkOf(heard: string[]): CoreSink {
  const nothing = (): void => {};
  return {
    dial: nothing,
    cancelDial: nothing,
    endCallis: nothing,
    wantsWrite: nothing,
    arrived: nothing,
    blobMoved: (blob) => {
      blob.announced = false;
      heard.push('moved');
    },
    forgotten: nothing,
    event: nothing,
  };
}

export interface Sending {
  readonly blob: OutboundBlob;
  readonly heard: string[];
  readonly budget: BlobBudget;
  /** Gives out what one `take` gives on a callis: the numbers of the chunks. */
  take(carrier: number, most?: number): number[];
  /** As `take`, until nothing is left. */
  takeAll(carrier: number): number[];
  /** Acks chunks by their numbers. */
  ack(...chunks: number[]): void;
  /** The frames of the last `take`. */
  frames: Buffer;
}

/** An open outgoing stream of id 5. */
export function sending(chunkBytes: number, window: number, waiting = new WaitingShare(() => 384 * 1024)): Sending {
  const heard: string[] = [];
  const host: OutboundHost = {
    pieces: new PiecePool(),
    waiting,
    noteTime: () => {},
    outboundAccepted: () => heard.push('accepted'),
    outboundReady: () => heard.push('ready'),
    outboundAborted: () => heard.push('aborted'),
    outboundOver: () => heard.push('over'),
  };
  const budget = new BlobBudget();
  const blob = new OutboundBlob({}, sinkOf(heard));
  blob.host = host;
  blob.id = 5;
  blob.reservation = budget.reserve(chunkBytes * window, Number.POSITIVE_INFINITY);
  blob.accepted();
  blob.open({ chunkBytes, window });
  let id = 100;
  const bench: Sending = {
    blob,
    heard,
    budget,
    frames: Buffer.alloc(0),
    take(carrier, most = 1) {
      if (!blob.hasReplay(carrier) && !blob.hasFresh(carrier)) return [];
      const slots: number[] = [];
      const { bytes } = blob.take(
        carrier,
        most,
        () => id++,
        (_, slot) => slots.push(slot),
      );
      bench.frames = bytes;
      return chunksOf(bench.frames, slots.length);
    },
    takeAll(carrier) {
      const all: number[] = [];
      for (let some = bench.take(carrier); some.length > 0; some = bench.take(carrier)) all.push(...some);
      return all;
    },
    ack: (...chunks) => {
      for (const chunk of chunks) blob.chunkAcked(chunk % window, 0);
    },
  };
  return bench;
}

/** The numbers of the chunks in some frames. */
function chunksOf(frames: Buffer, count: number): number[] {
  const numbers: number[] = [];
  for (let at = 0; numbers.length < count; at += 32 + frames.readUInt32BE(at + 28))
    numbers.push(Number(frames.readBigUInt64BE(at + 36)));
  return numbers;
}

export interface Receiving {
  readonly blob: InboundBlob;
  readonly heard: string[];
  readonly budget: BlobBudget;
  /** For how many more acks there is room. */
  room: number;
  /** A chunk comes whole; returns the verdict. Its id is 100 plus its number, or as given. */
  chunk(number: number, text: string, isLast?: boolean, id?: number): number;
}

/** An open incoming stream. */
export function receiving(chunkBytes: number, window: number): Receiving {
  const heard: string[] = [];
  const host: InboundHost = {
    noteTime: () => {},
    mayAck: () => bench.room > 0,
    ackChunk: (_, id) => {
      bench.room--;
      heard.push(`ack ${id}`);
    },
    inboundWhole: () => heard.push('whole'),
    inboundAborted: () => heard.push('aborted'),
    inboundFailed: () => heard.push('failed'),
  };
  const budget = new BlobBudget();
  const blob = new InboundBlob(
    5,
    'tcp://peer',
    host,
    budget.reserve(chunkBytes * window, Number.POSITIVE_INFINITY)!,
    sinkOf([]),
  );
  blob.owner = {};
  blob.open({ chunkBytes, window }, Number.POSITIVE_INFINITY, 0);
  const bench: Receiving = {
    blob,
    heard,
    budget,
    room: Number.POSITIVE_INFINITY,
    chunk(number, text, isLast = false, id = 100 + number) {
      const verdict = blob.judge(number, text.length, isLast, id);
      if (verdict !== 0) return verdict;
      const landing = blob.landing(number, text.length);
      landing.take(Buffer.from(text), 0, text.length, false);
      return blob.arrived(number, landing, text.length, isLast, id, 0);
    },
  };
  return bench;
}
