//! Where a stream of frames is cut: what a server sends to somebody whom it has given up.

use super::connection::{Connection, Stop};
use crate::check::patience::Deadline;
use crate::check::protocol::{Bytes, CutSeen, DeedResult, Outcome};

/// Bytes of a frame's length.
const HEADER: usize = 4;
/// Bytes of a window around a difference, and of it before.
const WINDOW: usize = 48;
const BEFORE: usize = 16;

/// Reads to the end of the stream, and compares: whole frames of `data` in their order, then `then`.
pub(super) fn expect(
    connection: &mut Connection,
    data: &[u8],
    then: &[u8],
    deadline: Deadline,
    outcome: &mut Outcome,
) -> Result<(), Stop> {
    let most = data.len() + then.len() + WINDOW;
    let mut came = Vec::new();
    outcome.due = (data.len() + then.len()) as u64;
    // What is more than all that may come is not waited for.
    let ended = loop {
        match connection.take(&mut came, most) {
            Ok(true) if came.len() >= most => break Ok(()),
            Ok(true) => {}
            Ok(false) => {
                if let Err(stop) = connection.wait(nix::poll::PollFlags::POLLIN, deadline, "recv") {
                    break Err(stop);
                }
            }
            Err(stop) if stop.result == DeedResult::End => break Ok(()),
            Err(stop) => break Err(stop),
        }
    };
    let (seen, result) = compare(&came, data, then);
    outcome.cut = seen;
    let same = came.len().min(right(&came, data, then, seen));
    outcome.same = same as u64;
    let from = same.saturating_sub(BEFORE);
    let window = |bytes: &[u8]| {
        let end = bytes.len().min(from + WINDOW);
        Bytes(bytes.get(from..end).unwrap_or_default().to_vec())
    };
    if result == DeedResult::Mismatch {
        let due = [&data[..border(data, seen.frames)], then].concat();
        outcome.window_at = from as u64;
        outcome.window_due = window(&due);
        outcome.window_received = window(&came);
    }
    match (ended, result) {
        // Wrong bytes are wrong however the stream goes on.
        (_, DeedResult::Mismatch) => Err(Stop::new(DeedResult::Mismatch, "recv")),
        (Err(stop), _) => Err(stop),
        (Ok(()), DeedResult::Done) => Ok(()),
        (Ok(()), other) => Err(Stop::new(other, "recv")),
    }
}

/// Compares what came, whether or not more may come: `End` when all of it is right as far as it goes.
fn compare(came: &[u8], data: &[u8], then: &[u8]) -> (CutSeen, DeedResult) {
    let same = same(came, data);
    let (frames, at) = whole(data, same);
    let all = at == data.len();
    let seen = CutSeen {
        frames,
        inside: (same - at) as u64,
        all,
    };
    // What comes in place of a frame may begin as that frame does.
    let rest = &came[at..];
    if rest == then {
        let seen = CutSeen { inside: 0, ..seen };
        return (seen, DeedResult::Done);
    }
    if then.starts_with(rest) || same == came.len() {
        return (seen, DeedResult::End);
    }
    (seen, DeedResult::Mismatch)
}

/// How many bytes of what came are right.
fn right(came: &[u8], data: &[u8], then: &[u8], seen: CutSeen) -> usize {
    let at = border(data, seen.frames);
    at + same(&came[at..], &data[at..]).max(same(&came[at..], then))
}

fn same(came: &[u8], due: &[u8]) -> usize {
    came.iter().zip(due).take_while(|(a, b)| a == b).count()
}

/// How many whole frames there are in the first so many bytes, and where they end.
fn whole(data: &[u8], bytes: usize) -> (u64, usize) {
    let (mut frames, mut at) = (0, 0);
    while let Some(next) = end_of_frame(data, at).filter(|next| *next <= bytes) {
        frames += 1;
        at = next;
    }
    (frames, at)
}

/// Where so many frames end.
fn border(data: &[u8], frames: u64) -> usize {
    (0..frames).fold(0, |at, _| end_of_frame(data, at).unwrap_or(at))
}

/// Where the frame that begins there ends.
fn end_of_frame(data: &[u8], at: usize) -> Option<usize> {
    let header = data.get(at..at + HEADER)?;
    let length = u32::from_be_bytes(header.try_into().ok()?) as usize;
    Some(at + HEADER + length).filter(|end| *end <= data.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(texts: &[&str]) -> Vec<u8> {
        let frame = |text: &&str| {
            let length = (text.len() as u32).to_be_bytes();
            [&length, text.as_bytes()].concat()
        };
        texts.iter().flat_map(frame).collect()
    }

    fn seen(frames: u64, inside: u64, all: bool) -> CutSeen {
        CutSeen {
            frames,
            inside,
            all,
        }
    }

    #[test]
    fn frames_may_be_cut_at_every_border_and_nowhere_else() {
        let data = frames(&["one", "two", "three"]);
        let then = frames(&["LAG"]);
        for many in 0..=3 {
            let came = [&data[..border(&data, many)], &then].concat();
            let told = compare(&came, &data, &then);
            assert_eq!(told, (seen(many, 0, many == 3), DeedResult::Done));
        }
        let came = [&data[..12], &then[..]].concat();
        assert_eq!(
            compare(&came, &data, &then),
            (seen(1, 5, false), DeedResult::Mismatch)
        );
    }

    #[test]
    fn what_stops_is_an_end_and_what_is_left_out_is_a_mismatch() {
        let data = frames(&["one", "two", "three"]);
        let then = frames(&["LAG"]);
        assert_eq!(
            compare(&data[..9], &data, &then),
            (seen(1, 2, false), DeedResult::End)
        );
        assert_eq!(compare(&[], &data, &then).1, DeedResult::End);
        let came = [&data[..7], &data[14..]].concat();
        assert_eq!(compare(&came, &data, &then).1, DeedResult::Mismatch);
        let behind = [&then[..], b"x"].concat();
        assert_eq!(compare(&behind, &data, &then).1, DeedResult::Mismatch);
    }
}
