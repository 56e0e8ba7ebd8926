//! A task set as lines: its opening, what was seen, the questions so far, the result and where it
//! leaves the learner. Pure.

use std::ops::Range;

use super::{Record, Setup, Stage, TaskState};
use crate::mastery::progress::ProofProgress;
use crate::render::markdown::{Layout, paragraph};
use crate::render::task::{self as drawing, Aim, Worth};
use crate::render::text::{Line, Role, Text};
use crate::sys::calendar::local_minute;
use crate::tui::form::page::{Focus, markdown, set as set_form};
use crate::tui::lesson::page::READING_WIDTH;
use crate::untrusted::{Untrusted, readable};

/// A task set for a width.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The lines.
    pub text: Text,
    /// What is to be read now.
    pub focus: Range<usize>,
    /// The row that keys act on, where they act on one.
    pub cursor: Option<Range<usize>>,
}

/// What a page is about, beside the state itself.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Columns.
    pub width: usize,
    /// Earlier tries, oldest first.
    pub tries: &'a [ProofProgress],
    /// When a try that begins now would not count: from when on one does.
    pub counts_from: Option<i64>,
    /// Titles of lessons that prepare for it.
    pub lessons: &'a [&'a str],
    /// The outcomes it is evidence for, with all their pieces, drawn.
    pub ledger: &'a Text,
}

/// Sets a task.
pub fn set(state: &TaskState, subject: &Subject<'_>) -> Page {
    let width = subject.width.min(READING_WIDTH);
    let layout = Layout::new(width);
    let ids: Vec<&str> = state.outcomes.iter().map(String::as_str).collect();
    let mut page = Page::default();
    let text = &mut page.text;
    text.append(drawing::opening(&state.task, Aim::Evidence(&ids), layout));
    match &state.stage {
        Stage::Ready => {
            ready(text, state, subject, width);
            page.focus = 0..text.lines.len();
            return page;
        }
        Stage::Looking if state.is_variant() => {
            waiting(
                text,
                "Running it on your kernel; what it did is shown when you have predicted …",
            );
        }
        Stage::Looking => waiting(text, "Looking at this machine …"),
        Stage::Setting => waiting(text, "Setting the scene …"),
        Stage::Waiting => {}
        Stage::Recording => waiting(text, "Beginning …"),
        _ if state.forms.is_empty() => {}
        _ => {
            let of = state.attempt.as_ref().map_or(0, |attempt| attempt.of);
            let trying = drawing::trying(of, state.needed(), state.worth(), layout);
            text.append(trying);
        }
    }
    if let Some(setup) = state.setup() {
        text.append(scene(setup, layout));
    }
    let seen = state.attempt.as_ref().and_then(|one| one.seen.as_ref());
    let ran = text.lines.len();
    let hidden = state.is_variant() && state.stage != Stage::Ended;
    let seen = seen.filter(|_| !hidden);
    if let Some(observation) = seen.and_then(|seen| seen.observation.as_ref()) {
        text.append(drawing::ran(observation, layout));
    }
    let mut last = ran..text.lines.len();
    for (place, form) in state.forms.iter().enumerate() {
        text.blank();
        let start = text.lines.len();
        let asked = state.stage == Stage::Asking && place + 1 == state.forms.len();
        let focus = if asked { Focus::Here } else { Focus::Elsewhere };
        let of = state.attempt.as_ref().map_or(0, |attempt| attempt.of);
        let sign = if asked { "» " } else { "" };
        let title = format!("Question {} of {of}", place + 1);
        text.line(Line::of(Role::Key, sign).with(Role::Subheading, title));
        let set = set_form(form, focus, width);
        let moved = text.lines.len();
        page.cursor = set.cursor.map(|rows| rows.start + moved..rows.end + moved);
        text.append(set.text);
        if let Some(told) = form.told.as_ref().filter(|told| !told.right)
            && state.is_variant()
        {
            let answer = drawing::kernels_answer(&form.wording, &told.key, layout);
            text.append(answer);
        }
        last = start..text.lines.len();
    }
    let start = text.lines.len();
    text.append(below(state, subject, layout));
    let end = text.lines.len();
    page.focus = match &state.stage {
        Stage::Ended if state.is_variant() => ran..end,
        Stage::Asking | Stage::Told => last.start..end,
        _ => start..end,
    };
    page
}

/// What is said about a scene, and how to look at it.
fn scene(setup: &Setup, layout: Layout<'_>) -> Text {
    let mut text = drawing::brief(&setup.brief, layout);
    if let Some(directory) = &setup.directory {
        let shown = Untrusted::from(directory.as_path()).to_string();
        text.blank();
        let words = "Look from another terminal, in this directory:";
        text.append(paragraph(Role::Plain, words, layout.width()));
        // Whole, however long it is: it is to be copied.
        text.line(Line::of(Role::Plain, "  ").with(Role::Code, format!("cd {shown}")));
        text.line(
            Line::of(Role::Plain, "Or from here: ")
                .with(Role::Key, "!")
                .with(Role::Plain, " starts your shell there; while you type, ")
                .with(Role::Key, "! Enter")
                .with(Role::Plain, " does."),
        );
    }
    text
}

