/** The promises of unanswered messages, by id. Acks come in order and at most `depth` are open, so a ring has room. */
export class PromiseRing {
  readonly #resolvers: ((() => void) | undefined)[];
  readonly #mask: number;
  #id = 0;
  /** One executor for all promises: none is made per message. */
  readonly #keep: (resolve: () => void) => void;

  constructor(depth: number) {
    const size = 2 ** Math.ceil(Math.log2(depth + 1));
    this.#resolvers = new Array<(() => void) | undefined>(size).fill(undefined);
    this.#mask = size - 1;
    this.#keep = (resolve) => {
      this.#resolvers[this.#id & this.#mask] = resolve;
    };
  }

  /** A promise that {@link settle} of the same id resolves. */
  create(id: number): Promise<void> {
    this.#id = id;
    return new Promise(this.#keep);
  }

  /** Throws for an id that is not open: a peer that answers twice has measured nothing. */
  settle(id: number): void {
    const slot = id & this.#mask;
    const resolve = this.#resolvers[slot];
    if (resolve === undefined) throw new Error(`an answer to message ${id}, which is not open`);
    this.#resolvers[slot] = undefined;
    resolve();
  }
}
