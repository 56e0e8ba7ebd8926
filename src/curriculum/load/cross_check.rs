//! What lessons and exercises say about each other: checks that all they name is there.

use super::place::{lesson_file, part_span};
use super::{Curriculum, Loader};
use crate::curriculum::exercise::{Common, Exercise, Mutant};
use crate::curriculum::lesson::{self, Lesson};
use crate::curriculum::problem::did_you_mean;
use crate::curriculum::reader::Located;

impl Loader {
    /// Checks every name by which one file means what another holds.
    pub(super) fn cross_check(&mut self, curriculum: &Curriculum) {
        let lessons: Vec<&str> = curriculum
            .lessons()
            .map(|lesson| lesson.slug.as_str())
            .collect();
        let exercises: Vec<&str> = curriculum
            .exercises
            .iter()
            .map(|exercise| exercise.slug.as_str())
            .collect();
        let modules: Vec<&str> = curriculum
            .modules
            .iter()
            .map(|module| module.slug.as_str())
            .collect();
        let languages: Vec<&str> = curriculum
            .languages
            .iter()
            .map(|language| language.id.value.as_str())
            .collect();
        let misconceptions: Vec<&str> = curriculum
            .misconceptions
            .iter()
            .map(|entry| entry.id.value.as_str())
            .collect();

        self.check_path(curriculum, &lessons, &exercises);
        self.check_tasks(curriculum, &lessons, &misconceptions);
        self.check_projects(curriculum, &lessons, &exercises);
        let bank = "curriculum/misconceptions.toml".to_owned();
        self.unique(
            "misconception",
            curriculum
                .misconceptions
                .iter()
                .map(|entry| (bank.clone(), &entry.id)),
        );
        let placed: Vec<(String, &Lesson)> = curriculum
            .modules
            .iter()
            .flat_map(|module| module.lessons.iter().map(move |lesson| (module, lesson)))
            .map(|(module, lesson)| (lesson_file(module, lesson), lesson))
            .collect();
        let quiz = placed
            .iter()
            .flat_map(|(file, lesson)| lesson.quiz.iter().map(move |it| (file.clone(), &it.id)));
        self.unique("quiz item", quiz);
        let claims = placed
            .iter()
            .flat_map(|(file, lesson)| lesson.claims.iter().map(move |it| (file.clone(), &it.id)));
        self.unique("claim", claims);
        for (file, lesson) in &placed {
            self.known(file, "lesson", &lesson.needs, &lessons);
            self.known(file, "exercise", &lesson.exercises, &exercises);
            self.known(file, "misconception", &lesson.refutes, &misconceptions);
            self.check_lesson(file, lesson, &misconceptions);
            self.check_variant(file, lesson, &curriculum.tasks);
        }
        for exercise in &curriculum.exercises {
            let file = format!(
                "exercises/{:02}-{}/exercise.toml",
                exercise.number, exercise.slug
            );
            self.known(
                &file,
                "module",
                std::slice::from_ref(&exercise.module),
                &modules,
            );
            self.known(&file, "language", &exercise.languages, &languages);
            self.known(&file, "lesson", &exercise.lessons, &lessons);
            self.check_exercise(&file, exercise, &curriculum.common, &lessons, &languages);
        }
        let common_rules: Vec<&str> = curriculum
            .common
            .rules
            .iter()
            .map(|rule| rule.id.value.as_str())
            .collect();
        for diagnosis in &curriculum.common.diagnoses {
            let rule = std::slice::from_ref(&diagnosis.rule);
            self.known("exercises/common.toml", "rule", rule, &common_rules);
        }
    }

