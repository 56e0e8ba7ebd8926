//! A program that plays the kernel, in words: what it was asked, what Linux answers, what it answers.

use super::count;
use super::state::whereabouts;
use crate::check::observation::Observation;
use crate::check::verdict::Shown;
use crate::differential::examine::Examination;
use crate::differential::topic::Topic;

/// What the checker does.
pub(super) fn did(examination: &Examination) -> String {
    match examination {
        Examination::Topic { topic, seed, calls } => {
            let known = Topic::ALL.iter().find(|(_, known)| known == topic);
            format!(
                "makes up {} about {}, from seed {seed}, has Linux make each of them, and asks the program",
                count(*calls, "call"),
                known.map_or("anything", |(name, _)| name)
            )
        }
        Examination::Script(_) => {
            "has processes of Linux make the calls of a script, and asks the program".to_owned()
        }
    }
}

/// What Linux answers to the last call.
pub(super) fn expected(seen: &Observation) -> Shown {
    let kernel = &seen.kernel;
    let words = match kernel.calls.is_empty() {
        true => "the answers of Linux".to_owned(),
        false => format!("Linux answers `{}` to the last of these:", kernel.linux),
    };
    Shown {
        words,
        lines: counted(&kernel.calls),
        ..Shown::default()
    }
}

/// Calls, those that are made over and over once.
fn counted(calls: &[String]) -> Vec<String> {
    let runs = calls.chunk_by(|one, next| one == next);
    let told = runs.map(|run| match run.len() {
        1 => run[0].clone(),
        times => format!("{}  ({times} times)", run[0]),
    });
    told.collect()
}

/// That it answers nothing.
pub(super) fn silent(seen: &Observation) -> String {
    match (seen.kernel.calls.last(), seen.outcome) {
        (None, _) => format!(
            "not all was asked in {:.1} s; {}",
            seen.instance.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        (Some(call), "end") => {
            format!("no answer to `{call}`: the program closed its output or ended")
        }
        (Some(call), _) => format!("no answer to `{call}`; {}", whereabouts(seen)),
    }
}
