//! The questions at the end of a lesson on paper, and the key to them: nobody can be asked there.

use serde_json::Value;

use super::pieces::{hang, letter, markdown_text, warning};
use super::section;
use crate::curriculum::question::{Form, Question};
use crate::mastery::proof::{Asked, Given, Key, ProofError, Tier, Wording};
use crate::render::markdown::{Layout, paragraph};
use crate::render::task;
use crate::render::text::{Line, Role, Text};

/// The questions, each as its lesson shows it.
pub(super) fn questions(items: &[Question], layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    if items.is_empty() {
        return text;
    }
    text.append(section("Questions", layout));
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.blank();
        }
        let label = format!("Question {}", index + 1);
        match Asked::alone(item, None).wording(&Value::Null) {
            Ok(wording) => text.append(asked(&label, item, &wording, layout)),
            Err(error) => text.append(warning(error, layout.width())),
        };
    }
    text.blank();
    let end = "The answers are at the end.";
    text.append(paragraph(Role::Dim, end, layout.width()));
    text
}

fn asked(label: &str, item: &Question, wording: &Wording, layout: Layout<'_>) -> Text {
    let mut text = task::question(label, wording, layout);
    if !wording.reasons.is_empty() {
        text.append(task::because(&wording.reasons, layout));
    }
    let task = match &item.form {
        Form::Choice { .. } | Form::Text(_) => return text,
        Form::Order { steps, .. } => {
            format!("Which {} belong there, in which order?", steps.len())
        }
        Form::Match { .. } => "Which letter goes with each line?".to_owned(),
    };
    text.append(paragraph(Role::Dim, &task, layout.width()));
    text
}

/// The right answers, and what is said to each.
pub(super) fn answers(items: &[Question], layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    if items.is_empty() {
        return text;
    }
    text.append(section("Answers", layout));
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.blank();
        }
        let label = format!("Question {}:", index + 1);
        match explained(&label, item, layout) {
            Ok(answer) => text.append(answer),
            Err(error) => text.append(warning(error, layout.width())),
        };
    }
    text
}

fn explained(label: &str, item: &Question, layout: Layout<'_>) -> Result<Text, ProofError> {
    let asked = Asked::alone(item, None);
    let key = asked.key(&Value::Null)?;
    let mut text = Text::new();
    let short = format!("{label} {}", in_short(item, &key));
    text.append(paragraph(Role::Note, &short, layout.width()));
    for (tier, says) in [(Tier::Option, &key.answers), (Tier::Reason, &key.reasons)] {
        for (place, say) in says.iter().enumerate() {
            let right = key.is_right(tier, place);
            told(
                &mut text,
                right,
                &format!("{}. ", letter(place)),
                say,
                layout,
            );
        }
    }
    for (place, say) in key.lines.iter().enumerate() {
        told(&mut text, true, &format!("{}. ", place + 1), say, layout);
    }
    told(&mut text, true, "", &key.why, layout);
    Ok(text)
}

fn told(text: &mut Text, right: bool, name: &str, say: &str, layout: Layout<'_>) {
    if say.is_empty() {
        return;
    }
    let (sign, role) = match right {
        true => ("✓ ", Role::Good),
        false => ("✗ ", Role::Bad),
    };
    let mark = Line::of(role, sign).with(Role::Key, name);
    hang(
        text,
        &mark,
        markdown_text(say, layout.narrower(mark.width())),
    );
}

/// `b, because a`; `c a b`; `1 c, 2 a`; a word.
fn in_short(item: &Question, key: &Key) -> String {
    match &key.solution {
        Given::Chosen(option, None) => letter(*option).to_string(),
        Given::Chosen(option, Some(reason)) => {
            format!("{}, because {}", letter(*option), letter(*reason))
        }
        Given::Places(places) if matches!(item.form, Form::Match { .. }) => {
            let pairs = places.iter().enumerate();
            let pairs = pairs.map(|(line, place)| format!("{} {}", line + 1, letter(*place)));
            pairs.collect::<Vec<_>>().join(", ")
        }
        Given::Places(places) => {
            let letters = places.iter().map(|place| letter(*place).to_string());
            letters.collect::<Vec<_>>().join(" ")
        }
        Given::Text(word) => word.clone(),
    }
}
