//! Corrections: what is often said of IPC on Linux and is not so, what is so, and the home of the
//! fact: a claim of a lesson, an exercise, a trace of the quick reference, or a lesson that is not
//! written yet.
//!
//! Reads `corrections.toml`. Whether the homes exist is checked where all files are known, in
//! [`super::pages`].

use serde::Serialize;

use super::claim::optional_page;
use super::reader::{Located, Reader};

/// What `corrections.toml` holds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Corrections {
    /// Lessons and modules that are not written yet.
    pub later: Vec<Later>,
    /// The corrections, in the order of the file.
    pub corrections: Vec<Correction>,
}

/// A lesson or module that is not written yet.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Later {
    /// Its slug to be.
    pub name: Located<String>,
    /// What it will be about.
    pub title: String,
}

/// One belief, and what is so.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Correction {
    /// Unique: small letters, digits and dashes.
    pub id: Located<String>,
    /// What is often said, as a sentence.
    pub believed: String,
    /// What is so, as a sentence.
    pub fact: String,
    /// Rows of the claim audit that it answers.
    pub audit: Vec<u32>,
    /// Where the fact is taught.
    pub home: Home,
    /// A manual page to read on in, with its section.
    pub reference: Option<String>,
}

/// Where a fact is taught.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Home {
    /// Claims of a lesson, which its experiment or a reference backs.
    Lesson {
        /// The lesson, by slug.
        lesson: Located<String>,
        /// One or more of its claims.
        claims: Vec<Located<String>>,
    },
    /// An exercise that a program with this belief does not pass.
    Exercise {
        /// The exercise, by slug.
        exercise: Located<String>,
        /// The diagnosis that such a program gets, if there is one.
        diagnosis: Option<Located<String>>,
    },
    /// A trace of the quick reference, by id, which a test runs.
    Trace(Located<String>),
    /// A lesson or module that is not written yet: one of [`Corrections::later`].
    Later(Located<String>),
}

impl Default for Home {
    fn default() -> Self {
        Self::Later(Located::default())
    }
}

impl Corrections {
    pub(super) fn read(top: &mut Reader<'_>) -> Self {
        top.format();
        Self {
            later: top.tables("later", "a later lesson", |table| Later {
                name: table.located_text("name"),
                title: table.text("title"),
            }),
            corrections: top.tables("correction", "a correction", Correction::read),
        }
    }
}

impl Correction {
    fn read(table: &mut Reader<'_>) -> Self {
        let id = table.located_text("id");
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !id.value.chars().all(plain) {
            let message = format!("`{}` is no name for a correction", id.value);
            let help = "Write small letters, digits and dashes.".to_owned();
            table.problem(id.span.clone(), message, Some(help));
        }
        let reference = optional_page(table, "reference");
        Self {
            believed: sentence(table, "believed"),
            fact: sentence(table, "fact"),
            audit: table
                .integers("audit", 1..10_000)
                .into_iter()
                .map(|row| row as u32)
                .collect(),
            home: read_home(table, &id),
            reference: reference.map(|page| page.value),
            id,
        }
    }
}

/// A required key whose value is a sentence; what lacks its full stop is a problem at its place.
pub(super) fn sentence(table: &mut Reader<'_>, key: &'static str) -> String {
    let text = table.located_text(key);
    if !text.value.is_empty() && !text.value.trim_end().ends_with('.') {
        let help = "Write one sentence, with a full stop.".to_owned();
        let message = format!("`{key}` is no sentence");
        table.problem(text.span, message, Some(help));
    }
    text.value
}

