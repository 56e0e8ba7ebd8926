//! Bytes to send, drawn from a seed so that a check can be repeated to the byte.

use crate::curriculum::scenario::{Drawn, Payload};

/// The bytes of a payload. The same `seed` and `place` (which payload of the stage it is) give the
/// same bytes, in every process and every run.
pub fn bytes(payload: &Payload, seed: u64, place: u64) -> Vec<u8> {
    let inner = |payload: &Payload| bytes(payload, seed, place);
    let drawn_place = |drawn: &Drawn| drawn.id.as_deref().map_or(place, place_of);
    match payload {
        Payload::Text(text) => text.as_bytes().to_vec(),
        Payload::Hex(bytes) => bytes.clone(),
        // The grader has put the digits in its place.
        Payload::Uid(_) => Vec::new(),
        Payload::Random(drawn) => random(drawn.bytes as usize, seed, drawn_place(drawn)),
        Payload::Letters(drawn) => random(drawn.bytes as usize, seed, drawn_place(drawn))
            .into_iter()
            .map(|byte| LETTERS[usize::from(byte) % LETTERS.len()])
            .collect(),
        Payload::Reversed(of) => {
            let mut bytes = inner(of);
            bytes.reverse();
            bytes
        }
        Payload::Upper(of) => inner(of).to_ascii_uppercase(),
        Payload::Frame(of) => {
            let bytes = inner(of);
            let length = bytes.len() as u32;
            [&length.to_be_bytes(), bytes.as_slice()].concat()
        }
        // Parts without an id are different bytes, whatever their place.
        Payload::Join(parts) => (1..)
            .zip(parts)
            .flat_map(|(at, part)| bytes(part, seed, place.wrapping_mul(1031).wrapping_add(at)))
            .collect(),
        Payload::Repeat { of, times } => inner(of).repeat(*times as usize),
        Payload::Part {
            of,
            from,
            bytes: most,
        } => {
            let all = inner(of).into_iter();
            all.skip(*from as usize).take(*most as usize).collect()
        }
    }
}

const LETTERS: &[u8; 52] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The place of all payloads with an id: the same in every step (FNV-1a), and far from the numbers
/// of those without.
fn place_of(id: &str) -> u64 {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash | 1 << 63
}

/// Random bytes. From 256 on every value occurs: the first 256 are a shuffle of all of them, with
/// the NUL neither first nor last, so that a program which stops at it has echoed something.
fn random(length: usize, seed: u64, place: u64) -> Vec<u8> {
    let mut generator = Generator(seed ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut out = Vec::with_capacity(length.next_multiple_of(8));
    if length >= 256 {
        let mut all: Vec<u8> = (0..=255).collect();
        for i in (1..all.len()).rev() {
            all.swap(i, (generator.next() % (i as u64 + 1)) as usize);
        }
        let nul = all.iter().position(|&byte| byte == 0).unwrap_or(0);
        if nul == 0 || nul == 255 {
            all.swap(nul, 128);
        }
        out.extend(all);
    }
    while out.len() < length {
        out.extend_from_slice(&generator.next().to_le_bytes());
    }
    out.truncate(length);
    out
}

/// SplitMix64 (Steele, Lea and Flood, 2014): small, fast, and good enough for test bytes.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A seed for a check that was given none: from the clock, which is all it takes.
pub fn fresh_seed() -> u64 {
    Generator(crate::sys::clock::now_us() ^ (u64::from(std::process::id()) << 40)).next() >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_bytes_and_another_does_not() {
        let payload = Payload::random(1000);
        assert_eq!(bytes(&payload, 7, 1), bytes(&payload, 7, 1));
        assert_ne!(bytes(&payload, 7, 1), bytes(&payload, 8, 1));
        assert_ne!(bytes(&payload, 7, 1), bytes(&payload, 7, 2));
    }

    #[test]
    fn an_id_means_the_same_bytes_at_every_place() {
        let drawn = |bytes| Drawn {
            bytes,
            id: Some("request".to_owned()),
        };
        let request = Payload::Random(drawn(50));
        let reversed = Payload::Reversed(Box::new(request.clone()));
        let mut expected = bytes(&request, 7, 1);
        expected.reverse();
        assert_eq!(bytes(&reversed, 7, 2), expected);
    }

    #[test]
    fn a_frame_is_its_length_and_its_bytes() {
        let frame = Payload::Frame(Box::new(Payload::Text("hello".to_owned())));
        let upper = Payload::Upper(Box::new(frame.clone()));
        assert_eq!(bytes(&frame, 0, 0), b"\0\0\0\x05hello");
        assert_eq!(bytes(&upper, 0, 0), b"\0\0\0\x05HELLO");
        assert_eq!(frame.length(), 9);
        let twice = Payload::Join(vec![Payload::random(8), Payload::random(8)]);
        let drawn = bytes(&twice, 3, 1);
        assert_ne!(drawn[..8], drawn[8..]);
    }

    #[test]
    fn every_byte_value_occurs_and_the_nul_is_neither_first_nor_last() {
        for seed in 0..200 {
            let drawn = bytes(&Payload::random(256), seed, 0);
            let mut sorted = drawn.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..=255).collect::<Vec<u8>>());
            assert!(drawn[0] != 0 && drawn[255] != 0);
        }
    }
}
