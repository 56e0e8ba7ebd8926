//! A moment of a run set for a size. Pure: a stepper's state in, lines out.
//!
//! On a narrow screen the picture stands below what happens; on a wide one beside it.

use std::ops::Range;

use tui_input::Input;

use super::super::model::Size;
use super::super::probes::Typing;
use super::super::words;
use super::play::Play;
use super::{StepperState, Why};
use crate::model::moment::Moment;
use crate::render::model::guess::{asked, told};
use crate::render::model::moment::{comment, happened, headline, legend, state, why_so};
use crate::render::model::{title, wrapped};
use crate::render::model_play::answers;
use crate::render::text::{Line, Role, Span, Text};
use crate::untrusted::readable;

/// From this many columns on, the picture stands beside what happens.
const WIDE: usize = 118;
/// Columns of what happens, then.
const LEFT: usize = 46;
/// Blank columns between both.
const GAP: usize = 2;
/// Columns to the right of the picture, for signs that there is more.
const EDGE: usize = 2;
/// Rows of the author's words, at least: so that the picture seldom moves.
const COMMENT: usize = 2;
/// Rows of what happens, at least.
const HAPPENED: usize = 3;
/// Rows of the picture, at least.
const PICTURE: usize = 6;

/// What is shown.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What stands above: the author's words and the call; on a narrow screen all but the picture.
    pub head: Text,
    /// What stands on the left, on a wide screen.
    pub left: Text,
    /// The picture.
    pub picture: Text,
    /// Lines of the picture that changed.
    pub marked: Option<Range<usize>>,
    /// The prompt and what is said to it, at the foot.
    pub foot: Text,
    /// The column that the picture begins in.
    pub column: usize,
    /// Rows of the screen that it has.
    pub rows: usize,
}

/// Sets a moment.
pub fn set(stepper: &StepperState, size: Size) -> Page {
    let width = usize::from(size.columns).saturating_sub(2);
    let foot = foot(stepper, width);
    let rows = size.body_rows().saturating_sub(foot.lines.len());
    match width >= WIDE {
        true => beside(stepper, width, rows, foot),
        false => below(stepper, width, rows, foot),
    }
}

/// What the author says, where that gives nothing away.
fn words_of_author(stepper: &StepperState, width: usize) -> Text {
    let source = &stepper.file.text;
    match stepper.at.step {
        _ if stepper.play.is_some() => Text::new(),
        // What the author says there may be the answer.
        step if step > 0 && stepper.quiz.open.is_some() => Text::new(),
        0 => title(source, width),
        step => comment(&stepper.run, step, source, width),
    }
}

/// The picture stands beside what happens.
fn beside(stepper: &StepperState, width: usize, rows: usize, foot: Text) -> Page {
    let (run, at, around) = (&stepper.run, stepper.at, stepper.told());
    let mut head = words_of_author(stepper, width);
    while stepper.play.is_none() && head.lines.len() < COMMENT {
        head.blank();
    }
    head.append(headline(run, at, width));
    head.blank();
    let rows = rows.saturating_sub(head.lines.len());
    let (left, _) = happened(run, at, around, LEFT);
    let block = block(stepper, LEFT);
    let room = rows.saturating_sub(block.lines.len() + 1);
    let mut left = tail(left, room.max(HAPPENED));
    if !block.lines.is_empty() {
        left.blank();
        left.append(block);
    }
    let column = LEFT + GAP;
    let (picture, marked) = state(run, at, stepper.since, around, width - column - EDGE);
    Page {
        head,
        left,
        picture,
        marked,
        foot,
        column,
        rows,
    }
}

/// The picture stands below what happens.
fn below(stepper: &StepperState, width: usize, rows: usize, foot: Text) -> Page {
    let (run, at, around) = (&stepper.run, stepper.at, stepper.told());
    let mut head = words_of_author(stepper, width);
    let room = width.saturating_sub(EDGE);
    let (picture, marked) = state(run, at, stepper.since, around, room);
    let call = headline(run, at, width);
    let block = block(stepper, width);
    let (done, _) = happened(run, at, around, width);
    // The picture gets what it needs; what happens the rest, or its last lines.
    let taken = head.lines.len() + call.lines.len() + block.lines.len() + 1;
    let needed = picture.lines.len().max(PICTURE);
    let spare = rows.saturating_sub(taken + needed);
    let mut done = tail(done, spare.max(HAPPENED));
    // Where there is room, the picture stays where it is from call to call.
    let mut spare = spare.saturating_sub(done.lines.len());
    let mut pad = |text: &mut Text, least: usize| {
        while text.lines.len() < least && spare > 0 {
            text.blank();
            spare -= 1;
        }
    };
    if stepper.play.is_none() {
        pad(&mut head, COMMENT);
    }
    if block.lines.is_empty() {
        pad(&mut done, HAPPENED);
    }
    head.append(call);
    head.append(done);
    head.append(block);
    head.blank();
    let rows = rows.saturating_sub(head.lines.len()).max(1);
    Page {
        head,
        left: Text::new(),
        picture,
        marked,
        foot,
        column: 0,
        rows,
    }
}

