//! Draws a task: what it is, a question with its statements or lines, what an answer was worth, how
//! it ended; and the list of what there is to prove. Nothing here asks or judges.
//!
//! ```text
//! 1 of 1 · Put the steps of connect(2) in order.
//!   a. It allocates the socket that accept will return.
//!   b. It looks the path up.
//! The letters of the 6 that belong there, in order, such as b a c:
//! ```

use serde::Serialize;

use super::lesson::{Answer, calls, question as lettered};
use super::markdown::{Document, Layout, paragraph};
use super::text::{Line, Role, Text};
use crate::curriculum::Curriculum;
use crate::curriculum::misconception::Misconception;
use crate::curriculum::path::Evidence;
use crate::curriculum::task::{Kind, Task};
use crate::experiment::Observation;
use crate::mastery::progress::{Progress, ProofProgress};
use crate::mastery::proof::{Judged, Key, Note, Wording};
use crate::sys::calendar::local_minute;

/// Where a question stands among those of its task.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its place, counted from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl Place {
    /// `2 of 4`.
    pub fn label(self) -> String {
        format!("{} of {}", self.number, self.of)
    }
}

/// What a try is worth when it is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// It is evidence.
    Counts,
    /// It comes too soon after one that was not passed; from this moment on one counts.
    TooSoon(i64),
    /// It is not recorded.
    Practice,
}

/// What a task is done for.
#[derive(Clone, Copy, Debug)]
pub enum Aim<'a> {
    /// Evidence for these outcomes; practice when there are none.
    Evidence(&'a [&'a str]),
    /// To pass over the lesson with this slug.
    Known(&'a str),
}

/// How a try ended.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Answers that were right.
    pub right: usize,
    /// How many must be.
    pub needed: usize,
    /// How many there are.
    pub of: usize,
    /// What it is worth when all are.
    pub worth: Worth,
}

/// Everything there is to prove by tasks.
#[derive(Clone, Debug, Serialize)]
pub struct Listing {
    /// The name and version of this form.
    pub schema: &'static str,
    /// Every task.
    pub tasks: Vec<Listed>,
}

/// A task in the list.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// Its slug.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What type of evidence it gives.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Outcomes that it gives evidence for.
    pub outcomes: Vec<String>,
    /// Lessons that prepare for it.
    pub lessons: Vec<String>,
    /// How often it was tried.
    pub tries: u32,
    /// When it was passed first and counted, in seconds since the epoch.
    pub passed_at: Option<i64>,
    /// Whether it leads by the hand through this machine: practice.
    pub guided: bool,
}

/// What there is to prove.
pub fn listing(curriculum: &Curriculum, progress: &Progress) -> Listing {
    let levels = curriculum.path.levels.iter();
    let outcomes: Vec<_> = levels.flat_map(|level| &level.outcomes).collect();
    let gives = |evidence: &Evidence, task: &Task| matches!(evidence, Evidence::Task(slug) if slug.value == task.slug);
    let mut tasks: Vec<Listed> = curriculum
        .tasks
        .iter()
        .map(|task| {
            let of = outcomes.iter();
            let of = of.filter(|outcome| outcome.evidence.iter().any(|one| gives(one, task)));
            let tries = progress.proofs.get(&task.slug);
            let tries: &[ProofProgress] = tries.map_or(&[], Vec::as_slice);
            Listed {
                name: task.slug.clone(),
                title: task.title.clone(),
                kind: task.kind,
                outcomes: of.map(|outcome| outcome.id.clone()).collect(),
                lessons: task.lessons.iter().map(|one| one.value.clone()).collect(),
                tries: tries.len() as u32,
                passed_at: tries
                    .iter()
                    .find(|one| one.passed && one.counts)
                    .map(|one| one.at),
                guided: task.guided,
            }
        })
        .collect();
    let place = |task: &Listed| {
        let first = task.outcomes.first();
        first.map_or(usize::MAX, |id| {
            outcomes
                .iter()
                .position(|outcome| outcome.id == *id)
                .unwrap_or(usize::MAX)
        })
    };
    tasks.sort_by_key(|task| (place(task), task.name.clone()));
    Listing {
        schema: "ipc-mastery/tasks/1",
        tasks,
    }
}

