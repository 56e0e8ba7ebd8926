//! The pieces of a lesson: a title, a story, a question, calls, a fact, a picture, each as text.
//!
//! For whoever asks and runs them one at a time, and for the whole lesson on paper. Author's text
//! is markdown; what was observed is shown exactly. Nothing here knows the order of a lesson.

use std::fmt::Display;

use crate::curriculum::lesson::{Lesson, Part, Shown, State, Stepped};
use crate::experiment::Call;
use crate::experiment::judgement;
use crate::render::markdown::{self, Document, Layout, paragraph};
use crate::render::probe::section;
use crate::render::text::{Line, Role, Text};
use crate::untrusted::readable;

/// Calls get no column for who made them when less than this is left beside it. Columns.
const NARROWEST_CALL: usize = 30;

/// A label that is wider than this stands above its question, not before it. Columns.
const WIDEST_LABEL: usize = 9;

/// Lines of a probe that a lesson shows.
const EXCERPT: usize = 24;

/// How an answer stands under its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// One of several.
    Open,
    /// What the learner points at.
    Pointed,
    /// What holds.
    Right,
    /// What was chosen and does not hold.
    Wrong,
}

/// An answer under its question.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The answer, in markdown.
    pub text: &'a str,
    /// How it stands.
    pub mark: Mark,
}

impl<'a> Answer<'a> {
    /// One of several.
    pub fn open(text: &'a str) -> Self {
        Self {
            text,
            mark: Mark::Open,
        }
    }
}

/// The title, the question it asks, how long it takes and what to read first.
pub fn opening(lesson: &Lesson, layout: Layout<'_>) -> Text {
    let title = format!("# {}", judgement::escape(&lesson.title));
    let mut text = Document::parse(&title).layout(layout).text;
    labelled(&mut text, "The question", &lesson.asks, 14, layout);
    let mut about = format!("About {} minutes.", lesson.minutes);
    if !lesson.needs.is_empty() {
        let needs: Vec<&str> = lesson
            .needs
            .iter()
            .map(|need| need.value.as_str())
            .collect();
        about += &format!(" Read first: {}.", needs.join(", "));
    }
    text.append(paragraph(Role::Dim, &about, layout.width()));
    text
}

/// What the sign behind a sentence means, where a lesson has such sentences.
pub fn sign(lesson: &Lesson, layout: Layout<'_>) -> Text {
    if lesson.claims.is_empty() {
        return Text::new();
    }
    let words = "°: ipc-mastery try --all checks the sentence here, or names its manual page.";
    paragraph(Role::Dim, words, layout.width())
}

/// `The experiment`, or which part of it where there are several.
pub fn heading(lesson: &Lesson, part: &Part) -> String {
    const ORDINALS: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];
    let parts = lesson.experiment.iter().flat_map(|plan| &plan.parts);
    let ids: Vec<&str> = parts.map(|part| part.id.value.as_str()).collect();
    let place = ids.iter().position(|id| *id == part.id.value);
    match place.and_then(|place| ORDINALS.get(place)) {
        Some(ordinal) if ids.len() > 1 => format!("The experiment, {ordinal} part"),
        _ => "The experiment".to_owned(),
    }
}

/// What a part of the experiment will do.
pub fn story(lesson: &Lesson, part: &Part, layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    text.append(paragraph(
        Role::Subheading,
        &heading(lesson, part),
        layout.width(),
    ));
    text.append(markdown_text(&part.story, layout));
    text
}

/// A question with its answers below it, lettered.
pub fn question(label: &str, prompt: &str, answers: &[Answer<'_>], layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    labelled(&mut text, label, prompt, WIDEST_LABEL, layout);
    for (index, answer) in answers.iter().enumerate() {
        let (sign, role) = match answer.mark {
            Mark::Open => ("  ", Role::Plain),
            Mark::Pointed => ("▸ ", Role::Key),
            Mark::Right => ("✓ ", Role::Good),
            Mark::Wrong => ("✗ ", Role::Bad),
        };
        let mark = Line::of(role, sign).with(Role::Key, format!("{}. ", letter(index)));
        let body = markdown_text(answer.text, layout.narrower(5));
        hang(&mut text, &mark, body);
    }
    text
}

/// The calls of a part and what they returned. The line that decides has a sign of its own.
pub fn calls<'a>(calls: impl IntoIterator<Item = &'a Call>, width: usize) -> Text {
    let calls: Vec<&Call> = calls.into_iter().collect();
    let who = |call: &Call| readable(&call.who).into_owned();
    let widest = calls.iter().map(|call| markdown::columns(&who(call))).max();
    let mut text = Text::new();
    for call in &calls {
        let mut name = who(call);
        let mut pad = " ".repeat(widest.unwrap_or(0) - markdown::columns(&name));
        let mut made = exact(&format!("{} = {}", call.call, call.result));
        if width < widest.unwrap_or(0) + NARROWEST_CALL {
            made = format!("{name}: {made}");
            (name, pad) = (String::new(), String::new());
        }
        let (sign, role) = if call.decisive {
            ("▸ ", Role::Strong)
        } else {
            ("  ", Role::Plain)
        };
        let mut mark = Line::of(Role::Key, sign);
        if !name.is_empty() {
            mark.push(Role::Dim, name + &pad + "  ");
        }
        let body = paragraph(role, &made, room(width, mark.width() + 4));
        // Further lines of a long call stand a little to the right of its first.
        let mut moved = Text::new();
        for (index, line) in body.lines.into_iter().enumerate() {
            let mut out = Line::empty();
            out.push(Role::Plain, if index == 0 { "" } else { "    " });
            out.spans.extend(line.spans);
            moved.line(out);
        }
        hang(&mut text, &mark, moved);
    }
    if calls.iter().any(|call| call.decisive) {
        let legend = paragraph(Role::Dim, "marks the line that decides.", room(width, 2));
        hang(&mut text, &Line::of(Role::Key, "▸ "), legend);
    }
    text
}

