//! Draws a review: what is due, a question in its round, what an answer was worth, and when it comes
//! back. What is due was decided in [`crate::mastery::review`].
//!
//! ```text
//! 2 of 7 · What a name is
//! What does the name lead to?
//!   a. bytes
//!   b. a socket
//! Your answer, a or b: a
//! ✗ Not this one.
//!   No bytes are kept there.
//!   It comes once more at the end, and again tomorrow.
//! ```

use super::markdown::{Document, Layout, paragraph};
use super::task::noted;
use super::text::{Line, Role, Text};
use crate::mastery::progress::Round;
use crate::mastery::proof::{Given, Judged, Key, Wording};
use crate::mastery::review::session::Worth;
use crate::mastery::review::{A_DAY, Card, Day, Deck};
use crate::sys::calendar::date_of;

/// Where a question stands in its session.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Why it is asked.
    pub round: Round,
    /// Its place, counted from 1.
    pub number: usize,
    /// How many there are, those that come once more included.
    pub of: usize,
}

/// What is due, as a list; or why nothing is.
pub fn due(deck: &Deck<'_>, width: usize) -> Text {
    let due = deck.due();
    if due.is_empty() {
        return nothing(deck, width);
    }
    let mut text = paragraph(
        Role::Strong,
        &counted(due.len(), "is due", "are due"),
        width,
    );
    for card in due {
        text.line(
            Line::of(Role::Plain, "  ")
                .with(Role::Code, card.item.id.value.as_str())
                .with(Role::Dim, format!("  {}", card.lesson.title)),
        );
    }
    if deck.waiting() > 0 {
        text.append(paragraph(Role::Dim, &wait(deck.waiting()), width));
    }
    text
}

/// Why nothing is due, and when something will be.
pub fn nothing(deck: &Deck<'_>, width: usize) -> Text {
    let words = if deck.cards.is_empty() {
        "Nothing comes back yet. The questions of a lesson are asked again from the day after you \
         have read it to its end."
            .to_owned()
    } else if deck.waiting() > 0 {
        format!(
            "You have answered {} questions today, and a day takes no more. {}",
            deck.asked,
            wait(deck.waiting())
        )
    } else {
        "Nothing is due today.".to_owned()
    };
    let mut text = paragraph(Role::Plain, &words, width);
    text.append(upcoming(deck, width));
    text
}

/// When the next questions come.
pub fn upcoming(deck: &Deck<'_>, width: usize) -> Text {
    let Some(next) = deck.upcoming() else {
        return Text::new();
    };
    let questions = counted(next.questions, "", "");
    let words = format!(
        "Next: {}, {}.",
        when(next.day, deck.today),
        questions.trim()
    );
    paragraph(Role::Note, &words, width)
}

/// What the path says of reviews: nothing before the first lesson was finished.
pub fn on_the_path(deck: &Deck<'_>, width: usize) -> Text {
    let mut text = Text::new();
    if deck.cards.is_empty() {
        return text;
    }
    text.blank();
    let due = deck.due().len();
    if due == 0 {
        text.append(nothing(deck, width));
    } else {
        let words = format!("Review: {}", counted(due, "is due", "are due"));
        text.append(paragraph(Role::Strong, &words, width));
        text.line(Line::of(Role::Plain, "  ").with(Role::Code, "ipc-mastery review"));
    }
    text
}

/// How a session begins.
pub fn opening(deck: &Deck<'_>, width: usize) -> Text {
    let due = counted(deck.due().len(), "is due", "are due");
    let words = format!("{due}. Ctrl-D ends early and keeps what you answered.");
    let mut text = paragraph(Role::Plain, &words, width);
    if deck.waiting() > 0 {
        text.append(paragraph(Role::Dim, &wait(deck.waiting()), width));
    }
    text
}

/// Where a question stands, and where it was learnt.
pub fn label(card: &Card<'_>, place: Place) -> String {
    let mut label = format!("{} of {} · {}", place.number, place.of, card.lesson.title);
    if place.round == Round::OnceMore {
        label += " · once more";
    }
    label
}

