//! The list of experiments: each with the question of the lesson that wraps it.
//!
//! ```text
//! unix.listen                  lesson bind-listen-accept
//!   What must a server have done before a client can connect?
//! ```
//!
//! What an experiment did in a lesson is drawn by [`super::lesson`]; what it did with parameters, of
//! which no lesson tells, is drawn here.

use serde_json::{Map, Value};

use super::lesson::calls;
use super::markdown::paragraph;
use super::text::{Line, Role, Text};
use crate::curriculum::lesson::Lesson;
use crate::experiment::Observation;
use crate::untrusted::readable;

/// The experiments of these lessons, in their order.
pub fn list(lessons: &[&Lesson], width: usize) -> Text {
    let mut text = Text::new();
    for lesson in lessons {
        let Some(plan) = &lesson.experiment else {
            continue;
        };
        let name = readable(&plan.name.value).into_owned();
        text.line(
            Line::of(Role::Code, format!("{name:<28}"))
                .with(Role::Dim, format!(" lesson {}", readable(&lesson.slug))),
        );
        for line in paragraph(Role::Plain, &lesson.asks, width.saturating_sub(2)).lines {
            let mut indented = Line::of(Role::Plain, "  ");
            indented.spans.extend(line.spans);
            text.line(indented);
        }
    }
    text
}

/// A run with parameters: its calls, and what was seen.
pub fn varied(seen: &Observation, params: &Map<String, Value>, width: usize) -> Text {
    let mut text = Text::new();
    let release = readable(&seen.kernel);
    let title = format!(
        "{} with {}, on Linux {release}",
        seen.experiment,
        words(params)
    );
    text.append(paragraph(Role::Subheading, &title, width));
    text.append(calls(&seen.calls, width));
    for (part, told) in seen.obs.as_object().into_iter().flatten() {
        let Some(told) = told.as_object() else {
            continue;
        };
        if let Some(said) = seen.instead(part) {
            let said = format!("No run of this machine: {said}.");
            text.append(paragraph(Role::Warning, &said, width));
        }
        let line = format!("Seen in part {part}: {}.", words(told));
        text.blank();
        text.append(paragraph(Role::Plain, &line, width));
    }
    text
}

/// `backlog=4, kind=stream`.
fn words(values: &Map<String, Value>) -> String {
    let words = values.iter().map(|(name, value)| {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        format!("{}={}", readable(name), readable(&value))
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curriculum::lesson::ExperimentPlan;
    use crate::curriculum::reader::Located;

    #[test]
    fn a_lesson_without_an_experiment_is_not_listed() {
        let plain = Lesson::default();
        let wrapped = Lesson {
            slug: "bind".into(),
            asks: "What is needed?".into(),
            experiment: Some(ExperimentPlan {
                name: Located {
                    value: "unix.listen".into(),
                    span: 0..0,
                },
                ..ExperimentPlan::default()
            }),
            ..Lesson::default()
        };
        assert_eq!(
            list(&[&plain, &wrapped], 76).plain(),
            "unix.listen                  lesson bind\n  What is needed?\n"
        );
    }
}
