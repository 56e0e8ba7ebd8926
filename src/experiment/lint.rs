//! What a lesson says about its experiment: names that must exist, and slots that must not come
//! before the run that fills them.
//!
//! Loading a curriculum knows no experiments, and no probes; so these mistakes are found here, with
//! the file and the place, like all others.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::{judgement, registry, scene};
use crate::curriculum::Curriculum;
use crate::curriculum::expression;
use crate::curriculum::lesson::Lesson;
use crate::curriculum::problem::{Problem, SourceFile, did_you_mean};
use crate::curriculum::source::StoredFile;
use crate::curriculum::task::{Kind, Live, Task};
use crate::probe;

/// Every mistake in what lessons say about experiments and probes. `files` is where the curriculum
/// came from; `probes` are the names that a `{{ probe NAME }}` block may use.
pub fn problems(curriculum: &Curriculum, files: &[StoredFile], probes: &[&str]) -> Vec<Problem> {
    let mut found = Vec::new();
    for lesson in curriculum.lessons() {
        if let Some(file) = file_of(lesson, "lesson.toml", files) {
            check_plan(lesson, &file, &mut found);
        }
        if let Some(file) = file_of(lesson, "text.md", files) {
            TextCheck {
                lesson,
                probes,
                file: &file,
                ran: BTreeSet::new(),
                idents: BTreeSet::new(),
                found: &mut found,
            }
            .run();
        }
    }
    for task in &curriculum.tasks {
        check_task(task, files, probes, &mut found);
    }
    check_questions(curriculum, files, &mut found);
    found
}

/// Questions that cannot be answered, or only in some draws. What a live task asks is decided by
/// what is seen.
fn check_questions(curriculum: &Curriculum, files: &[StoredFile], found: &mut Vec<Problem>) {
    let lessons = curriculum.lessons();
    let lessons = lessons.map(|lesson| (file_of(lesson, "lesson.toml", files), &lesson.quiz));
    let tasks = curriculum.tasks.iter().filter(|task| task.live.is_none());
    let tasks = tasks.map(|task| (file_of_task(task, files), &task.questions));
    for (file, questions) in lessons.chain(tasks) {
        let Some(file) = file else { continue };
        found.extend(questions.iter().filter_map(|question| {
            Some(Problem {
                file: Arc::clone(&file),
                span: Some(question.id.span.clone()),
                message: question.answerable().err()?,
                help: None,
            })
        }));
    }
}

fn file_of_task(task: &Task, files: &[StoredFile]) -> Option<Arc<SourceFile>> {
    let name = format!("curriculum/tasks/{}.toml", task.slug);
    let stored = files.iter().find(|file| file.name == name);
    stored.map(StoredFile::source_file)
}

fn check_task(task: &Task, files: &[StoredFile], probes: &[&str], found: &mut Vec<Problem>) {
    let Some(file) = file_of_task(task, files) else {
        return;
    };
    let (what, name, known): (_, _, Vec<&str>) = match &task.live {
        None => return,
        Some(Live::Probe(name)) => ("probe", name, probes.to_vec()),
        Some(Live::Experiment { name, .. }) => {
            let known = registry::ALL.iter();
            // A variant is another situation than the lesson's own.
            let known = known.filter(|one| task.kind != Kind::Variant || one.varied.is_some());
            ("experiment", name, known.map(|one| one.name).collect())
        }
        Some(Live::Scene(staged)) => ("scene", &staged.name, scene::NAMES.to_vec()),
    };
    if !known.contains(&name.value.as_str()) {
        found.push(Problem {
            file,
            span: Some(name.span.clone()),
            message: format!("there is no {what} `{}` for this kind of task", name.value),
            help: did_you_mean(&name.value, known),
        });
    }
}

/// The file of a lesson. Directories are a number, a dash and the slug.
fn file_of(lesson: &Lesson, name: &str, files: &[StoredFile]) -> Option<Arc<SourceFile>> {
    let is = |directory: &str, slug: &str| {
        directory == slug
            || directory.split_once('-').is_some_and(|(number, rest)| {
                rest == slug && number.bytes().all(|byte| byte.is_ascii_digit())
            })
    };
    let stored = files.iter().find(|file| {
        let parts: Vec<&str> = file.name.split('/').collect();
        matches!(parts[..], ["curriculum", module, directory, file]
            if is(module, &lesson.module) && is(directory, &lesson.slug) && file == name)
    });
    stored.map(StoredFile::source_file)
}

fn check_plan(lesson: &Lesson, file: &Arc<SourceFile>, found: &mut Vec<Problem>) {
    let Some(plan) = &lesson.experiment else {
        return;
    };
    let name = &plan.name;
    if registry::find(&name.value).is_none() {
        found.push(Problem {
            file: Arc::clone(file),
            span: Some(name.span.clone()),
            message: format!("there is no experiment `{}`", name.value),
            help: did_you_mean(&name.value, registry::ALL.iter().map(|known| known.name)),
        });
    }
}

