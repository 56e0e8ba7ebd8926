//! How far a learner is with a project.

use serde::Serialize;

use super::progress::Progress;
use crate::curriculum::project::{Project, ProjectStage, Work};

/// A project, and how far somebody is with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProjectStanding {
    /// What `read` knows its page by.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// How many stages were passed.
    pub passed: usize,
    /// How many there are.
    pub of: usize,
}

impl ProjectStanding {
    /// Counts the stages that were passed.
    pub fn of(project: &Project, progress: &Progress) -> Self {
        let stages = project.stages.iter();
        Self {
            name: project.name(),
            title: project.title.clone(),
            passed: stages.filter(|stage| passed(stage, progress)).count(),
            of: project.stages.len(),
        }
    }
}

/// Whether a stage was passed: its task, its exercise, or those stages of the exercise that are meant.
pub fn passed(stage: &ProjectStage, progress: &Progress) -> bool {
    match &stage.work {
        Work::Task(task) => {
            let tries = progress.proofs.get(&task.value);
            tries.is_some_and(|tries| tries.iter().any(|one| one.passed && one.counts))
        }
        Work::Exercise(judged) => {
            let exercise = progress.exercises.get(&judged.exercise.value);
            exercise.is_some_and(|known| match judged.stages.as_slice() {
                [] => known.passed_at.is_some(),
                some => some
                    .iter()
                    .all(|stage| known.stages_passed.contains_key(&stage.value)),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curriculum::project::Judged;
    use crate::curriculum::reader::Located;
    use crate::mastery::progress::ExerciseProgress;

    fn located(value: &str) -> Located<String> {
        Located {
            value: value.to_owned(),
            ..Located::default()
        }
    }

    fn stage(exercise: &str, stages: &[&str]) -> ProjectStage {
        ProjectStage {
            work: Work::Exercise(Judged {
                exercise: located(exercise),
                stages: stages.iter().map(|id| located(id)).collect(),
            }),
            ..ProjectStage::default()
        }
    }

    #[test]
    fn a_stage_is_passed_with_all_that_it_means_of_its_exercise() {
        let mut progress = Progress::default();
        let mut known = ExerciseProgress::default();
        known.stages_passed.insert("beneath".to_owned(), 1);
        progress.exercises.insert("broker".to_owned(), known);
        assert!(passed(&stage("broker", &["beneath"]), &progress));
        assert!(!passed(&stage("broker", &["beneath", "links"]), &progress));
        assert!(!passed(&stage("broker", &[]), &progress));
        let project = Project {
            stages: vec![stage("broker", &["beneath"]), stage("inbox", &[])],
            ..Project::default()
        };
        let standing = ProjectStanding::of(&project, &progress);
        assert_eq!((standing.passed, standing.of), (1, 2));
    }
}
