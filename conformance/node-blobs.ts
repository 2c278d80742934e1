/** The blobs of the domus of this project: tabernae that read them by their temper, and those that it sends. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type BlobReceiver,
  blobEndpoint,
  type Domus,
  DomusError,
  type MessageCodec,
  type TabernaRequest,
} from '@flaminia/domus';
import { readBlob } from '../interop/node-blobs.ts';
import { numberedPayload } from '../interop/numbered-payload.ts';
import { SeededBytes } from '../interop/seeded-bytes.ts';
import { A3_MESSAGE, type BlobTemper } from './frames.ts';
import type { BlobOrder, BlobOutcome, Opening } from './implementation.ts';

type Command = 'go-on' | 'drop';
type BlobRequest = TabernaRequest<Uint8Array, BlobReceiver>;
export type HeldRequest = Pick<BlobRequest, 'accept' | 'reject'> & Disposable;
type Keep = (taberna: bigint, request: HeldRequest) => void;

/** Awaited before or after it is given. */
interface Gate {
  readonly passed: Promise<Command>;
  pass(command: Command): void;
}

const CODEC: MessageCodec<Uint8Array> = {
  encode: (payload) => ({ type: A3_MESSAGE, payload }),
  decode: ({ payload }) => payload,
};

/** Bytes of the message that opens a blob. */
const MESSAGE_BYTES = 64;
const PIECE_BYTES = 64 * 1024;

/** The source of a blob ends so when it is given up. */
const DROPPED = new Error('told to give it up');

export class NodeBlobs {
  readonly #domus: Domus;
  readonly #opening: Opening;
  readonly #keep: Keep;
  /** Commands to blobs that stop, by side and number: given or awaited, whichever is first. */
  readonly #commands = new Map<string, Gate>();

  /** `keep` gets the requests that are to be decided from outside. */
  constructor(domus: Domus, opening: Opening, keep: Keep) {
    this.#domus = domus;
    this.#opening = opening;
    this.#keep = keep;
  }

  async serve(id: bigint, temper: BlobTemper): Promise<void> {
    const taberna = await this.#domus.taberna(blobEndpoint(id, CODEC));
    const take = async (): Promise<void> => {
      for await (const request of taberna) void this.#take(id, temper, request);
    };
    void take();
  }

  async send({ to, taberna, number, sizeBytes, stopAfterBytes }: BlobOrder): Promise<BlobOutcome> {
    try {
      const sender = await this.#domus.sendBlob(blobEndpoint(taberna, CODEC), numberedPayload(number, MESSAGE_BYTES), {
        to,
      });
      await pipeline(Readable.from(this.#content(number, sizeBytes, stopAfterBytes), { objectMode: false }), sender);
      return 'whole';
    } catch (error) {
      if (error === DROPPED) return 'dropped';
      if (DomusError.is(error)) return error.kind;
      throw error;
    }
  }

  order(side: 'sending' | 'reading', number: number, command: Command): void {
    this.#command(side, number).pass(command);
  }

  async #take(id: bigint, temper: BlobTemper, request: BlobRequest): Promise<void> {
    const { message, blob } = request;
    const number = Number(Buffer.from(message).readBigUInt64BE());
    if (temper === 'blob-reject') request.reject();
    else if (temper === 'blob-hold') this.#keep(id, this.#held(id, number, request));
    else request.accept();
    this.#opening.received(id, { type: A3_MESSAGE, payload: message });
    if (temper === 'blob-reject' || temper === 'blob-hold') return;
    if (temper === 'blob-sleeper' && (await this.#command('reading', number).passed) === 'drop') {
      blob.destroy();
      return;
    }
    await this.#read(id, number, blob);
  }

  /** Reading would accept it, so that waits for the decision. */
  #held(id: bigint, number: number, request: BlobRequest): HeldRequest {
    return {
      accept: () => {
        void this.#read(id, number, request.blob);
        return true;
      },
      reject: () => request.reject(),
      [Symbol.dispose]: () => request[Symbol.dispose](),
    };
  }

  async #read(id: bigint, number: number, blob: BlobReceiver): Promise<void> {
    const { bytes, sha256, failure } = await readBlob(number, blob);
    this.#opening.blobRead(id, { number, bytes, sha256, end: failure ?? 'whole' });
  }

  async *#content(number: number, sizeBytes: number, stopAfterBytes?: number): AsyncGenerator<Buffer> {
    const content = new SeededBytes(number);
    if (stopAfterBytes === undefined) {
      yield* content.pieces(sizeBytes, PIECE_BYTES);
      return;
    }
    yield* content.pieces(stopAfterBytes, PIECE_BYTES);
    if ((await this.#command('sending', number).passed) === 'drop') throw DROPPED;
    if (sizeBytes > stopAfterBytes) yield content.piece(stopAfterBytes, sizeBytes - stopAfterBytes);
  }

  #command(side: string, number: number): Gate {
    const key = `${side} ${number}`;
    const command = this.#commands.get(key) ?? newGate();
    this.#commands.set(key, command);
    return command;
  }
}

function newGate(): Gate {
  let pass: Gate['pass'] | undefined;
  const passed = new Promise<Command>((resolve) => {
    pass = resolve;
  });
  return { passed, pass: pass! };
}
