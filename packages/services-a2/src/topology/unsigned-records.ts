/** For an in-memory imperium, which has no certificates: nothing is signed, and everything is believed. */
import type { RecordSigner, RecordVerifier } from './core/topology-sink.ts';

const NOTHING = new Uint8Array(0);

export const unsignedRecords: { readonly signer: RecordSigner; readonly verifier: RecordVerifier } = Object.freeze({
  signer: Object.freeze({ chain: [], validFromMs: 0, sign: () => NOTHING }),
  verifier: Object.freeze({
    verify: ({ signature, chain }) =>
      signature.length === 0 && chain.length === 0
        ? ({ kind: 'valid', validFromMs: 0 } as const)
        : ({ kind: 'refused', reason: 'signature' } as const),
  } satisfies RecordVerifier),
});
