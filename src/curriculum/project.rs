//! A project: exercises and tasks that lead to one program, in order, and what is to be known beside
//! them. Reads `curriculum/projects/NAME.toml`; its page is drawn in [`crate::render::pages`].

use serde::Serialize;

use super::reader::{Located, Reader};

/// What a project's file holds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Project {
    /// What its file is called.
    pub slug: String,
    /// What it is called.
    pub title: String,
    /// What comes of it: one sentence.
    pub summary: String,
    /// Markdown above the stages.
    pub intro: String,
    /// What is done, in order.
    pub stages: Vec<ProjectStage>,
    /// Sections below the stages.
    pub parts: Vec<Part>,
    /// Advice that is often given for such programs, and what is right about it.
    pub rows: Vec<Row>,
    /// Where such programs are used.
    pub use_cases: Vec<UseCase>,
}

/// A stage of a project.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ProjectStage {
    /// What it adds: a phrase.
    pub title: String,
    /// How it is done.
    pub work: Work,
    /// Markdown: why now, and what to look out for.
    pub says: String,
}

/// What is done in a stage.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// A task of `prove`, by slug.
    Task(Located<String>),
    /// An exercise.
    Exercise(Judged),
}

impl Default for Work {
    fn default() -> Self {
        Self::Exercise(Judged::default())
    }
}

/// An exercise, or those of its stages that are meant.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Judged {
    /// Its slug.
    pub exercise: Located<String>,
    /// Ids of its stages; none: all of them.
    pub stages: Vec<Located<String>>,
}

/// A section of the page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Part {
    /// A phrase.
    pub title: String,
    /// Markdown.
    pub text: String,
}

/// A piece of advice.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Row {
    /// The advice: a phrase.
    pub advice: String,
    /// What is to be said of it.
    pub verdict: AdviceVerdict,
    /// Why: sentences.
    pub says: String,
    /// What judges whether a program follows it; none: it is taught.
    pub judged: Vec<Judged>,
    /// Lessons that teach it, by slug.
    pub lessons: Vec<Located<String>>,
}

/// What is to be said of a piece of advice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdviceVerdict {
    /// It holds.
    #[default]
    Right,
    /// It holds with an addition.
    HalfRight,
    /// It does not hold.
    Wrong,
}

/// Where such programs are used.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UseCase {
    /// A phrase.
    pub name: String,
    /// How it is done there, and what of the project fits: sentences.
    pub says: String,
    /// Exercises that are about it, by slug.
    pub exercises: Vec<Located<String>>,
}

const VERDICTS: &[(&str, AdviceVerdict)] = &[
    ("right", AdviceVerdict::Right),
    ("half-right", AdviceVerdict::HalfRight),
    ("wrong", AdviceVerdict::Wrong),
];

impl AdviceVerdict {
    /// `right`, `half right` or `wrong`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::HalfRight => "half right",
            Self::Wrong => "wrong",
        }
    }
}

impl Project {
    pub(super) fn read(top: &mut Reader<'_>) -> Self {
        top.format();
        Self {
            slug: String::new(),
            title: top.text("title"),
            summary: top.text("summary"),
            intro: top.text("intro"),
            stages: top.tables("stage", "a stage of a project", ProjectStage::read),
            parts: top.tables("part", "a part of a page", |table| Part {
                title: table.text("title"),
                text: table.text("text"),
            }),
            rows: top.tables("row", "a piece of advice", |table| Row {
                advice: table.text("advice"),
                verdict: table.choice("verdict", VERDICTS),
                says: table.text("says"),
                judged: table.tables("judged", "what judges it", Judged::read),
                lessons: table.texts("lessons"),
            }),
            use_cases: top.tables("use_case", "a use", |table| UseCase {
                name: table.text("name"),
                says: table.text("says"),
                exercises: table.texts("exercises"),
            }),
        }
    }

    /// What its page is called: `inbox-project`.
    pub fn name(&self) -> String {
        format!("{}-project", self.slug)
    }

    /// Every exercise that it names, with those of its stages that it means.
    pub fn judged(&self) -> impl Iterator<Item = &Judged> {
        let stages = self.stages.iter().filter_map(|stage| match &stage.work {
            Work::Exercise(judged) => Some(judged),
            Work::Task(_) => None,
        });
        stages.chain(self.rows.iter().flat_map(|row| &row.judged))
    }
}

impl ProjectStage {
    fn read(table: &mut Reader<'_>) -> Self {
        let task = table.optional_text("task");
        let exercise = table.optional_text("exercise");
        let stages = table.texts("stages");
        let work = match (task, exercise) {
            (Some(task), None) => Work::Task(task),
            (None, Some(exercise)) => Work::Exercise(Judged { exercise, stages }),
            _ => {
                let message = "a stage of a project has exactly one of `task` and `exercise`";
                table.problem(table.span(), message, None);
                Work::default()
            }
        };
        Self {
            title: table.text("title"),
            work,
            says: table.text("says"),
        }
    }
}

impl Judged {
    fn read(table: &mut Reader<'_>) -> Self {
        Self {
            exercise: table.located_text("exercise"),
            stages: table.texts("stages"),
        }
    }
}
