//! A run of the model as text: each call with its outcome, what happened inside, and the state
//! behind it.
//!
//! ```text
//! ── step 2 of 3, line 4 ─────────────────────────────────────────────────
//! A  send(3, "hello", 5, 0) = 5
//!
//!    1 buffer 1, of 5 bytes, goes to the end of the queue of socket 1
//!
//!   DESCRIPTORS      OPEN FILE DESCRIPTIONS
//!   ...
//! ```
//!
//! On a wide terminal the state stands beside what happened. All frames have the same parts in the
//! same places, so one can go from frame to frame, forwards and backwards, and see what changes.

mod boxes;
mod call;
pub mod data;
mod event;
pub mod guess;
pub mod moment;
mod picture;
mod table;
#[cfg(test)]
mod tests;
mod things;
mod values;
mod words;

pub use self::table::wrapped;
use super::text::{Line, Role, Span, Text};
use crate::curriculum::model::{Rows, Why};
use crate::model::event::Event;
use crate::model::id::Pid;
use crate::model::run::{Roused, Run, Step};
use crate::model::script::process_name;
use crate::untrusted::readable;
use call::Written;
pub use picture::Cast;
use picture::States;

/// From this many columns on, the state stands beside what happened.
const WIDE: usize = 120;
/// Columns of what happened, then.
const LEFT: usize = 46;
/// Blank columns between both.
const GAP: usize = 2;

/// What surrounds a run: the words of its author.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The script as it was written, for its comments.
    pub source: &'a str,
    /// Why checks refuse.
    pub rows: &'a Rows,
    /// Who takes part, and how wide each is drawn.
    pub cast: &'a Cast,
}

/// What is said above the first call of a script: its first comment, whose first line is its title.
pub fn title(source: &str, width: usize) -> Text {
    let mut block = source.lines().map_while(comment);
    let mut text = Text::new();
    if let Some(title) = block.next() {
        let spans = [Span::new(Role::Heading, readable(title))];
        text.lines.extend(wrapped(&spans, width, 0));
    }
    let rest: Vec<&str> = block.collect();
    text.append(told(&rest, Role::Plain, width));
    text
}

/// Lines of a comment, set anew.
fn told(lines: &[&str], role: Role, width: usize) -> Text {
    let mut text = Text::new();
    if !lines.is_empty() {
        let words = lines.join(" ");
        text.lines = wrapped(&[Span::new(role, readable(&words))], width, 0);
    }
    text
}

/// The text of a line that is a comment.
fn comment(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix('#').map(str::trim)
}

/// The comment right above a line, from 1 on; that at the very start of a script is its title.
fn comments(source: &str, line: usize) -> Vec<&str> {
    let lines: Vec<&str> = source.lines().take(line - 1).collect();
    let mut found: Vec<&str> = lines.iter().rev().map_while(|line| comment(line)).collect();
    if found.len() == lines.len() {
        return Vec::new();
    }
    found.reverse();
    found
}

/// Draws a step: its call, what happened, the state behind it.
pub fn frame(run: &Run, place: usize, told_by: Told<'_>, width: usize) -> Text {
    let step = &run.steps()[place];
    let states = States {
        before: run.before(place),
        after: &step.after,
    };
    let mut text = Text::new();
    let heading = format!(
        "\u{2500}\u{2500} step {} of {}, line {} ",
        place + 1,
        run.steps().len(),
        step.line.number
    );
    let rest = width.saturating_sub(super::markdown::columns(&heading));
    text.line(Line::of(Role::Dim, heading + &"\u{2500}".repeat(rest)));
    let comment = comments(told_by.source, step.line.number);
    text.append(told(&comment, Role::Note, width));
    text.lines.extend(wrapped(&headline(step), width, 3));
    text.append(surprise(step, width));
    text.blank();
    if width >= WIDE {
        let left = happened(step, told_by, LEFT);
        let right = picture::draw(states, told_by.cast, width - LEFT - GAP);
        text.append(beside(left, right));
    } else {
        text.append(happened(step, told_by, width));
        text.blank();
        text.append(picture::draw(states, told_by.cast, width));
    }
    text
}

