/** The domus of this project, in the process of the suite. */
import { Domus, type DomusAddr, DomusError, endpoint, type MessageCodec } from '@flaminia/domus';
import { A3_MESSAGE, type BlobTemper, type Temper } from './frames.ts';
import type {
  BlobOrder,
  BlobOutcome,
  Decision,
  Implementation,
  Opening,
  Order,
  Outcome,
  SeenMessage,
  Subject,
} from './implementation.ts';
import { type HeldRequest, NodeBlobs } from './node-blobs.ts';

/** No case is about the time that A0 takes, and many handshakes run at once. */
const PATIENT = {
  socketCallbackTimeout: 60_000,
  socketHandshakeTimeout: 60_000,
  tcpCallbackTimeout: 60_000,
  tcpHandshakeTimeout: 60_000,
};

export const NODE: Implementation = {
  name: 'flaminia (Node)',
  forgetsAtClose: true,
  async open(opening) {
    const { address, material, config } = opening;
    return new NodeSubject(await Domus.open({ address, auth: material, config: { ...PATIENT, ...config } }), opening);
  },
};

/** Takes messages of any type, so that a case sees which came. */
const ANY_TYPE: MessageCodec<Uint8Array, SeenMessage> = {
  encode: (payload) => ({ type: A3_MESSAGE, payload }),
  decode: ({ type, payload }) => ({ type, payload }),
};

const UNDECODABLE: MessageCodec<Uint8Array, SeenMessage> = {
  ...ANY_TYPE,
  decode() {
    throw new Error('this codec refuses every message');
  },
};

class NodeSubject implements Subject {
  readonly #domus: Domus;
  readonly #blobs: NodeBlobs;
  readonly #received: Opening['received'];
  readonly #held = new Map<bigint, HeldRequest[]>();

  constructor(domus: Domus, opening: Opening) {
    this.#domus = domus;
    this.#received = opening.received;
    this.#blobs = new NodeBlobs(domus, opening, (id, request) => this.#keep(id, request));
  }

  async taberna(id: bigint, temper: Exclude<Temper, 'unknown'> | BlobTemper): Promise<void> {
    if (isOfBlobs(temper)) {
      await this.#blobs.serve(id, temper);
      return;
    }
    const inbox = endpoint(id, temper === 'undecodable' ? UNDECODABLE : ANY_TYPE);
    if (temper === 'untaken') {
      await this.#domus.taberna(inbox);
      return;
    }
    if (temper === 'hold') {
      void this.#hold(id);
      return;
    }
    await this.#domus.serve(inbox, (message, request) => {
      this.#received(id, message);
      if (temper === 'reject') request.reject();
    });
  }

  async send({ to, taberna, payload }: Order): Promise<Outcome> {
    try {
      await this.#domus.send(endpoint(taberna, ANY_TYPE), payload, { to: to as DomusAddr });
      return 'accepted';
    } catch (error) {
      if (DomusError.is(error)) return error.kind;
      throw error;
    }
  }

  sendBlob(order: BlobOrder): Promise<BlobOutcome> {
    return this.#blobs.send(order);
  }

  async orderBlob(side: 'sending' | 'reading', number: number, order: 'go-on' | 'drop'): Promise<void> {
    this.#blobs.order(side, number, order);
  }

  async decide(taberna: bigint, decision: Decision): Promise<void> {
    const request = this.#held.get(taberna)?.shift();
    if (request === undefined) throw new Error(`no request is held of taberna ${taberna}`);
    if (decision === 'accept') request.accept();
    else if (decision === 'reject') request.reject();
    else request[Symbol.dispose]();
  }

  shutdown(): Promise<void> {
    return this.#domus.shutdown();
  }

  stop(): Promise<void> {
    return this.#domus.shutdown({ signal: AbortSignal.abort() });
  }

  #keep(id: bigint, request: HeldRequest): void {
    this.#held.set(id, [...(this.#held.get(id) ?? []), request]);
  }

  async #hold(id: bigint): Promise<void> {
    for await (const request of await this.#domus.taberna(endpoint(id, ANY_TYPE))) {
      this.#keep(id, request);
      this.#received(id, request.message);
    }
  }
}

function isOfBlobs(temper: Temper | BlobTemper): temper is BlobTemper {
  return temper.startsWith('blob-');
}
