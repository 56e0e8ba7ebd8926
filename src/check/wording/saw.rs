//! What was seen in place of what had to be, in words.

use super::state::{ending, not_ready, whereabouts};
use super::{children, count, kernel, listing, messages, size};
use crate::check::observation::Observation;
use crate::check::protocol::Outcome;
use crate::check::verdict::Shown;
use crate::untrusted::Untrusted;

/// What was seen instead.
pub fn saw(seen: &Observation, outcome: Option<&Outcome>) -> Shown {
    let program = &seen.instance;
    let words = match seen.outcome {
        "timeout" if seen.step == "connect" => {
            "connect waited and was not let in: the queue of the listener stayed full".to_owned()
        }
        "timeout" | "end" if seen.step.starts_with("compare-") => kernel::silent(seen),
        "timeout" if seen.step == "accept" => format!(
            "no connection in {:.1} s; {}",
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "busy" => format!(
            "it went on using the CPU for {:.1} s",
            program.waited_ms as f64 / 1000.0
        ),
        "not-asleep" => format!(
            "it did not come to rest in {:.1} s",
            program.waited_ms as f64 / 1000.0
        ),
        "too-much-memory" => format!(
            "it grew by {}, to {}",
            size(seen.memory.growth),
            size(seen.memory.peak)
        ),
        "room-left" => format!(
            "{} unread, {} of {} of the queue's memory used",
            count(seen.queue.bytes, "byte"),
            seen.queue.memory,
            seen.queue.limit
        ),
        "end" if seen.step == "expect-full-queue" => format!(
            "{} unread, and the connection was closed behind them",
            count(seen.queue.bytes, "byte")
        ),
        "timeout" if seen.step == "expect-end" => format!(
            "no end in {:.1} s; {}",
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "timeout" if matches!(seen.step.as_str(), "send" | "send-descriptors") => format!(
            "after {} nothing more went through for {:.1} s; {}",
            count(seen.sent, "byte"),
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "timeout" if seen.step == "ask-until" && seen.asked.times > seen.asked.refused => format!(
            "no reply to number {} in {:.1} s; {}",
            seen.asked.times,
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "timeout" if seen.step == "ask-until" => format!(
            "{} in {:.1} s, each of them refused",
            count(seen.asked.times, "request"),
            program.waited_ms as f64 / 1000.0
        ),
        "timeout" if seen.step == "drip" => format!(
            "all {} were sent in {:.1} s, and nothing came; {}",
            count(seen.expected, "byte"),
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "timeout" if seen.step == "expect-cut" => format!(
            "{} in {:.1} s, and neither an end nor anything else; {}",
            count(seen.cut.frames, "whole frame"),
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "end" if seen.step == "expect-cut" && seen.cut.inside > 0 => format!(
            "the end of the stream after {} and {} of the next",
            count(seen.cut.frames, "whole frame"),
            count(seen.cut.inside, "byte")
        ),
        "end" if seen.step == "expect-cut" => format!(
            "the end of the stream after {}",
            count(seen.cut.frames, "whole frame")
        ),
        "mismatch" if seen.step == "expect-cut" && seen.cut.inside > 0 => format!(
            "after {} and {} of the next, other bytes",
            count(seen.cut.frames, "whole frame"),
            count(seen.cut.inside, "byte")
        ),
        "mismatch" if seen.step == "expect-cut" => format!(
            "after {}, other bytes",
            count(seen.cut.frames, "whole frame")
        ),
        "woken" => format!(
            "{} of {} had been awake",
            seen.wakeups.woke,
            count(seen.wakeups.threads, "thread")
        ),
        "timeout" if seen.step == "expect-entry" => format!(
            "no datagram in {:.1} s; {}",
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "timeout" if seen.step == "expect-message" => format!(
            "no message in {:.1} s; {}",
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "timeout" => format!(
            "{} of {} in {:.1} s, then nothing more; {}",
            seen.same,
            count(seen.expected, "byte"),
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "end" => format!(
            "the end of the stream after {} of {}",
            seen.same,
            count(seen.expected, "byte")
        ),
        "reset" => format!("{} failed with ECONNRESET", seen.call),
        "mismatch" => format!("after {}, other bytes", count(seen.same, "right byte")),
        "extra" => format!(
            "after {}, bytes that nobody sent",
            count(seen.same, "right byte")
        ),
        "other-sender" | "other-descriptors" => messages::message_came(seen),
        "other-descriptor" => messages::descriptor_came(seen),
        "other-children" => children::found(&seen.children),
        "entry-malformed" | "field-missing" | "field-different" | "field-there" => {
            return messages::entry_came(seen);
        }
        "other-answer" => format!("the program answers `{}`", seen.kernel.program),
        "other-file" | "other-mode" => messages::file_found(seen),
        "errno" => format!("{} failed with {}", seen.call, seen.errno),
        "leftovers" => seen.leftovers.join("; "),
        "exited" => format!("the program {}", ending(seen)),
        "limit" => format!(
            "the program used {}: it was ended for that",
            seen.limit.words
        ),
        "stopped" => "the program is stopped: it neither runs nor waits".to_owned(),
        "not-ready" => not_ready(seen),
        "still-running" => {
            format!(
                "it still ran after {:.1} s",
                program.waited_ms as f64 / 1000.0
            )
        }
        "wrong-status" => format!("it {}", ending(seen)),
        "wrong-message" if program.stderr.is_empty() => {
            format!("it {}, and nothing is on standard error", ending(seen))
        }
        "wrong-message" => format!("it {}, and standard error has other words", ending(seen)),
        "line-missing" if seen.line.lines == 0 => "no line at all".to_owned(),
        "line-missing" | "line-different" => {
            return Shown {
                words: format!("{}, the last being", count(seen.line.lines as u64, "line")),
                bytes: Some(seen.line.got.clone()),
                caret: Some(common_prefix(&seen.line.wanted, &seen.line.got)),
                lines: Vec::new(),
            };
        }
        "line-there" => {
            return Shown {
                words: "there is one".to_owned(),
                bytes: Some(seen.line.got.clone()),
                caret: None,
                lines: Vec::new(),
            };
        }
        "listed" | "listed-otherwise" | "not-listed" => return listing::saw(seen),
        "wrong-server" => "another process answers".to_owned(),
        "leaked" => format!(
            "{} open, with {} of ours open",
            count(program.descriptors as u64, "descriptor"),
            count(program.connections_open as u64, "connection")
        ),
        "not-close-on-exec" => "the descriptor is open without close-on-exec".to_owned(),
        other => other.to_owned(),
    };
    let window = outcome
        .map(|outcome| &outcome.window_received)
        .filter(|window| !window.0.is_empty());
    let Some((received, outcome)) = window.zip(outcome) else {
        return Shown {
            words,
            bytes: None,
            caret: None,
            lines: Vec::new(),
        };
    };
    // The windows begin at the same byte; what is before the difference is the same in both.
    let same = received
        .0
        .iter()
        .zip(&outcome.window_due.0)
        .take_while(|(a, b)| a == b)
        .count();
    let before = Untrusted::new(received.0[..same].to_vec()).to_string();
    Shown {
        words,
        bytes: Some(Untrusted::from(received).to_string()),
        caret: Some(before.chars().count()),
        lines: Vec::new(),
    }
}

pub(super) fn common_prefix(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}
