//! What an exercise says about observations and its own files: names that must exist before a
//! learner ever sees them.
//!
//! Loading a curriculum knows no observation; so a misspelt name in a diagnosis, which would only
//! show when that diagnosis is tried, is found here, with the file and the place, like all others.

use std::ops::Range;
use std::sync::Arc;

use super::listing::{self, SocketContext};
use super::observation::Observation;
use super::sanitizer::Finding;
use crate::curriculum::Curriculum;
use crate::curriculum::exercise::{Diagnosis, Exercise, FindingWords};
use crate::curriculum::expression;
use crate::curriculum::problem::{Problem, SourceFile};
use crate::curriculum::scenario::{Action, Step};
use crate::curriculum::source::StoredFile;

/// Every mistake in what exercises say about observations, and in the programs they come with.
/// `files` is where the curriculum came from.
pub fn problems(curriculum: &Curriculum, files: &[StoredFile]) -> Vec<Problem> {
    let mut found = Vec::new();
    let common = "exercises/common.toml";
    if let Some(mut lint) = Lint::of(common, files, &mut found) {
        lint.diagnoses(&curriculum.common.diagnoses);
        lint.findings(&curriculum.common.findings);
    }
    for exercise in &curriculum.exercises {
        let directory = format!("exercises/{:02}-{}", exercise.number, exercise.slug);
        if let Some(mut lint) = Lint::of(&format!("{directory}/exercise.toml"), files, &mut found) {
            lint.diagnoses(&exercise.diagnoses);
            lint.stages(exercise);
            lint.programs(curriculum, exercise);
        }
        if let Some(mut lint) = Lint::of(&format!("{directory}/mutants.toml"), files, &mut found) {
            lint.mutants(exercise);
        }
    }
    found
}

/// One file being looked at.
struct Lint<'a> {
    file: Arc<SourceFile>,
    found: &'a mut Vec<Problem>,
}

impl<'a> Lint<'a> {
    fn of(name: &str, files: &[StoredFile], found: &'a mut Vec<Problem>) -> Option<Self> {
        let stored = files.iter().find(|file| file.name == name)?;
        Some(Self {
            file: stored.source_file(),
            found,
        })
    }

    fn add(&mut self, span: Range<usize>, message: String, help: Option<&str>) {
        self.found.push(Problem {
            file: Arc::clone(&self.file),
            span: Some(span),
            message,
            help: help.map(str::to_owned),
        });
    }

    fn diagnoses(&mut self, diagnoses: &[Diagnosis]) {
        let nothing_seen = Observation::default();
        let known = serde_json::to_value(&nothing_seen).expect("an observation is plain data");
        for diagnosis in diagnoses {
            // By name and not only by trying: `and` and `or` do not look at what decides nothing.
            for name in expression::names(&diagnosis.when.value) {
                if known
                    .pointer(&format!("/{}", name.replace('.', "/")))
                    .is_none()
                {
                    let message = format!("an observation has no `{name}`");
                    self.add(diagnosis.when.span.clone(), message, Some(NAMES));
                }
            }
            for (key, template) in [("say", &diagnosis.say), ("look", &diagnosis.look)] {
                if let Err(error) = expression::fill(template, &nothing_seen) {
                    let message = format!(
                        "`{key}` of `{}` cannot be filled: {error}",
                        diagnosis.id.value
                    );
                    self.add(diagnosis.id.span.clone(), message, Some(NAMES));
                }
            }
        }
    }

    fn findings(&mut self, findings: &[FindingWords]) {
        let nothing_told = Finding::default();
        for finding in findings {
            if let Err(error) = expression::fill(&finding.say, &nothing_told) {
                let kind = &finding.kind;
                let message = format!("`say` of `{}` cannot be filled: {error}", kind.value);
                self.add(kind.span.clone(), message, Some(NAMES));
            }
        }
    }

