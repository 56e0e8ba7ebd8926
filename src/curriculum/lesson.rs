//! A lesson: one question, its text in blocks, the experiment it wraps, its quiz.
//!
//! Reads `lesson.toml` and cuts `text.md` into blocks. Laying the text out is
//! [`crate::render::markdown`]'s; running the experiment is [`crate::experiment`]'s.

use serde::Serialize;

use super::claim::Claim;
use super::expression;
use super::question::{Place, Question};
use super::reader::{Located, Reader};

/// A lesson.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Lesson {
    /// Its slug: the directory without the leading number. Unique in the curriculum.
    pub slug: String,
    /// The slug of its module.
    pub module: String,
    /// Its place in the module: the directory's leading number.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// The one question it answers.
    pub asks: String,
    /// The answer, in one sentence.
    pub answer: String,
    /// About how long it takes, in minutes.
    pub minutes: u32,
    /// Misconceptions it refutes, by id.
    pub refutes: Vec<Located<String>>,
    /// Lessons to read first, by slug.
    pub needs: Vec<Located<String>>,
    /// Exercises it leads to, by slug.
    pub exercises: Vec<Located<String>>,
    /// Kernel identifiers worth looking up.
    pub idents: Vec<Located<String>>,
    /// Kernel releases on which its stated facts were observed.
    pub checked: Vec<String>,
    /// The experiment it wraps.
    pub experiment: Option<ExperimentPlan>,
    /// The task that predicts its experiment once more, with other numbers and roles: only that is
    /// evidence.
    pub variant: Option<Located<String>>,
    /// The facts it states, each with what backs it.
    pub claims: Vec<Claim>,
    /// Quiz questions.
    pub quiz: Vec<Question>,
    /// The text, cut at its live blocks.
    pub blocks: Vec<Block>,
}

/// How a lesson wraps an experiment: predict, run, state, explain.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ExperimentPlan {
    /// Which experiment, by name.
    pub name: Located<String>,
    /// Its parameters.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// The parts, in order. Part `a`'s observation is `obs.a` in expressions.
    pub parts: Vec<Part>,
}

/// One part of an experiment: a story, predictions, and the fact to state.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Part {
    /// `a`, `b`, …
    pub id: Located<String>,
    /// What will be done, before it is done.
    pub story: String,
    /// What the learner commits to before anything runs.
    pub predictions: Vec<Prediction>,
    /// The decisive fact, which the learner re-enters.
    pub state: Option<State>,
    /// A picture as a template over the observation; at most 8 lines of 76 columns.
    pub picture: Option<String>,
}

/// A question asked before the run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Prediction {
    /// Unique within the experiment.
    pub id: String,
    /// The question.
    pub prompt: String,
    /// What may be answered.
    pub options: Vec<PredictionOption>,
}

/// One answer to a prediction.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PredictionOption {
    /// The answer.
    pub text: String,
    /// True when the kernel agreed: an expression over `obs`.
    pub when: Located<String>,
    /// The misconception behind it, if it is one.
    pub misconception: Option<Located<String>>,
}

/// The decisive fact of a part.
#[derive(Clone, Debug, Default, Serialize)]
pub struct State {
    /// The question.
    pub prompt: String,
    /// The value as text: an expression over `obs`.
    pub equals: Located<String>,
}

/// What a lesson shows of a probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The probe's name.
    pub name: String,
    /// The sections of its picture; none means all of it.
    pub sections: Vec<String>,
}

impl Shown {
    /// `creds: peers, live`.
    pub fn title(&self) -> String {
        match self.sections[..] {
            [] => self.name.clone(),
            ref sections => format!("{}: {}", self.name, sections.join(", ")),
        }
    }
}

/// A script of the model that a lesson shows: it can be stepped through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stepped {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it is about: sentences.
    pub about: String,
}

/// A piece of a lesson's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// Markdown with slots (`{{ obs.a.pid }}`, `{{ ident unix_listen }}`, `{{ claim NAME }}`).
    Markdown(String),
    /// `{{ probe NAME }}` or `{{ probe NAME SECTION }}`: a live probe of this machine.
    Probe(Shown),
    /// `{{ predict PART }}`: the predictions of a part.
    Predict(String),
    /// `{{ run PART }}`: runs the experiment and shows its calls.
    Run(String),
    /// `{{ state PART }}`: asks for the decisive fact.
    State(String),
    /// `{{ picture PART }}`: the picture of a part.
    Picture(String),
    /// `{{ script NAME }}`: a script of the model.
    Script(Stepped),
}

impl Lesson {
    pub(super) fn read(top: &mut Reader<'_>) -> Self {
        top.format();
        Self {
            title: top.text("title"),
            asks: top.text("asks"),
            answer: top.text("answer"),
            minutes: top.integer("minutes", 1..91) as u32,
            refutes: top.texts("refutes"),
            needs: top.texts("needs"),
            exercises: top.texts("exercises"),
            idents: top.texts("idents"),
            checked: top
                .texts("checked")
                .into_iter()
                .map(|text| text.value)
                .collect(),
            experiment: top.table("experiment", "the experiment", read_experiment),
            variant: top.optional_text("variant"),
            claims: top.tables("claim", "a claim", Claim::read),
            quiz: top.tables("quiz", "a quiz item", |item| {
                Question::read(item, Place::Quiz)
            }),
            ..Self::default()
        }
    }