/// The list, for this many columns.
pub fn list(listing: &Listing, width: usize) -> Text {
    let mut text = Text::new();
    if listing.tasks.is_empty() {
        return paragraph(Role::Plain, "There is no task here.", width);
    }
    let name = listing
        .tasks
        .iter()
        .map(|task| task.name.len())
        .max()
        .unwrap_or(0);
    let (guided, others): (Vec<&Listed>, Vec<&Listed>) =
        listing.tasks.iter().partition(|task| task.guided);
    let heading = |text: &mut Text, words: &str| {
        text.line(Line::of(Role::Subheading, words));
    };
    for (at, task) in others.iter().chain(&guided).enumerate() {
        if at == others.len() {
            text.blank();
            heading(&mut text, "Explore your system");
        } else if at == 0 && !guided.is_empty() {
            heading(&mut text, "Evidence for the path");
        }
        let (sign, role) = match (task.passed_at, task.tries) {
            (Some(_), _) => ("✓", Role::Good),
            (None, 0) => ("○", Role::Dim),
            (None, _) => ("◐", Role::Warning),
        };
        let outcomes = match task.outcomes[..] {
            [] => "practice".to_owned(),
            ref ids => ids.join(" "),
        };
        let lead = format!("{outcomes:<8} ");
        let mut line = Line::of(role, format!("{sign} "));
        line.push(Role::Dim, lead);
        line.push(Role::Code, format!("{:<name$}", task.name));
        line.push(Role::Dim, format!("  {}", task.kind.word()));
        text.line(line);
        let body = paragraph(Role::Plain, &task.title, width.saturating_sub(11).max(20));
        indented(&mut text, body, 11);
    }
    text.blank();
    text.append(markdown(
        "`ipc-mastery prove NAME` does one.",
        Layout::new(width),
    ));
    text
}

/// Guided tasks, for the end of the list of lessons and exercises; empty when there are none.
pub fn explored(listing: &Listing, width: usize) -> Text {
    let guided: Vec<&Listed> = listing.tasks.iter().filter(|task| task.guided).collect();
    let mut text = Text::new();
    let Some(name) = guided.iter().map(|task| task.name.len()).max() else {
        return text;
    };
    text.blank();
    text.line(Line::of(Role::Subheading, "Explore your system"));
    for task in guided {
        let (sign, word, role) = match (task.passed_at, task.tries) {
            (Some(_), _) => ("✓", "done", Role::Good),
            (None, 0) => ("○", "open", Role::Dim),
            (None, _) => ("◐", "begun", Role::Warning),
        };
        let lead = format!("  {sign} {word:<7} ");
        let indent = lead.chars().count() + name + 2;
        let mut line = Line::of(role, lead);
        if indent + task.title.chars().count() <= width {
            line.push(Role::Code, format!("{:<name$}", task.name))
                .push(Role::Plain, format!("  {}", task.title));
            text.line(line);
        } else {
            line.push(Role::Code, task.name.clone());
            text.line(line);
            let title = paragraph(Role::Plain, &task.title, width.saturating_sub(4).max(20));
            indented(&mut text, title, 4);
        }
    }
    text.append(markdown(
        "`ipc-mastery prove NAME` begins one.",
        Layout::new(width),
    ));
    text
}

/// What passing a variant is worth, by the outcomes that count it: one sentence.
pub fn variant_worth(outcomes: &[&str]) -> String {
    match outcomes {
        [] => "It is practice: it does not count for an outcome.".to_owned(),
        ids => format!(
            "If you pass, it is evidence for {}. If not, tries in the next 20 hours are practice.",
            ids.join(" and ")
        ),
    }
}

