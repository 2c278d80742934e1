/**
 * Cuts the messages of the Unix-socket handshake out of a stream of bytes in any pieces
 * (a0-transport, Unix-socket handshake): `u32 length`, then a payload.
 *
 * It holds at most one message, and copies what it keeps. A length or a type that may not come is refused as soon as it
 * is seen, before memory is taken for what it announces.
 */
import { DomusError } from './domus-error.ts';
import {
  decodeUnixMessage,
  MESSAGE_MAX_BYTES,
  type UnixMessage,
  type UnixMessageKind,
  unixMessageKind,
} from './unix-messages.ts';

/** What `UnixMessageReader.read` found. */
export interface ReadUnixMessage {
  readonly message: UnixMessage;
  /** What stood behind the message: a view into the chunk given. */
  readonly rest: Buffer;
}

const LENGTH_BYTES = 4;
/** The length and the type byte: what must be there before a payload gets memory. */
const HEAD_BYTES = LENGTH_BYTES + 1;

/** Reads one message after the other. */
export class UnixMessageReader {
  readonly #head: Buffer = Buffer.alloc(HEAD_BYTES);
  #payload: Buffer | undefined;
  /** Bytes of the message so far, its length included. */
  #filled = 0;

  /**
   * Takes bytes; gives the message once it is complete. `expected` are the kinds that may come now. Throws
   * `protocol-violation` for any other, and for what is malformed.
   */
  read(chunk: Buffer, expected: readonly UnixMessageKind[]): ReadUnixMessage | undefined {
    let offset = 0;
    while (offset < chunk.length) {
      const target = this.#payload ?? this.#head;
      const at = this.#payload === undefined ? this.#filled : this.#filled - LENGTH_BYTES;
      const copied = chunk.copy(target, at, offset);
      offset += copied;
      this.#filled += copied;
      if (this.#payload === undefined) this.#checkHead(expected);
      const payload = this.#payload;
      if (payload === undefined || this.#filled < LENGTH_BYTES + payload.length) continue;
      this.#payload = undefined;
      this.#filled = 0;
      return { message: decodeUnixMessage(payload), rest: chunk.subarray(offset) };
    }
    return undefined;
  }

  #checkHead(expected: readonly UnixMessageKind[]): void {
    if (this.#filled < LENGTH_BYTES) return;
    const length = this.#head.readUInt32BE();
    if (length === 0 || length > MESSAGE_MAX_BYTES) {
      throw refused('malformed-message', `a message of ${length} bytes, not 1 to ${MESSAGE_MAX_BYTES}`);
    }
    if (this.#filled < HEAD_BYTES) return;
    const type = this.#head.readUInt8(LENGTH_BYTES);
    const kind = unixMessageKind(type);
    if (kind === undefined || !expected.includes(kind)) {
      throw refused('unexpected-message', `${kind ?? `message type ${type}`} where ${expected.join(' or ')} is due`);
    }
    this.#payload = Buffer.allocUnsafeSlow(length);
    this.#payload[0] = type;
  }
}

function refused(detail: string, text: string): DomusError {
  return new DomusError('protocol-violation', text, { detail });
}
