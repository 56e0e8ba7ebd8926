//! Tasks: what a learner shows that they can do, apart from writing programs. Reads
//! `curriculum/tasks/SLUG.toml`.
//!
//! A task asks one or more questions, some of them drawn from a pool, so that it is not the same
//! twice. What is drawn and how an answer is judged is [`crate::mastery::proof`]'s; which outcome a
//! task gives evidence for is said in `path.toml`.

use serde::Serialize;

use super::lesson::Lesson;
use super::question::Place;
use super::reader::{Located, Reader};
use super::staged::Staged;

pub use super::question::{
    Answer, Draw, Form, MatchLine, Purpose, Question, Step, Trap, Truth, Word, WrongWord,
};

/// A task.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Task {
    /// Its slug: the file's name without `.toml`.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// What type of evidence it gives.
    pub kind: Kind,
    /// What is read before the first question, in markdown.
    pub intro: String,
    /// Lessons that prepare for it, by slug.
    pub lessons: Vec<Located<String>>,
    /// What is run or looked at on the learner's machine.
    pub live: Option<Live>,
    /// Whether it leads by the hand: practice, listed apart from what gives evidence.
    pub guided: bool,
    /// The pool of questions.
    pub questions: Vec<Question>,
    /// How many of them are asked; all of them when it is the length of the pool.
    pub ask: usize,
    /// How many answers must be right.
    pub pass: usize,
}

/// The types of evidence that a task gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An explanation put together: statements chosen and ordered.
    #[default]
    Order,
    /// Lines of a trace, or of source code, matched to what they do.
    Trace,
    /// A decision in situations that no lesson describes.
    Decision,
    /// Predictions about a variant of an experiment, judged by the kernel.
    Variant,
    /// Something measured on the learner's own system.
    Measurement,
}

/// What a task runs or looks at.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Live {
    /// An experiment with drawn parameters.
    Experiment {
        /// Which one, by name.
        name: Located<String>,
        /// Parameters that are always the same.
        params: serde_json::Map<String, serde_json::Value>,
        /// Parameters that are drawn.
        draws: Vec<Draw>,
    },
    /// A probe, by name. Its JSON is `obs` in expressions.
    Probe(Located<String>),
    /// A live situation that stands until the task is over. What is seen of it is `obs`.
    Scene(Staged),
}

impl Kind {
    /// All, with the words that files use.
    pub const ALL: [(&'static str, Self); 5] = [
        ("order", Self::Order),
        ("trace", Self::Trace),
        ("decision", Self::Decision),
        ("variant", Self::Variant),
        ("measurement", Self::Measurement),
    ];

    /// As it is written in files and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Trace => "trace",
            Self::Decision => "decision",
            Self::Variant => "variant",
            Self::Measurement => "measurement",
        }
    }
}

impl Task {
    pub(super) fn read(top: &mut Reader<'_>) -> Self {
        top.format();
        let title = top.located_text("title");
        let kind = top.choice("kind", &Kind::ALL);
        let live = read_live(top);
        let place = match live {
            Some(_) => Place::LiveTask,
            None => Place::Task,
        };
        let mut task = Self {
            slug: String::new(),
            title: title.value.clone(),
            kind,
            intro: top.text("intro"),
            lessons: top.texts("lessons"),
            live,
            guided: top.flag("guided"),
            questions: top.tables("question", "a question", |one| Question::read(one, place)),
            ask: 0,
            pass: 0,
        };
        let pool = task.questions.len();
        let ask = top.optional_integer("ask", 1..100);
        task.ask = ask.map_or(pool, |ask| ask as usize);
        task.pass = task.ask;
        let wrong = |message: &str, help: &str| {
            top.problem(title.span.clone(), message, Some(help.to_owned()));
        };
        if task.ask > pool {
            wrong(
                "`ask` is more than there are questions",
                "Leave it out to ask all.",
            );
        }
        if pool == 0 {
            wrong("a task needs a question", "Add a `[[question]]`.");
        }
        let needs_live = matches!(kind, Kind::Variant | Kind::Measurement);
        if needs_live != task.live.is_some() {
            let help = "A variant has `[experiment]`; a measurement has that, `[scene]` or `probe`; \
                        no other task has any.";
            wrong("this kind of task and what it runs do not fit", help);
        }
        task
    }

    /// The questions of a lesson, for somebody who may know it already: three of four must be right.
    pub fn of_lesson(lesson: &Lesson) -> Self {
        let count = lesson.quiz.len();
        Self {
            slug: format!("lesson/{}", lesson.slug),
            title: lesson.title.clone(),
            kind: Kind::Decision,
            questions: lesson.quiz.clone(),
            ask: count,
            pass: (count * 3).div_ceil(4),
            ..Self::default()
        }
    }

    /// Every misconception that it names.
    pub(super) fn misconceptions(&self) -> Vec<Located<String>> {
        let questions = self.questions.iter();
        questions
            .flat_map(|question| question.form.misconceptions())
            .cloned()
            .collect()
    }
}

fn read_live(top: &mut Reader<'_>) -> Option<Live> {
    let experiment = top.table("experiment", "the experiment", |table| Live::Experiment {
        name: table.located_text("name"),
        params: table.free_table("params"),
        draws: table.tables("draw", "a drawn parameter", Draw::read),
    });
    let scene = top.table("scene", "the scene", Staged::read);
    let probe = top.optional_text("probe");
    let given = [experiment, scene.map(Live::Scene), probe.map(Live::Probe)];
    let mut given = given.into_iter().flatten();
    let first = given.next();
    if given.next().is_some() {
        let help = Some("Leave the others out.".to_owned());
        let message = "a task has one of `experiment`, `scene` and `probe`";
        top.problem(top.span(), message, help);
    }
    first
}
