/**
 * A seeded stream of hostile CBOR for the tests of `cbor()`: messages that another encoder wrote, whole and mutated, and
 * items put together at random, most of them almost well-formed.
 */
import { encode } from 'cborg';

/** A number of 0 up to below `bound`. */
export type Dice = (bound: number) => number;

/** The same numbers for the same seed (mulberry32). */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

/** The next message of the stream. */
export function hostileMessage(roll: Dice): Uint8Array {
  if (roll(3) === 0) return Uint8Array.from(randomItem(roll, 5));
  const message = encode(randomValue(roll, 4));
  for (let mutations = roll(4); mutations > 0; mutations--) mutate(message, roll);
  return message.subarray(0, message.length - (roll(8) === 0 ? roll(message.length) : 0));
}

/** No byte order mark among them, since cborg drops it from every text. */
const WORDS = ['', 'a', 'id', 'constructor', '__proto__', '[object Object]', 'Größe', 'x'.repeat(70)];
const TAGS = [1, 2, 3, 6, 14, 27, 28, 29, 51, 64, 69, 81, 105, 258, 259, 0xdff9, 0xdffe, 0xdfff, 0xe000];

function randomValue(roll: Dice, depth: number): unknown {
  switch (roll(depth === 0 ? 6 : 8)) {
    case 0:
      return roll(1000) - 500;
    case 1:
      return WORDS[roll(WORDS.length)];
    case 2:
      return [null, true, false, undefined, 1.5, Number.NaN][roll(6)];
    case 3:
      return 2n ** BigInt(roll(64)) - 1n;
    case 4:
      return new Uint8Array(roll(40)).fill(roll(256));
    case 5:
      return 2 ** roll(60) * (roll(2) - 0.5);
    case 6:
      return Array.from({ length: roll(5) }, () => randomValue(roll, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: roll(5) }, (_, index) => [`k${index}`, randomValue(roll, depth - 1)]),
      );
  }
}

function mutate(message: Uint8Array, roll: Dice): void {
  const at = roll(message.length);
  const choices = [roll(256), message[at]! ^ (1 << roll(8)), 0xff, 0x9f, 0xbf, 0xc0 + roll(32), 0xd9, 0x7f];
  message[at] = choices[roll(choices.length)]!;
}

/** The bytes of an item, now and then with a wrong count, a missing end, or a head wider than needed. */
function randomItem(roll: Dice, depth: number): number[] {
  const choice = roll(depth === 0 ? 5 : 9);
  switch (choice) {
    case 0:
    case 1:
      return head(choice, roll(300), roll);
    case 2: {
      const body = Array.from({ length: roll(36) }, () => roll(256));
      return [...head(2, body.length, roll), ...body];
    }
    case 3: {
      const body = [...Buffer.from(WORDS[roll(WORDS.length)]!)];
      return [...head(3, body.length, roll), ...body];
    }
    case 4:
      return [0xe0 + roll(32)];
    case 5:
      return [...head(6, TAGS[roll(TAGS.length)]!, roll), ...randomItem(roll, depth - 1)];
    default: {
      const major = choice === 6 ? 4 : 5;
      const count = roll(5);
      const children = Array.from({ length: count * (major - 3) }, () => randomItem(roll, depth - 1)).flat();
      if (roll(2) === 0) return [...head(major, count + (roll(20) === 0 ? 1 : 0), roll), ...children];
      return [(major << 5) | 31, ...children, ...(roll(20) === 0 ? [] : [0xff])];
    }
  }
}

function head(major: number, argument: number, roll: Dice): number[] {
  const initial = major << 5;
  if (argument < 24 && roll(10) > 0) return [initial | argument];
  if (argument < 0x100 && roll(10) > 0) return [initial | 24, argument];
  if (argument < 0x1_0000 && roll(10) > 0) return [initial | 25, argument >> 8, argument & 255];
  return [initial | 27, 0, 0, 0, 0, 0, 0, (argument >> 8) & 255, argument & 255];
}