/// `lesson` with `claims`, `exercise`, `trace`, or `later`: exactly one of them.
fn read_home(table: &mut Reader<'_>, id: &Located<String>) -> Home {
    let lesson = table.optional_text("lesson");
    let claims = table.texts("claims");
    let exercise = table.optional_text("exercise");
    let diagnosis = table.optional_text("diagnosis");
    let trace = table.optional_text("trace");
    let later = table.optional_text("later");
    let mistake = |span, message: &str, help: &str| {
        table.problem(span, message.to_owned(), Some(help.to_owned()));
    };
    if let (None, Some(claim)) = (&lesson, claims.first()) {
        let help = "Add `lesson`, the lesson that states them.";
        mistake(claim.span.clone(), "these claims have no lesson", help);
    }
    if let (None, Some(diagnosis)) = (&exercise, &diagnosis) {
        let help = "Add `exercise`, the exercise that gives it.";
        mistake(
            diagnosis.span.clone(),
            "this diagnosis has no exercise",
            help,
        );
    }
    match (lesson, exercise, trace, later) {
        (Some(lesson), None, None, None) => {
            if claims.is_empty() {
                let help = "Add `claims`, the ids of claims of this lesson.";
                mistake(lesson.span.clone(), "no claim shows this fact", help);
            }
            Home::Lesson { lesson, claims }
        }
        (None, Some(exercise), None, None) => Home::Exercise {
            exercise,
            diagnosis,
        },
        (None, None, Some(trace), None) => Home::Trace(trace),
        (None, None, None, Some(later)) => Home::Later(later),
        (None, None, None, None) => {
            let help = "Add `lesson` with `claims`; or `exercise`; or `trace`; or `later`.";
            mistake(id.span.clone(), "this correction has no home", help);
            Home::default()
        }
        _ => {
            let help = "Keep one of `lesson`, `exercise`, `trace` and `later`.";
            let message = "this correction has more than one home";
            mistake(id.span.clone(), message, help);
            Home::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::curriculum::problem::SourceFile;
    use crate::curriculum::reader::{Report, read_file};

    fn read(text: &str) -> (Corrections, Vec<String>) {
        let file = Arc::new(SourceFile {
            name: "corrections.toml".into(),
            text: text.into(),
        });
        let report = Report::new(file);
        let corrections = read_file(&report, Corrections::read);
        let problems = report.finish().into_iter().map(|problem| {
            let line = problem.line().unwrap_or(0);
            assert!(problem.help.is_some(), "{}", problem.message);
            format!("{line}: {}", problem.message)
        });
        (corrections, problems.collect())
    }

    const HEAD: &str = "format = 1\n[[correction]]\nbelieved = \"So.\"\nfact = \"Not so.\"\n";

    #[test]
    fn a_correction_has_one_of_four_homes() {
        for (home, expected) in [
            ("lesson = \"l\"\nclaims = [\"c\", \"d\"]", "l c d"),
            ("exercise = \"e\"", "e"),
            ("exercise = \"e\"\ndiagnosis = \"d\"", "e d"),
            ("trace = \"t\"", "t"),
            ("later = \"m\"", "m"),
        ] {
            let text = format!("{HEAD}id = \"one\"\naudit = [3]\n{home}\n");
            let (read, problems) = read(&text);
            assert_eq!(problems, [""; 0], "{home}");
            let words = |list: &[Located<String>]| {
                let words: Vec<&str> = list.iter().map(|word| word.value.as_str()).collect();
                words.join(" ")
            };
            let found = match &read.corrections[0].home {
                Home::Lesson { lesson, claims } => format!("{} {}", lesson.value, words(claims)),
                Home::Exercise {
                    exercise,
                    diagnosis: Some(diagnosis),
                } => format!("{} {}", exercise.value, diagnosis.value),
                Home::Exercise { exercise: it, .. } | Home::Trace(it) | Home::Later(it) => {
                    it.value.clone()
                }
            };
            assert_eq!(found, expected);
            assert_eq!(read.corrections[0].audit, [3]);
        }
    }

    #[test]
    fn each_mistake_of_a_correction_has_its_line_and_a_remedy() {
        let mistakes = |rest: &str| read(&format!("{HEAD}{rest}\n")).1;
        assert_eq!(mistakes("id = \"one\""), ["5: this correction has no home"]);
        assert_eq!(
            mistakes("id = \"one\"\nlesson = \"l\"\nclaims = [\"c\"]\nlater = \"m\""),
            ["5: this correction has more than one home"]
        );
        assert_eq!(
            mistakes("id = \"one\"\nlesson = \"l\""),
            ["6: no claim shows this fact"]
        );
        assert_eq!(
            mistakes("id = \"one\"\nlater = \"m\"\nclaims = [\"c\"]"),
            ["7: these claims have no lesson"]
        );
        assert_eq!(
            mistakes("id = \"one\"\nlater = \"m\"\ndiagnosis = \"d\""),
            ["7: this diagnosis has no exercise"]
        );
        assert_eq!(
            mistakes("id = \"One\"\nlater = \"m\"\nreference = \"the manual\""),
            [
                "5: `One` is no name for a correction",
                "7: `the manual` is no manual page"
            ]
        );
        let (_, problems) = read(
            "format = 1\n[[correction]]\nid = \"one\"\nbelieved = \"So\"\nfact = \"Not so\"\nlater = \"m\"\n",
        );
        assert_eq!(
            problems,
            ["4: `believed` is no sentence", "5: `fact` is no sentence"]
        );
    }
}
