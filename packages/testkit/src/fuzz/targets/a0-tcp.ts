/** `a0-tcp`: the messages of the TCP handshake (a0-transport, TCP handshake). */
import {
  encodeTcpMessage,
  type TcpMessage,
  type TcpMessageKind,
  TcpMessageReader,
} from '@flaminia/transport-a0/internal';
import type { Random } from '../../sim/random.ts';
import { type Conversation, converse } from '../conversation.ts';
import { goldenEntries, goldenTranscript } from '../golden.ts';
import type { Layout, Unit } from '../layout.ts';
import { concat } from '../mutations.ts';
import type { FuzzTarget } from '../target.ts';

const ANY: readonly TcpMessageKind[] = ['auth-init', 'callback-init', 'auth-challenge', 'auth-proof'];
const MESSAGE_BYTES = [0, 33, 65, 1, 33];

const CONVERSATION: Conversation<TcpMessageKind, TcpMessage> = {
  newReader: () => new TcpMessageReader(),
  roles: [
    { name: 'listener', steps: [['auth-init', 'callback-init'], ['auth-proof']] },
    { name: 'dialler', steps: [['auth-challenge']] },
    { name: 'all', steps: [ANY, ANY, ANY, ANY], reads: 'singly' },
  ],
  encode: encodeTcpMessage,
};

export const a0Tcp: FuzzTarget = {
  name: 'a0-tcp',
  maxBytes: 1024,
  words: [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3), Uint8Array.of(4)],
  parts: [],
  unitsAreFree: true,
  seeds,
  generate,
  layout,
  run: (input) => converse(CONVERSATION, input),
};

function seeds(): Uint8Array[] {
  const single = goldenEntries('a0-tcp').map(({ bytes }) => bytes);
  const conversations = ['transcript-tcp-crate-dials', 'transcript-tcp-crate-listens'].map((file) => {
    const steps = goldenTranscript(file);
    return concat(...steps.flatMap(({ name, bytes }) => (/AUTH_INIT|AUTH_PROOF|hello$/.test(name) ? [bytes] : [])));
  });
  return [...single, ...conversations];
}

function generate(random: Random): Uint8Array {
  const parts = Array.from({ length: random.between(1, 5) }, () => {
    const type = random.between(1, 4);
    const nonces = Uint8Array.from({ length: MESSAGE_BYTES[type]! - 1 }, () => random.u32());
    return concat(Uint8Array.of(type), nonces);
  });
  return concat(...parts);
}

function layout(input: Uint8Array): Layout {
  const units: Unit[] = [];
  for (let start = 0; start < input.length; ) {
    const end = Math.min(input.length, start + (MESSAGE_BYTES[input[start]!] || input.length));
    units.push({ start, end });
    start = end;
  }
  return { fields: units.map(({ start }) => ({ at: start, bytes: 1 })), units, spans: [] };
}
