/** Signatures that cost nothing: a keyed checksum whose key everybody could guess, and no test does unless it means to. */
import { SIGNED_PREFIX } from '../../src/topology/core/record-codec.ts';
import type { OwnNode } from '../../src/topology/core/topology-core.ts';
import type { RecordSigner, RecordVerifier } from '../../src/topology/core/topology-sink.ts';

export function fakeSigner(own: Pick<OwnNode, 'nodeId' | 'address'>): RecordSigner {
  return { chain: [], validFromMs: 0, sign: (bytes) => seal(own.nodeId, own.address, bytes) };
}

export const fakeVerifier: RecordVerifier = {
  verify({ record, body, signature }) {
    const signed = new Uint8Array(SIGNED_PREFIX.length + body.length);
    signed.set(SIGNED_PREFIX);
    signed.set(body, SIGNED_PREFIX.length);
    const wanted = seal(record.nodeId, record.address, signed);
    return signature.length === 8 && wanted.every((byte, index) => byte === signature[index])
      ? { kind: 'valid', validFromMs: 0 }
      : { kind: 'refused', reason: 'signature' };
  },
};

/** 64 bits from two runs of FNV-1a. */
export function quickHash(bytes: Uint8Array): Uint8Array {
  let hi = 0x811c_9dc5;
  let lo = 0x9747_b28c;
  for (const byte of bytes) {
    hi = Math.imul(hi ^ byte, 0x0100_0193);
    lo = Math.imul(lo ^ byte, 0x0100_01b3);
  }
  hi ^= hi >>> 15;
  lo ^= lo >>> 13;
  const hash = new Uint8Array(8);
  const view = new DataView(hash.buffer);
  view.setUint32(0, Math.imul(hi, 0x85eb_ca6b));
  view.setUint32(4, Math.imul(lo, 0xc2b2_ae35));
  return hash;
}

function seal(nodeId: string, address: string, bytes: Uint8Array): Uint8Array {
  const key = new TextEncoder().encode(`${nodeId} at ${address} `);
  const keyed = new Uint8Array(key.length + bytes.length);
  keyed.set(key);
  keyed.set(bytes, key.length);
  return quickHash(keyed);
}
