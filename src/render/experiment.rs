//! The list of experiments: each with the question of the lesson that wraps it.
//!
//! ```text
//! unix.listen                  lesson bind-listen-accept
//!   What must a server have done before a client can connect?
//! ```
//!
//! What an experiment did is drawn by [`super::lesson`].

use super::markdown::paragraph;
use super::text::{Line, Role, Text};
use crate::curriculum::lesson::Lesson;
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
