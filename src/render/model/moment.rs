//! A moment of a run as text: what the author says, the call, what happened in it so far, and the
//! state then. Each part by itself; whoever shows them decides where they stand.

use std::ops::Range;

use super::call::{Written, being_made, written};
use super::picture::{self, States};
use super::table::wrapped;
use super::{Told, comments, event, numbered, told, why};
use crate::curriculum::model::Rows;
use crate::model::event::Event;
use crate::model::moment::Moment;
use crate::model::outcome::Outcome;
use crate::model::run::{Run, Step};
use crate::render::text::{Role, Span, Text};

/// From where on changes are marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// The moment before.
    #[default]
    Event,
    /// The beginning of the call.
    Call,
}

/// What the author of a script says above a step; nothing above the first, whose comment is a title.
pub fn comment(run: &Run, step: usize, source: &str, width: usize) -> Text {
    match run.steps().get(step) {
        Some(step) => told(&comments(source, step.line.number), Role::Note, width),
        None => Text::new(),
    }
}

/// Who calls what, and what comes back once it is back.
pub fn headline(run: &Run, moment: Moment, width: usize) -> Text {
    let mut text = Text::new();
    let Some(step) = run.steps().get(moment.step) else {
        return text;
    };
    let spans = match (&step.made, &step.outcome) {
        (Some((pid, call)), Some(outcome)) => {
            let who = super::caller(step, *pid);
            if run.is_back(moment) {
                let Written { call, result } = written(call, outcome);
                let role = role(outcome);
                vec![
                    who,
                    Span::new(Role::Code, call + " "),
                    Span::new(role, result),
                ]
            } else {
                let dots = Span::new(Role::Dim, " \u{2026}");
                vec![who, Span::new(Role::Code, being_made(call)), dots]
            }
        }
        _ => vec![Span::new(Role::Strong, "garbage is collected")],
    };
    text.lines = wrapped(&spans, width, 3);
    if run.is_back(moment) {
        text.append(super::surprise(step, width));
    }
    text
}

/// How an outcome is to be seen.
pub fn role(outcome: &Outcome) -> Role {
    match outcome {
        Outcome::Done(_) => Role::Good,
        Outcome::Failed(_) | Outcome::BrokenPipe => Role::Bad,
        Outcome::Sleeps(_) => Role::Warning,
    }
}

/// What happened in a call so far; the last lines are those of this moment.
pub fn happened(
    run: &Run,
    moment: Moment,
    told_by: Told<'_>,
    width: usize,
) -> (Text, Range<usize>) {
    let mut text = Text::new();
    let Some(step) = run.steps().get(moment.step) else {
        return (text, 0..0);
    };
    // Why a check refuses is told to whoever asks.
    let silent = Rows::default();
    let told_by = Told {
        rows: &silent,
        ..told_by
    };
    let behind = match moment.behind {
        0 => return (text, 0..0),
        behind => behind,
    };
    let mut last = 0..0;
    for (number, mut lines) in numbered(step, behind, told_by, width) {
        let start = text.lines.len();
        if number >= behind
            && let Some(span) = lines
                .lines
                .first_mut()
                .and_then(|line| line.spans.first_mut())
        {
            // The number of what happens now stands out.
            span.role = Role::Key;
        }
        text.append(lines);
        // A call that sleeps at its end says so together with its last event.
        let begins = if number > behind { last.start } else { start };
        last = begins..text.lines.len();
    }
    (text, last)
}

/// The state at a moment, and which of its lines are marked.
pub fn state(
    run: &Run,
    moment: Moment,
    since: Since,
    told_by: Told<'_>,
    width: usize,
) -> (Text, Option<Range<usize>>) {
    let after = run.at(moment);
    let before = match since {
        _ if moment.behind == 0 => after.clone(),
        Since::Event => run.at(Moment {
            behind: moment.behind - 1,
            ..moment
        }),
        Since::Call => run.at(Moment {
            behind: 0,
            ..moment
        }),
    };
    let states = States {
        before: &before,
        after: &after,
    };
    let text = picture::draw(states, told_by.cast, width);
    let marked = picture::marked(&text);
    (text, marked)
}

/// Why a call came back as it did: the check that refused, or what it sleeps for.
pub fn why_so(step: &Step, told_by: Told<'_>, width: usize) -> Text {
    let mut text = Text::new();
    let refused = step.events.iter().rev().find_map(|event| match event {
        Event::Refused { row, errno } => Some((event, row, errno)),
        _ => None,
    });
    let mut say = |role: Role, words: String| {
        text.lines
            .extend(wrapped(&[Span::new(role, words)], width, 2));
    };
    match (&step.outcome, refused) {
        (Some(Outcome::Failed(_) | Outcome::BrokenPipe), Some((event, row, errno))) => {
            say(Role::Heading, format!("Why {errno:?}?"));
            match why(event, told_by.rows) {
                Some(why) => {
                    say(Role::Plain, format!("  {}", why.says));
                    let place =
                        format!("  It is row {row} of the catalogue; see {}.", why.reference);
                    say(Role::Dim, place);
                }
                None => say(
                    Role::Plain,
                    format!("  Row {row} of the catalogue says so."),
                ),
            }
            let before =
                "The checks before it let the call pass; those behind it were not reached.";
            say(Role::Dim, format!("  {before}"));
        }
        (Some(outcome @ Outcome::Sleeps(_)), _) => {
            say(Role::Heading, "Why does it sleep?".to_owned());
            let words = event::sleep(outcome).unwrap_or_default();
            say(
                Role::Plain,
                format!(
                    "  Its descriptor blocks, so {words}. With O_NONBLOCK it fails with EAGAIN."
                ),
            );
        }
        (Some(_), _) => {
            say(Role::Heading, "Why?".to_owned());
            say(
                Role::Plain,
                "  No check refused: the call did what it was asked for.".to_owned(),
            );
        }
        (None, _) => {
            say(
                Role::Plain,
                "  No process called: the kernel did that by itself.".to_owned(),
            );
        }
    }
    text
}

/// How to read the picture, for who sees it for the first time.
pub fn legend(width: usize) -> Text {
    let mut text = Text::new();
    let parts: [(&str, &str); 3] = [
        (
            "A box",
            " is a process with its descriptors: the numbers fd 3, fd 4 that it names.",
        ),
        (
            "An arrow",
            " leads to the open file description behind a number. Several may lead to one, \
             also of several processes; what nothing leads to is closed.",
        ),
        (
            "A queue",
            " holds what was sent to a socket and not read yet. A * marks what changes.",
        ),
    ];
    for (what, words) in parts {
        let spans = [Span::new(Role::Strong, what), Span::new(Role::Plain, words)];
        text.lines.extend(wrapped(&spans, width, 2));
    }
    text
}