    fn stages(&mut self, exercise: &Exercise) {
        let by_hand = serde_json::json!({
            "socket": "/tmp/s", "other": "/tmp/o", "file": "/tmp/f", "program": "./program",
        });
        let peer = serde_json::json!({
            "peer": super::protocol::Credentials::default(),
            "queue": super::protocol::Queue::default(),
        });
        for stage in &exercise.stages {
            let at = stage.id.span.clone();
            if let Err(error) = expression::fill(&stage.by_hand, &by_hand) {
                let help = "It may name `socket`, `other`, `file` and `program`.";
                self.add(
                    at.clone(),
                    format!("`by_hand` cannot be filled: {error}"),
                    Some(help),
                );
            }
            if stage.hints.look.is_empty() {
                let help = "Add [stage.hints] with look, think and show.";
                self.add(at.clone(), "this stage has no hints".to_owned(), Some(help));
            }
            for step in &stage.steps {
                self.listing(step);
                if let Action::ExpectLine { text, .. } = &step.action
                    && let Err(error) = expression::fill(text, &peer)
                {
                    let help = "It may name `peer.pid`, `peer.uid`, `peer.gid`, and of `queue`: `bytes`, `taken`, `memory`, `limit`.";
                    let message = format!("the line waited for cannot be filled: {error}");
                    self.add(step.rule.span.clone(), message, Some(help));
                }
            }
        }
    }

    /// Lines about sockets: their templates can be filled.
    fn listing(&mut self, step: &Step) {
        let texts = match &step.action {
            Action::ExpectListed(listed) => vec![&listed.text],
            Action::ExpectUnlisted(unlisted) => vec![&unlisted.starts, &unlisted.ends],
            _ => return,
        };
        let socket = serde_json::json!({ "socket": SocketContext::default() });
        for text in texts {
            if let Err(error) = listing::fill(text, &socket) {
                let help = "It may name `socket.inode`, `socket.type` and `socket.name`.";
                let message = format!("the line cannot be filled: {error}");
                self.add(step.rule.span.clone(), message, Some(help));
            }
        }
    }

    fn programs(&mut self, curriculum: &Curriculum, exercise: &Exercise) {
        for id in &exercise.languages {
            let Some(language) = curriculum.language(&id.value) else {
                continue;
            };
            for kind in ["starter", "solution"] {
                let name = format!("{kind}/{}/{}", language.id.value, language.main);
                if !exercise.files.iter().any(|file| file.name == name) {
                    self.add(id.span.clone(), format!("there is no {name}"), None);
                }
            }
        }
    }

    fn mutants(&mut self, exercise: &Exercise) {
        for mutant in &exercise.proof.mutants {
            for edit in &mutant.edits {
                let within = format!("{}/{}", mutant.lang.value, edit.file);
                let name = format!("solution/{within}");
                let Some(file) = exercise.file_of_solution(&within) else {
                    self.add(
                        mutant.lang.span.clone(),
                        format!("there is no {name}"),
                        None,
                    );
                    continue;
                };
                let times = String::from_utf8_lossy(&file.bytes)
                    .matches(&edit.find)
                    .count();
                if times != 1 {
                    let message = format!(
                        "an edit of `{}` matches {times} times in {name}, not once",
                        mutant.id.value
                    );
                    self.add(mutant.id.span.clone(), message, None);
                }
            }
        }
    }
}

/// What an expression of a diagnosis may name.
const NAMES: &str = "The book lists the names an observation has: Writing exercises.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curriculum::source::Source;

    #[test]
    fn the_shipped_exercises_name_only_what_exists() {
        let files = Source::Embedded.files().unwrap();
        let curriculum = Curriculum::load(&Source::Embedded).unwrap();
        let messages: Vec<String> = problems(&curriculum, &files)
            .into_iter()
            .map(|problem| problem.message)
            .collect();
        assert_eq!(messages, Vec::<String>::new());
    }

    #[test]
    fn a_misspelt_name_is_found_with_its_place() {
        let mut files = Source::Embedded.files().unwrap();
        let curriculum = {
            let mut curriculum = Curriculum::load(&Source::Embedded).unwrap();
            let when = &mut curriculum.common.diagnoses[0].when;
            when.value = "program.running and progam.signal != ''".to_owned();
            curriculum
        };
        files.retain(|file| file.name == "exercises/common.toml");
        let found = problems(&curriculum, &files);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].span,
            Some(curriculum.common.diagnoses[0].when.span.clone())
        );
    }
}
