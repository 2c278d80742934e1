/**
 * `frames`: the decoder of A1 frames (a1-wire, frame). The same frames and the same end, however the bytes arrive; nothing
 * kept beyond one frame, and nothing of a frame that is refused; what the simulator's own reader takes is read alike.
 */
import {
  BAD_VERSION,
  CHUNK_HEAD,
  FRAME,
  FrameDecoder,
  HEADER_BYTES,
  NEED_MORE,
  OVERSIZED,
  Region,
} from '@flaminia/delivery-a1/internal';
import type { Random } from '../../sim/random.ts';
import { encodeFrame, errorPayload } from '../../sim/raw-peer.ts';
import { ReferenceReader, WireFault } from '../../sim/reference-reader.ts';
import { Broken } from '../broken.ts';
import { frameLayout } from '../frame-layout.ts';
import { goldenEntries, goldenTranscript } from '../golden.ts';
import { hashOf } from '../hash.ts';
import { concat } from '../mutations.ts';
import { type Arrival, arrivalsOf, spoil } from '../pieces.ts';
import type { FuzzTarget, Outcome } from '../target.ts';

const LIMIT_BYTES = 512;
const MOST_BYTES = 2048;
const ENDS: Readonly<Record<number, string>> = { [OVERSIZED]: 'oversized', [BAD_VERSION]: 'unsupported-version' };

export const frames: FuzzTarget = {
  name: 'frames',
  maxBytes: MOST_BYTES,
  words: [],
  parts: [],
  unitsAreFree: true,
  seeds,
  generate,
  layout: (input) => frameLayout(input, 0, input.length),
  run,
};

/** What the decoder shows of one frame; `hash` is that of its payload. */
interface Seen {
  readonly fields: readonly number[];
  readonly hash: number;
}

/** Few words, since each is a feature. */
function kindOf(type: number, flags: number): string {
  const name = type > 0xffff ? 'message' : type > 9 ? 'unknown' : String(type);
  return `${name} ${flags > 3 ? 'with strange flags' : flags}`;
}

interface Reading {
  readonly frames: readonly Seen[];
  readonly end: string;
}

function run(input: Uint8Array): Outcome {
  const [whole, ...others] = arrivalsOf(input).map((arrival) => ({ arrival, reading: read(arrival) }));
  const { reading } = whole!;
  for (const { arrival, reading: other } of others) {
    if (textOf(other) !== textOf(reading))
      throw new Broken(`whole: ${textOf(reading)}; ${arrival.name}: ${textOf(other)}`);
  }
  compareWithReference(input, reading);
  const count = Math.min(4, reading.frames.length);
  const types = reading.frames.map(({ fields }) => kindOf(fields[1]!, fields[0]!));
  const end = reading.end;
  return { verdict: count === 0 ? end : `frames, ${end}`, features: [`${count} frames, ${end}`, ...types] };
}

function read({ chunks }: Arrival): Reading {
  const decoder = new FrameDecoder();
  const frames: Seen[] = [];
  let fed = 0;
  let landed: Uint8Array | undefined;
  for (const chunk of chunks) {
    decoder.feed(chunk);
    fed += chunk.length;
    for (let step = decoder.next(LIMIT_BYTES); step !== NEED_MORE; step = decoder.next(LIMIT_BYTES)) {
      if (step === CHUNK_HEAD) {
        landed = new Uint8Array(decoder.payloadLength);
        landed.set(decoder.chunkHead);
        decoder.land(new Region(landed, decoder.chunkHead.length));
        continue;
      }
      if (step !== FRAME) {
        if (decoder.carriedBytes > HEADER_BYTES) throw new Broken('bytes of a refused payload are kept');
        return { frames, end: ENDS[step]! };
      }
      frames.push(landed === undefined ? seen(decoder) : seenChunk(decoder, landed));
      landed = undefined;
    }
    const { carriedBytes } = decoder;
    if (carriedBytes > HEADER_BYTES + LIMIT_BYTES || carriedBytes > fed) throw new Broken(`${carriedBytes} bytes kept`);
    decoder.rest();
    spoil(chunk);
  }
  return { frames, end: decoder.carriedBytes === 0 ? 'whole' : 'cut' };
}

