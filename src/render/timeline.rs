//! A failure's timeline as text: the checker on the left, the program on the right, one clock.
//!
//! ```text
//!   Events    ms  the checker               your program
//!            0.0  starts the program
//!            0.3                            starts as process 4711
//!            4.1  sends 6 bytes on a
//! ```
//!
//! Pure.

use super::text::{Line, Role, Text};
use super::verdict::{pad_to, wrapped, wrapped_as};
use crate::check::verdict::{Event, Failure, Side};

/// Events that are shown of each side where a failure is told.
const SHOWN: usize = 12;
/// Columns before the first column.
const CLOCK: usize = 16;

/// The last events of each side, and where they come from. Nothing when there are none.
pub fn last(failure: &Failure, width: usize) -> Text {
    let mut text = Text::new();
    if failure.timeline.is_empty() {
        return text;
    }
    text.append(heading("  Events    ms  the checker", width));
    let shown = last_of_both(&failure.timeline);
    for event in &shown {
        text.append(event_lines(event, width));
    }
    let more = failure.timeline.len() - shown.len() + failure.timeline_left_out;
    let note = match more {
        0 => failure.timeline_note.clone(),
        1 => format!("{} 1 more event came before.", failure.timeline_note),
        more => format!("{} {more} more events came before.", failure.timeline_note),
    };
    text.append(wrapped(Line::of(Role::Dim, "    "), note.trim(), width));
    text
}

/// All events, for a page that scrolls; nothing when [`last`] has shown them all.
pub fn whole(failure: &Failure, width: usize) -> Text {
    let mut text = Text::new();
    if last_of_both(&failure.timeline).len() == failure.timeline.len() {
        return text;
    }
    text.append(heading("  All       ms  the checker", width));
    if failure.timeline_left_out > 0 {
        let words = format!("… {} events left out", failure.timeline_left_out);
        text.append(wrapped(
            Line::of(Role::Dim, " ".repeat(CLOCK)),
            &words,
            width,
        ));
    }
    for event in &failure.timeline {
        text.append(event_lines(event, width));
    }
    text
}

fn heading(left: &str, width: usize) -> Text {
    let mut head = Line::of(Role::Subheading, left);
    pad_to(&mut head, CLOCK + column(width) + 1);
    head.push(Role::Subheading, "your program");
    let mut text = Text::new();
    text.line(head);
    text
}

/// The width of each column of events.
fn column(width: usize) -> usize {
    (width.saturating_sub(CLOCK + 1) / 2).max(16)
}

/// One event; what is longer than its column goes on below.
fn event_lines(event: &Event, width: usize) -> Text {
    let column = column(width);
    let at = format!("{:>14.1}  ", event.at_us as f64 / 1000.0);
    let (start, role) = match event.side {
        Side::Checker => (CLOCK, Role::Plain),
        Side::Program => (CLOCK + column + 1, Role::Value),
    };
    let mut line = Line::of(Role::Dim, at);
    pad_to(&mut line, start);
    wrapped_as(role, line, &event.what, start + column, start)
}

/// The last events of each side, in order.
fn last_of_both(timeline: &[Event]) -> Vec<&Event> {
    let mut kept = Vec::new();
    let mut room = [SHOWN; 2];
    for event in timeline.iter().rev() {
        let left = &mut room[event.side as usize];
        if *left > 0 {
            *left -= 1;
            kept.push(event);
        }
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(checker: usize, program: usize) -> Failure {
        let event = |at_us: usize, side| Event {
            at_us: at_us as u64 * 1000,
            side,
            what: format!("event {at_us}"),
        };
        let checker = (0..checker).map(|at| event(2 * at, Side::Checker));
        let program = (0..program).map(|at| event(2 * at + 1, Side::Program));
        let mut timeline: Vec<Event> = checker.chain(program).collect();
        timeline.sort_by_key(|event| event.at_us);
        Failure {
            timeline,
            timeline_note: "Seen.".to_owned(),
            ..Failure::default()
        }
    }

    fn plain(text: &Text) -> Vec<String> {
        text.lines.iter().map(Line::plain).collect()
    }

    #[test]
    fn each_side_has_its_column_and_the_clock_is_one() {
        let lines = plain(&last(&failure(2, 2), 60));
        assert_eq!(
            lines,
            [
                "  Events    ms  the checker           your program",
                "           0.0  event 0",
                "           1.0                        event 1",
                "           2.0  event 2",
                "           3.0                        event 3",
                "    Seen.",
            ]
        );
        assert!(whole(&failure(2, 2), 60).lines.is_empty());
    }

    #[test]
    fn the_last_of_each_side_are_shown_and_all_can_be_had() {
        let mut failure = failure(100, 3);
        failure.timeline_left_out = 5;
        let lines = plain(&last(&failure, 60));
        assert_eq!(lines.len(), 1 + 12 + 3 + 1);
        assert_eq!(
            lines.last().unwrap(),
            "    Seen. 93 more events came before."
        );
        let lines = plain(&whole(&failure, 60));
        assert_eq!(lines.len(), 1 + 1 + 103);
        assert!(lines[1].ends_with("… 5 events left out"));
    }
}
