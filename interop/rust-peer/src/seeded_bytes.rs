//! The bytes of blobs: they follow from a number, so that both sides know them without sending them twice.
//!
//! A block of pseudo-random bytes repeats. Its length is a prime, so that no two chunks within many gigabytes are alike
//! and chunks in a wrong order change the hash. interop/seeded-bytes.ts is the same in TypeScript.

/// Bytes until the content repeats.
const BLOCK_BYTES: usize = 1_048_573;

pub struct SeededBytes {
    block: Vec<u8>,
}

impl SeededBytes {
    pub fn new(seed: u32) -> Self {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        let next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        };
        SeededBytes {
            block: std::iter::repeat_with(next).take(BLOCK_BYTES).collect(),
        }
    }

    /// At most `most` bytes from a position on; fewer where the block ends.
    pub fn piece(&self, position: u64, most: usize) -> &[u8] {
        let start = (position % BLOCK_BYTES as u64) as usize;
        &self.block[start..BLOCK_BYTES.min(start + most)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_repeats_behind_its_block() {
        let bytes = SeededBytes::new(7);
        assert_eq!(bytes.piece(0, 4), [40, 152, 176, 167]);
        assert_eq!(bytes.piece(BLOCK_BYTES as u64 - 2, 10).len(), 2);
        assert_eq!(bytes.piece(BLOCK_BYTES as u64 * 5, 4), bytes.piece(0, 4));
    }
}
