//! A prediction or a fact set as lines: options with numbers, what was chosen, what the kernel did.
//!
//! ```text
//! » Predict
//! How many bytes does the first read return?
//!     1  6: what the first write carried
//!   • 2  12: all that has arrived                                   ← you
//! How sure are you?   1 a guess   2 I think so   3 I am sure
//! ```
//!
//! Signs and words tell what holds, not colour alone. Questions of the quiz are set by
//! [`super::super::form::page`].

use tui_input::Input;

use super::super::form::page::{Tell, Tier, markdown, options, press};
use super::page::{READING_WIDTH, Setting};
use super::{CONFIDENCE, Choice, Given, Second, Stand};
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
    /// The option that holds, once it may be told.
    pub truth: Option<usize>,
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
    if *asked.stand == Stand::Skipped && !asked.focus {
        title.push(Role::Dim, "   skipped; Tab selects it");
    }
    text.line(title);
    text.append(markdown(asked.prompt, width));
    let tier = Tier {
        chosen: asked.choice.option,
        given: asked.given,
        truth: asked.truth,
        tell: Tell::Given,
    };
    options(&mut text, &asked.options, tier, width);
    if asked.sure {
        confidence(&mut text, asked);
    }
    if asked.typed {
        field(&mut text, asked);
    }
    verdict(&mut text, asked, width);
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
                    .with(Role::Bad, "   is not the answer to this question"),
            );
            text.line(Line::of(
                Role::Plain,
                "    Look again at the line marked with ▸.",
            ));
        }
        _ => {}
    }
}

fn verdict(text: &mut Text, asked: &Asked<'_>, width: usize) {
    let (Some(given), Some(truth)) = (asked.given, asked.truth) else {
        return;
    };
    if given == truth {
        text.line(Line::of(Role::Good, "✓ ").with(Role::Plain, "The kernel did that."));
    } else {
        let did = asked.options.get(truth).map_or("", |option| option.0);
        let sentence = format!("The kernel did something else: {did}");
        text.append(markdown(&sentence, width));
    }
}

fn hint(text: &mut Text, asked: &Asked<'_>) {
    let enter = |words: &str| Line::of(Role::Key, "Enter").with(Role::Dim, words);
    text.line(
        match (asked.typed, asked.choice.option, asked.choice.second) {
            (true, ..) if asked.field.is_some() => enter(" takes it, Esc leaves the field."),
            (true, ..) => enter(" to type your answer."),
            (_, None, _) => press(asked.options.len()),
            (_, Some(_), Second::Asked(None)) => press(CONFIDENCE.len()),
            (_, Some(_), Second::NotAsked | Second::Asked(Some(_))) => enter(" commits to it."),
        },
    );
}
