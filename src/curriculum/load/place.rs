//! Names of files, and places within them.

use crate::curriculum::lesson::Lesson;
use crate::curriculum::module::Module;

/// Where the first live block that names this part, or this script, does so.
pub(super) fn part_span(text: &str, id: &str) -> std::ops::Range<usize> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let inner = line
            .trim()
            .strip_prefix("{{")
            .and_then(|rest| rest.strip_suffix("}}"));
        let mut words = inner.unwrap_or_default().split_whitespace();
        let blocks = ["predict", "run", "state", "picture", "script"];
        if words.next().is_some_and(|word| blocks.contains(&word))
            && words.next() == Some(id)
            && let Some(at) = line.rfind(id)
        {
            return offset + at..offset + at + id.len();
        }
        offset += line.len();
    }
    0..0
}

/// The file of a lesson.
pub(super) fn lesson_file(module: &Module, lesson: &Lesson) -> String {
    let module = format!("{:02}-{}", module.number, module.slug);
    format!(
        "curriculum/{module}/{:02}-{}/lesson.toml",
        lesson.number, lesson.slug
    )
}

/// `02-af-unix/…` is number 2, slug `af-unix`.
pub(super) fn numbered(name: &str) -> (u32, String) {
    let directory = name.split('/').next().unwrap_or(name);
    match directory.split_once('-') {
        Some((number, slug)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            (number.parse().unwrap_or(0), slug.to_owned())
        }
        _ => (0, directory.to_owned()),
    }
}
