//! An experiment's calls as a transcript, and the list of experiments.
//!
//! ```text
//!   client  socket(AF_UNIX, SOCK_STREAM, 0) = 3
//! > client  connect(3, "echo.sock") = -1 ECONNREFUSED (Connection refused)
//! ```
//!
//! The line that decides begins with `>`: it is told apart without colour.

use super::markdown::{Document, Layout};
use super::text::{Line, Role, Text};
use crate::curriculum::lesson::Lesson;
use crate::experiment::{Call, Observation};
use crate::untrusted::readable;

/// The calls of one part, in order. No line is wider than `width`: a result that does not fit
/// stands on the next line.
pub fn calls(observation: &Observation, part: &str, width: usize) -> Text {
    let calls: Vec<&Call> = observation.part(part).collect();
    let column = calls.iter().map(|call| call.who.len()).max().unwrap_or(0);
    let mut text = Text::new();
    for call in calls {
        let (sign, role) = if call.decisive {
            ("> ", Role::Value)
        } else {
            ("  ", Role::Plain)
        };
        let mut line =
            Line::of(role, sign).with(Role::Dim, format!("{:<column$}  ", readable(&call.who)));
        line.push(role, readable(&call.call).into_owned());
        let result = format!("= {}", readable(&call.result));
        if line.width() + 1 + result.chars().count() > width {
            text.line(line);
            line = Line::of(Role::Plain, " ".repeat(column + 6));
        } else {
            line.push(Role::Plain, " ");
        }
        line.push(role, result);
        text.line(line);
    }
    text
}

/// A sentence in markdown, set as a paragraph.
pub fn sentence(markdown: &str, width: usize) -> Text {
    Document::parse(markdown).layout(Layout::new(width)).text
}

/// Experiments with the question of the lesson that wraps each.
pub fn list(lessons: &[&Lesson], width: usize) -> Text {
    let mut text = Text::new();
    for lesson in lessons {
        let Some(plan) = &lesson.experiment else {
            continue;
        };
        let name = readable(&plan.name.value).into_owned();
        text.line(
            Line::of(Role::Code, format!("{name:<28}"))
                .with(Role::Dim, format!("lesson {}", readable(&lesson.slug))),
        );
        for line in sentence(&lesson.asks, width.saturating_sub(2)).lines {
            let mut indented = Line::of(Role::Plain, "  ");
            for span in line.spans {
                indented.push(span.role, span.text);
            }
            text.line(indented);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(result: &str) -> Observation {
        let call = |who: &str, call: &str, result: &str, decisive| Call {
            part: "a".into(),
            who: who.into(),
            call: call.into(),
            result: result.into(),
            decisive,
        };
        Observation {
            schema: Observation::SCHEMA.into(),
            experiment: "test".into(),
            kernel: "6.18".into(),
            calls: vec![
                call("server", "listen(3, 5)", "0", false),
                call("client", "connect(3, \"x\")", result, true),
            ],
            obs: serde_json::json!({}),
        }
    }

    #[test]
    fn the_deciding_line_is_marked_without_colour() {
        let text = calls(&observation("-1 ECONNREFUSED"), "a", 76).plain();
        assert_eq!(
            text,
            "  server  listen(3, 5) = 0\n> client  connect(3, \"x\") = -1 ECONNREFUSED\n"
        );
    }

    #[test]
    fn a_result_that_does_not_fit_stands_on_the_next_line() {
        let text = calls(&observation("-1 ECONNREFUSED"), "a", 40).plain();
        assert!(text.ends_with("> client  connect(3, \"x\")\n            = -1 ECONNREFUSED\n"));
    }

    #[test]
    fn control_characters_in_a_result_are_escaped() {
        let text = calls(&observation("5 \u{1b}[2J"), "a", 76).plain();
        assert!(!text.contains('\u{1b}'));
    }
}
