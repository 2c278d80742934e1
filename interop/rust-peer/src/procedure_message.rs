//! The messages of procedures (docs/protocol/procedures.md): a head, and at most one item of the application behind it.

use bytes::Bytes;
use ciborium::Value as Item;

pub const CALL: u32 = 0xFFFF_FF00;
pub const ANSWER: u32 = 0xFFFF_FF01;
pub const FAILURE: u32 = 0xFFFF_FF02;
pub const ITEMS: u32 = 0xFFFF_FF03;
pub const END: u32 = 0xFFFF_FF04;
pub const CANCEL: u32 = 0xFFFF_FF05;
pub const CREDIT: u32 = 0xFFFF_FF06;

/// A message taken apart.
pub struct Parts {
    pub head: Vec<Item>,
    pub item: Option<Item>,
    /// Bytes behind the head: what items cost in credit.
    pub cost: u64,
}

impl Parts {
    /// None for what is no message of a procedure.
    pub fn of(payload: &[u8]) -> Option<Parts> {
        let mut rest = payload;
        let Ok(Item::Array(head)) = ciborium::from_reader(&mut rest) else {
            return None;
        };
        let cost = rest.len() as u64;
        let item = match rest.is_empty() {
            true => None,
            false => Some(ciborium::from_reader(rest).ok()?),
        };
        Some(Parts { head, item, cost })
    }

    pub fn uint(&self, at: usize) -> Option<u64> {
        u64::try_from(self.head.get(at)?.as_integer()?).ok()
    }

    pub fn text(&self, at: usize) -> Option<&str> {
        self.head.get(at)?.as_text()
    }

    /// A taberna id in 8 bytes; None where null stands.
    pub fn taberna(&self, at: usize) -> Option<u64> {
        let bytes = self.head.get(at)?.as_bytes()?;
        bytes.as_slice().try_into().ok().map(u64::from_be_bytes)
    }
}

/// The payload of a message.
pub fn payload(head: Vec<Item>, item: Option<Item>) -> Bytes {
    let mut bytes = Vec::new();
    write(&mut bytes, &Item::Array(head));
    if let Some(item) = item {
        write(&mut bytes, &item);
    }
    bytes.into()
}

/// Bytes of an item.
pub fn length_of(item: &Item) -> u64 {
    let mut bytes = Vec::new();
    write(&mut bytes, item);
    bytes.len() as u64
}

/// A number of either kind, of an item or of a field of a map.
pub fn number(item: Option<&Item>) -> Option<f64> {
    match item? {
        Item::Integer(whole) => Some(i128::from(*whole) as f64),
        Item::Float(float) => Some(*float),
        _ => None,
    }
}

/// A field of a map.
pub fn field<'a>(item: Option<&'a Item>, name: &str) -> Option<&'a Item> {
    let entries = item?.as_map()?;
    entries
        .iter()
        .find(|(key, _)| key.as_text() == Some(name))
        .map(|(_, value)| value)
}

/// A number as the shortest item that means it.
pub fn item_of(number: f64) -> Item {
    match number.fract() == 0.0 && number.abs() < 9e15 {
        true => Item::Integer((number as i64).into()),
        false => Item::Float(number),
    }
}

fn write(bytes: &mut Vec<u8>, item: &Item) {
    ciborium::into_writer(item, bytes).expect("a Vec takes all bytes");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_apart_as_they_were_put_together() {
        let input = Item::Map(vec![("a".into(), item_of(1.0)), ("b".into(), item_of(0.5))]);
        let head = vec![7.into(), "sums/v1/add".into(), Item::Bytes(1u64.to_be_bytes().to_vec())];
        let parts = Parts::of(&payload(head, Some(input))).unwrap();
        assert_eq!(
            (parts.uint(0), parts.text(1), parts.taberna(2)),
            (Some(7), Some("sums/v1/add"), Some(1))
        );
        assert_eq!(number(field(parts.item.as_ref(), "a")), Some(1.0));
        assert_eq!(number(field(parts.item.as_ref(), "b")), Some(0.5));
        assert_eq!(parts.cost, length_of(parts.item.as_ref().unwrap()));
    }

    #[test]
    fn what_is_no_message_does_not_come_apart() {
        assert!(Parts::of(&[]).is_none());
        assert!(Parts::of(&[0x07]).is_none());
        assert!(Parts::of(&[0x81, 0x07, 0x82]).is_none());
        assert!(Parts::of(&[0x81, 0x07]).unwrap().item.is_none());
    }
}
