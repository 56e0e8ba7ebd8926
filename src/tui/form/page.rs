//! A question set as lines: what there is to choose from, what was chosen, what holds, and why.
//!
//! ```text
//! Your order: 2 of 3
//!     1  The server listens.
//!   ▸ 2  The client connects.
//! Left over
//!     ·  The client asks the server's process.
//!     ·  The server accepts.
//! Space takes one in or out, u and d move it, Enter answers.
//! ```
//!
//! Signs and words tell what holds, not colour alone.

use std::ops::Range;

use super::{Draft, Form, Kind, Said, Second, Told};
use crate::curriculum::question::Sort;
use crate::mastery::proof::Given;
use crate::render::markdown::{Document, Layout, paragraph};
use crate::render::text::{Line, Role, Text};
use crate::untrusted::printable;

/// Whether keys answer the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// They do.
    Here,
    /// They answer another one, or none.
    Elsewhere,
}

/// A question as lines.
#[derive(Clone, Debug, Default)]
pub struct Set {
    /// The lines.
    pub text: Text,
    /// Those that keys act on, where they act on a row.
    pub cursor: Option<Range<usize>>,
}

/// One list of options and what is known of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tier {
    /// What is chosen and not committed.
    pub chosen: Option<usize>,
    /// What was given.
    pub given: Option<usize>,
    /// What holds, once it may be told.
    pub truth: Option<usize>,
    /// How much is told.
    pub tell: Tell,
}

/// How much of what is said to options is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tell {
    /// What is said to the one that was given.
    #[default]
    Given,
    /// What is said to every one.
    All,
}

/// Sets what is below the title of a question, for this many columns.
pub fn set(form: &Form, focus: Focus, width: usize) -> Set {
    let mut set = Set::default();
    set.text.append(markdown(&form.wording.prompt, width));
    // A long list is read with the verdict in mind; a choice is short.
    let long = matches!(form.kind, Kind::Order(_) | Kind::Match);
    if let Some(told) = form.told.as_ref().filter(|_| long) {
        verdict(&mut set.text, form, told, width);
    }
    let cursor = |cursor: usize| (focus == Focus::Here && form.is_open()).then_some(cursor);
    match (&form.draft, &form.told) {
        (Draft::Choice { option, second }, _) => {
            choice(&mut set.text, form, (*option, *second), width);
        }
        (Draft::Order { placed, .. }, Some(told)) => {
            order_told(&mut set, form, placed, told, width);
        }
        (Draft::Order { placed, cursor: at }, None) => {
            order(&mut set, form, placed, cursor(*at), width);
        }
        (
            Draft::Match {
                purposes,
                cursor: at,
            },
            _,
        ) => {
            lines_with_purposes(&mut set, form, purposes, cursor(*at), width);
        }
        (Draft::Text { .. }, _) => word(&mut set.text, form),
    }
    if let Some(told) = form.told.as_ref().filter(|_| !long) {
        verdict(&mut set.text, form, told, width);
    } else if focus == Focus::Here && form.is_open() {
        hint(&mut set.text, form);
    }
    set
}

/// Author's text.
pub(in crate::tui) fn markdown(source: &str, width: usize) -> Text {
    Document::parse(source).layout(Layout::new(width)).text
}

/// Puts a text behind a mark, its further lines below the end of the mark.
fn hang(out: &mut Text, mark: Line, body: Text) {
    let indent = " ".repeat(mark.width());
    let mut mark = Some(mark);
    for line in body.lines {
        let mut row = mark
            .take()
            .unwrap_or_else(|| Line::of(Role::Plain, indent.clone()));
        row.spans.extend(line.spans);
        out.line(row);
    }
}

/// A text with another role in place of the plain one.
fn recast(mut text: Text, role: Role) -> Text {
    for span in text.lines.iter_mut().flat_map(|line| &mut line.spans) {
        if span.role == Role::Plain {
            span.role = role;
        }
    }
    text
}

