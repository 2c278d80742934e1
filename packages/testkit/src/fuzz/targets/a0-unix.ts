/** `a0-unix`: the messages of the Unix-socket handshake (a0-transport, Unix-socket handshake). */
import {
  encodeUnixMessage,
  type UnixMessage,
  type UnixMessageKind,
  UnixMessageReader,
} from '@flaminia/transport-a0/internal';
import { type Conversation, converse } from '../conversation.ts';
import { goldenEntries } from '../golden.ts';
import { type Field, type Layout, readField, type Span, type Unit } from '../layout.ts';
import { concat } from '../mutations.ts';
import type { FuzzTarget } from '../target.ts';

const ANY: readonly UnixMessageKind[] = ['auth-init', 'callback-init', 'auth-challenge', 'auth-proof'];
/** The types whose lengths lead to paths and certificates. */
const INIT = 1;
const CHALLENGE = 2;
const PROOF = 3;
const CALLBACK = 4;

const CONVERSATION: Conversation<UnixMessageKind, UnixMessage> = {
  newReader: () => new UnixMessageReader(),
  roles: [
    { name: 'listener', steps: [['auth-init', 'callback-init'], ['auth-proof']] },
    { name: 'dialler', steps: [['auth-challenge']] },
    { name: 'all', steps: [ANY, ANY, ANY, ANY], reads: 'singly' },
  ],
  encode: encodeUnixMessage,
};

export const a0Unix: FuzzTarget = {
  name: 'a0-unix',
  maxBytes: 2048,
  words: ['/', '/../', '//', '/.', '\0', 'é', '/run/a.sock'].map((text) => Buffer.from(text)),
  parts: [],
  unitsAreFree: true,
  seeds,
  layout,
  run: (input) => converse(CONVERSATION, input),
};

function seeds(): Uint8Array[] {
  const files = ['p256', 'p256-intermediate', 'p384', 'rsa', 'ed25519'].map((kind) => `a0-unix-${kind}`);
  const handshakes = files.map((file) => {
    const entries = goldenEntries(file);
    const bytesOf = (name: string): Uint8Array => entries.find((entry) => entry.name === name)!.bytes;
    return concat(bytesOf('auth-init'), bytesOf('auth-proof'));
  });
  return [...goldenEntries(...files).map(({ bytes }) => bytes), ...handshakes];
}

function layout(input: Uint8Array): Layout {
  const fields: Field[] = [];
  const units: Unit[] = [];
  const spans: Span[] = [];
  for (let at = 0; at + 6 <= input.length; ) {
    const length: Field = { at, bytes: 4 };
    const end = Math.min(input.length, at + 4 + readField(input, length));
    const inner = lengthsOf(input, at + 4).filter((field) => field.at + field.bytes <= end);
    fields.push(length, { at: at + 4, bytes: 1 }, { at: at + 5, bytes: 1 }, ...inner);
    units.push({ start: at, end });
    spans.push({ start: at + 4, end, length }, ...fieldsBehind(input, inner));
    at = end;
  }
  return { fields, units: [...units, ...spans], spans };
}

/** The fields of a payload that hold lengths, in order; the number of certificates is no length. */
function lengthsOf(input: Uint8Array, payload: number): Field[] {
  const start = payload + 2;
  const u16 = (offset: number): Field => ({ at: start + offset, bytes: 2 });
  switch (input[payload]) {
    case INIT:
    case CHALLENGE: {
      const count = Math.min(16, readField(input, u16(4)));
      const certificates = Array.from({ length: count }, (_, i): Field => ({ at: start + 6 + 4 * i, bytes: 4 }));
      const behind = 6 + 4 * count;
      const last: Field = input[payload] === INIT ? u16(behind + 2) : { at: start + behind + 2, bytes: 4 };
      return [u16(0), u16(2), ...certificates, u16(behind), last];
    }
    case PROOF:
      return [u16(0), { at: start + 2, bytes: 4 }];
    case CALLBACK:
      return [u16(0), u16(2), u16(4), u16(6)];
    default:
      return [];
  }
}

/** The values stand behind all the lengths, in the same order. */
function fieldsBehind(input: Uint8Array, lengths: readonly Field[]): Span[] {
  const last = lengths.at(-1);
  if (last === undefined) return [];
  const spans: Span[] = [];
  let start = last.at + last.bytes;
  for (const length of lengths) {
    const end = Math.min(input.length, start + readField(input, length));
    spans.push({ start, end, length });
    start = end;
  }
  return spans;
}
