//! Rows of a picture, before a call and after it: what changed is marked, what went is shown once
//! more.

use crate::render::markdown::columns;
use crate::render::text::{Line, Role, Span, Text};

/// Something that is drawn: the same key is the same thing, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number among its like.
    pub key: u32,
    /// Its lines, without the mark.
    pub lines: Vec<Line>,
    /// What is left of it when it is gone, without the mark.
    pub gone: Line,
}

/// The mark in front of what changed.
pub const MARK: &str = "* ";
/// In front of what did not.
const NO_MARK: &str = "  ";

/// Rows after a call, with those that were there before and are no more.
pub fn compared(before: &[Row], after: &[Row]) -> Text {
    let gone = before
        .iter()
        .filter(|row| after.iter().all(|other| other.key != row.key))
        .map(|row| (row, Change::Gone));
    let there = after.iter().map(|row| {
        let old = before.iter().find(|old| old.key == row.key);
        match old {
            Some(old) if old == row => (row, Change::None),
            old => (row, Change::From(old)),
        }
    });
    let mut rows: Vec<(&Row, Change<'_>)> = gone.chain(there).collect();
    rows.sort_by_key(|(row, _)| row.key);
    let mut text = Text::new();
    for (row, change) in rows {
        if let Change::Gone = change {
            let mut line = Line::of(Role::Warning, MARK);
            for span in &row.gone.spans {
                line.push(span.role, span.text.clone());
            }
            text.line(line);
            continue;
        }
        for (place, line) in row.lines.iter().enumerate() {
            text.line(marked(line, change, place));
        }
    }
    text
}

/// What became of a row.
#[derive(Clone, Copy)]
enum Change<'a> {
    None,
    /// It was this before, if it was there.
    From(Option<&'a Row>),
    Gone,
}

fn marked(line: &Line, change: Change<'_>, place: usize) -> Line {
    match change {
        Change::From(old) => {
            let mark = if place == 0 { MARK } else { NO_MARK };
            let mut marked = Line::of(Role::Warning, mark);
            let known = |span: &Span| {
                old.is_some_and(|old| old.lines.iter().any(|line| line.spans.contains(span)))
            };
            for span in &line.spans {
                // What was not there before stands out.
                let role = if known(span) {
                    span.role
                } else {
                    Role::Warning
                };
                marked.push(role, span.text.clone());
            }
            marked
        }
        Change::None | Change::Gone => {
            let mut marked = Line::of(Role::Plain, NO_MARK);
            for span in &line.spans {
                marked.push(span.role, span.text.clone());
            }
            marked
        }
    }
}

/// Spans over several lines: words are kept whole, further lines are indented, and no line ends
/// with a blank.
pub fn wrapped(spans: &[Span], width: usize, indent: usize) -> Vec<Line> {
    let mut lines = vec![Line::empty()];
    let mut used = 0;
    // Blanks are written when a word follows them on the same line.
    let mut blanks = (Role::Plain, String::new());
    for span in spans {
        for piece in span.text.split_inclusive(' ') {
            let word = piece.trim_end_matches(' ');
            let wide = columns(word);
            if wide > 0 && used > indent && used + wide > width {
                lines.push(Line::of(Role::Plain, " ".repeat(indent)));
                used = indent;
                blanks.1.clear();
            }
            let line = lines.last_mut().expect("there is a first line");
            if wide > 0 {
                line.push(blanks.0, std::mem::take(&mut blanks.1));
                line.push(span.role, word);
            }
            let after = &piece[word.len()..];
            if !after.is_empty() {
                if blanks.0 != span.role {
                    line.push(blanks.0, std::mem::take(&mut blanks.1));
                }
                blanks.0 = span.role;
                blanks.1.push_str(after);
            }
            used += wide + after.len();
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: u32, text: &str) -> Row {
        Row {
            key,
            lines: vec![Line::of(Role::Plain, text)],
            gone: Line::of(Role::Dim, format!("row {key} gone")),
        }
    }

    #[test]
    fn what_changed_came_or_went_is_marked_in_its_place() {
        let before = [row(1, "same"), row(2, "old"), row(3, "lost")];
        let after = [row(1, "same"), row(2, "new"), row(4, "found")];
        assert_eq!(
            compared(&before, &after).plain(),
            "  same\n* new\n* row 3 gone\n* found\n"
        );
    }

    #[test]
    fn long_text_goes_on_below_itself() {
        let spans = [
            Span::new(Role::Plain, "one two "),
            Span::new(Role::Dim, "three four"),
        ];
        let lines: Vec<String> = wrapped(&spans, 10, 2).iter().map(Line::plain).collect();
        assert_eq!(lines, ["one two", "  three", "  four"]);
    }
}
