/**
 * Payloads by which both sides check each other; rust-peer/src/message.rs is the same in Rust.
 *
 * A numbered payload is its sequence number (u64, big endian) and then bytes that follow from number and position, so
 * that a receiver can tell a lost, doubled, reordered or damaged message without keeping any payload.
 */

const NUMBER_BYTES = 8;

/** The numbered payload of `sizeBytes`, at least 8. */
export function numberedPayload(sequence: number, sizeBytes: number): Uint8Array {
  const payload = new Uint8Array(sizeBytes);
  new DataView(payload.buffer).setBigUint64(0, BigInt(sequence));
  for (let position = NUMBER_BYTES; position < sizeBytes; position++) payload[position] = filler(sequence, position);
  return payload;
}

/** What has come to one receiver. The same counts as a {@link RustTally}. */
export class PayloadTally {
  received = 0;
  repeated = 0;
  disordered = 0;
  damaged = 0;
  readonly #seen = new Set<number>();
  #newest = -1;

  /** How many different messages came. */
  get distinct(): number {
    return this.#seen.size;
  }

  has(sequence: number): boolean {
    return this.#seen.has(sequence);
  }

  /** Counts one payload and returns its sequence number. */
  count(payload: Uint8Array): number {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const sequence = Number(view.getBigUint64(0));
    this.received++;
    if (this.#seen.has(sequence)) this.repeated++;
    if (sequence <= this.#newest) this.disordered++;
    if (!isIntact(sequence, payload)) this.damaged++;
    this.#seen.add(sequence);
    this.#newest = Math.max(this.#newest, sequence);
    return sequence;
  }
}

function isIntact(sequence: number, payload: Uint8Array): boolean {
  for (let position = NUMBER_BYTES; position < payload.length; position++) {
    if (payload[position] !== filler(sequence, position)) return false;
  }
  return true;
}

function filler(sequence: number, position: number): number {
  return (sequence + position) & 0xff;
}
