//! The page of a project as markdown: its stages with what is done already, and what is to be known
//! beside them.

use super::Medium;
use crate::curriculum::Curriculum;
use crate::curriculum::exercise::Exercise;
use crate::curriculum::project::{Judged, Project, ProjectStage, Row, UseCase, Work};
use crate::curriculum::reader::Located;

/// How far somebody is with a stage of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is known of anybody.
    Unknown,
    /// It was passed.
    Passed,
    /// It was not.
    Open,
}

/// The whole page. `standing` tells how far the reader is with a stage.
pub fn project(
    project: &Project,
    curriculum: &Curriculum,
    medium: Medium<'_>,
    standing: impl Fn(&ProjectStage) -> Standing,
) -> String {
    let mut out = format!("# {}\n\n{}\n", project.title, project.intro.trim());
    out += &format!("\n## The stages\n\n{}\n", way(medium));
    for (stage, number) in project.stages.iter().zip(1..) {
        let mark = match standing(stage) {
            Standing::Unknown => "",
            Standing::Passed => " (passed)",
            Standing::Open => " (open)",
        };
        let title = &stage.title;
        let work = work(&stage.work, curriculum);
        let says = stage.says.trim();
        out += &format!("\n### {number}. {title}{mark}\n\n{says}\n\n{work}\n");
    }
    for part in &project.parts {
        out += &format!("\n## {}\n\n{}\n", part.title, part.text.trim());
    }
    if !project.rows.is_empty() {
        out += "\n## What is often advised, and what is right about it\n";
    }
    for row in &project.rows {
        out += &format!("\n{}\n", advice(row, curriculum, medium));
    }
    if !project.use_cases.is_empty() {
        out += "\n## Where it is used\n";
    }
    for case in &project.use_cases {
        out += &format!("\n{}\n", use_case(case, curriculum));
    }
    out
}

fn way(medium: Medium<'_>) -> &'static str {
    match medium {
        Medium::Terminal { .. } | Medium::Screen => {
            "Each stage is an exercise or a task of its own; you may take the program of one along to the next."
        }
        Medium::Book => {
            "Each stage is an exercise (`ipc-mastery start`, `ipc-mastery check`) or a task (`ipc-mastery prove`) of its own; `ipc-mastery read` shows this page with what you have passed."
        }
    }
}

fn work(work: &Work, curriculum: &Curriculum) -> String {
    match work {
        Work::Task(task) => {
            let title = curriculum.tasks.iter().find(|it| it.slug == task.value);
            let title = title.map_or("", |task| task.title.as_str());
            format!("Task “{title}”: `ipc-mastery prove {}`.", task.value)
        }
        Work::Exercise(judged) => {
            let slug = &judged.exercise.value;
            let part = named_stages(judged, curriculum);
            let of = match part.as_str() {
                "" => String::new(),
                part => format!(" Its stages {part} are meant."),
            };
            let named = exercise(slug, curriculum);
            format!("{named}: `ipc-mastery start {slug}`, `ipc-mastery check {slug}`.{of}")
        }
    }
}

fn exercise(slug: &str, curriculum: &Curriculum) -> String {
    match find(slug, curriculum) {
        Some(found) => format!("Exercise {}, “{}”", found.number, found.title),
        None => format!("Exercise `{slug}`"),
    }
}

fn find<'a>(slug: &str, curriculum: &'a Curriculum) -> Option<&'a Exercise> {
    curriculum.exercises.iter().find(|it| it.slug == slug)
}

/// The titles of the stages that are meant; empty: all are.
fn named_stages(judged: &Judged, curriculum: &Curriculum) -> String {
    let Some(found) = find(&judged.exercise.value, curriculum) else {
        return String::new();
    };
    let title = |id: &Located<String>| {
        let stage = found.stages.iter().find(|it| it.id.value == id.value);
        format!("“{}”", stage.map_or(&id.value, |stage| &stage.title))
    };
    listed(judged.stages.iter().map(title).collect())
}

fn advice(row: &Row, curriculum: &Curriculum, medium: Medium<'_>) -> String {
    let (advice, verdict, says) = (&row.advice, row.verdict.words(), row.says.trim());
    let judged = row.judged.iter().map(|judged| {
        let named = exercise(&judged.exercise.value, curriculum);
        let stages = named_stages(judged, curriculum);
        match stages.as_str() {
            "" => named,
            stages => format!("{named} ({stages})"),
        }
    });
    let judged: Vec<String> = judged.collect();
    let lessons = row.lessons.iter();
    let lessons: Vec<String> = lessons
        .filter_map(|slug| medium.lesson(&slug.value, curriculum))
        .collect();
    let mut out = format!("**{advice}**: {verdict}. {says}");
    if !judged.is_empty() {
        out += &format!(" *Judged by* {}.", judged.join("; "));
    }
    if !lessons.is_empty() {
        out += &format!(" *Taught in* {}.", listed(lessons));
    }
    out
}

fn use_case(case: &UseCase, curriculum: &Curriculum) -> String {
    let named = case.exercises.iter();
    let named: Vec<String> = named
        .map(|slug| exercise(&slug.value, curriculum))
        .collect();
    let (name, says) = (&case.name, case.says.trim());
    match named.is_empty() {
        true => format!("**{name}.** {says}"),
        false => format!("**{name}.** {says} *See* {}.", listed(named)),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(mut all: Vec<String>) -> String {
    match all.pop() {
        None => String::new(),
        Some(last) if all.is_empty() => last,
        Some(last) => format!("{} and {last}", all.join(", ")),
    }
}
