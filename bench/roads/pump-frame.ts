/** The frames of the pumps: the layout of docs/protocol/a1-wire.md, and nothing of its rules. */

/** Bytes of a header; an ack is a header alone. */
export const HEADER_BYTES = 32;

const VERSION = 1;
const ACK = 4;
/** First message type of applications. */
const MESSAGE = 0x0100_0000;

/** Writes one header at `at`. */
export function writeHeader(into: DataView, at: number, msgType: number, id: number, payloadBytes: number): void {
  into.setUint32(at, VERSION << 16);
  into.setUint32(at + 4, msgType);
  into.setUint32(at + 8, id);
  into.setUint32(at + 12, 0);
  into.setUint32(at + 16, 0);
  into.setUint32(at + 20, 0);
  into.setUint32(at + 24, 0);
  into.setUint32(at + 28, payloadBytes);
}

/** Writes the header of a message with id `id`. */
export function writeMessageHeader(into: DataView, at: number, id: number, payloadBytes: number): void {
  writeHeader(into, at, MESSAGE, id, payloadBytes);
}

/** Writes the ack of message `id`: a whole frame. */
export function writeAck(into: DataView, at: number, id: number): void {
  writeHeader(into, at, ACK, id, 0);
}

/** The id in the header at `at`: of the message itself, or of the one that an ack answers. */
export function idAt(bytes: Uint8Array, at: number): number {
  return uint32At(bytes, at + 8);
}

/**
 * Finds frame borders in chunks of any size by integer offsets. `onFrame(bytes, at)` is called once per frame, when
 * its last byte has arrived; at `at` stands its header, valid during the call only. Payloads are stepped over.
 */
export class FrameCutter {
  readonly #onFrame: (bytes: Uint8Array, at: number) => void;
  /** The header of a frame that a chunk's end has split. */
  readonly #carry: Uint8Array = new Uint8Array(HEADER_BYTES);
  #carried = 0;
  /** Payload bytes still to come of the frame in `#carry`. */
  #missing = 0;

  constructor(onFrame: (bytes: Uint8Array, at: number) => void) {
    this.#onFrame = onFrame;
  }

  /** Cuts the first `length` bytes of `chunk`. */
  cut(chunk: Uint8Array, length: number): void {
    let at = this.#carried === 0 ? 0 : this.#finishSplit(chunk, length);
    while (length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + uint32At(chunk, at + 28);
      if (end > length) break;
      this.#onFrame(chunk, at);
      at = end;
    }
    if (at < length) this.#keepSplit(chunk, at, length);
  }

  /** Goes on with the split frame; returns where the next frame begins, or `length`. */
  #finishSplit(chunk: Uint8Array, length: number): number {
    let at = 0;
    if (this.#carried < HEADER_BYTES) {
      at = Math.min(HEADER_BYTES - this.#carried, length);
      this.#carry.set(chunk.subarray(0, at), this.#carried);
      this.#carried += at;
      if (this.#carried < HEADER_BYTES) return length;
      this.#missing = uint32At(this.#carry, 28);
    }
    const taken = Math.min(this.#missing, length - at);
    this.#missing -= taken;
    if (this.#missing > 0) return length;
    this.#carried = 0;
    this.#onFrame(this.#carry, 0);
    return at + taken;
  }

  #keepSplit(chunk: Uint8Array, at: number, length: number): void {
    this.#carried = Math.min(HEADER_BYTES, length - at);
    this.#carry.set(chunk.subarray(at, at + this.#carried), 0);
    if (this.#carried === HEADER_BYTES) this.#missing = uint32At(this.#carry, 28) - (length - at - HEADER_BYTES);
  }
}

/** Unlike `Buffer.readUInt32BE`, without a check of the offset: the cutter has done it. */
function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