/// One walk through a text, line by line.
struct TextCheck<'a> {
    lesson: &'a Lesson,
    probes: &'a [&'a str],
    file: &'a Arc<SourceFile>,
    /// Parts whose run block has been met.
    ran: BTreeSet<String>,
    /// Identifiers that have been met.
    idents: BTreeSet<String>,
    found: &'a mut Vec<Problem>,
}

impl TextCheck<'_> {
    fn run(mut self) {
        let mut offset = 0;
        let file = Arc::clone(self.file);
        for line in file.text.split_inclusive('\n') {
            self.line(line, offset);
            offset += line.len();
        }
        for ident in &self.lesson.idents {
            if !self.idents.contains(&ident.value) {
                let message = format!(
                    "the lesson lists `{}`, and its text does not use it",
                    ident.value
                );
                let help = format!(
                    "Add {{{{ ident {} }}}}, with what to look for.",
                    ident.value
                );
                self.add(0..0, message, Some(help));
            }
        }
        let parts = self.lesson.experiment.iter().flat_map(|plan| &plan.parts);
        for part in parts {
            if !self.ran.contains(&part.id.value) {
                let message = format!("part `{}` of the experiment is never run", part.id.value);
                let help = format!("Add a line {{{{ run {} }}}}.", part.id.value);
                self.add(0..0, message, Some(help));
            }
        }
    }

    fn line(&mut self, line: &str, offset: usize) {
        let mut rest = line;
        while let Some((before, slot, after)) = judgement::next_slot(rest) {
            let start = offset + (line.len() - rest.len()) + before.len();
            let end = offset + (line.len() - after.len());
            let alone = before.trim().is_empty() && after.trim().is_empty();
            let words: Vec<&str> = slot.split_whitespace().collect();
            match words[..] {
                ["probe", name, ref sections @ ..] if alone => {
                    self.probe(name, sections, start..end);
                }
                ["run", part] if alone => {
                    self.ran.insert(part.to_owned());
                }
                // Loading has looked whether it is there.
                ["script", _] if alone => {}
                ["predict", part] if alone => self.predict(part, start..end),
                ["state" | "picture", part] if alone => self.after_run(part, start..end),
                _ => {
                    let ticks = line[..line.len() - rest.len() + before.len()].matches('`');
                    self.slot(slot, ticks.count() % 2 == 1, start..end);
                }
            }
            rest = after;
        }
    }

    fn probe(&mut self, name: &str, sections: &[&str], span: Range<usize>) {
        if !self.probes.contains(&name) {
            let help = did_you_mean(name, self.probes.iter().copied());
            self.add(span, format!("there is no probe `{name}`"), help);
            return;
        }
        let known = probe::Name::parse(name).map_or(&[][..], probe::Name::sections);
        for section in sections.iter().filter(|section| !known.contains(section)) {
            let message = format!("the probe `{name}` has no section `{section}`");
            let help = match known {
                [] => "Its picture is shown whole.".to_owned(),
                known => format!("It has {}.", known.join(", ")),
            };
            self.add(span.clone(), message, Some(help));
        }
    }

    fn predict(&mut self, part: &str, span: Range<usize>) {
        if self.ran.contains(part) {
            let message = format!("part `{part}` is predicted after it has run");
            let help = Some("A prediction comes before its run.".to_owned());
            self.add(span, message, help);
        }
    }

    fn after_run(&mut self, part: &str, span: Range<usize>) {
        if !self.ran.contains(part) {
            let message = format!("part `{part}` has not run here yet");
            let help = Some(format!("Move this below {{{{ run {part} }}}}."));
            self.add(span, message, help);
        }
    }

    fn slot(&mut self, slot: &str, inside_code: bool, span: Range<usize>) {
        if inside_code {
            let message = "a slot cannot stand inside a code span".to_owned();
            let help = Some("Leave the backticks out and write {{ … | code }}.".to_owned());
            self.add(span.clone(), message, help);
        }
        if let Some(name) = judgement::ident(slot) {
            self.idents.insert(name.to_owned());
            let listed = self.lesson.idents.iter().map(|ident| ident.value.as_str());
            if !listed.clone().any(|ident| ident == name) {
                let help = did_you_mean(name, listed);
                self.add(
                    span,
                    format!("`{name}` is not among the lesson's idents"),
                    help,
                );
            }
            return;
        }
        if let Some(name) = judgement::claim(slot) {
            let claims = self.lesson.claims.iter().map(|it| it.id.value.as_str());
            if !claims.clone().any(|id| id == name) {
                let help = did_you_mean(name, claims)
                    .unwrap_or_else(|| "Add a [[claim]] table to lesson.toml.".to_owned());
                let message = format!("the lesson has no claim `{name}`");
                self.add(span, message, Some(help));
            }
            return;
        }
        let parts = parts_named(slot);
        if parts.is_empty() {
            let message = format!("`{slot}` is no slot");
            let help = Some(
                "A slot is {{ obs.PART.NAME }}, {{ ident NAME }} or {{ claim NAME }}.".to_owned(),
            );
            self.add(span.clone(), message, help);
        }
        for part in parts {
            self.after_run(part, span.clone());
        }
        let source = slot.strip_suffix("| code").unwrap_or(slot);
        if let Err(error) = expression::check_expression(source.trim()) {
            self.add(
                span,
                format!("`{slot}` is not an expression: {error}"),
                None,
            );
        }
    }

    fn add(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.found.push(Problem {
            file: Arc::clone(self.file),
            span: Some(span),
            message,
            help,
        });
    }
}

