/**
 * Message types: the u32 of a frame that says which layer a message belongs to, and so how urgent it is
 * (a1-wire, message types).
 */
import { outOfRange } from '@flaminia/transport-a0';

/**
 * The type of a message, an unsigned 32-bit integer. Applications use the A3 range, best through
 * {@link a3MessageType}.
 */
export type MessageType = number;

/** The layer that a message type belongs to; a1 leaves before a2, a2 before a3. */
export type MessagePriorityClass = 'a1' | 'a2' | 'a3';

/** The last type of the transport's own frames (hello, ack and so on). */
export const A1_MESSAGE_TYPE_MAX: MessageType = 0x0000_ffff;
/** The first type of the services layer. */
export const A2_MESSAGE_TYPE_BASE: MessageType = 0x0001_0000;
/** The last type of the services layer. */
export const A2_MESSAGE_TYPE_MAX: MessageType = 0x00ff_ffff;
/** The first type of applications, which is `a3MessageType(0)`. */
export const A3_MESSAGE_TYPE_BASE: MessageType = 0x0100_0000;
/** The largest offset that {@link a3MessageType} takes. */
export const A3_MESSAGE_TYPE_MAX_OFFSET: number = 0xffff_ffff - A3_MESSAGE_TYPE_BASE;
/** The first type kept for procedures: from here to `0xFFFF_FFFF` an application's `send` is refused (a2-services). */
export const PROCEDURE_MESSAGE_TYPE_BASE: MessageType = 0xffff_ff00;

/**
 * The application message type `0x0100_0000 + offset`.
 *
 * @param offset an integer, 0 to {@link A3_MESSAGE_TYPE_MAX_OFFSET}; anything else is `invalid-config`. The last 256
 *   are kept for procedures: the type can be made, but not sent.
 */
export function a3MessageType(offset: number): MessageType {
  const type = tryA3MessageType(offset);
  if (type === undefined) {
    throw outOfRange('message type offset', `an integer, 0 to ${A3_MESSAGE_TYPE_MAX_OFFSET}`, offset);
  }
  return type;
}

/** As {@link a3MessageType}, for an offset that is not trusted: undefined where that throws. */
export function tryA3MessageType(offset: number): MessageType | undefined {
  if (!Number.isInteger(offset) || offset < 0 || offset > A3_MESSAGE_TYPE_MAX_OFFSET) return undefined;
  return A3_MESSAGE_TYPE_BASE + offset;
}

/** The layer of a message type. The type must be an unsigned 32-bit integer; this is not checked. */
export function classifyMessagePriority(type: MessageType): MessagePriorityClass {
  if (type <= A1_MESSAGE_TYPE_MAX) return 'a1';
  return type <= A2_MESSAGE_TYPE_MAX ? 'a2' : 'a3';
}

/** True for a type that an application may send: an integer of the A3 range below the part kept for procedures. */
export function isSendableMessageType(type: MessageType): boolean {
  return Number.isInteger(type) && type >= A3_MESSAGE_TYPE_BASE && type < PROCEDURE_MESSAGE_TYPE_BASE;
}

/** A message type as it stands in texts and logs: `0x01000007`. */
export function messageTypeText(type: MessageType): string {
  return `0x${type.toString(16).padStart(8, '0')}`;
}
