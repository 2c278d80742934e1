/**
 * The contract between an application's values and the bytes on the wire, which `cbor()`, `json()` and `bytes()` keep
 * and an application's own codecs may.
 */
import { decodeFailure } from '@flaminia/services-a2/internal';
import { type OptionNames, optionsOf, outOfRange } from '@flaminia/transport-a0';
import {
  A3_MESSAGE_TYPE_BASE,
  isSendableMessageType,
  type MessageType,
  messageTypeText,
  PROCEDURE_MESSAGE_TYPE_BASE,
} from './message-type.ts';

/** A message as it travels. */
export interface EncodedMessage {
  /** What kind of message it is, a u32 (a1-wire, message types). */
  readonly type: MessageType;
  /** Belongs to the library until the send has settled, or its time is over where a signal has ended the waiting; nobody may change it. */
  readonly payload: Uint8Array;
}

/**
 * Turns messages into bytes and back. Both ways are synchronous; what they throw, or a promise of theirs, becomes
 * `encode-failure` at the sender, before anything is queued, or `decode-failure` at the receiver, before the handler is
 * called.
 */
export interface MessageCodec<Sent, Received = Sent> {
  /** The bytes of a message. */
  encode(message: Sent): EncodedMessage;
  /** The message of these bytes, which come from a peer: anything may be in them. */
  decode(encoded: EncodedMessage): Received;
  /**
   * True is a promise: what `decode` returns keeps no reference into `encoded.payload`. Without it every payload is
   * copied before `decode` sees it, so that no handler ever holds a piece of a shared receive buffer.
   */
  readonly copies?: boolean;
}

/** Options of the ready-made codecs. */
export interface CodecOptions {
  /**
   * The message type that is sent, and the only one that is decoded: `a3MessageType(0)` by default. Must be one that
   * applications may send, 0x01000000 to 0xfffffeff; anything else is `invalid-config`.
   */
  readonly type?: MessageType;
}

const NAMES: OptionNames<CodecOptions> = { type: true };

/** The message type that a ready-made codec was asked for. */
export function messageTypeOf(options: CodecOptions = {}): MessageType {
  const { type = A3_MESSAGE_TYPE_BASE } = optionsOf('a codec', options, NAMES);
  if (isSendableMessageType(type)) return type;
  const range = `${messageTypeText(A3_MESSAGE_TYPE_BASE)} to ${messageTypeText(PROCEDURE_MESSAGE_TYPE_BASE - 1)}`;
  throw outOfRange('message type of a codec', `an integer, ${range}`, type);
}

/** The payload of a message of the expected type; `decode-failure` for any other type. */
export function payloadOf(encoded: EncodedMessage, expected: MessageType): Uint8Array {
  if (encoded.type === expected) return encoded.payload;
  const found = messageTypeText(encoded.type);
  throw decodeFailure('message-type', `the endpoint takes messages of type ${messageTypeText(expected)}, not ${found}`);
}
