/**
 * The life of one handshake: it ends once, with success or with the first failure, whoever sees it first (the peer, a
 * time limit, an abort, the closing backend), and what it had is freed then.
 *
 * 1. The end is told exactly once, after every clean-up has run.
 * 2. Clean-ups run exactly once, newest first; one that comes after the end runs at once.
 * 3. No timer outlives the end.
 */
import type { DomusAddr } from './address.ts';
import { DomusError } from './domus-error.ts';

/** How a handshake ended: undefined is success. */
export type HandshakeEnd = DomusError | undefined;

export class HandshakeScope {
  readonly #ended: (end: HandshakeEnd) => void;
  readonly #peer: DomusAddr | undefined;
  #cleanups: ((end: HandshakeEnd) => void)[] = [];
  #over: { readonly end: HandshakeEnd } | undefined;

  /** `ended` is told the end; `peer` is the address dialled, if it was dialled, and is named by every failure. */
  constructor(ended: (end: HandshakeEnd) => void, peer?: DomusAddr) {
    this.#ended = ended;
    this.#peer = peer;
  }

  get over(): boolean {
    return this.#over !== undefined;
  }

  /** Runs `cleanup` when the handshake ends, either way. */
  onEnd(cleanup: (end: HandshakeEnd) => void): void {
    if (this.#over === undefined) this.#cleanups.push(cleanup);
    else cleanup(this.#over.end);
  }

  /** Fails with `peer-unavailable` and this text in `ms` milliseconds, unless the handshake or the limit ends before. */
  limit(ms: number, text: string): () => void {
    const timer = setTimeout(() => this.fail(new DomusError('peer-unavailable', text, { detail: 'timeout' })), ms);
    const cancel = (): void => clearTimeout(timer);
    this.onEnd(cancel);
    return cancel;
  }

  /** Runs a step; what it throws is the failure of this handshake. A fault of ours is so too: others live on. */
  run(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.fail(DomusError.is(error) ? error : unexpected(error));
    }
  }

  fail(error: DomusError): void {
    this.#finish(this.#peer === undefined || error.peer !== undefined ? error : naming(error, this.#peer));
  }

  succeed(): void {
    this.#finish(undefined);
  }

  #finish(end: HandshakeEnd): void {
    if (this.#over !== undefined) return;
    this.#over = { end };
    const cleanups = this.#cleanups.reverse();
    this.#cleanups = [];
    for (const cleanup of cleanups) cleanup(end);
    this.#ended(end);
  }
}

/** The same error with the peer concerned. */
function naming(error: DomusError, peer: DomusAddr): DomusError {
  const text = error.message.slice(error.kind.length + ': '.length);
  const { detail, cause } = error;
  return new DomusError(error.kind, text, { peer, cause, ...(detail === undefined ? {} : { detail }) });
}

function unexpected(cause: unknown): DomusError {
  return new DomusError('protocol-violation', 'the handshake failed unexpectedly', { detail: 'unexpected', cause });
}