/// Sets numbered options.
pub(in crate::tui) fn options(text: &mut Text, options: &[(&str, &str)], tier: Tier, width: usize) {
    for (index, (option, say)) in options.iter().enumerate() {
        let given = tier.given == Some(index);
        // Which one is right stays untold until it was found.
        let tell = given || tier.tell == Tell::All;
        let right = tell && tier.truth == Some(index);
        let wrong = given && tier.truth.is_some() && !right;
        let chosen = tier.chosen == Some(index);
        let (sign, role, word) = if chosen {
            ("▸", Role::Key, "")
        } else if right && given {
            ("✓", Role::Good, "you, right")
        } else if right {
            ("✓", Role::Good, "")
        } else if wrong {
            ("✗", Role::Bad, "you")
        } else if given {
            ("•", Role::Key, "you")
        } else {
            (" ", Role::Plain, "")
        };
        let mark = Line::of(role, format!("  {sign} ")).with(Role::Key, format!("{}  ", index + 1));
        let mut body = markdown(option, width.saturating_sub(22).max(20));
        if chosen {
            body = recast(body, Role::Strong);
        }
        if let Some(last) = body.lines.last_mut()
            && !word.is_empty()
        {
            last.push(role, format!("   ← {word}"));
        }
        hang(text, mark, body);
        if tell && tier.truth.is_some() && !say.is_empty() {
            let role = if given { Role::Plain } else { Role::Dim };
            indented(
                text,
                recast(markdown(say, width.saturating_sub(7)), role),
                7,
            );
        }
    }
}

fn indented(out: &mut Text, body: Text, indent: usize) {
    hang(out, Line::of(Role::Plain, " ".repeat(indent)), body);
}

fn choice(text: &mut Text, form: &Form, (option, second): (Option<usize>, Second), width: usize) {
    let (given, given_reason) = match form.given {
        Some(Given::Chosen(option, reason)) => (Some(option), reason),
        _ => (None, None),
    };
    let told = form.told.as_ref();
    let (truth, reason) = match told.map(|told| &told.key.solution) {
        Some(Given::Chosen(option, reason)) => (Some(*option), *reason),
        _ => (None, None),
    };
    let tell = match told {
        Some(told) if told.right => Tell::All,
        _ => Tell::Given,
    };
    let open = form.is_open();
    let tier = Tier {
        chosen: option.filter(|_| open),
        given,
        truth,
        tell,
    };
    let says = told.map_or(&[][..], |told| &told.key.answers);
    options(text, &beside(&form.wording.answers, says), tier, width);
    let asked = matches!(second, Second::Asked(_)) || given_reason.is_some();
    if form.wording.reasons.is_empty() || !asked {
        return;
    }
    text.line(Line::of(Role::Subheading, "Because"));
    let chosen = match second {
        Second::Asked(chosen) => chosen.filter(|_| open),
        Second::NotAsked => None,
    };
    let tier = Tier {
        chosen,
        given: given_reason,
        truth: reason,
        tell,
    };
    let says = told.map_or(&[][..], |told| &told.key.reasons);
    options(text, &beside(&form.wording.reasons, says), tier, width);
}

/// Answers, each with what is said to it.
fn beside<'a>(answers: &'a [String], says: &'a [String]) -> Vec<(&'a str, &'a str)> {
    let says = says.iter().map(String::as_str).chain(std::iter::repeat(""));
    answers.iter().map(String::as_str).zip(says).collect()
}

/// Columns before the text of a statement.
const STATEMENT: usize = 8;

fn statement(set: &mut Set, lead: (Role, &str, &str), body: &str, picked: bool, width: usize) {
    let (role, sign, number) = lead;
    let mark = Line::of(role, format!("  {sign} ")).with(Role::Key, format!("{number:>2}  "));
    let body = markdown(body, width.saturating_sub(STATEMENT).max(20));
    let start = set.text.lines.len();
    if picked {
        hang(&mut set.text, mark, recast(body, Role::Strong));
        set.cursor = Some(start..set.text.lines.len());
    } else {
        hang(&mut set.text, mark, body);
    }
}

fn order(set: &mut Set, form: &Form, placed: &[usize], cursor: Option<usize>, width: usize) {
    let title = match form.kind {
        Kind::Order(count) => format!("Your order: {} of {count}", placed.len()),
        _ => "Your order".to_owned(),
    };
    set.text.line(Line::of(Role::Subheading, title));
    let left = if form.is_open() {
        form.left_over()
    } else {
        Vec::new()
    };
    for (row, &place) in placed.iter().chain(&left).enumerate() {
        if row == placed.len() {
            set.text.line(Line::of(Role::Subheading, "Left over"));
        }
        let number = match row < placed.len() {
            true => (row + 1).to_string(),
            false => "·".to_owned(),
        };
        let picked = cursor == Some(row);
        let (role, sign) = match (picked, form.is_open()) {
            (true, _) => (Role::Key, "▸"),
            (false, true) => (Role::Plain, " "),
            (false, false) => (Role::Key, "•"),
        };
        let body = text_at(&form.wording.answers, place);
        statement(set, (role, sign, &number), body, picked, width);
    }
}

