//! Numbers and orders that a seed and a name give every time. Stable across releases, so that what
//! was drawn once can be drawn again; not secret.

/// A sequence of numbers.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of a seed and a name.
    pub fn new(seed: u64, name: &str) -> Self {
        // FNV-1a over both.
        let bytes = seed.to_le_bytes().into_iter().chain(name.bytes());
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, fnv))
    }

    /// The next number, from 0 on and less than `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }

    /// Puts a list in another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            list.swap(last, other);
        }
    }

    /// So many indices in some order.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        self.shuffle(&mut order);
        order
    }
}

/// So many indices in the order that a name alone gives.
pub fn order(name: &str, count: usize) -> Vec<usize> {
    // FNV-1a over the name, then xorshift: to be stable across releases, not to be random.
    let mut state = name.bytes().fold(0xcbf2_9ce4_8422_2325, fnv) | 1;
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(last, ((state >> 33) % (last as u64 + 1)) as usize);
    }
    order
}

fn fnv(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_there_once_and_the_first_is_not_always_first() {
        let mut firsts = [0; 3];
        for number in 0..300 {
            let shown = order(&format!("item-{number}"), 3);
            let mut sorted = shown.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2]);
            firsts[shown[0]] += 1;
        }
        assert!(firsts.iter().all(|&count| count > 50), "{firsts:?}");
    }

    #[test]
    fn the_order_of_a_name_never_changes() {
        assert_eq!(order("bytes-1/option", 4), [2, 3, 1, 0]);
        assert!(order("", 0).is_empty());
    }

    #[test]
    fn a_seed_and_a_name_give_the_same_numbers_and_another_seed_others() {
        let drawn = |seed, name| {
            let mut dice = Dice::new(seed, name);
            (0..8).map(|_| dice.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(7, "t"), drawn(7, "t"));
        assert_ne!(drawn(7, "t"), drawn(8, "t"));
        assert_ne!(drawn(7, "t"), drawn(7, "u"));
    }
}
