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
    /// In which order the options are shown: indices into the list as it is written. Authors tend
    /// to write the right one first; readers must not be able to tell. The order depends on the
    /// question's id alone, so a question looks the same everywhere and every time.
    pub fn option_order(&self) -> Vec<usize> {
        order(&format!("{}/option", self.id.value), self.options.len())
    }

    /// In which order the reasons are shown; see [`Item::option_order`].
    pub fn reason_order(&self) -> Vec<usize> {
        order(&format!("{}/reason", self.id.value), self.reasons.len())
    }

    /// In which order options and reasons are shown when it is asked once more, for the `time`th
    /// time after the lesson: another order each time, so that a letter is nothing to remember.
    pub fn orders_at(&self, time: u32) -> (Vec<usize>, Vec<usize>) {
        let id = &self.id.value;
        (
            order(&format!("{id}/option/{time}"), self.options.len()),
            order(&format!("{id}/reason/{time}"), self.reasons.len()),
        )
    }

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

fn order(id: &str, count: usize) -> Vec<usize> {
    // FNV-1a over the id, then xorshift: to be stable across releases, not to be random.
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let mut state = id.bytes().fold(0xcbf2_9ce4_8422_2325, fnv) | 1;
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(last, ((state >> 33) % (last as u64 + 1)) as usize);
    }
    order
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

#[cfg(test)]
mod tests {
    use super::order;

    #[test]
    fn every_answer_is_shown_once_and_the_first_written_is_not_always_the_first_shown() {
        let mut firsts = [0; 3];
        for number in 0..300 {
            let shown = order(&format!("item-{number}"), 3);
            let mut sorted = shown.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2]);
            firsts[shown[0]] += 1;
        }
        assert!(firsts.iter().all(|&count| count > 50), "{firsts:?}");
    }

    #[test]
    fn the_order_of_a_question_never_changes() {
        assert_eq!(order("bytes-1/option", 4), [2, 3, 1, 0]);
        assert!(order("", 0).is_empty());
    }
}