/// What is said besides: how to read the picture, or why the call came back so.
fn block(stepper: &StepperState, width: usize) -> Text {
    if let Some(play) = &stepper.play {
        return played(stepper, play, width);
    }
    if let Some(question) = &stepper.quiz.open {
        return asked(question, width);
    }
    if stepper.at == Moment::default() {
        return legend(width);
    }
    let back = stepper.run.is_back(stepper.at);
    let answer = stepper.quiz.told.as_ref();
    let answer = answer.filter(|told| back && told.step == stepper.at.step);
    if let (Some(answer), Some(step)) = (answer, stepper.run.steps().get(stepper.at.step)) {
        return told(&answer.question, answer.given, step, stepper.told(), width);
    }
    match (stepper.why, stepper.run.steps().get(stepper.at.step)) {
        (Why::Asked, Some(step)) => why_so(step, stepper.told(), width),
        _ if stepper.at == stepper.run.last() => end(stepper, width),
        _ => Text::new(),
    }
}

/// That a script is over, and what can be done then.
fn end(stepper: &StepperState, width: usize) -> Text {
    let mut text = Text::new();
    let (right, of) = stepper.quiz.right;
    let predicted = match of {
        0 => String::new(),
        _ => format!(" You predicted {right} of {of} right."),
    };
    let spans = [
        Span::new(Role::Good, "\u{2713} "),
        Span::new(Role::Strong, "This is the end of the script."),
        Span::new(Role::Plain, predicted),
        Span::new(Role::Key, " Home"),
        Span::new(Role::Plain, " goes back to its beginning,"),
        Span::new(Role::Key, " f"),
        Span::new(Role::Plain, " lets you try calls of your own."),
    ];
    text.lines = wrapped(&spans, width, 2);
    text
}

/// What this kernel says to a call of a free play; before the first, what there is to do.
fn played(stepper: &StepperState, play: &Play, width: usize) -> Text {
    let mut text = Text::new();
    let Some(step) = stepper.run.steps().get(stepper.at.step) else {
        for (role, words) in [
            (
                Role::Plain,
                "Type a call, and Enter makes it twice: on the model, and by a process of this \
                 kernel. Both answers are compared, and the picture shows what the model does.",
            ),
            (
                Role::Dim,
                "socketpair stream   then   send 3 \"hello\"   and   recv 4 100 \u{2014} or fork, and \
                 B: recv 4 100",
            ),
        ] {
            text.lines
                .extend(wrapped(&[Span::new(role, words)], width, 0));
        }
        return text;
    };
    match play.replies.get(&stepper.at.step) {
        Some(Ok(reply)) => {
            text.append(answers(reply, width));
        }
        Some(Err(why)) => {
            let words = format!("   This kernel could not be asked: {}.", readable(why));
            let spans = [Span::new(Role::Warning, words)];
            text.lines.extend(wrapped(&spans, width, 3));
        }
        None => {
            text.line(Line::of(Role::Dim, "   this kernel is asked \u{2026}"));
        }
    }
    if stepper.why == Why::Asked {
        text.append(why_so(step, stepper.told(), width));
    }
    text
}

/// The prompt, and above it what is said to the line.
fn foot(stepper: &StepperState, width: usize) -> Text {
    let mut text = Text::new();
    let Some(play) = &stepper.play else {
        return text;
    };
    if play.typing == Typing::No {
        let line = Line::of(Role::Key, "f").with(Role::Dim, " goes back to the prompt.");
        text.line(line);
        return text;
    }
    let said: Vec<(Role, &str)> = match (&play.remark[..], play.usage()) {
        ([], Some(usage)) => vec![(Role::Dim, usage)],
        ([], None) => Vec::new(),
        (remark, _) => remark
            .iter()
            .map(|it| (Role::Warning, it.as_str()))
            .collect(),
    };
    for (role, words) in said {
        let spans = [Span::new(role, readable(words))];
        text.lines.extend(wrapped(&spans, width, 2));
    }
    let mut line = Line::of(Role::Key, "> ");
    let (before, after) = around_cursor(&play.field);
    let room = width.saturating_sub(3);
    let before = words::tail(&readable(&before), room.saturating_sub(1));
    line.push(Role::Value, before);
    line.push(Role::Key, "\u{258f}");
    line.push(Role::Value, readable(&after));
    text.line(words::cut(line, width));
    text
}

/// What is typed, before the cursor and behind it.
fn around_cursor(field: &Input) -> (String, String) {
    let place = field.cursor();
    let before = field.value().chars().take(place).collect();
    (before, field.value().chars().skip(place).collect())
}

/// The last lines of a text; that others stand above them is said.
fn tail(mut text: Text, room: usize) -> Text {
    let more = text.lines.len().saturating_sub(room);
    if more > 0 {
        text.lines.drain(..=more.min(text.lines.len() - 1));
        text.lines.insert(0, Line::of(Role::Dim, "     \u{2026}"));
    }
    text
}