/// The title of a task, what it is evidence for, and what is to be read first.
pub fn opening(task: &Task, aim: Aim<'_>, layout: Layout<'_>) -> Text {
    let title = format!("# {}", crate::experiment::judgement::escape(&task.title));
    let mut text = markdown(&title, layout);
    let what = match task.kind {
        Kind::Order => "An explanation to put together",
        Kind::Trace => "Lines to read",
        Kind::Decision => "Decisions to take",
        Kind::Variant => "Predictions; then it is run on your kernel",
        Kind::Measurement => "Something to find out on this machine",
    };
    let what = match aim {
        Aim::Evidence(ids) if task.kind == Kind::Variant => {
            format!("{what}. {}", variant_worth(ids))
        }
        Aim::Evidence([]) => format!("{what}: practice."),
        Aim::Evidence(ids) => format!("{what}: evidence for {}.", ids.join(" and ")),
        Aim::Known(_) => {
            "The questions of this lesson. Who knows it already may pass it over.".to_owned()
        }
    };
    text.append(paragraph(Role::Dim, &what, layout.width()));
    if !task.intro.is_empty() {
        text.blank();
        text.append(markdown(&task.intro, layout));
    }
    text
}

/// What is said when the scene of a task stands.
pub fn brief(brief: &str, layout: Layout<'_>) -> Text {
    markdown(brief, layout).apart()
}

/// Where a scene is, and how the learner's shell is reached from a question.
pub fn shell(directory: &str, layout: Layout<'_>) -> Text {
    let mut text = markdown("Look from another terminal, in this directory:", layout);
    // Whole, however long it is: it is to be copied.
    text.line(Line::of(Role::Plain, "  ").with(Role::Code, format!("cd {directory}")));
    let say = "Or from here: an answer that begins with `!` runs there as a command of your shell, \
               and `!` alone starts the shell there.";
    text.append(markdown(say, layout));
    text.apart()
}

/// What the try that begins is worth.
pub fn trying(questions: usize, needed: usize, worth: Worth, layout: Layout<'_>) -> Text {
    let count = match questions {
        1 => "One question.".to_owned(),
        _ if needed < questions => {
            format!("{questions} questions, of which {needed} must be right.")
        }
        _ => format!("{questions} questions, and all must be right."),
    };
    let say = match worth {
        Worth::Counts => format!("{count} Leaving early counts as a try."),
        Worth::TooSoon(from) => format!(
            "{count} This try is practice: one that was not passed came shortly before. From {} on \
             it counts again.",
            local_minute(from)
        ),
        Worth::Practice => format!("{count} This is practice, and is not recorded."),
    };
    paragraph(Role::Dim, &say, layout.width()).apart()
}

/// A question with numbered lines and lettered answers. The label says where it stands.
pub fn question(label: &str, wording: &Wording, layout: Layout<'_>) -> Text {
    let answers = wording.answers.iter();
    let answers: Vec<Answer<'_>> = answers.map(|text| Answer::open(text)).collect();
    if wording.lines.is_empty() {
        return lettered(label, &wording.prompt, &answers, layout);
    }
    let mut text = lettered(label, &wording.prompt, &[], layout);
    text.append(lines(&wording.lines, layout));
    text.append(lettered("", "", &answers, layout));
    text
}

/// Lines to be matched, numbered.
pub fn lines(lines: &[String], layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    let digits = lines.len().to_string().len();
    for (index, line) in lines.iter().enumerate() {
        let number = format!("  {:>digits$}  ", index + 1);
        let indent = number.len();
        let room = layout.width().saturating_sub(indent + 2).max(8);
        let body = paragraph(Role::Code, line, room);
        for (row, body) in body.lines.into_iter().enumerate() {
            let mut out = match row {
                0 => Line::of(Role::Key, number.clone()),
                _ => Line::of(Role::Plain, " ".repeat(indent + 2)),
            };
            out.spans.extend(body.spans);
            text.line(out);
        }
    }
    text
}

/// The reasons of a question.
pub fn because(reasons: &[String], layout: Layout<'_>) -> Text {
    let reasons: Vec<Answer<'_>> = reasons.iter().map(|text| Answer::open(text)).collect();
    lettered("Because", "", &reasons, layout)
}