fn waiting(text: &mut Text, words: &str) {
    text.blank();
    text.line(Line::of(Role::Strong, words));
}

/// What is below the questions.
fn below(state: &TaskState, subject: &Subject<'_>, layout: Layout<'_>) -> Text {
    let width = layout.width();
    let mut text = Text::new();
    let key = |key: &str, words: &str| Line::of(Role::Key, key).with(Role::Plain, words);
    match &state.stage {
        Stage::Told if state.is_answered() => {
            text.blank();
            text.line(key("Enter", " shows the result."));
        }
        Stage::Told => {
            text.blank();
            text.line(key("Enter", " goes on."));
        }
        Stage::Checking(_) => waiting(&mut text, "Looking at this machine once more …"),
        Stage::Waiting => {
            text.blank();
            text.line(key("Enter", " when you are ready: then it goes on."));
        }
        Stage::Predicted => {
            text.blank();
            text.line(key("Enter", " shows what your kernel did."));
        }
        Stage::Unable(why) => {
            text.blank();
            let words = format!("This cannot be asked: {}.", readable(why));
            text.append(paragraph(Role::Warning, &words, width));
            text.line(
                key("Enter", " tries once more.")
                    .with(Role::Plain, " ")
                    .with(Role::Key, "Esc")
                    .with(Role::Plain, " goes back."),
            );
        }
        Stage::Ended => {
            text.blank();
            text.append(ending(state, subject, layout));
        }
        _ => {}
    }
    text
}

/// What is said before a task is begun.
fn ready(text: &mut Text, state: &TaskState, subject: &Subject<'_>, width: usize) {
    text.blank();
    if !subject.lessons.is_empty() {
        let lessons = subject.lessons.join("; ");
        let end = if lessons.ends_with(['?', '!']) {
            ""
        } else {
            "."
        };
        let words = format!("Lessons that prepare for it: {lessons}{end}");
        text.append(paragraph(Role::Dim, &words, width));
    }
    let passed = subject.tries.iter().find(|one| one.passed && one.counts);
    let line = match (passed, subject.tries.last()) {
        (Some(passed), _) => Some((
            Role::Good,
            format!("✓ Passed on {}.", local_minute(passed.at)),
        )),
        (None, Some(last)) => Some((
            Role::Warning,
            format!(
                "Tried on {}: {} of {} right.",
                local_minute(last.at),
                last.right,
                last.of
            ),
        )),
        (None, None) => None,
    };
    if let Some((role, words)) = line {
        text.append(paragraph(role, &words, width));
    }
    if let Some(from) = subject.counts_from {
        let words = format!(
            "A try that begins now is practice, because one that did not count came shortly before. \
             From {} on it counts again.",
            local_minute(from)
        );
        text.append(paragraph(Role::Warning, &words, width));
    }
    if !state.outcomes.is_empty() {
        text.append(subject.ledger.clone().apart());
    }
    text.blank();
    text.line(
        Line::of(Role::Key, "Enter")
            .with(Role::Strong, " begins.")
            .with(
                Role::Plain,
                " From then on it is a try; who leaves early has not passed.",
            ),
    );
}

/// The result, what it is worth, and how the outcomes stand now.
fn ending(state: &TaskState, subject: &Subject<'_>, layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    let Some(attempt) = &state.attempt else {
        return text;
    };
    let passed = attempt.right >= state.needed();
    let count = format!("{} of {} right.", attempt.right, attempt.of);
    let first = match passed {
        true => Line::of(Role::Good, "✓ Passed: "),
        false => Line::of(Role::Bad, "✗ Not passed: "),
    };
    text.line(first.with(Role::Strong, count));
    let ids = state.outcomes.join(" and ");
    let kept = matches!(attempt.record, Record::Kept(_));
    let say = match (passed, state.worth()) {
        (true, Worth::Counts) if !ids.is_empty() => format!("It is evidence for {ids}."),
        (true, _) => "It was practice, and is no evidence.".to_owned(),
        (false, _) if kept => "What is drawn differs each time. A try counts again 20 hours from \
                               now; until then all are practice."
            .to_owned(),
        (false, _) => "It was practice.".to_owned(),
    };
    text.append(markdown(&say, layout.width()));
    if !state.outcomes.is_empty() {
        text.append(subject.ledger.clone().apart());
    }
    text.blank();
    text.line(
        Line::of(Role::Key, "Enter")
            .with(Role::Plain, " goes back. ")
            .with(Role::Key, "a")
            .with(Role::Plain, " asks the same once more, as practice."),
    );
    text
}
