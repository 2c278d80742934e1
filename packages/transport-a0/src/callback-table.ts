/**
 * Callbacks that this domus waits for while it dials: who is expected, found by the nonce that was sent
 * (a0-transport, TCP handshake step 2 and admission).
 *
 * It owns the entries. It owns no timer: who registers an entry frees it on every end of the dial.
 * 1. An entry completes at most once, and is gone afterwards.
 * 2. A callback that does not match in full changes nothing: a stranger cannot use up the entry of an honest peer.
 * 3. Nothing is created by a callback.
 * 4. An entry waits from `expect` on, so a callback may come before anybody looks for it.
 */
import { timingSafeEqual } from 'node:crypto';
import type { DomusAddr } from './address.ts';

/** What a callback must show. */
export interface ExpectedCallback {
  /** The address that was dialled. */
  readonly address: DomusAddr;
  /** DER of the leaf that the peer showed on the primary channel; undefined where callbacks carry no certificate. */
  readonly leaf?: Uint8Array;
}

interface Entry {
  readonly nonce: Buffer;
  readonly expected: ExpectedCallback;
  readonly complete: (nonceBCb: Buffer) => void;
}

/** The entries of one backend. */
export class CallbackTable {
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Waits for a callback that echoes `nonce` (32 bytes); `complete` is told the peer's own callback nonce, at most once,
   * from inside `fulfil`. The result frees the entry and may be called at any time, also after completion.
   */
  expect(nonce: Buffer, expected: ExpectedCallback, complete: (nonceBCb: Buffer) => void): () => void {
    const key = nonce.toString('hex');
    const entry: Entry = { nonce, expected, complete };
    this.#entries.set(key, entry);
    return () => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
  }

  /** A callback has come. True if it completed an entry; false if it is unknown, late, a repeat, or another's. */
  fulfil(echo: Buffer, shown: ExpectedCallback, nonceBCb: Buffer): boolean {
    const key = echo.toString('hex');
    const entry = this.#entries.get(key);
    if (entry === undefined || !sameBytes(entry.nonce, echo)) return false;
    if (entry.expected.address !== shown.address || !sameLeaf(entry.expected.leaf, shown.leaf)) return false;
    this.#entries.delete(key);
    entry.complete(nonceBCb);
    return true;
  }
}

/** Compares in constant time; only the length may be told apart. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function sameLeaf(expected: Uint8Array | undefined, shown: Uint8Array | undefined): boolean {
  if (expected === undefined || shown === undefined) return expected === shown;
  return sameBytes(expected, shown);
}