    /// The part with this id.
    pub fn part(&self, id: &str) -> Option<&Part> {
        self.experiment
            .as_ref()?
            .parts
            .iter()
            .find(|part| part.id.value == id)
    }
}

fn read_experiment(table: &mut Reader<'_>) -> ExperimentPlan {
    ExperimentPlan {
        name: table.located_text("name"),
        params: table.free_table("params"),
        parts: table.tables("part", "a part of the experiment", |part| Part {
            id: part.located_text("id"),
            story: part.text("story"),
            predictions: part.tables("predict", "a prediction", |predict| Prediction {
                id: predict.text("id"),
                prompt: predict.text("prompt"),
                options: predict.tables("option", "an option", |option| PredictionOption {
                    text: option.text("text"),
                    when: expression_text(option, "when"),
                    misconception: option.optional_text("misconception"),
                }),
            }),
            state: part.table("state", "the fact to state", |state| State {
                prompt: state.text("prompt"),
                equals: expression_text(state, "equals"),
            }),
            picture: part.optional_text("picture").map(|picture| {
                if let Err(error) = expression::check_template(&picture.value) {
                    part.problem(picture.span.clone(), error.to_string(), None);
                }
                picture.value
            }),
        }),
    }
}

/// A required key whose value is an expression; a malformed one is a problem at its place.
pub(super) fn expression_text(table: &mut Reader<'_>, key: &'static str) -> Located<String> {
    let text = table.located_text(key);
    check_expression(table, key, &text);
    text
}

/// The same, of a key that may be absent.
pub(in crate::curriculum) fn optional_expression(
    table: &mut Reader<'_>,
    key: &'static str,
) -> Option<Located<String>> {
    let text = table.optional_text(key)?;
    check_expression(table, key, &text);
    Some(text)
}

fn check_expression(table: &Reader<'_>, key: &str, text: &Located<String>) {
    if let Err(error) = expression::check_expression(&text.value)
        && !text.value.is_empty()
    {
        let message = format!("`{key}` is not an expression: {error}");
        table.problem(text.span.clone(), message, None);
    }
}

/// Slots of one name that stand in the markdown, although a line may hold nothing else.
const INLINE: [&str; 2] = ["ident", "claim"];

/// Cuts a lesson's text at the lines that are live blocks. A line such as `{{ run a }}` stands
/// alone; every other slot stays in the markdown. Returns the blocks and, for each line that looks
/// like a block but is none, its byte range and what is wrong.
pub fn cut(text: &str) -> (Vec<Block>, Vec<(std::ops::Range<usize>, String)>) {
    let mut blocks = Vec::new();
    let mut problems = Vec::new();
    let mut markdown = String::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let span = offset..offset + line.trim_end().len();
        offset += line.len();
        let inner = line
            .trim()
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"));
        let words: Vec<&str> = inner
            .map(|inner| inner.split_whitespace().collect())
            .unwrap_or_default();
        let block = match words[..] {
            ["probe", name, ref sections @ ..] => Some(Block::Probe(Shown {
                name: name.to_owned(),
                sections: sections.iter().map(|&section| section.to_owned()).collect(),
            })),
            ["predict", part] => Some(Block::Predict(part.to_owned())),
            ["run", part] => Some(Block::Run(part.to_owned())),
            ["state", part] => Some(Block::State(part.to_owned())),
            ["picture", part] => Some(Block::Picture(part.to_owned())),
            // What it is called is known to the files of the curriculum.
            ["script", name] => Some(Block::Script(Stepped {
                name: name.to_owned(),
                ..Stepped::default()
            })),
            [word, _] if !INLINE.contains(&word) && word.chars().all(char::is_alphabetic) => {
                problems.push((span, format!("`{word}` is no live block")));
                None
            }
            _ => {
                markdown.push_str(line);
                None
            }
        };
        if let Some(block) = block {
            if !markdown.trim().is_empty() {
                blocks.push(Block::Markdown(std::mem::take(&mut markdown)));
            }
            markdown.clear();
            blocks.push(block);
        }
    }
    if !markdown.trim().is_empty() {
        blocks.push(Block::Markdown(markdown));
    }
    (blocks, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_lines_that_are_live_blocks() {
        let (blocks, problems) = cut("# T\n\n{{ predict a }}\n{{run a}}\nPid {{ obs.a.pid }}.\n");
        assert!(problems.is_empty());
        assert_eq!(
            blocks,
            [
                Block::Markdown("# T\n\n".into()),
                Block::Predict("a".into()),
                Block::Run("a".into()),
                Block::Markdown("Pid {{ obs.a.pid }}.\n".into()),
            ]
        );
    }

    #[test]
    fn an_unknown_live_block_is_a_problem_with_its_place() {
        let (_, problems) = cut("a\n{{ ruin a }}\n");
        assert_eq!(problems, [(2..14, "`ruin` is no live block".to_owned())]);
    }
}
