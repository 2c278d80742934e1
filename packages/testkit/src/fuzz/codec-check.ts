/**
 * What holds for every codec that decodes bytes of strangers: a declared error or a value; a value that keeps nothing of
 * the input, costs memory in proportion to it, changes no prototype, and can be sent on and arrives as it was.
 */
import type { MessageCodec } from '@flaminia/domus';
import { A3_MESSAGE_TYPE_BASE } from '@flaminia/domus';
import { Broken } from './broken.ts';
import { type Judged, judged } from './declared.ts';
import { sizeOf } from './decoded-size.ts';
import { expectCleanPrototypes } from './prototypes.ts';
import type { Outcome } from './target.ts';

/** Memory of a decoded message, for each byte of the payload and beside. */
const BYTES_PER_BYTE = 160;
const BYTES_BESIDE = 1024;

/** Decodes the input, and looks at what came of it. */
export function checkDecoding(codec: MessageCodec<unknown>, input: Uint8Array): Outcome {
  // In memory of its own, so that an alias is told from a copy.
  const payload = Uint8Array.from(input);
  const judgement = judged('decode-failure', () => codec.decode({ type: A3_MESSAGE_TYPE_BASE, payload }));
  expectCleanPrototypes();
  if (judgement.kind === 'refused') return { verdict: judgement.verdict, features: [judgement.verdict] };
  const { value } = judgement;
  const { nodes, bytes, depth, kinds } = sizeOf(value, payload);
  if (bytes > BYTES_BESIDE + input.length * BYTES_PER_BYTE) throw new Broken(`${input.length} bytes become ${bytes}`);
  const resent = send(codec, value);
  const shape = [...kinds, `nodes ${Math.ceil(Math.log2(nodes))}`, `depth ${Math.ceil(Math.log2(depth))}`];
  payload.fill(0xdd);
  if (resent.kind === 'refused') return { verdict: 'taken, not sendable', features: [resent.verdict, ...shape] };
  compareBytes(send(codec, value), resent.value, 'the value changed with the input');
  const again = codec.decode({ type: A3_MESSAGE_TYPE_BASE, payload: resent.value });
  compareBytes(send(codec, again), resent.value, 'the value did not arrive as it was sent');
  return { verdict: 'taken', features: shape };
}

function send(codec: MessageCodec<unknown>, value: unknown): Judged<Uint8Array> {
  return judged('encode-failure', () => codec.encode(value).payload);
}

function compareBytes(found: Judged<Uint8Array>, expected: Uint8Array, what: string): void {
  if (found.kind === 'refused' || !Buffer.from(expected).equals(found.value)) throw new Broken(what);
}
