/** The domus of this project, in the process of the suite. */
import { Domus, type DomusAddr, DomusError, endpoint, type MessageCodec, type TabernaRequest } from '@flaminia/domus';
import { A3_MESSAGE, type Temper } from './frames.ts';
import type { Decision, Implementation, Opening, Order, Outcome, SeenMessage, Subject } from './implementation.ts';

export const NODE: Implementation = {
  name: 'flaminia (Node)',
  async open(opening) {
    const { address, material, config } = opening;
    return new NodeSubject(await Domus.open({ address, auth: material, config }), opening.received);
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
  readonly #received: Opening['received'];
  readonly #held = new Map<bigint, TabernaRequest<SeenMessage>[]>();

  constructor(domus: Domus, received: Opening['received']) {
    this.#domus = domus;
    this.#received = received;
  }

  async taberna(id: bigint, temper: Exclude<Temper, 'unknown'>): Promise<void> {
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

  async #hold(id: bigint): Promise<void> {
    const held: TabernaRequest<SeenMessage>[] = [];
    this.#held.set(id, held);
    for await (const request of await this.#domus.taberna(endpoint(id, ANY_TYPE))) {
      held.push(request);
      this.#received(id, request.message);
    }
  }
}