/// What an answer was worth, with what the lesson says to it.
pub fn told(judged: &Judged, layout: Layout<'_>) -> Text {
    let (role, sign, words) = match (judged.right, judged.half) {
        (true, _) => (Role::Good, "✓ ", "Right."),
        (false, true) => (Role::Bad, "✗ ", "The answer is right; the reason is not."),
        (false, false) => (Role::Bad, "✗ ", "Not this one."),
    };
    let mut text = Text::new();
    text.line(Line::of(role, sign).with(Role::Plain, words));
    for note in &judged.notes {
        text.append(noted(note, layout));
    }
    text
}

/// The right answer, and why: told once a question is not asked any more today.
pub fn solution(wording: &Wording, key: &Key, layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    let mut tell = |answer: Option<&String>, say: Option<&String>| {
        if let Some(answer) = answer {
            shown(&mut text, answer, layout);
            say_to(&mut text, say.map_or("", String::as_str), layout);
        }
    };
    match &key.solution {
        Given::Chosen(option, reason) => {
            tell(wording.answers.get(*option), key.answers.get(*option));
            if let Some(reason) = reason {
                tell(wording.reasons.get(*reason), key.reasons.get(*reason));
            }
        }
        Given::Places(places) if wording.lines.is_empty() => {
            for place in places {
                tell(wording.answers.get(*place), None);
            }
        }
        Given::Places(places) => {
            for (line, place) in wording.lines.iter().zip(places) {
                let answer = wording.answers.get(*place);
                let both = answer.map(|answer| format!("{}: {answer}", code(line)));
                tell(both.as_ref(), None);
            }
        }
        Given::Text(word) => tell(Some(&code(word)), Some(&key.why)),
    }
    text
}

/// A text that is no markdown, as code in it.
pub fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    format!("{fence}{text}{fence}")
}

/// When a question comes back.
pub fn comes_back(worth: Worth, round: Round, due: Day, today: Day, width: usize) -> Text {
    let words = match (worth, round) {
        (Worth::Wrong, Round::Due) => {
            "It comes once more at the end, and again tomorrow.".to_owned()
        }
        _ => format!("It comes back {}.", when(due, today)),
    };
    let mut text = Text::new();
    indented(
        &mut text,
        paragraph(Role::Dim, &words, width.saturating_sub(2)),
    );
    text
}

/// How a session ended.
pub fn ending(right: usize, of: usize, deck: &Deck<'_>, width: usize) -> Text {
    let words = format!("{right} of {of} right the first time.");
    let mut text = paragraph(Role::Strong, &words, width);
    text.append(upcoming(deck, width));
    text
}

/// A day seen from another: `tomorrow`, `in 3 days, on 2026-11-24`.
pub fn when(day: Day, today: Day) -> String {
    match day - today {
        ..=0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        days => format!("in {days} days, on {}", date_of(day)),
    }
}

/// So many questions, and what they do.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 question {one}")
    } else {
        format!("{count} questions {many}")
    }
}

fn wait(count: usize) -> String {
    let waiting = counted(count, "waits", "wait");
    format!("{waiting} until tomorrow: a day takes {A_DAY}.")
}

fn say_to(text: &mut Text, words: &str, layout: Layout<'_>) {
    if !words.is_empty() {
        indented(text, Document::parse(words).layout(layout.narrower(2)).text);
    }
}

fn shown(text: &mut Text, right: &str, layout: Layout<'_>) {
    let body = Document::parse(right).layout(layout.narrower(2)).text;
    for (row, line) in body.lines.into_iter().enumerate() {
        let mut out = match row {
            0 => Line::of(Role::Good, "✓ "),
            _ => Line::of(Role::Plain, "  "),
        };
        out.spans.extend(line.spans);
        text.line(out);
    }
}

fn indented(text: &mut Text, body: Text) {
    for line in body.lines {
        let mut out = Line::of(Role::Plain, "  ");
        out.spans.extend(line.spans);
        text.line(out);
    }
}