/// The text at a place; an answer from before a lesson was changed may name one that is not there.
fn text_at(texts: &[String], place: usize) -> &str {
    texts.get(place).map_or("–", String::as_str)
}

fn order_told(set: &mut Set, form: &Form, placed: &[usize], told: &Told, width: usize) {
    let statements = &form.wording.answers;
    let say = |place: usize| told.key.answers.get(place).map_or("", String::as_str);
    set.text.line(Line::of(Role::Subheading, "Your order"));
    for (row, &place) in placed.iter().enumerate() {
        let body = text_at(statements, place);
        let note = about(told, body);
        let (role, sign) = match (told.right, note) {
            (true, _) => (Role::Good, "✓"),
            (false, Some(_)) => (Role::Bad, "✗"),
            (false, None) => (Role::Plain, " "),
        };
        let number = (row + 1).to_string();
        statement(set, (role, sign, &number), body, false, width);
        match note {
            Some(said) => tell(&mut set.text, said, STATEMENT, width),
            None if told.right => explain(&mut set.text, say(place), STATEMENT, width),
            None => {}
        }
    }
    let left = form.left_over();
    if told.right && !left.is_empty() {
        let title = "Left over, and rightly";
        set.text.line(Line::of(Role::Subheading, title));
        for place in left {
            let body = text_at(statements, place);
            statement(set, (Role::Plain, " ", "·"), body, false, width);
            explain(&mut set.text, say(place), STATEMENT, width);
        }
    }
}

fn lines_with_purposes(
    set: &mut Set,
    form: &Form,
    given: &[Option<usize>],
    cursor: Option<usize>,
    width: usize,
) {
    let (lines, purposes) = (&form.wording.lines, &form.wording.answers);
    let told = form.told.as_ref();
    for (at, line) in lines.iter().enumerate() {
        let picked = cursor == Some(at);
        let note = told.and_then(|told| about(told, line));
        let (role, sign) = match (picked, told, note) {
            (true, ..) => (Role::Key, "▸"),
            (false, Some(_), Some(_)) => (Role::Bad, "✗"),
            (false, Some(_), None) => (Role::Good, "✓"),
            (false, None, _) => (Role::Plain, " "),
        };
        let start = set.text.lines.len();
        let mark = Line::of(role, format!("  {sign} "));
        let body = paragraph(Role::Code, line, width.saturating_sub(4).max(20));
        hang(&mut set.text, mark, body);
        let chosen = given.get(at).copied().flatten();
        if picked {
            for (number, purpose) in purposes.iter().enumerate() {
                let this = chosen == Some(number);
                let sign = if this { "▸" } else { " " };
                let mark = Line::of(Role::Key, format!("    {sign} {:>2}  ", number + 1));
                let body = markdown(purpose, width.saturating_sub(10).max(20));
                let role = if this { Role::Strong } else { Role::Plain };
                hang(&mut set.text, mark, recast(body, role));
            }
            set.cursor = Some(start..set.text.lines.len());
            continue;
        }
        match chosen.and_then(|purpose| Some((purpose, purposes.get(purpose)?))) {
            Some((number, purpose)) => {
                let mark = Line::of(Role::Key, format!("      {:>2}  ", number + 1));
                let body = markdown(purpose, width.saturating_sub(10).max(20));
                hang(&mut set.text, mark, body);
            }
            None => {
                set.text
                    .line(Line::of(Role::Dim, "       ·  no purpose yet"));
            }
        }
        match (note, told) {
            (Some(said), _) => tell(&mut set.text, said, 10, width),
            (None, Some(told)) if told.right => {
                let say = told.key.lines.get(at).map_or("", String::as_str);
                explain(&mut set.text, say, 10, width);
            }
            _ => {}
        }
    }
}

fn word(text: &mut Text, form: &Form) {
    let Draft::Text { field, .. } = &form.draft else {
        return;
    };
    if form.is_typing() {
        text.line(
            Line::of(Role::Key, "  > ")
                .with(Role::Value, printable(field.value()))
                .with(Role::Key, "▏"),
        );
        return;
    }
    let (role, sign, value) = match (&form.given, &form.told) {
        (Some(Given::Text(given)), Some(told)) if told.right => (Role::Good, "✓", given.as_str()),
        (Some(Given::Text(given)), Some(_)) => (Role::Bad, "✗", given.as_str()),
        (Some(Given::Text(given)), None) => (Role::Key, "•", given.as_str()),
        _ if field.value().is_empty() => return,
        _ => (Role::Dim, ">", field.value()),
    };
    text.line(Line::of(role, format!("  {sign} ")).with(Role::Value, printable(value)));
}

