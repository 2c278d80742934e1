/**
 * A reader of handshake messages, driven as its handshakes drive it: at each step some kinds of message may come, and
 * the bytes behind the last belong to the next layer. What comes out must not depend on how the bytes arrive.
 */
import { Broken } from './broken.ts';
import { judged } from './declared.ts';
import { type Arrival, arrivalsOf, spoil, wholeAndInPieces } from './pieces.ts';
import type { Outcome } from './target.ts';

/** The readers of both transports have this shape. */
export interface MessageReader<Kind extends string, Message extends { readonly kind: Kind }> {
  read(chunk: Buffer, expected: readonly Kind[]): { readonly message: Message; readonly rest: Buffer } | undefined;
}

/** Who reads: the kinds that may come first, second and so on. */
export interface Role<Kind> {
  readonly name: string;
  readonly steps: readonly (readonly Kind[])[];
  /** Reads byte by byte too. */
  readonly reads?: 'singly';
}

export interface Conversation<Kind extends string, Message extends { readonly kind: Kind }> {
  readonly newReader: () => MessageReader<Kind, Message>;
  readonly roles: readonly Role<Kind>[];
  /** The bytes of a message, as our own side writes them. */
  readonly encode: (message: Message) => Buffer;
}

/** Lets every role read the input. */
export function converse<Kind extends string, Message extends { readonly kind: Kind }>(
  conversation: Conversation<Kind, Message>,
  input: Uint8Array,
): Outcome {
  const outcomes = conversation.roles.map((role) => {
    const arrivals = role.reads === 'singly' ? arrivalsOf(input) : wholeAndInPieces(input);
    const [whole, ...others] = arrivals.map((arrival) => listen(conversation, role, arrival, input));
    for (const other of others)
      if (other !== whole) throw new Broken(`${role.name}: whole "${whole}", in pieces "${other}"`);
    return `${role.name}: ${whole}`;
  });
  return { verdict: verdictOf(outcomes), features: outcomes.map(shortened) };
}

/** Reads one arrival to its end; gives the kinds that came, and how it ended. */
function listen<Kind extends string, Message extends { readonly kind: Kind }>(
  { newReader, encode }: Conversation<Kind, Message>,
  { steps }: Role<Kind>,
  { chunks }: Arrival,
  input: Uint8Array,
): string {
  const reader = newReader();
  const kinds: Kind[] = [];
  const judgement = judged('protocol-violation', () => {
    let consumed = 0;
    for (const chunk of chunks) {
      for (let rest = chunk; rest.length > 0; ) {
        const expected = steps[kinds.length];
        if (expected === undefined) return 'done, bytes behind';
        const read = reader.read(rest, expected);
        if (read === undefined) break;
        const bytes = encode(read.message);
        if (!bytes.equals(input.subarray(consumed, consumed + bytes.length)))
          throw new Broken(`${read.message.kind} at ${consumed} does not encode to the bytes that it came from`);
        consumed += bytes.length;
        kinds.push(read.message.kind);
        rest = read.rest;
      }
      spoil(chunk);
    }
    return kinds.length === steps.length ? 'done' : 'waits';
  });
  const end = judgement.kind === 'taken' ? judgement.value : judgement.verdict;
  return `${kinds.join(' ')} ${end}`.trim();
}

/** Who read, the last two words and how many there were: the whole conversation would be a feature of its own each time. */
function shortened(outcome: string): string {
  const words = outcome.split(' ');
  return `${words[0]} ${words.length} ${words.slice(-2).join(' ')}`;
}

/** The best that any role made of it. */
function verdictOf(outcomes: readonly string[]): string {
  const ends = ['done', 'done, bytes behind', 'waits', 'malformed-message', 'unexpected-message'];
  return ends.find((end) => outcomes.some((outcome) => outcome.endsWith(end))) ?? 'other';
}
