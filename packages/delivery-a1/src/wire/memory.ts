/** Memory that is not cleared first: for bytes that are written before they are read. Never part of Node's shared pool. */
export function rawBytes(size: number): Buffer {
  return Buffer.allocUnsafeSlow(size);
}

/** The same bytes, as a Buffer of their own, without a copy. */
export function viewOfBytes({ buffer, byteOffset }: Uint8Array, at: number, count: number): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset + at, count);
}