    fn check_lesson(&mut self, file: &str, lesson: &Lesson, misconceptions: &[&str]) {
        let mut named: Vec<Located<String>> = Vec::new();
        for item in &lesson.quiz {
            named.extend(item.form.misconceptions().cloned());
        }
        let parts = lesson
            .experiment
            .as_ref()
            .map(|plan| plan.parts.as_slice())
            .unwrap_or_default();
        for option in parts
            .iter()
            .flat_map(|part| &part.predictions)
            .flat_map(|p| &p.options)
        {
            named.extend(option.misconception.clone());
        }
        self.known(file, "misconception", &named, misconceptions);
        let ids: Vec<&str> = parts.iter().map(|part| part.id.value.as_str()).collect();
        for (span, message, help) in lesson.claims.iter().filter_map(|it| it.mistake(&ids)) {
            self.add(file, span, message, Some(help));
        }
        let text = file.replace("lesson.toml", "text.md");
        for block in &lesson.blocks {
            use lesson::Block::{Markdown, Picture, Predict, Probe, Run, Script, State};
            match block {
                Predict(id) | Run(id) | State(id) | Picture(id) if lesson.part(id).is_none() => {
                    let ids = parts.iter().map(|part| part.id.value.as_str());
                    let help = did_you_mean(id, ids);
                    let place = self.places.get(&text);
                    let span = place.map_or(0..0, |file| part_span(&file.text, id));
                    let message = format!("the experiment has no part `{id}`");
                    self.add(&text, span, message, help);
                }
                Script(shown) if shown.title.is_empty() => self.no_script(&text, &shown.name),
                Markdown(_) | Probe(_) | Predict(_) | Run(_) | State(_) | Picture(_)
                | Script(_) => {}
            }
        }
    }

    /// A lesson names a script that is not there.
    fn no_script(&mut self, file: &str, name: &str) {
        let names: Vec<String> = self.scripts().map(|(name, _)| name.to_owned()).collect();
        let help = did_you_mean(name, names.iter().map(String::as_str));
        let place = self.places.get(file);
        let span = place.map_or(0..0, |file| part_span(&file.text, name));
        let message = format!("there is no script `{name}`");
        self.add(file, span, message, help);
    }

    fn check_exercise(
        &mut self,
        file: &str,
        exercise: &Exercise,
        common: &Common,
        lessons: &[&str],
        languages: &[&str],
    ) {
        let rules: Vec<&str> = exercise
            .rules
            .iter()
            .chain(&common.rules)
            .map(|rule| rule.id.value.as_str())
            .collect();
        let stages: Vec<&str> = exercise
            .stages
            .iter()
            .map(|s| s.id.value.as_str())
            .collect();
        let diagnoses: Vec<&str> = exercise
            .diagnoses
            .iter()
            .chain(&common.diagnoses)
            .map(|diagnosis| diagnosis.id.value.as_str())
            .collect();
        for diagnosis in &exercise.diagnoses {
            self.known(file, "rule", std::slice::from_ref(&diagnosis.rule), &rules);
            let lesson: Vec<_> = diagnosis.lesson.iter().cloned().collect();
            self.known(file, "lesson", &lesson, lessons);
        }
        for (index, stage) in exercise.stages.iter().enumerate() {
            self.known(file, "earlier stage", &stage.after, &stages[..index]);
            for step in &stage.steps {
                if step.rule.value.is_empty() && step.action.only_prepares() {
                    continue;
                }
                self.known(file, "rule", std::slice::from_ref(&step.rule), &rules);
            }
        }
        let own = file.to_owned();
        let ids: Vec<(String, Located<String>)> = exercise
            .diagnoses
            .iter()
            .map(|d| (own.clone(), d.id.clone()))
            .chain(exercise.stages.iter().map(|s| (own.clone(), s.id.clone())))
            .chain(exercise.rules.iter().map(|r| (own.clone(), r.id.clone())))
            .collect();
        self.unique("id", ids.iter().map(|(file, id)| (file.clone(), id)));
        let mutants = file.replace("exercise.toml", "mutants.toml");
        let proof = &exercise.proof;
        if let Some(starter) = &proof.starter {
            self.known(
                &mutants,
                "diagnosis",
                std::slice::from_ref(starter),
                &diagnoses,
            );
        }
        let verdicts: Vec<&str> = diagnoses.iter().copied().chain([Mutant::PASS]).collect();
        for mutant in &proof.mutants {
            self.known(
                &mutants,
                "language",
                std::slice::from_ref(&mutant.lang),
                languages,
            );
            self.known(
                &mutants,
                "diagnosis",
                std::slice::from_ref(&mutant.expect),
                &verdicts,
            );
            let stage: Vec<_> = mutant.stage.iter().cloned().collect();
            self.known(&mutants, "stage", &stage, &stages);
        }
        let ids = proof
            .mutants
            .iter()
            .map(|mutant| (mutants.clone(), &mutant.id));
        self.unique("mutant", ids);
    }
}