/// The parts whose observations an expression names: `a` of `obs.a.pid`.
fn parts_named(expression: &str) -> Vec<&str> {
    expression
        .split("obs.")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next())
        .filter(|part| !part.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curriculum::lesson::{ExperimentPlan, Part};
    use crate::curriculum::module::Module;
    use crate::curriculum::reader::Located;

    fn located(value: &str) -> Located<String> {
        Located {
            value: value.to_owned(),
            span: 7..9,
        }
    }

    fn found(text: &str, experiment: &str) -> Vec<String> {
        let lesson = Lesson {
            slug: "l".into(),
            module: "m".into(),
            idents: vec![located("unix_listen")],
            experiment: Some(ExperimentPlan {
                name: located(experiment),
                params: serde_json::Map::new(),
                parts: vec![Part {
                    id: located("a"),
                    ..Part::default()
                }],
            }),
            ..Lesson::default()
        };
        let curriculum = Curriculum {
            modules: vec![Module {
                slug: "m".into(),
                lessons: vec![lesson],
                ..Module::default()
            }],
            ..Curriculum::default()
        };
        let stored = |name: &str, text: &str| StoredFile {
            name: format!("curriculum/01-m/02-l/{name}"),
            bytes: text.as_bytes().to_vec().into(),
            executable: false,
        };
        let files = [
            stored("lesson.toml", "name = \"x\""),
            stored("text.md", text),
        ];
        problems(&curriculum, &files, &["sockets"])
            .iter()
            .map(|problem| {
                let file = problem.file.name.rsplit('/').next().unwrap_or_default();
                format!(
                    "{file}:{}: {}",
                    problem.line().unwrap_or(0),
                    problem.message
                )
            })
            .collect()
    }

    const GOOD: &str = "{{ probe sockets }}\n{{ predict a }}\n{{ run a }}\n{{ state a }}\n\
        Pid {{ obs.a.pid }}, {{ obs.a.name | code }}, {{ ident unix_listen }}.\n";

    #[test]
    fn a_text_in_order_has_no_problems() {
        assert_eq!(found(GOOD, "unix.bytes"), [""; 0]);
    }

    #[test]
    fn a_slot_before_its_run_is_a_problem_with_its_line() {
        let text = format!("T\n\nPid {{{{ obs.a.pid }}}}.\n{GOOD}");
        assert_eq!(
            found(&text, "unix.bytes"),
            ["text.md:3: part `a` has not run here yet"]
        );
    }

    #[test]
    fn unknown_probes_experiments_and_identifiers_are_problems() {
        let text = format!("{{{{ probe socket }}}}\n{GOOD}\n{{{{ ident unix_lissen }}}}\n");
        assert_eq!(
            found(&text, "unix.byte"),
            [
                "lesson.toml:1: there is no experiment `unix.byte`",
                "text.md:1: there is no probe `socket`",
                "text.md:8: `unix_lissen` is not among the lesson's idents",
            ]
        );
    }

    #[test]
    fn a_section_that_a_probe_does_not_have_is_a_problem() {
        let text =
            format!("{{{{ probe sockets listening }}}}\n{GOOD}\n{{{{ probe sockets lessons }}}}\n");
        assert_eq!(
            found(&text, "unix.bytes"),
            ["text.md:8: the probe `sockets` has no section `lessons`"]
        );
    }

    #[test]
    fn a_prediction_after_its_run_is_a_problem() {
        let text = GOOD.replace("{{ predict a }}\n", "") + "{{ predict a }}\n";
        assert_eq!(
            found(&text, "unix.bytes"),
            ["text.md:5: part `a` is predicted after it has run"]
        );
    }

    #[test]
    fn a_part_that_never_runs_and_an_unused_identifier_are_problems() {
        assert_eq!(
            found("T\n", "unix.bytes"),
            [
                "text.md:1: the lesson lists `unix_listen`, and its text does not use it",
                "text.md:1: part `a` of the experiment is never run",
            ]
        );
    }

    #[test]
    fn a_slot_inside_a_code_span_is_a_problem() {
        let text = format!("{GOOD}The call `bind({{{{ obs.a.fd }}}})`.\n");
        assert_eq!(
            found(&text, "unix.bytes"),
            ["text.md:6: a slot cannot stand inside a code span"]
        );
    }
}