/// The calls of an experiment that was run for a task.
pub fn ran(seen: &Observation, layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    let title = format!("On Linux {}, just now", seen.kernel);
    text.line(Line::of(Role::Subheading, title));
    text.append(calls(&seen.calls, layout.width()));
    text.apart()
}

/// A question that was answered before the run.
pub fn recalled(place: Place, prompt: &str, layout: Layout<'_>) -> Text {
    lettered(&place.label(), prompt, &[], layout).apart()
}

/// What an answer was worth, what is said to it, and what somebody who answered so may believe.
pub fn told(judged: &Judged, beliefs: &[Misconception], layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    let (role, sign, words) = match (judged.right, judged.half) {
        (true, _) => (Role::Good, "✓ ", "Right."),
        (false, true) => (Role::Bad, "✗ ", "The answer is right; the reason is not."),
        (false, false) => (Role::Bad, "✗ ", "Not right."),
    };
    text.line(Line::of(role, sign).with(Role::Plain, words));
    for note in &judged.notes {
        text.append(noted(note, layout));
        if let Some(belief) = often_believed(note, beliefs) {
            indented(&mut text, markdown(&belief, layout.narrower(2)), 2);
        }
    }
    text
}

/// What a wrong prediction should have been, once it was judged.
pub fn kernels_answer(wording: &Wording, key: &Key, layout: Layout<'_>) -> Text {
    let mut text = paragraph(Role::Dim, "Your kernel:", layout.width());
    text.append(super::review::solution(wording, key, layout));
    text
}

/// Something said to an answer.
pub fn noted(note: &Note, layout: Layout<'_>) -> Text {
    let mut text = Text::new();
    if !note.about.is_empty() {
        let about = format!("“{}”", note.about);
        let about = paragraph(Role::Dim, &about, layout.width().saturating_sub(2));
        indented(&mut text, about, 2);
    }
    indented(&mut text, markdown(&note.say, layout.narrower(2)), 2);
    text
}

/// What somebody who answered so may believe, and what is so: markdown.
pub fn often_believed(note: &Note, beliefs: &[Misconception]) -> Option<String> {
    let id = note.misconception.as_ref()?;
    let Misconception { belief, fact, .. } = beliefs.iter().find(|one| one.id.value == *id)?;
    Some(format!("Often believed: “{belief}” But: {fact}"))
}

/// How a try ended.
pub fn ending(result: Outcome, aim: Aim<'_>, seed: u64, layout: Layout<'_>) -> Text {
    let Outcome {
        right,
        needed,
        of,
        worth,
    } = result;
    let passed = right >= needed;
    let first = match passed {
        true => format!("Passed: {right} of {of} right."),
        false => format!("Not passed: {right} of {of} right."),
    };
    let then = match (passed, worth) {
        (true, Worth::Counts) => match aim {
            Aim::Evidence([]) => String::new(),
            Aim::Evidence(ids) => {
                let ids = ids.join(" and ");
                format!("It is evidence for {ids}. `ipc-mastery path` shows it.")
            }
            Aim::Known(_) => {
                "You know this lesson: the path goes on behind it. Its questions come \
                              back in reviews, from tomorrow on."
                    .to_owned()
            }
        },
        (true, _) => "It was practice, and is no evidence.".to_owned(),
        (false, Worth::Practice) => format!("`--seed {seed}` asks the same once more."),
        (false, _) => format!(
            "What is drawn differs each time. A try counts again 20 hours from now; `--seed {seed}` \
             asks this one once more, as practice."
        ),
    };
    let mut text = Text::new();
    text.line(Line::of(if passed { Role::Good } else { Role::Bad }, first));
    text.append(markdown(&then, layout));
    text.apart()
}

fn markdown(source: &str, layout: Layout<'_>) -> Text {
    Document::parse(source).layout(layout).text
}

fn indented(text: &mut Text, body: Text, indent: usize) {
    for line in body.lines {
        let mut out = Line::of(Role::Plain, " ".repeat(indent));
        out.spans.extend(line.spans);
        text.line(out);
    }
}
