//! Projects: loads them, and checks what they name.

use super::{Curriculum, Loader};
use crate::curriculum::project::{Project, Work};

const PROJECTS: &str = "curriculum/projects/";

impl Loader {
    /// Every project there is.
    pub(super) fn projects(&mut self) -> Vec<Project> {
        let names = self.matching(PROJECTS, ".toml");
        let read = names.iter().map(|name| Project {
            slug: name[PROJECTS.len()..name.len() - ".toml".len()].to_owned(),
            ..self.read(name, Project::read)
        });
        read.collect()
    }

    /// Checks what projects name.
    pub(super) fn check_projects(
        &mut self,
        curriculum: &Curriculum,
        lessons: &[&str],
        exercises: &[&str],
    ) {
        let tasks: Vec<&str> = curriculum.tasks.iter().map(|it| it.slug.as_str()).collect();
        for project in &curriculum.projects {
            let file = format!("{PROJECTS}{}.toml", project.slug);
            for stage in &project.stages {
                if let Work::Task(task) = &stage.work {
                    self.known(&file, "task", std::slice::from_ref(task), &tasks);
                }
            }
            for judged in project.judged() {
                let slug = &judged.exercise;
                self.known(&file, "exercise", std::slice::from_ref(slug), exercises);
                let mut all = curriculum.exercises.iter();
                if let Some(known) = all.find(|it| it.slug == slug.value) {
                    let stages = known.stages.iter();
                    let ids: Vec<&str> = stages.map(|it| it.id.value.as_str()).collect();
                    self.known(&file, "stage", &judged.stages, &ids);
                }
            }
            for row in &project.rows {
                self.known(&file, "lesson", &row.lessons, lessons);
            }
            for case in &project.use_cases {
                self.known(&file, "exercise", &case.exercises, exercises);
            }
        }
    }
}
