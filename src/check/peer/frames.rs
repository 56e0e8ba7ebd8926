//! A filter of length-prefixed frames, right or with one fault: what a learner's tests are tried
//! on. Bytes in, bytes out; sockets are [`super::subject`]'s.
//!
//! A frame is its payload's length as four bytes, most significant first, and the payload, at most
//! 65536 bytes. It is answered by the same frame with ASCII letters in upper case. The filter is
//! given what *one read* returned, however much that is: faults of a reader who takes one read for
//! one message depend on nothing but that. What a program sends with one call of some kilobytes is
//! one read; and when an answer has come, the bytes before it have been read. So each fault can be
//! brought about without looking at a clock.

use crate::curriculum::scenario::FrameFault;

/// The longest payload.
const LARGEST: u32 = 65536;
/// Bytes of a header.
const HEADER: usize = 4;
/// Even a filter that accepts what is too long takes no more than this: its memory is ours.
const MOST_OVERSIZE: u32 = 16 << 20;
/// A payload up to this size is read with one call by a filter that has this fault, a larger one is
/// not: in which pieces a large one arrives is the kernel's choice, and must not decide.
const ONE_READ: u32 = 4096;

/// A filter in the middle of its stream.
#[derive(Debug)]
pub(super) struct FrameFilter {
    fault: FrameFault,
    pending: Vec<u8>,
    over: bool,
    /// Frames taken since they were counted last.
    taken: u64,
}

/// What the next bytes are.
enum Next {
    /// Not enough of them to tell.
    More,
    /// A frame: its bytes on the wire, and how many of them are payload that is there.
    Frame { payload: usize },
    /// No frame; the filter ends.
    Refused,
}

impl FrameFilter {
    pub(super) fn new(fault: FrameFault) -> Self {
        Self {
            fault,
            pending: Vec::new(),
            over: false,
            taken: 0,
        }
    }

    /// How many frames it has taken since this was asked last.
    pub(super) fn take_count(&mut self) -> u64 {
        std::mem::take(&mut self.taken)
    }

    /// Whether it has ended by itself.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Takes what one read returned; returns what is answered to it.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut answers: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        if !self.over {
            self.pending.extend(bytes);
        }
        while !self.over {
            match self.next() {
                Next::More => break,
                Next::Refused => self.over = true,
                Next::Frame { payload } => {
                    let header = self.pending[..HEADER].to_vec();
                    let rest = self.pending.split_off(HEADER + payload);
                    let payload = self.pending.split_off(HEADER);
                    self.pending = rest;
                    self.taken += 1;
                    answers.push(self.answer(&header, &payload));
                    if self.fault == FrameFault::DropsReadAhead {
                        self.pending.clear();
                    }
                }
            }
        }
        if self.fault == FrameFault::Interleaves {
            return interleaved(&answers);
        }
        let parts = answers
            .into_iter()
            .flat_map(|(header, payload)| [header, payload]);
        parts.flatten().collect()
    }

    /// Takes the end of the stream; returns what is answered to it.
    pub(super) fn end(&mut self) -> Vec<u8> {
        if std::mem::replace(&mut self.over, true) {
            return Vec::new();
        }
        let pending = std::mem::take(&mut self.pending);
        let (header, payload) = pending.split_at(pending.len().min(HEADER));
        let accepted = match self.fault {
            FrameFault::ShortPayloadAccepted => header.len() == HEADER,
            FrameFault::ShortHeaderAccepted => !header.is_empty() && header.len() < HEADER,
            _ => false,
        };
        if !accepted {
            return Vec::new();
        }
        let (header, payload) = self.answer(header, payload);
        [header, payload].concat()
    }

    fn next(&self) -> Next {
        let Some((header, rest)) = self.pending.split_first_chunk::<HEADER>() else {
            let cut = !self.pending.is_empty() && self.fault == FrameFault::OneReadHeader;
            return if cut { Next::Refused } else { Next::More };
        };
        let length = match self.fault {
            FrameFault::HostOrder => u32::from_le_bytes(*header),
            FrameFault::SixteenBitLength => u32::from_be_bytes(*header) & 0xffff,
            // A negative number of bytes is read in no time.
            FrameFault::SignedLength if header[0] >= 0x80 => 0,
            _ => u32::from_be_bytes(*header),
        };
        let most = match self.fault {
            FrameFault::AcceptsOversize => MOST_OVERSIZE,
            FrameFault::RefusesLargest => LARGEST - 1,
            _ => LARGEST,
        };
        if length > most || length == 0 && self.fault == FrameFault::StopsAtEmpty {
            return Next::Refused;
        }
        let there = rest.len();
        if there >= length as usize {
            return Next::Frame {
                payload: length as usize,
            };
        }
        let one_read = self.fault == FrameFault::OneReadPayload && length <= ONE_READ;
        if one_read && there > 0 {
            return Next::Frame { payload: there };
        }
        Next::More
    }

    /// Header and payload of an answer.
    fn answer(&self, header: &[u8], payload: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let payload: Vec<u8> = match self.fault {
            FrameFault::NoUpper => payload.to_vec(),
            FrameFault::ClearsBitFive => payload.iter().map(|byte| byte & !0x20).collect(),
            FrameFault::StopsAtNul => {
                let text = payload.split(|byte| *byte == 0).next().unwrap_or_default();
                text.to_ascii_uppercase()
            }
            _ => payload.to_ascii_uppercase(),
        };
        let length = payload.len() as u32;
        let header = match self.fault {
            FrameFault::HostOrder => length.to_le_bytes().to_vec(),
            FrameFault::LengthCountsHeader => (length + HEADER as u32).to_be_bytes().to_vec(),
            FrameFault::SignedLength if header[0] >= 0x80 => header.to_vec(),
            _ => length.to_be_bytes().to_vec(),
        };
        (header, payload)
    }
}

