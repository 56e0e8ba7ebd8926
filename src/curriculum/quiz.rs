//! Quiz items. Every option carries its own feedback; a wrong one names the misconception behind
//! it. Reads the `[[quiz]]` tables of a lesson; asking and remembering are others' work.

use serde::Serialize;

use super::reader::{Located, Reader};

/// One question.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Item {
    /// Unique in the curriculum; answers are remembered by it.
    pub id: Located<String>,
    /// The situation and the question.
    pub prompt: String,
    /// The answers.
    pub options: Vec<Choice>,
    /// In a two-tier item, the reasons; credit is for both together. Empty otherwise.
    pub reasons: Vec<Choice>,
}

/// One answer, or one reason.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Choice {
    /// The answer.
    pub text: String,
    /// Whether it is right.
    pub ok: bool,
    /// What choosing it assumes, and the fact that decides. Reasons may have none.
    pub say: String,
    /// The misconception behind a wrong one.
    pub misconception: Option<Located<String>>,
}

impl Item {
    pub(super) fn read(table: &mut Reader<'_>) -> Self {
        let kind = table.choice("kind", &[("choice", 1), ("two-tier", 2)]);
        let item = Self {
            id: table.located_text("id"),
            prompt: table.text("prompt"),
            options: table.tables("option", "an option", |option| read_choice(option, true)),
            reasons: table.tables("reason", "a reason", |reason| read_choice(reason, false)),
        };
        let right = |choices: &[Choice]| choices.iter().filter(|choice| choice.ok).count();
        if item.options.len() < 2 || right(&item.options) != 1 {
            let message = "a quiz item needs two or more options, one of them `ok = true`";
            table.problem(item.id.span.clone(), message, None);
        }
        if kind == 2 && (item.reasons.len() < 2 || right(&item.reasons) != 1) {
            let message = "a two-tier item needs two or more reasons, one of them `ok = true`";
            table.problem(item.id.span.clone(), message, None);
        }
        if kind == 1 && !item.reasons.is_empty() {
            let help = Some("Make it `kind = \"two-tier\"`.".to_owned());
            table.problem(
                item.id.span.clone(),
                "only a two-tier item has reasons",
                help,
            );
        }
        item
    }
}

fn read_choice(table: &mut Reader<'_>, needs_feedback: bool) -> Choice {
    let choice = Choice {
        text: table.text("text"),
        ok: table.flag("ok"),
        say: if needs_feedback {
            table.text("say")
        } else {
            table
                .optional_text("say")
                .map(|say| say.value)
                .unwrap_or_default()
        },
        misconception: table.optional_text("misconception"),
    };
    if !choice.ok && choice.misconception.is_none() {
        let help = Some("Add `misconception = \"M…\"` from misconceptions.toml.".to_owned());
        table.problem(
            table.span(),
            "a wrong answer must name its misconception",
            help,
        );
    }
    choice
}
