//! A question set as lines: options with numbers, what was chosen, what holds, and why.
//!
//! ```text
//! Question 2 of 4
//! Two clients write 10 bytes each on one connection. What may the server read?
//!   ✓ 1  Any split of the 20 bytes.                                 you, right
//!        Order within one write is kept, boundaries are not.
//!     2  Always 10, then 10.
//!        Nothing remembers where a write ended.
//! ```
//!
//! Signs and words tell what holds, not colour alone.

use tui_input::Input;

use super::page::{READING_WIDTH, Setting};
use super::{CONFIDENCE, Choice, Given, Second, Stand};
use crate::render::markdown::{Document, Layout};
use crate::render::text::{Line, Role, Text};

/// A question with what is known of the answer.
#[derive(Debug, Default)]
pub(super) struct Asked<'a> {
    /// What kind of question it is.
    pub title: String,
    /// The question, as markdown.
    pub prompt: &'a str,
    /// Answers, and what is said to each.
    pub options: Vec<(&'a str, &'a str)>,
    /// Reasons, and what is said to each.
    pub reasons: Vec<(&'a str, &'a str)>,
    /// Whether it is asked how sure the learner is.
    pub sure: bool,
    /// Whether the answer is typed.
    pub typed: bool,
    /// The field, while it is typed.
    pub field: Option<&'a Input>,
    /// Where it stands.
    pub stand: &'a Stand,
    /// What is chosen and not committed.
    pub choice: Choice,
    /// Whether keys answer this question.
    pub focus: bool,
    /// The option that was given, by its place.
    pub given: Option<usize>,
    /// The reason that was given, by its place.
    pub given_reason: Option<usize>,
    /// The option that holds, once it may be told.
    pub truth: Option<usize>,
    /// The reason that holds, once it may be told.
    pub reason: Option<usize>,
    /// Something to add.
    pub note: String,
}

impl Default for &Stand {
    fn default() -> Self {
        &Stand::Quiet
    }
}

/// Sets a question.
pub(super) fn set(asked: &Asked<'_>, setting: Setting<'_>) -> Text {
    let width = setting.width.min(READING_WIDTH);
    let mut text = Text::new();
    let mut title = Line::empty();
    if asked.focus {
        title.push(Role::Key, "» ");
    }
    title.push(Role::Subheading, asked.title.as_str());
    if *asked.stand == Stand::Skipped {
        title.push(Role::Dim, "   skipped; Tab selects it");
    }
    text.line(title);
    text.append(markdown(asked.prompt, width));
    let (given, given_reason) = (asked.given, asked.given_reason);
    let right = given.is_some() && given == asked.truth && given_reason == asked.reason;
    let tier = |chosen, given, truth| Tier {
        chosen,
        given,
        truth,
        tell_all: right,
    };
    options(
        &mut text,
        &asked.options,
        tier(asked.choice.option, given, asked.truth),
        width,
    );
    let reason_asked = matches!(asked.choice.second, Second::Asked(_)) || given_reason.is_some();
    if !asked.reasons.is_empty() && reason_asked {
        text.line(Line::of(Role::Subheading, "Because"));
        let chosen = match asked.choice.second {
            Second::Asked(chosen) => chosen,
            Second::NotAsked => None,
        };
        options(
            &mut text,
            &asked.reasons,
            tier(chosen, given_reason, asked.reason),
            width,
        );
    }
    if asked.sure {
        confidence(&mut text, asked);
    }
    if asked.typed {
        field(&mut text, asked);
    }
    verdict(&mut text, asked, given, given_reason, width);
    if !asked.note.is_empty() {
        text.append(markdown(
            &crate::experiment::judgement::escape(&asked.note),
            width,
        ));
    }
    if asked.focus && !matches!(asked.stand, Stand::Done(_)) {
        hint(&mut text, asked);
    }
    text
}

/// One list of options and what is known of it.
#[derive(Clone, Copy)]
struct Tier {
    chosen: Option<usize>,
    given: Option<usize>,
    truth: Option<usize>,
    /// Whether every option's feedback is shown, not only that of the one given.
    tell_all: bool,
}

