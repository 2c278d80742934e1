/** Memory that is not cleared first: for bytes that are written before they are read. Never part of Node's shared pool. */
export function rawBytes(size: number): Buffer {
  return Buffer.allocUnsafeSlow(size);
}
