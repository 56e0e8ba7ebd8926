//! Reading `compare-calls` and `compare-script`: which calls a program that plays the kernel is asked.
//! What comes of it is [`crate::differential`]'s.

use super::Action;
use crate::curriculum::reader::Reader;
use crate::differential::examine::Examination;
use crate::differential::topic::Topic;
use crate::model::script::Script;

/// The most calls of one step.
const MOST: i64 = 1_000_000;

/// Calls by chance.
pub(super) fn calls(connection: String, table: &mut Reader<'_>) -> Action {
    let examination = Examination::Topic {
        topic: table.choice("about", Topic::ALL),
        seed: table.optional_integer("seed", 0..i64::MAX).unwrap_or(1) as u64,
        calls: table.integer("calls", 1..MOST) as u64,
    };
    Action::Compare {
        connection,
        examination,
    }
}

/// A script, whose abstract names begin with `n` and whose lines stand for one call each.
pub(super) fn script(connection: String, table: &mut Reader<'_>) -> Action {
    let script = table.located_text("script");
    match Script::parse(&script.value) {
        Ok(read) => {
            if read.lines.iter().any(|line| line.times != 1) {
                let message = "a script of calls to compare repeats a call";
                let help = "Write each call on a line of its own.".to_owned();
                table.problem(script.span.clone(), message, Some(help));
            }
            if !read.processes.is_empty() {
                let message = "a script of calls to compare names a process of another user";
                let help = "Only root could play it. Let A fork.".to_owned();
                table.problem(script.span.clone(), message, Some(help));
            }
        }
        Err(mistake) => table.problem(script.span.clone(), mistake.to_string(), mistake.help),
    }
    Action::Compare {
        connection,
        examination: Examination::Script(script.value),
    }
}
