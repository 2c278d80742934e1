//! What travels: a message type and raw bytes, and the numbered payloads by which both sides check each other.
//!
//! A numbered payload is its sequence number (u64, big endian) and then bytes that follow from number and position,
//! so that a receiver can tell a lost, doubled, reordered or damaged message without keeping any payload.
//! interop/numbered-payload.ts is the same in TypeScript.

use aurelia::{AureliaError, EncodedMessage, ErrorId, MessageCodec, MessageType};
use bytes::Bytes;

const NUMBER_BYTES: usize = 8;

#[derive(Clone)]
pub struct Message {
    pub kind: MessageType,
    pub payload: Bytes,
}

/// Hands bytes through; as `undecodable` it refuses every arriving message.
pub struct RawCodec {
    pub undecodable: bool,
}

impl MessageCodec for RawCodec {
    type AppMessage = Message;

    fn encode_app(&self, message: &Message) -> Result<EncodedMessage, AureliaError> {
        Ok(EncodedMessage::new(message.kind, message.payload.clone()))
    }

    fn decode_app(&self, kind: MessageType, payload: &[u8]) -> Result<Message, AureliaError> {
        if self.undecodable {
            return Err(AureliaError::with_message(
                ErrorId::DecodeFailure,
                "undecodable on purpose",
            ));
        }
        Ok(Message {
            kind,
            payload: Bytes::copy_from_slice(payload),
        })
    }
}

/// The numbered payload of `size` bytes; one too short for a number is its first `size` bytes.
pub fn numbered_payload(sequence: u64, size: usize) -> Bytes {
    let number = sequence.to_be_bytes().into_iter();
    let rest = (NUMBER_BYTES..size).map(|position| filler(sequence, position));
    number.chain(rest).take(size).collect()
}

/// The sequence number of a payload, if it is long enough to have one.
pub fn sequence_of(payload: &[u8]) -> Option<u64> {
    let number = payload.get(..NUMBER_BYTES)?;
    number.try_into().ok().map(u64::from_be_bytes)
}

/// True if the bytes behind the number are those that it demands.
pub fn is_intact(sequence: u64, payload: &[u8]) -> bool {
    let mut rest = payload.iter().enumerate().skip(NUMBER_BYTES);
    rest.all(|(position, byte)| *byte == filler(sequence, position))
}

fn filler(sequence: u64, position: usize) -> u8 {
    (sequence as u8).wrapping_add(position as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_payload_tells_its_number_and_damage() {
        let payload = numbered_payload(0x0102, 11);
        assert_eq!(payload.as_ref(), [0, 0, 0, 0, 0, 0, 1, 2, 10, 11, 12]);
        assert_eq!(sequence_of(&payload), Some(0x0102));
        assert!(is_intact(0x0102, &payload));
        let mut damaged = payload.to_vec();
        damaged[10] ^= 1;
        assert!(!is_intact(0x0102, &damaged));
        assert_eq!(sequence_of(&numbered_payload(5, 7)), None);
    }
}
