//! Compares an observation with what was predicted and stated, and fills a lesson's text from it.
//!
//! Pure: a lesson's value and an observation in, an answer out. Asking and drawing are others'
//! work; the command line and the full screen use the same functions. What was observed is text
//! from outside, so every value is inserted as text: it cannot change a paragraph's layout.

use serde_json::{Value, json};

use super::Observation;
use crate::curriculum::expression::{self, ExpressionError};
use crate::curriculum::lesson::{Part, Prediction, State};
use crate::untrusted;

/// What stands in a slot whose part has not run yet.
const NOT_YET: &str = "…";

/// What stands behind a sentence that a claim backs, in markdown: struck out text is drawn dimly.
const CLAIM_MARK: &str = "~~°~~";

/// Why an observation gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JudgementError {
    /// No option describes what happened, or several do: the lesson was written on kernels that
    /// behave differently from this one.
    #[error(
        "your kernel behaved differently from the ones this lesson was written on: {count} options of `{prediction}` describe what it did"
    )]
    Unforeseen {
        /// The prediction's id.
        prediction: String,
        /// How many options are true.
        count: usize,
    },
    /// An expression or a slot names what the observation does not have.
    #[error("`{source_text}` does not fit the observation")]
    Expression {
        /// The expression or slot.
        source_text: String,
        /// What the engine says.
        #[source]
        error: ExpressionError,
    },
}

/// The index of the one option that the kernel made true.
///
/// # Errors
/// [`JudgementError::Unforeseen`] when not exactly one is true; an expression that does not fit.
pub fn agreed_option(
    prediction: &Prediction,
    observation: &Observation,
) -> Result<usize, JudgementError> {
    let context = context(observation);
    let mut agreed = Vec::new();
    for (index, option) in prediction.options.iter().enumerate() {
        if expression::holds(&option.when.value, &context).map_err(unfit(&option.when.value))? {
            agreed.push(index);
        }
    }
    match agreed[..] {
        [index] => Ok(index),
        _ => Err(JudgementError::Unforeseen {
            prediction: prediction.id.clone(),
            count: agreed.len(),
        }),
    }
}

/// The decisive fact of a part, as text.
///
/// # Errors
/// An expression that does not fit the observation.
pub fn decisive_fact(state: &State, observation: &Observation) -> Result<String, JudgementError> {
    expression::value(&state.equals.value, &context(observation))
        .map_err(unfit(&state.equals.value))
}

/// Whether what the learner entered is the decisive fact. Case, surrounding space, quotes and
/// leading zeros of a number do not matter.
///
/// # Errors
/// An expression that does not fit the observation.
pub fn stated_right(
    state: &State,
    observation: &Observation,
    answer: &str,
) -> Result<bool, JudgementError> {
    Ok(normal(&decisive_fact(state, observation)?) == normal(answer))
}

fn normal(answer: &str) -> String {
    let word = answer
        .trim()
        .trim_matches(['"', '\'', '`'])
        .trim()
        .to_lowercase();
    match word.parse::<i128>() {
        Ok(number) => number.to_string(),
        Err(_) => word,
    }
}

