/**
 * The four messages of the TCP handshake: one type byte and a fixed payload, without length or version
 * (a0-transport, TCP handshake). Encoding, and a reader that takes bytes in any pieces.
 */
import { DomusError } from './domus-error.ts';

export const NONCE_BYTES = 32;

/** Type bytes. */
const TYPE = { authInit: 1, callbackInit: 2, authChallenge: 3, authProof: 4 } as const;

/** A message of the TCP handshake. Nonces are 32 bytes and belong to the receiver of the message. */
export type TcpMessage =
  | { readonly kind: 'auth-init'; readonly nonceACb: Buffer }
  | { readonly kind: 'callback-init'; readonly nonceBCb: Buffer; readonly echoNonceACb: Buffer }
  | { readonly kind: 'auth-challenge' }
  | { readonly kind: 'auth-proof'; readonly echoNonceBCb: Buffer };

export type TcpMessageKind = TcpMessage['kind'];

const KIND_BY_TYPE: readonly (TcpMessageKind | undefined)[] = [
  undefined,
  'auth-init',
  'callback-init',
  'auth-challenge',
  'auth-proof',
];

/** Payload bytes behind the type byte. */
const PAYLOAD_BYTES: Readonly<Record<TcpMessageKind, number>> = {
  'auth-init': NONCE_BYTES,
  'callback-init': 2 * NONCE_BYTES,
  'auth-challenge': 0,
  'auth-proof': NONCE_BYTES,
};

/** The bytes of a message, for one write. */
export function encodeTcpMessage(message: TcpMessage): Buffer {
  switch (message.kind) {
    case 'auth-init':
      return Buffer.concat([Uint8Array.of(TYPE.authInit), message.nonceACb]);
    case 'callback-init':
      return Buffer.concat([Uint8Array.of(TYPE.callbackInit), message.nonceBCb, message.echoNonceACb]);
    case 'auth-challenge':
      return Buffer.from(Uint8Array.of(TYPE.authChallenge));
    case 'auth-proof':
      return Buffer.concat([Uint8Array.of(TYPE.authProof), message.echoNonceBCb]);
  }
}

/** What `TcpMessageReader.read` found. */
export interface ReadTcpMessage {
  readonly message: TcpMessage;
  /** What stood behind the message: a view into the chunk given. */
  readonly rest: Buffer;
}

/** Reads one message after the other. It holds at most one message, and copies what it keeps. */
export class TcpMessageReader {
  readonly #carry: Buffer = Buffer.alloc(1 + 2 * NONCE_BYTES);
  #length = 0;

  /**
   * Takes bytes; gives the message once it is complete. `expected` are the kinds that may come now: any other type byte
   * is refused as soon as it is seen, with `protocol-violation`.
   */
  read(chunk: Buffer, expected: readonly TcpMessageKind[]): ReadTcpMessage | undefined {
    if (chunk.length === 0) return undefined;
    const type = this.#length === 0 ? chunk[0] : this.#carry[0];
    const kind = KIND_BY_TYPE[type ?? 0];
    if (kind === undefined || !expected.includes(kind)) {
      throw new DomusError(
        'protocol-violation',
        `${kind ?? `message type ${type}`} where ${expected.join(' or ')} is due`,
        {
          detail: 'unexpected-message',
        },
      );
    }
    const wanted = 1 + PAYLOAD_BYTES[kind] - this.#length;
    chunk.copy(this.#carry, this.#length, 0, wanted);
    if (chunk.length < wanted) {
      this.#length += chunk.length;
      return undefined;
    }
    this.#length = 0;
    return { message: this.#decode(kind), rest: chunk.subarray(wanted) };
  }

  #decode(kind: TcpMessageKind): TcpMessage {
    switch (kind) {
      case 'auth-init':
        return { kind, nonceACb: this.#nonce(0) };
      case 'callback-init':
        return { kind, nonceBCb: this.#nonce(0), echoNonceACb: this.#nonce(1) };
      case 'auth-challenge':
        return { kind };
      case 'auth-proof':
        return { kind, echoNonceBCb: this.#nonce(0) };
    }
  }

  #nonce(index: number): Buffer {
    const start = 1 + index * NONCE_BYTES;
    return Buffer.from(this.#carry.subarray(start, start + NONCE_BYTES));
  }
}
