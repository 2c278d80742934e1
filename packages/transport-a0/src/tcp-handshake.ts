/**
 * The TCP handshake of A0 as two pure machines, one for each side of the primary channel (a0-transport, TCP handshake).
 *
 * They own the order of messages and the nonces. They own no socket, clock or randomness, and do not know certificates:
 * who drives them has judged the peer's certificate before the first byte.
 * 1. A message out of order, of another type, or with a wrong nonce throws `protocol-violation`; nothing is to be written.
 * 2. A receiver asks for a callback at most once.
 * 3. Bytes behind AUTH_PROOF belong to A1 and are handed back; bytes behind any other message are a violation, since the
 *    other side must wait there.
 */
import { sameBytes } from './callback-table.ts';
import { DomusError } from './domus-error.ts';
import { encodeTcpMessage, type TcpMessage, TcpMessageReader } from './tcp-messages.ts';

/** What the receiving side is to do next. */
export type InboundStep =
  /** Wait for more bytes. */
  | { readonly kind: 'wait' }
  /** AUTH_INIT has come: dial the claimed address, write `callback` there and wait for the end of that connection. */
  | { readonly kind: 'call-back'; readonly callback: Buffer }
  /** This connection is a callback: complete the entry of `echoNonceACb` and close, without a reply. */
  | { readonly kind: 'called-back'; readonly nonceBCb: Buffer; readonly echoNonceACb: Buffer }
  /** Authenticated. `rest` is a view into the chunk given. */
  | { readonly kind: 'done'; readonly rest: Buffer };

type InboundState = 'first-message' | 'calling-back' | 'proof' | 'over';

/** The side that accepted the connection: the receiver of a handshake, or the initiator who is called back. */
export class InboundHandshake {
  readonly #reader = new TcpMessageReader();
  readonly #nonceBCb: Buffer;
  #state: InboundState = 'first-message';

  /** `nonceBCb` is 32 random bytes of this handshake alone. */
  constructor(nonceBCb: Buffer) {
    this.#nonceBCb = nonceBCb;
  }

  /** Takes bytes from the peer. */
  bytesIn(chunk: Buffer): InboundStep {
    if (chunk.length === 0) return { kind: 'wait' };
    switch (this.#state) {
      case 'first-message':
        return this.#firstMessage(chunk);
      case 'proof':
        return this.#proof(chunk);
      case 'calling-back':
        throw violation('early-bytes', 'bytes before AUTH_CHALLENGE was sent');
      case 'over':
        throw violation('early-bytes', 'bytes behind CALLBACK_INIT');
    }
  }

  /** The callback connection has ended. Gives AUTH_CHALLENGE, to be written now. */
  callbackEnded(): Buffer {
    if (this.#state !== 'calling-back') throw new Error('no callback was asked for');
    this.#state = 'proof';
    return encodeTcpMessage({ kind: 'auth-challenge' });
  }

  #firstMessage(chunk: Buffer): InboundStep {
    const read = this.#reader.read(chunk, ['auth-init', 'callback-init']);
    if (read === undefined) return { kind: 'wait' };
    const { message } = read;
    refuseRest(read.rest, message);
    if (message.kind === 'callback-init') {
      this.#state = 'over';
      return { kind: 'called-back', nonceBCb: message.nonceBCb, echoNonceACb: message.echoNonceACb };
    }
    if (message.kind !== 'auth-init') throw new Error('the reader gave a message that was not expected');
    this.#state = 'calling-back';
    const callback = { kind: 'callback-init', nonceBCb: this.#nonceBCb, echoNonceACb: message.nonceACb } as const;
    return { kind: 'call-back', callback: encodeTcpMessage(callback) };
  }

  #proof(chunk: Buffer): InboundStep {
    const read = this.#reader.read(chunk, ['auth-proof']);
    if (read === undefined) return { kind: 'wait' };
    if (read.message.kind !== 'auth-proof' || !sameBytes(read.message.echoNonceBCb, this.#nonceBCb)) {
      throw violation('wrong-nonce', 'AUTH_PROOF does not echo the nonce of the callback');
    }
    this.#state = 'over';
    return { kind: 'done', rest: read.rest };
  }
}

type OutboundState =
  | { readonly kind: 'callback' }
  | { readonly kind: 'challenge'; readonly nonceBCb: Buffer }
  | { readonly kind: 'over' };

/** The side that dialled the primary channel: the initiator. */
export class OutboundHandshake {
  readonly #reader = new TcpMessageReader();
  #state: OutboundState = { kind: 'callback' };
  /** AUTH_INIT, to be written first, once the callback is expected. */
  readonly authInit: Buffer;

  /** `nonceACb` is 32 random bytes of this handshake alone. */
  constructor(nonceACb: Buffer) {
    this.authInit = encodeTcpMessage({ kind: 'auth-init', nonceACb });
  }

  /** The expected callback has come, with the peer's nonce. */
  calledBack(nonceBCb: Buffer): void {
    if (this.#state.kind !== 'callback') throw new Error('the callback came twice');
    this.#state = { kind: 'challenge', nonceBCb };
  }

  /** Takes bytes from the peer. Gives AUTH_PROOF once it is due: writing it ends A0 on this side. */
  bytesIn(chunk: Buffer): Buffer | undefined {
    if (chunk.length === 0) return undefined;
    const state = this.#state;
    if (state.kind !== 'challenge') throw violation('early-bytes', 'bytes before the callback');
    const read = this.#reader.read(chunk, ['auth-challenge']);
    if (read === undefined) return undefined;
    refuseRest(read.rest, read.message);
    this.#state = { kind: 'over' };
    return encodeTcpMessage({ kind: 'auth-proof', echoNonceBCb: state.nonceBCb });
  }
}

function refuseRest(rest: Buffer, message: TcpMessage): void {
  if (rest.length > 0) throw violation('early-bytes', `bytes behind ${message.kind}`);
}

function violation(detail: string, text: string): DomusError {
  return new DomusError('protocol-violation', text, { detail });
}