/// Fills the slots of a markdown block. `{{ obs.a.pid }}` becomes the value as text, with every
/// markdown sign escaped; `{{ obs.a.name | code }}` becomes a code span; `{{ ident unix_listen }}`
/// becomes a link to the kernel source browser, at the release the observation was made on;
/// `{{ claim NAME }}` becomes a small mark at the end of the sentence before it.
/// Without an observation, values are shown as `…`.
///
/// # Errors
/// A slot that names what the observation does not have.
pub fn fill_markdown(
    markdown: &str,
    observation: Option<&Observation>,
) -> Result<String, JudgementError> {
    let context = observation.map(context);
    let mut out = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some((before, slot, after)) = next_slot(rest) {
        if claim(slot).is_some() {
            out.push_str(before.trim_end());
            // Several claims behind one sentence are one mark.
            if !out.ends_with(CLAIM_MARK) {
                out.push_str(CLAIM_MARK);
            }
            rest = after;
            continue;
        }
        out.push_str(before);
        match (ident(slot), &context) {
            (Some(name), _) => out.push_str(&ident_link(name, observation)),
            (None, None) => out.push_str(NOT_YET),
            (None, Some(context)) => out.push_str(&slot_text(slot, context)?),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Fills a part's picture: plain lines for a fixed-width font, no markdown. `None` when it has none.
///
/// # Errors
/// A slot that names what the observation does not have.
pub fn fill_picture(
    part: &Part,
    observation: &Observation,
) -> Result<Option<String>, JudgementError> {
    let Some(template) = &part.picture else {
        return Ok(None);
    };
    let context = printable(context(observation));
    let text = expression::fill(template, &context).map_err(unfit(template))?;
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    Ok(Some(lines.join("\n").trim_matches('\n').to_owned()))
}

/// The kernel identifier a slot names, when it is an `ident` slot.
pub fn ident(slot: &str) -> Option<&str> {
    let name = slot.trim().strip_prefix("ident")?;
    let name = name.strip_prefix(char::is_whitespace)?.trim();
    (!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .then_some(name)
}

/// The claim a slot names, when it is a `claim` slot.
pub fn claim(slot: &str) -> Option<&str> {
    let name = slot.trim().strip_prefix("claim")?;
    let name = name.strip_prefix(char::is_whitespace)?.trim();
    (!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        .then_some(name)
}

/// Splits text at its first slot: what is before, the slot's inside, what is after.
pub fn next_slot(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (slot, after) = rest.split_once("}}")?;
    Some((before, slot.trim(), after))
}

/// Where the kernel source browser explains an identifier, for a release such as `6.18.44`.
pub fn ident_url(name: &str, release: Option<&str>) -> String {
    let version = release.and_then(|release| {
        let mut numbers = release.split(|c: char| !c.is_ascii_digit());
        let major = numbers.next().filter(|n| !n.is_empty())?;
        let minor = numbers.next().filter(|n| !n.is_empty())?;
        Some(format!("v{major}.{minor}"))
    });
    let version = version.as_deref().unwrap_or("latest");
    format!("https://elixir.bootlin.com/linux/{version}/A/ident/{name}")
}

fn ident_link(name: &str, observation: Option<&Observation>) -> String {
    let release = observation.map(|observation| observation.kernel.as_str());
    format!("[`{name}`]({})", ident_url(name, release))
}

fn slot_text(slot: &str, context: &Value) -> Result<String, JudgementError> {
    let as_code = slot
        .rsplit_once('|')
        .filter(|(_, filter)| filter.trim() == "code");
    let source = as_code.map_or(slot, |(source, _)| source.trim());
    let value = expression::value(source, context).map_err(unfit(slot))?;
    let value = untrusted::readable(&value);
    let fits_code = !value.is_empty() && !value.contains(['`', '|']) && value.trim() == value;
    Ok(if as_code.is_some() && fits_code {
        format!("`{value}`")
    } else {
        escape(&value)
    })
}

/// Markdown that shows exactly these characters.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

pub(super) fn context(observation: &Observation) -> Value {
    json!({ "obs": observation.obs })
}

fn printable(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(untrusted::printable(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(printable).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, printable(v))).collect(),
        other => other,
    }
}

fn unfit(source: &str) -> impl FnOnce(ExpressionError) -> JudgementError {
    let source_text = source.trim().to_owned();
    move |error| JudgementError::Expression { source_text, error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curriculum::lesson::PredictionOption;
    use crate::curriculum::reader::Located;

    fn seen(obs: Value) -> Observation {
        Observation {
            schema: "ipc-mastery/observation/1".into(),
            experiment: "test".into(),
            kernel: "6.18.44-amd64".into(),
            calls: Vec::new(),
            obs,
        }
    }

    fn located(text: &str) -> Located<String> {
        Located {
            value: text.to_owned(),
            ..Located::default()
        }
    }

    fn prediction(whens: &[&str]) -> Prediction {
        let option = |when: &&str| PredictionOption {
            text: (*when).to_owned(),
            when: located(when),
            misconception: None,
        };
        Prediction {
            id: "p".into(),
            prompt: "?".into(),
            options: whens.iter().map(option).collect(),
        }
    }

    #[test]
    fn the_kernel_chooses_the_one_option_that_is_true() {
        let observation = seen(json!({ "a": { "got": 6 } }));
        let two = prediction(&["obs.a.got == 3", "obs.a.got == 6"]);
        assert_eq!(agreed_option(&two, &observation), Ok(1));
    }

    #[test]
    fn a_kernel_that_agrees_with_no_option_is_said_to_differ() {
        let observation = seen(json!({ "a": { "got": 7 } }));
        let error = agreed_option(&prediction(&["obs.a.got == 3"]), &observation).unwrap_err();
        assert!(matches!(error, JudgementError::Unforeseen { count: 0, .. }));
        let both = prediction(&["obs.a.got == 7", "obs.a.got > 1"]);
        let error = agreed_option(&both, &observation).unwrap_err();
        assert!(matches!(error, JudgementError::Unforeseen { count: 2, .. }));
    }

    #[test]
    fn a_fact_may_be_stated_with_quotes_capitals_and_leading_zeros() {
        let observation = seen(json!({ "a": { "errno": "ECONNREFUSED", "mode": "755", "n": 3 } }));
        let state = |equals: &str| State {
            prompt: "?".into(),
            equals: located(equals),
        };
        let right = |equals: &str, answer: &str| {
            stated_right(&state(equals), &observation, answer).unwrap()
        };
        assert!(right("obs.a.errno", " `econnrefused` "));
        assert!(!right("obs.a.errno", "ENOENT"));
        assert!(right("obs.a.mode", "0755"));
        assert!(right("obs.a.n", "3"));
        assert!(!right("obs.a.n", "33"));
    }

    #[test]
    fn a_name_with_markdown_signs_is_inserted_as_text() {
        let name = "*x*`y` [a](b) # | <b>\u{1b}[2J";
        let observation = seen(json!({ "a": { "name": name } }));
        let filled = fill_markdown("Name {{ obs.a.name }}.", Some(&observation)).unwrap();
        let mut text = String::new();
        let mut tags = 0;
        for event in pulldown_cmark::Parser::new(&filled) {
            match event {
                pulldown_cmark::Event::Text(piece) => text.push_str(&piece),
                pulldown_cmark::Event::Start(_) => tags += 1,
                pulldown_cmark::Event::End(_) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(tags, 1, "one paragraph and nothing else");
        assert_eq!(text, r"Name *x*`y` [a](b) # | <b>\x1b[2J.");
    }

    #[test]
    fn a_value_becomes_code_only_where_code_can_hold_it() {
        let observation = seen(json!({ "a": { "name": "x.sock", "odd": "a`b" } }));
        let text = "{{ obs.a.name | code }} {{ obs.a.odd | code }}";
        let filled = fill_markdown(text, Some(&observation));
        assert_eq!(filled.as_deref(), Ok(r"`x.sock` a\`b"));
    }

    #[test]
    fn identifiers_link_to_the_release_that_was_observed() {
        let observation = seen(json!({}));
        assert_eq!(
            fill_markdown("{{ ident unix_listen }}", Some(&observation)).as_deref(),
            Ok("[`unix_listen`](https://elixir.bootlin.com/linux/v6.18/A/ident/unix_listen)")
        );
        assert_eq!(
            ident_url("scm_send", None),
            "https://elixir.bootlin.com/linux/latest/A/ident/scm_send"
        );
    }

    #[test]
    fn claims_behind_a_sentence_become_one_small_mark_at_its_end() {
        let text = "One. {{ claim a }}\n{{ claim b }} Two, {{ obs.a.x }}.\n";
        assert_eq!(
            fill_markdown(text, None).as_deref(),
            Ok("One.~~°~~ Two, ….\n")
        );
    }

    #[test]
    fn before_the_run_a_slot_is_open_and_after_it_a_misspelt_one_is_an_error() {
        assert_eq!(fill_markdown("{{ obs.a.x }}!", None).as_deref(), Ok("…!"));
        assert!(fill_markdown("{{ obs.a.y }}", Some(&seen(json!({ "a": {} })))).is_err());
    }

    #[test]
    fn a_picture_cannot_be_broken_by_a_name() {
        let observation = seen(json!({ "a": { "name": "a\nb" } }));
        let part = Part {
            picture: Some("x {{ obs.a.name }} y\n".into()),
            ..Part::default()
        };
        assert_eq!(
            fill_picture(&part, &observation),
            Ok(Some(r"x a\x0ab y".into()))
        );
    }
}
