/**
 * P2 and P3, the raw frame pumps: what is the most that this machine moves in frames of this shape? The sender fills a
 * slab while fewer than `depth` frames are unanswered, the receiver writes an ack per frame into a slab of its own, and
 * both write once per tick. Nothing is retained, deduplicated or timed.
 *
 * P2p and P3p create one promise per message and settle it with its ack. P2a and P3a also await it, in `depth` loops
 * that send again: the shape of the code that drives the domus, without a fabric below it.
 *
 * P2e and P3e are answered by a frame as long as their own in place of an ack: the bytes of calls.
 */
import type { Socket } from 'node:net';
import type { Receiving, Road, Run, Sending } from '../road.ts';
import type { Tally } from '../tally.ts';
import { cipherOf, closeSocket, dialOn, listenOn } from './link.ts';
import { PromiseRing } from './promise-ring.ts';
import { FrameCutter, HEADER_BYTES, idAt, writeAck, writeMessageHeader } from './pump-frame.ts';
import { SlabWriter } from './slab-writer.ts';

/** P2, P3: the sender only counts. */
export const pump: Road = { receive, send: sendBare };

/** P2p, P3p: a promise per message, created and settled. */
export const promisePump: Road = { receive, send: sendWithPromises };

/** P2a, P3a: a promise per message, awaited by the loop that sent it. */
export const awaitedPump: Road = { receive, send: sendAwaited };

/** P2e, P3e: P2p whose receiver answers as much as it gets. */
export const echoPump: Road = { receive: receiveEchoing, send: sendWithPromises };

/** Acknowledges every frame. */
function receive(run: Run): Promise<Receiving> {
  return listenOn(run, (socket) => {
    const acks = new SlabWriter(socket, HEADER_BYTES);
    const cutter = new FrameCutter((bytes, at) => {
      const to = acks.claim();
      writeAck(acks.view, to, idAt(bytes, at));
    });
    socket.on('data', (chunk) => {
      cutter.cut(chunk, chunk.length);
      acks.flush();
    });
  });
}

/** Answers every frame with one of its size and id. */
function receiveEchoing(run: Run): Promise<Receiving> {
  return listenOn(run, (socket) => {
    const answers = new FrameWriter(socket, run.plan.payloadBytes);
    const cutter = new FrameCutter((bytes, at) => answers.putAs(idAt(bytes, at)));
    socket.on('data', (chunk) => {
      cutter.cut(chunk, chunk.length);
      answers.flush();
    });
  });
}

async function sendBare(run: Run, tally: Tally): Promise<Sending> {
  let arrived = 0;
  const cutter = new FrameCutter(() => {
    arrived++;
  });
  const socket = await dialOn(run, (chunk, length) => {
    cutter.cut(chunk, length);
    frames.put(arrived);
    tally.add(arrived);
    arrived = 0;
  });
  const frames = new FrameWriter(socket, run.plan.payloadBytes);
  frames.put(run.plan.depth);
  return sending(socket);
}

async function sendWithPromises(run: Run, tally: Tally): Promise<Sending> {
  const answers = new PromiseRing(run.plan.depth);
  let arrived = 0;
  const cutter = new FrameCutter((bytes, at) => {
    answers.settle(idAt(bytes, at));
    arrived++;
  });
  const socket = await dialOn(run, (chunk, length) => {
    cutter.cut(chunk, length);
    put(arrived);
    tally.add(arrived);
    arrived = 0;
  });
  const frames = new FrameWriter(socket, run.plan.payloadBytes);
  const put = (count: number): void => {
    for (let left = count; left > 0; left--) void answers.create(frames.putOne());
    frames.flush();
  };
  put(run.plan.depth);
  return sending(socket);
}

async function sendAwaited(run: Run, tally: Tally): Promise<Sending> {
  const answers = new PromiseRing(run.plan.depth);
  const cutter = new FrameCutter((bytes, at) => answers.settle(idAt(bytes, at)));
  const socket = await dialOn(run, (chunk, length) => {
    cutter.cut(chunk, length);
    // Behind the continuations that the settled promises have queued, which put the next frames.
    queueMicrotask(flush);
  });
  const frames = new FrameWriter(socket, run.plan.payloadBytes);
  const flush = (): void => frames.flush();
  const loop = async (): Promise<void> => {
    for (;;) {
      await answers.create(frames.putOne());
      tally.add(1);
    }
  };
  for (let left = run.plan.depth; left > 0; left--) void loop();
  flush();
  return sending(socket);
}

function sending(socket: Socket): Sending {
  return { agreed: cipherOf(socket), close: () => closeSocket(socket) };
}

/** Message frames, header and payload written anew each time, as an application's bytes would have to be. */
class FrameWriter {
  readonly #slabs: SlabWriter;
  readonly #payload: Uint8Array;
  #nextId = 0;

  constructor(socket: Socket, payloadBytes: number) {
    this.#slabs = new SlabWriter(socket, HEADER_BYTES + payloadBytes);
    this.#payload = new Uint8Array(payloadBytes).fill(7);
  }

  /** Writes `count` frames and sends them. */
  put(count: number): void {
    for (let left = count; left > 0; left--) this.putOne();
    this.#slabs.flush();
  }

  /** Writes one frame, to be sent with the next flush, and returns its id. */
  putOne(): number {
    const id = this.#nextId;
    this.#nextId = (id + 1) >>> 0;
    this.putAs(id);
    return id;
  }

  /** Writes one frame of this id, to be sent with the next flush. */
  putAs(id: number): void {
    const at = this.#slabs.claim();
    writeMessageHeader(this.#slabs.view, at, id, this.#payload.length);
    this.#slabs.bytes.set(this.#payload, at + HEADER_BYTES);
  }

  flush(): void {
    this.#slabs.flush();
  }
}