/// The decisive fact of a part: the question, and the answer when it is known.
pub fn fact(state: &State, answer: Option<&str>, layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    labelled(&mut text, "State", &state.prompt, WIDEST_LABEL, layout);
    if let Some(answer) = answer {
        hang(
            &mut text,
            &Line::of(Role::Plain, "  = "),
            paragraph(Role::Value, &exact(answer), room(layout.width(), 4)),
        );
    }
    text
}

/// The picture of a part, filled: lines for a fixed-width font, cut where the page ends.
pub fn picture(filled: &str, width: usize) -> Text {
    let fence = "`".repeat(longest_run(filled, '`').max(2) + 1);
    let source = format!("{fence}\n{filled}\n{fence}\n");
    Document::parse(&source).layout(Layout::new(width)).text
}

/// What a lesson shows of a probe's picture: its sections, and their top when all would drown the
/// lesson.
pub fn excerpt(drawn: &Text, shown: &Shown, layout: Layout<'_>) -> Text {
    let mut text = section::wanted(drawn.clone(), shown);
    let left = section::top(&mut text, shown, EXCERPT);
    if left > 0 {
        let name = readable(&shown.name);
        let more = format!("… and {left} more lines: `ipc-mastery probe {name}` shows all.");
        text.append(markdown_text(&more, layout));
    }
    text
}

/// A script of the model: its title, and what it is about. How it is opened is for others to say.
pub fn script(shown: &Stepped, layout: Layout<'_>) -> Text {
    let title = format!("Call by call: {}", readable(&shown.title));
    let mut text = paragraph(Role::Subheading, &title, layout.width());
    let about = readable(&shown.about);
    text.append(paragraph(Role::Plain, &about, layout.width()));
    text
}

pub(super) fn markdown_text(source: &str, layout: Layout<'_>) -> Text {
    Document::parse(source).layout(layout).text
}

pub(super) fn warning(message: impl Display, width: usize) -> Text {
    let mut text = Text::new();
    hang(
        &mut text,
        &Line::of(Role::Warning, "Warning: "),
        paragraph(Role::Plain, &format!("{message}."), room(width, 9)),
    );
    text
}

/// Adds `label: prompt`. A label wider than `widest`, or than a quarter of the page, stands above.
fn labelled(text: &mut Text, label: &str, prompt: &str, widest: usize, layout: Layout<'_>) {
    let indent = markdown::columns(label) + 2;
    if prompt.is_empty() || indent > widest || indent * 4 > layout.width() {
        text.append(paragraph(Role::Note, label, layout.width()));
        text.append(markdown_text(prompt, layout));
    } else {
        let mark = Line::of(Role::Note, format!("{label}: "));
        hang(text, &mark, markdown_text(prompt, layout.narrower(indent)));
    }
}

/// Adds a body with a mark before its first line; the others hang below the first.
pub(super) fn hang(text: &mut Text, mark: &Line, body: Text) {
    let indent = " ".repeat(mark.width());
    let lines = if body.lines.is_empty() {
        vec![Line::empty()]
    } else {
        body.lines
    };
    for (index, line) in lines.into_iter().enumerate() {
        let mut out = if index == 0 {
            mark.clone()
        } else {
            Line::of(Role::Plain, indent.clone())
        };
        for span in line.spans {
            out.push(span.role, span.text);
        }
        text.line(out);
    }
}

fn room(width: usize, indent: usize) -> usize {
    width.saturating_sub(indent)
}

/// Keeps several spaces in a row as they are: what was observed is shown exactly.
fn exact(seen: &str) -> String {
    seen.replace("  ", "\u{a0}\u{a0}")
}

/// `a`, `b`, …
pub(super) fn letter(index: usize) -> char {
    char::from(b'a' + (index % 26) as u8)
}

fn longest_run(text: &str, sign: char) -> usize {
    let mut longest = 0;
    let mut current = 0;
    for character in text.chars() {
        current = if character == sign { current + 1 } else { 0 };
        longest = longest.max(current);
    }
    longest
}