function seen(decoder: FrameDecoder): Seen {
  const { flags, msgType, peerMsgId, dstHi, dstLo, payload, payloadStart, payloadLength } = decoder;
  const end = payloadStart + payloadLength;
  if (end > payload.length) throw new Broken(`a payload to ${end} in ${payload.length} bytes`);
  const fields = [flags, msgType, peerMsgId, dstHi, dstLo, payloadLength];
  return { fields, hash: hashOf(payload, payloadStart, end) };
}

/** The bytes of a chunk lie where they were told to. */
function seenChunk(decoder: FrameDecoder, landed: Uint8Array): Seen {
  const { flags, msgType, peerMsgId, dstHi, dstLo, payloadLength } = decoder;
  return { fields: [flags, msgType, peerMsgId, dstHi, dstLo, payloadLength], hash: hashOf(landed) };
}

function textOf({ frames, end }: Reading): string {
  return `${frames.map(({ fields, hash }) => `${fields.join(' ')} ${hash}`).join(', ')} ${end}`;
}

/** Frame by frame, as long as the reference takes them: it also judges what is the session's to judge. */
function compareWithReference(input: Uint8Array, { frames }: Reading): void {
  const reference = new ReferenceReader();
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  let at = 0;
  for (const { fields, hash } of frames) {
    try {
      reference.read(view, at, input.length);
    } catch (error) {
      if (error instanceof WireFault) return;
      throw error;
    }
    const { flags, type, id, dstHi, dstLo, payloadLength, payloadAt } = reference;
    const expected = [
      flags,
      type,
      id,
      dstHi,
      dstLo,
      payloadLength,
      hashOf(input, payloadAt, payloadAt + payloadLength),
    ];
    const text = [...fields, hash].join(' ');
    if (text !== expected.join(' ')) throw new Broken(`frame at ${at}: ${text} instead of ${expected.join(' ')}`);
    at = reference.at;
  }
}

function seeds(): Uint8Array[] {
  const single = goldenEntries('a1-hello', 'a1-message', 'a1-control', 'a1-error', 'a1-blob').map(({ bytes }) => bytes);
  const files = ['transcript-messages', 'transcript-blob', 'transcript-reconnect', 'transcript-tcp-crate-dials'];
  const conversations = files.map((file) =>
    concat(...goldenTranscript(file).flatMap(({ layer, bytes }) => (layer === 'A1' ? [bytes] : []))),
  );
  return [...single, ...conversations].filter(({ length }) => length <= MOST_BYTES);
}

const TYPES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0xffff, 0x1_0000, 0xff_ffff, 0x100_0000, 0x100_0007, 0xffff_ffff];

/** A few frames that are whole; few of them break a rule. */
function generate(random: Random): Uint8Array {
  const count = random.between(1, 5);
  return concat(...Array.from({ length: count }, () => generatedFrame(random)));
}

function generatedFrame(random: Random): Uint8Array {
  const type = random.pick(TYPES);
  const isMessage = type > 0xffff;
  const length = isMessage || type === 8 ? random.skewed(0, LIMIT_BYTES + 1) : random.chance(90) ? 0 : random.below(10);
  const payload =
    type === 6 ? errorPayload(random.between(0, 27), 'as text') : new Uint8Array(length).fill(random.u32());
  return encodeFrame({
    version: random.chance(97) ? 1 : random.below(3),
    flags: random.chance(80) ? 0 : random.below(5),
    type,
    id: random.chance(50) ? random.below(8) : random.u32(),
    dst: isMessage ? random.below(4) : 0,
    payload,
  });
}