/// Who calls what, and what comes back.
fn headline(step: &Step) -> Vec<Span> {
    match (&step.made, &step.outcome) {
        (Some((pid, call)), Some(outcome)) => {
            let role = moment::role(outcome);
            let Written { call, result } = call::written(call, outcome);
            vec![
                caller(step, *pid),
                Span::new(Role::Code, call + " "),
                Span::new(role, result),
            ]
        }
        _ => vec![Span::new(Role::Strong, "garbage is collected")],
    }
}

/// Who calls, or goes on with a call.
fn caller(step: &Step, pid: Pid) -> Span {
    let name = process_name(pid);
    let words = match step.rouses() {
        Some(Roused::Woken) => format!("{name}, woken:  "),
        Some(Roused::Interrupted) => format!("{name}, interrupted:  "),
        Some(Roused::Expired) => format!("{name}, whose time is over:  "),
        Some(Roused::ByNobody) => format!("{name}, still asleep:  "),
        None => format!("{name}  "),
    };
    Span::new(Role::Strong, words)
}

/// What a script expected and did not get.
fn surprise(step: &Step, width: usize) -> Text {
    let mut text = Text::new();
    if let (false, Some(expected)) = (step.is_as_expected(), &step.line.expected) {
        let words = format!("   the script expects: {expected}");
        text.lines = wrapped(&[Span::new(Role::Bad, words)], width, 3);
    }
    text
}

/// The events of a step, numbered; and why the call went no further.
fn happened(step: &Step, told_by: Told<'_>, width: usize) -> Text {
    let mut text = Text::new();
    for (_, lines) in numbered(step, step.events.len().max(1), told_by, width) {
        text.append(lines);
    }
    text
}

/// What happened in a step up to a moment, a number each: the number, and its lines.
fn numbered(step: &Step, behind: usize, told_by: Told<'_>, width: usize) -> Vec<(usize, Text)> {
    let rows = told_by.rows;
    let mut all: Vec<(usize, Text)> = Vec::new();
    let mut add = |number: usize, parts: &[(Role, String)]| {
        let mut text = Text::new();
        for (place, (role, words)) in parts.iter().enumerate() {
            let label = match place {
                0 if number > 0 => format!("{number:>4} "),
                _ => "     ".to_owned(),
            };
            let spans = [
                Span::new(Role::Dim, label),
                Span::new(*role, words.as_str()),
            ];
            text.lines.extend(wrapped(&spans, width, 5));
        }
        all.push((number, text));
    };
    for (place, event) in step.events.iter().take(behind).enumerate() {
        let role = match event {
            Event::Refused { .. } => Role::Bad,
            Event::FellAsleep { .. } => Role::Warning,
            _ => Role::Plain,
        };
        let mut parts = vec![(role, event::sentence(event, rows))];
        parts.extend(reference(event, rows).map(|reference| (Role::Dim, reference)));
        add(place + 1, &parts);
    }
    if behind < step.events.len() {
        return all;
    }
    let falls_asleep = |event: &Event| matches!(event, Event::FellAsleep { .. });
    if step.events.iter().any(falls_asleep) {
        return all;
    }
    if let Some(words) = step.outcome.as_ref().and_then(event::sleep) {
        add(step.events.len() + 1, &[(Role::Warning, words)]);
    } else if step.events.is_empty() {
        add(0, &[(Role::Dim, "nothing changes".to_owned())]);
    }
    all
}

/// Where the reason of a refusal is written.
fn reference(event: &Event, rows: &Rows) -> Option<String> {
    let reference = &why(event, rows)?.reference;
    Some(format!("see {reference}"))
}

/// Why a check refused.
fn why<'a>(event: &Event, rows: &'a Rows) -> Option<&'a Why> {
    let Event::Refused { row, errno } = event else {
        return None;
    };
    rows.why(&row.to_string(), &format!("{errno:?}"))
}

/// Two texts side by side.
fn beside(left: Text, right: Text) -> Text {
    let height = left.lines.len().max(right.lines.len());
    let (mut left, mut right) = (left.lines.into_iter(), right.lines.into_iter());
    let mut text = Text::new();
    for _ in 0..height {
        let mut line = left.next().unwrap_or_default();
        if let Some(other) = right.next().filter(|line| !line.spans.is_empty()) {
            let blanks = (LEFT + GAP).saturating_sub(line.width());
            line.push(Role::Plain, " ".repeat(blanks));
            for span in other.spans {
                line.push(span.role, span.text);
            }
        }
        text.line(line);
    }
    text
}
