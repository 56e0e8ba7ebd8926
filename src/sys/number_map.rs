//! Tables by numbers that the kernel hands out: inodes, cookies, process ids.
//!
//! The standard hasher defends against keys that an attacker chooses. Nobody chooses these, and a
//! machine has a hundred thousand of them: one multiplication is enough. Names that programs choose
//! do not belong in here.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table by a number of the kernel's.
pub type NumberMap<K, V> = HashMap<K, V, BuildHasherDefault<NumberHasher>>;

/// Spreads numbers that mostly follow one another.
#[derive(Clone, Copy, Debug, Default)]
pub struct NumberHasher(u64);

/// 2^64 divided by the golden ratio: neighbours land far apart (Knuth, multiplicative hashing).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        // The upper bits are the best mixed; the table uses both ends.
        self.0 = (self.0.rotate_left(5) ^ number)
            .wrapping_mul(SPREAD)
            .rotate_left(26);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::{BuildHasher, BuildHasherDefault};

    #[test]
    fn numbers_that_follow_one_another_are_spread_at_both_ends() {
        let hasher = BuildHasherDefault::<NumberHasher>::default();
        for step in [1_u32, 2, 8, 4096] {
            let hashes: Vec<u64> = (0..1024).map(|at| hasher.hash_one(at * step)).collect();
            // What the table takes for a slot, and what it compares first.
            let low: HashSet<u64> = hashes.iter().map(|hash| hash & 1023).collect();
            let high: HashSet<u64> = hashes.iter().map(|hash| hash >> 57).collect();
            assert!(low.len() > 500, "{step}: {} slots", low.len());
            assert!(high.len() > 100, "{step}: {} tags", high.len());
        }
    }
}
