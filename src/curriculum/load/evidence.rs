//! Tasks, and what `path.toml` says of evidence: finds the files, checks the names in them.

use super::Loader;
use crate::curriculum::Curriculum;
use crate::curriculum::lesson::Lesson;
use crate::curriculum::path::Evidence;
use crate::curriculum::task::{Kind, Task};

/// Where tasks are.
const TASKS: &str = "curriculum/tasks/";

impl Loader {
    /// Every task, by slug.
    pub(super) fn tasks(&mut self) -> Vec<Task> {
        let names = self.matching(TASKS, ".toml");
        let read = names.iter().map(|name| Task {
            slug: name[TASKS.len()..name.len() - ".toml".len()].to_owned(),
            ..self.read(name, Task::read)
        });
        read.collect()
    }

    /// Checks what tasks name.
    pub(super) fn check_tasks(
        &mut self,
        curriculum: &Curriculum,
        lessons: &[&str],
        misconceptions: &[&str],
    ) {
        for task in &curriculum.tasks {
            let file = format!("{TASKS}{}.toml", task.slug);
            self.known(&file, "lesson", &task.lessons, lessons);
            self.known(
                &file,
                "misconception",
                &task.misconceptions(),
                misconceptions,
            );
            let questions = task.questions.iter();
            self.unique("question", questions.map(|one| (file.clone(), &one.id)));
        }
    }

    /// Checks which task a lesson names as its variant. The task must say that the lesson prepares
    /// for it, so that a try of it is known to be about what was read.
    pub(super) fn check_variant(&mut self, file: &str, lesson: &Lesson, tasks: &[Task]) {
        let Some(named) = &lesson.variant else {
            return;
        };
        let variants = tasks.iter().filter(|task| task.kind == Kind::Variant);
        let known: Vec<&str> = variants.map(|task| task.slug.as_str()).collect();
        self.known(file, "variant", std::slice::from_ref(named), &known);
        let task = tasks.iter().find(|task| task.slug == named.value);
        let lists = |task: &Task| task.lessons.iter().any(|one| one.value == lesson.slug);
        if task.is_some_and(|task| !lists(task)) {
            let message = format!("the task `{}` does not list this lesson", named.value);
            let help = format!("Add `{}` to the task's `lessons`.", lesson.slug);
            self.add(file, named.span.clone(), message, Some(help));
        }
    }

    /// Checks what the path names.
    pub(super) fn check_path(
        &mut self,
        curriculum: &Curriculum,
        lessons: &[&str],
        exercises: &[&str],
    ) {
        let file = "curriculum/path.toml";
        let tasks: Vec<&str> = curriculum
            .tasks
            .iter()
            .map(|task| task.slug.as_str())
            .collect();
        let levels = curriculum.path.levels.iter();
        for outcome in levels.flat_map(|level| &level.outcomes) {
            self.known(file, "lesson", &outcome.lessons, lessons);
            self.known(file, "exercise", &outcome.exercises, exercises);
            for evidence in &outcome.evidence {
                match evidence {
                    Evidence::Retrieval(named) => self.known(file, "lesson", named, lessons),
                    Evidence::Task(named) => {
                        self.known(file, "task", std::slice::from_ref(named), &tasks);
                    }
                    Evidence::Exercise(named) => {
                        self.known(file, "exercise", std::slice::from_ref(named), exercises);
                    }
                }
            }
        }
    }
}