/// Two frames at a time as two threads without a lock may write them: header, header, payload,
/// payload.
fn interleaved(answers: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for pair in answers.chunks(2) {
        bytes.extend(pair.iter().flat_map(|(header, _)| header));
        bytes.extend(pair.iter().flat_map(|(_, payload)| payload));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{FrameFault, FrameFilter};

    fn frame(payload: &[u8]) -> Vec<u8> {
        [&(payload.len() as u32).to_be_bytes()[..], payload].concat()
    }

    /// What a filter answers to these reads and the end of the stream, and whether it had ended
    /// before.
    fn answers(fault: FrameFault, reads: &[Vec<u8>]) -> (Vec<u8>, bool) {
        let mut filter = FrameFilter::new(fault);
        let mut all: Vec<u8> = reads.iter().flat_map(|read| filter.read(read)).collect();
        let over = filter.is_over();
        all.extend(filter.end());
        (all, over)
    }

    #[test]
    fn a_right_filter_answers_the_same_in_whatever_pieces_frames_come() {
        let said = [
            frame(b"one \xe4{"),
            frame(b""),
            frame(&[b'z'; 65536]),
            frame(b"\0two"),
        ]
        .concat();
        let due = [
            frame(b"ONE \xe4{"),
            frame(b""),
            frame(&[b'Z'; 65536]),
            frame(b"\0TWO"),
        ]
        .concat();
        for piece in [1, 2, 3, 5, 7, 4096, 65540, said.len()] {
            let reads: Vec<Vec<u8>> = said.chunks(piece).map(<[u8]>::to_vec).collect();
            assert_eq!(
                answers(FrameFault::None, &reads),
                (due.clone(), false),
                "{piece}"
            );
        }
    }

    #[test]
    fn a_right_filter_refuses_what_is_too_long_and_ends_without_an_answer_inside_a_frame() {
        for length in [65537_u32, 0x8000_0001, 0xffff_ffff] {
            let reads = [[frame(b"a"), length.to_be_bytes().to_vec()].concat()];
            assert_eq!(
                answers(FrameFault::None, &reads),
                (frame(b"A"), true),
                "{length}"
            );
        }
        for cut in 1..9 {
            let reads = [frame(b"hello")[..cut].to_vec()];
            assert_eq!(
                answers(FrameFault::None, &reads),
                (Vec::new(), false),
                "{cut}"
            );
        }
    }

    /// For each fault, the reads that show it.
    #[test]
    fn every_fault_is_visible_in_what_is_answered() {
        use FrameFault as F;
        let two = [frame(b"one"), frame(b"three")].concat();
        let cut = |at: usize| vec![two[..at].to_vec(), two[at..].to_vec()];
        let largest = vec![frame(&[b'z'; 65536])];
        let shown: &[(F, Vec<Vec<u8>>)] = &[
            (F::NoUpper, vec![frame(b"a")]),
            (F::ClearsBitFive, vec![frame(b"1{")]),
            (F::HostOrder, vec![frame(b"a")]),
            (F::LengthCountsHeader, vec![frame(b"a")]),
            (F::StopsAtNul, vec![frame(b"a\0b")]),
            (F::OneReadHeader, cut(9)),
            (F::OneReadPayload, cut(13)),
            (F::DropsReadAhead, vec![two.clone()]),
            (F::Interleaves, vec![two.clone()]),
            (F::StopsAtEmpty, vec![frame(b"")]),
            (F::RefusesLargest, largest.clone()),
            (F::SixteenBitLength, largest),
            (F::AcceptsOversize, vec![frame(&[b'z'; 65537])]),
            (F::SignedLength, vec![b"\x80\0\0\x01".to_vec()]),
            (F::ShortPayloadAccepted, vec![frame(b"hello")[..7].to_vec()]),
            (F::ShortHeaderAccepted, vec![vec![0, 0]]),
        ];
        for (fault, reads) in shown {
            assert_ne!(
                answers(*fault, reads).0,
                answers(F::None, reads).0,
                "{fault:?}"
            );
        }
        let named: Vec<F> = shown.iter().map(|(fault, _)| *fault).collect();
        for (word, fault) in FrameFault::WORDS {
            assert!(
                *fault == F::None || named.contains(fault),
                "{word} is not shown"
            );
        }
    }

    /// A fault that an ordinary frame shows would hide what the others are about.
    #[test]
    fn faults_of_pieces_and_limits_are_invisible_to_one_friendly_frame() {
        use FrameFault as F;
        let everywhere = [
            F::NoUpper,
            F::ClearsBitFive,
            F::HostOrder,
            F::LengthCountsHeader,
        ];
        let friendly = [frame(b"Hello, filter.")];
        for (word, fault) in FrameFault::WORDS {
            let same = answers(*fault, &friendly) == answers(F::None, &friendly);
            assert_eq!(same, !everywhere.contains(fault), "{word}");
        }
    }

    #[test]
    fn a_large_frame_that_the_kernel_cuts_does_not_show_a_reader_of_one_payload() {
        let large = frame(&[b'z'; 65536]);
        let reads: Vec<Vec<u8>> = large.chunks(30_000).map(<[u8]>::to_vec).collect();
        let right = answers(FrameFault::None, &reads);
        assert_eq!(answers(FrameFault::OneReadPayload, &reads), right);
    }
}