fn options(text: &mut Text, options: &[(&str, &str)], tier: Tier, width: usize) {
    for (index, (option, say)) in options.iter().enumerate() {
        let given = tier.given == Some(index);
        // Which one is right stays untold until it was found.
        let tell = given || tier.tell_all;
        let right = tell && tier.truth == Some(index);
        let wrong = given && tier.truth.is_some() && !right;
        let (sign, role, word) = if tier.chosen == Some(index) {
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
        let body = markdown(option, width.saturating_sub(20).max(20));
        for (row, line) in body.lines.into_iter().enumerate() {
            let mut out = if row == 0 {
                Line::of(role, format!("  {sign} ")).with(Role::Key, format!("{}  ", index + 1))
            } else {
                Line::of(Role::Plain, "       ")
            };
            let strong = tier.chosen == Some(index);
            for span in line.spans {
                let plain = span.role == Role::Plain && strong;
                out.push(if plain { Role::Strong } else { span.role }, span.text);
            }
            if row == 0 && !word.is_empty() {
                out.push(role, format!("   ← {word}"));
            }
            text.line(out);
        }
        if tell && tier.truth.is_some() && !say.is_empty() {
            let role = if given { Role::Plain } else { Role::Dim };
            for line in markdown(say, width.saturating_sub(7)).lines {
                let mut out = Line::of(Role::Plain, "       ");
                for span in line.spans {
                    let plain = span.role == Role::Plain;
                    out.push(if plain { role } else { span.role }, span.text);
                }
                text.line(out);
            }
        }
    }
}

fn confidence(text: &mut Text, asked: &Asked<'_>) {
    const WORDS: [&str; CONFIDENCE.len()] = ["a guess", "I think so", "I am sure"];
    match (asked.choice.second, asked.stand) {
        (Second::Asked(chosen), _) => {
            let mut line = Line::of(Role::Plain, "How sure are you?");
            for (index, word) in WORDS.iter().enumerate() {
                let picked = chosen == Some(index);
                line.push(Role::Key, format!("   {} ", index + 1));
                let role = if picked { Role::Strong } else { Role::Plain };
                line.push(
                    role,
                    if picked {
                        format!("▸{word}")
                    } else {
                        (*word).to_owned()
                    },
                );
            }
            text.line(line);
        }
        (_, Stand::Done(Given::Predicted(_, Some(percent)))) => {
            if let Some(index) = CONFIDENCE.iter().position(|one| one == percent) {
                text.line(Line::of(
                    Role::Dim,
                    format!("       You said: {}.", WORDS[index]),
                ));
            }
        }
        _ => {}
    }
}

fn field(text: &mut Text, asked: &Asked<'_>) {
    if let Some(input) = asked.field {
        text.line(
            Line::of(Role::Key, "  > ")
                .with(Role::Value, input.value())
                .with(Role::Key, "▏"),
        );
        return;
    }
    match asked.stand {
        Stand::Done(Given::Stated(fact)) => {
            text.line(
                Line::of(Role::Good, "  ✓ ")
                    .with(Role::Value, crate::untrusted::printable(fact))
                    .with(Role::Good, "   that is what the kernel did"),
            );
        }
        Stand::Mistaken(fact) => {
            text.line(
                Line::of(Role::Bad, "  ✗ ")
                    .with(Role::Value, crate::untrusted::printable(fact))
                    .with(Role::Bad, "   is not what happened"),
            );
            text.line(Line::of(
                Role::Plain,
                "    Look again at the line above that is marked with ▸.",
            ));
        }
        _ => {}
    }
}

fn verdict(
    text: &mut Text,
    asked: &Asked<'_>,
    given: Option<usize>,
    reason: Option<usize>,
    width: usize,
) {
    let (Some(given), Some(truth)) = (given, asked.truth) else {
        return;
    };
    if asked.sure {
        if given == truth {
            text.line(Line::of(Role::Good, "✓ ").with(Role::Plain, "The kernel did that."));
        } else {
            let did = asked.options.get(truth).map_or("", |option| option.0);
            let sentence = format!("The kernel did something else: {did}");
            text.append(markdown(&sentence, width));
        }
    } else if given == truth && reason == asked.reason {
        text.line(Line::of(Role::Good, "✓ ").with(Role::Plain, "Right."));
    } else {
        let sentence = if given == truth {
            "The answer is right; the reason is not."
        } else {
            "Not this one."
        };
        text.line(
            Line::of(Role::Bad, "✗ ")
                .with(Role::Plain, sentence)
                .with(Role::Plain, " Press ")
                .with(Role::Key, "a")
                .with(Role::Plain, " to answer again."),
        );
    }
}

fn hint(text: &mut Text, asked: &Asked<'_>) {
    let line = match (asked.typed, asked.choice.option, asked.choice.second) {
        (true, ..) if asked.field.is_some() => ("Enter", " takes it, Esc leaves the field."),
        (true, ..) => ("Enter", " to type your answer."),
        (_, None, _) => ("1, 2, …", " chooses."),
        (_, Some(_), Second::NotAsked) => ("Enter", " commits to it."),
        (_, Some(_), Second::Asked(None)) if asked.sure => {
            ("1 2 3", " chooses; Enter alone does not say.")
        }
        (_, Some(_), Second::Asked(None)) => ("1, 2, …", " chooses the reason."),
        (_, Some(_), Second::Asked(Some(_))) => ("Enter", " commits to it."),
    };
    text.line(Line::of(Role::Key, line.0).with(Role::Dim, line.1));
}

pub(super) fn markdown(source: &str, width: usize) -> Text {
    Document::parse(source).layout(Layout::new(width)).text
}