/// What was said about this statement or line.
fn about<'a>(told: &'a Told, text: &str) -> Option<&'a Said> {
    let mut notes = told.notes.iter();
    notes.find(|said| !said.note.about.is_empty() && said.note.about == text)
}

fn tell(text: &mut Text, said: &Said, indent: usize, width: usize) {
    let room = width.saturating_sub(indent).max(20);
    indented(text, markdown(&said.note.say, room), indent);
    if let Some(belief) = &said.belief {
        indented(text, markdown(belief, room), indent);
    }
}

fn explain(text: &mut Text, say: &str, indent: usize, width: usize) {
    if !say.is_empty() {
        let room = width.saturating_sub(indent).max(20);
        indented(text, recast(markdown(say, room), Role::Dim), indent);
    }
}

/// Whether the answer is right, and what was not said beside its parts already.
fn verdict(text: &mut Text, form: &Form, told: &Told, width: usize) {
    let (role, sign, words) = match (told.right, told.half, form.kind) {
        (true, ..) => (Role::Good, "✓ ", "Right."),
        (false, true, _) => (Role::Bad, "✗ ", "The answer is right; the reason is not."),
        (false, false, Kind::Choice) => (Role::Bad, "✗ ", "Not this one."),
        (false, false, _) => (Role::Bad, "✗ ", "Not right."),
    };
    text.line(Line::of(role, sign).with(Role::Plain, words));
    let beside = |said: &Said| match form.kind {
        Kind::Choice => true,
        Kind::Order(_) => form.wording.answers.contains(&said.note.about),
        Kind::Match => form.wording.lines.contains(&said.note.about),
        Kind::Text(_) => false,
    };
    for said in &told.notes {
        if beside(said) {
            // What is said to an option stands below it; what it may come from does not.
            if form.kind == Kind::Choice
                && let Some(belief) = &said.belief
            {
                indented(text, markdown(belief, width.saturating_sub(2)), 2);
            }
            continue;
        }
        if !said.note.about.is_empty() {
            let quoted = format!("“{}”", said.note.about);
            let body = paragraph(Role::Dim, &quoted, width.saturating_sub(2));
            indented(text, body, 2);
        }
        tell(text, said, 2, width);
    }
}

/// Which keys choose one of so many: `Press 1, 2 or 3.`
pub(in crate::tui) fn press(count: usize) -> Line {
    let mut line = Line::of(Role::Dim, "Press ");
    for number in 1..=count {
        let before = match number {
            1 => "",
            _ if number == count => " or ",
            _ => ", ",
        };
        line.push(Role::Dim, before);
        line.push(Role::Key, number.to_string());
    }
    line.with(Role::Dim, ".")
}

fn hint(text: &mut Text, form: &Form) {
    let numbers = format!("1–{}", form.choices());
    let parts: &[(&str, &str)] = match &form.draft {
        Draft::Text { .. } if form.is_typing() => {
            &[("Enter", " takes it, "), ("Esc", " leaves the field.")]
        }
        Draft::Text { .. } => match form.kind {
            Kind::Text(Sort::Number) => &[("Enter", " to type a number.")],
            Kind::Text(Sort::Identifier) => &[("Enter", " to type a name.")],
            _ => &[("Enter", " to type your answer.")],
        },
        Draft::Choice { option: None, .. }
        | Draft::Choice {
            second: Second::Asked(None),
            ..
        } => {
            text.line(press(form.choices()));
            return;
        }
        Draft::Choice { .. } => &[("Enter", " commits to it.")],
        Draft::Order { .. } => &[
            ("Space", " takes one in or out, "),
            ("u", " and "),
            ("d", " move it, "),
            ("Enter", " answers."),
        ],
        Draft::Match { .. } => &[
            (&numbers, " or "),
            ("← →", " gives the line a purpose, "),
            ("Enter", " answers."),
        ],
    };
    let mut line = Line::empty();
    for &(key, words) in parts {
        line.push(Role::Key, key);
        line.push(Role::Dim, words);
    }
    text.line(line);
}
