/** Prints a digest of what `cbor()` makes of a seeded stream of messages, and whether cbor-x runs native code. */
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { isNativeAccelerationEnabled } from 'cbor-x';
import { decodeCbor, encodeCbor } from '../src/values/cbor-values.ts';
import { dice, hostileMessage } from './cbor-corpus.ts';

const digest = createHash('sha256');

function outcome(payload: Uint8Array): string {
  try {
    return inspect(decodeCbor(payload), { depth: null });
  } catch (error) {
    return String(error);
  }
}

const roll = dice(6);
for (let round = 0; round < 10_000; round++) digest.update(outcome(hostileMessage(roll)));
// the native code reads runs of texts at once: make some, short and long, plain and not
const words = ['', 'a', 'x'.repeat(15), 'x'.repeat(70), 'ü', 'ü'.repeat(40), '🛶', `${'y'.repeat(300)}é`];
for (let round = 0; round < 2_000; round++) {
  const rows = Array.from({ length: roll(12) }, () => ({
    id: words[roll(words.length)],
    [`key${roll(4)}`]: [words[roll(words.length)], roll(1000), words[roll(words.length)]],
  }));
  digest.update(outcome(encodeCbor(rows)));
}
console.log(JSON.stringify({ native: isNativeAccelerationEnabled, digest: digest.digest('hex') }));
