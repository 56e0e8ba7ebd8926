//! A table that fits: gaps and columns shrink, then the least important columns are left out, and
//! that is said.
//!
//! A row is one line. A cell that is cut shows `…` where something is missing, and an escape such
//! as `\x1b` is never cut in two. A group is a line of its own above rows that belong together.

use std::collections::BTreeSet;

use unicode_width::UnicodeWidthStr;

use crate::render::markdown::paragraph;
use crate::render::text::{Kept, Line, Role, Sink, Text};
use crate::untrusted::Untrusted;

/// Blank columns between two columns, where there is room.
const GAP: usize = 2;

/// How narrow a column becomes when there is nothing left to leave out.
const NARROW: usize = 6;

/// One column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) title: &'static str,
    /// How narrow it may become before another column is left out for it; `None`: it keeps its
    /// width.
    pub(super) least: Option<usize>,
    /// Left out when there is no room: the highest first, 0 never.
    pub(super) drop: u8,
    pub(super) align: Align,
    pub(super) cut: Cut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Where a cell that is too long loses characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    End,
    Middle,
}

impl Column {
    /// A column that keeps its width.
    pub(super) const fn fixed(title: &'static str, drop: u8) -> Self {
        Self {
            title,
            least: None,
            drop,
            align: Align::Left,
            cut: Cut::End,
        }
    }

    /// A column of numbers.
    pub(super) const fn number(title: &'static str, drop: u8) -> Self {
        Self {
            align: Align::Right,
            ..Self::fixed(title, drop)
        }
    }

    /// A column that may shrink to `least`.
    pub(super) const fn flexible(title: &'static str, least: usize, drop: u8, cut: Cut) -> Self {
        Self {
            title,
            least: Some(least),
            drop,
            align: Align::Left,
            cut,
        }
    }
}

/// One cell: printable text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) role: Role,
    pub(super) text: String,
}

impl Cell {
    pub(super) fn new(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            text: text.into(),
        }
    }
}

/// One line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// As many cells as there are columns.
    Cells(Vec<Cell>),
    /// What the rows beneath it have in common.
    Group(Cell),
}

/// Columns that had no room, in any table of a picture: said once, at its end.
#[derive(Debug, Default)]
pub(super) struct Dropped(BTreeSet<&'static str>);

impl Dropped {
    /// The sentence that names them.
    pub(super) fn say(&self, width: usize) -> Text {
        if self.0.is_empty() {
            return Text::new();
        }
        let list: Vec<String> = self.0.iter().map(|title| title.to_lowercase()).collect();
        let words = format!(
            "No room in every table for: {}. A wider terminal or --json shows them.",
            list.join(", ")
        );
        let mut text = Text::new();
        text.blank();
        text.append(paragraph(Role::Dim, &words, width));
        text
    }
}

/// The cells of one row, written one after the other. One place serves all rows of a table: there
/// may be a hundred thousand.
#[derive(Debug, Default)]
pub(super) struct Cells {
    text: String,
    /// Role and end of each cell.
    ends: Vec<(Role, usize)>,
    group: Option<Cell>,
}

impl Cells {
    /// Adds a cell.
    pub(super) fn add(&mut self, role: Role, text: &str) {
        self.text.push_str(text);
        self.end(role);
    }

    /// Adds a cell with a number.
    pub(super) fn number(&mut self, role: Role, number: impl Into<u64>) {
        self.push_number(number.into());
        self.end(role);
    }

    /// Adds a cell with nothing in it.
    pub(super) fn empty(&mut self) {
        self.end(Role::Plain);
    }

    /// Adds text to the cell that is being written; [`Self::end`] ends it.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds text from outside to the cell that is being written, as it may be printed.
    pub(super) fn push_untrusted(&mut self, text: &Untrusted) {
        match text.as_plain() {
            Some(text) => self.text.push_str(text),
            None => self.text.push_str(&text.to_string()),
        }
    }

    /// Adds a number to the cell that is being written.
    pub(super) fn push_number(&mut self, number: u64) {
        self.text.push_str(itoa::Buffer::new().format(number));
    }

    /// Ends the cell that is being written.
    pub(super) fn end(&mut self, role: Role) {
        self.ends.push((role, self.text.len()));
    }

    /// Says that this row, and those after it, are beneath a line of their own.
    pub(super) fn beneath(&mut self, group: Cell) {
        self.group = Some(group);
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.group = None;
    }

    fn cell(&self, at: usize) -> (Role, &str) {
        let from = at.checked_sub(1).map_or(0, |before| self.ends[before].1);
        let (role, to) = self.ends[at];
        (role, &self.text[from..to])
    }
}

/// Draws rows. Columns with nothing in them are left out without a word; those without room are
/// added to `dropped`.
pub(super) fn draw(columns: &[Column], rows: &[Row], width: usize, dropped: &mut Dropped) -> Text {
    let fill = |_: Option<&Row>, row: &Row, cells: &mut Cells| match row {
        Row::Cells(given) => given
            .iter()
            .for_each(|cell| cells.add(cell.role, &cell.text)),
        Row::Group(cell) => cells.beneath(cell.clone()),
    };
    let mut kept = Kept::default();
    draw_each(columns, rows, fill, width, dropped, &mut kept);
    kept.into_text()
}

/// Like [`draw`], for rows of any kind: `fill` writes the cells of one, and is told the one before.
/// It may say that a row stands beneath a group; a row without cells is only that. Each row is
/// filled twice, once to see how wide its cells are, and none is kept.
pub(super) fn draw_each<T>(
    columns: &[Column],
    rows: &[T],
    fill: impl Fn(Option<&T>, &T, &mut Cells),
    width: usize,
    dropped: &mut Dropped,
    out: &mut dyn Sink,
) {
    let mut natural = vec![0; columns.len()];
    let mut cells = Cells::default();
    let mut previous = None;
    for row in rows {
        cells.clear();
        fill(previous, row, &mut cells);
        previous = Some(row);
        for (at, widest) in natural.iter_mut().enumerate().take(cells.ends.len()) {
            *widest = (*widest).max(width_of(cells.cell(at).1));
        }
    }
    let fit = Fit::of(columns, &natural, width);
    for (at, column) in columns.iter().enumerate() {
        if at == 0 {
            cells.clear();
        }
        cells.add(Role::Subheading, column.title);
    }
    fit.draw_line(columns, &cells, out);
    previous = None;
    for row in rows {
        cells.clear();
        fill(previous, row, &mut cells);
        previous = Some(row);
        if let Some(group) = &cells.group {
            out.piece(group.role, &cut(&group.text, width, Cut::Middle));
            out.end_line();
        }
        if !cells.ends.is_empty() {
            fit.draw_line(columns, &cells, out);
        }
    }
    let named = fit.dropped.iter().filter(|title| !title.is_empty());
    dropped.0.extend(named);
}

/// Columns that printable text takes.
fn width_of(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// Which columns are drawn, and how wide.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    /// Column and width, left to right.
    kept: Vec<(usize, usize)>,
    gap: usize,
    dropped: Vec<&'static str>,
}

impl Fit {
    /// For columns whose widest cells take so many terminal columns.
    pub(super) fn of(columns: &[Column], natural: &[usize], width: usize) -> Self {
        let wanted = |at: usize| natural[at].max(columns[at].title.width());
        let least = |at: usize| match columns[at].least {
            Some(least) => wanted(at).min(least.max(columns[at].title.width())),
            None => wanted(at),
        };
        let mut kept: Vec<usize> = (0..columns.len()).filter(|&at| natural[at] > 0).collect();
        let total = |kept: &[usize], gap: usize, width_of: &dyn Fn(usize) -> usize| {
            let columns: usize = kept.iter().map(|&at| width_of(at)).sum();
            columns + gap * kept.len().saturating_sub(1)
        };
        let mut dropped = Vec::new();
        while total(&kept, 1, &least) > width {
            let droppable = kept.iter().filter(|&&at| columns[at].drop > 0);
            let Some(&last) = droppable.max_by_key(|&&at| columns[at].drop) else {
                break;
            };
            kept.retain(|&at| at != last);
            dropped.push(columns[last].title);
        }
        let gap = if total(&kept, GAP, &wanted) > width {
            1
        } else {
            GAP
        };
        let least_total = total(&kept, gap, &least);
        let mut spare = width.saturating_sub(least_total);
        let mut lacking = least_total.saturating_sub(width);
        let mut kept: Vec<(usize, usize)> = kept.iter().map(|&at| (at, least(at))).collect();
        while lacking > 0 {
            let wide = kept
                .iter_mut()
                .filter(|(at, width)| columns[*at].least.is_some() && *width > NARROW);
            let Some((_, width)) = wide.max_by_key(|(_, width)| *width) else {
                break;
            };
            *width -= 1;
            lacking -= 1;
        }
        while spare > 0 {
            let narrow = kept.iter_mut().filter(|(at, width)| *width < wanted(*at));
            let Some((_, width)) = narrow.min_by_key(|(_, width)| *width) else {
                break;
            };
            *width += 1;
            spare -= 1;
        }
        Self { kept, gap, dropped }
    }

    /// One line: of titles, or of a row.
    pub(super) fn line(&self, columns: &[Column], cells: &[Cell]) -> Line {
        let mut written = Cells::default();
        for cell in cells {
            written.add(cell.role, &cell.text);
        }
        let mut kept = Kept::default();
        self.draw_line(columns, &written, &mut kept);
        kept.into_text().lines.remove(0)
    }

    fn draw_line(&self, columns: &[Column], cells: &Cells, out: &mut dyn Sink) {
        let mut owed = 0;
        let mut fitting = String::new();
        for &(at, width) in &self.kept {
            let (role, text) = cells.cell(at);
            let whole = width_of(text);
            let (shown, taken) = if whole <= width {
                (text, whole)
            } else {
                fitting.clear();
                let taken = cut_into(text, width, columns[at].cut, &mut fitting);
                (fitting.as_str(), taken)
            };
            let pad = width.saturating_sub(taken);
            let (before, after) = match columns[at].align {
                Align::Left => (0, pad),
                Align::Right => (pad, 0),
            };
            owed += before;
            if !shown.is_empty() {
                blanks(owed, out);
                out.piece(role, shown);
                owed = 0;
            }
            owed += after + self.gap;
        }
        out.end_line();
    }
}

fn blanks(mut count: usize, out: &mut dyn Sink) {
    const BLANKS: &str = "                                                                ";
    while count > 0 {
        let some = count.min(BLANKS.len());
        out.piece(Role::Plain, &BLANKS[..some]);
        count -= some;
    }
}

/// Cuts printable text to a width.
pub(super) fn cut(text: &str, width: usize, cut: Cut) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    cut_into(text, width, cut, &mut out);
    out
}

/// Adds what is left of a text that is wider than `width`. Returns how many columns that takes.
fn cut_into(text: &str, width: usize, cut: Cut, out: &mut String) -> usize {
    let room = width.saturating_sub(1);
    let tail = match cut {
        Cut::End => 0,
        // The end of a path tells more than its middle.
        Cut::Middle => room / 2,
    };
    // Of most texts every byte is a piece.
    let simple = text.is_ascii() && !text.contains('\\');
    let (head, end) = if simple {
        (room - tail, text.len() - tail)
    } else {
        let pieces = pieces(text);
        let head = take(pieces.iter(), room - tail);
        (head, text.len() - take(pieces.iter().rev(), tail))
    };
    let before = out.len();
    out.push_str(&text[..head]);
    out.push('…');
    out.push_str(&text[end..]);
    if simple {
        room + 1
    } else {
        out[before..].width()
    }
}

/// How many bytes of these pieces fit.
fn take<'a>(pieces: impl Iterator<Item = &'a &'a str>, room: usize) -> usize {
    let mut used = 0;
    pieces
        .take_while(|piece| {
            used += piece.width();
            used <= room
        })
        .map(|piece| piece.len())
        .sum()
}

/// What must not be cut in two: characters, and escapes `\xNN`.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let escape = rest.starts_with("\\x") && rest.is_char_boundary(4.min(rest.len()));
        let length = if escape {
            4.min(rest.len())
        } else {
            first.len_utf8()
        };
        let (piece, tail) = rest.split_at(length);
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    fn drawn(columns: &[Column], rows: &[Row], width: usize) -> String {
        let mut dropped = Dropped::default();
        let mut text = draw(columns, rows, width, &mut dropped);
        text.append(dropped.say(60));
        text.plain()
    }

    #[test]
    fn an_escape_is_never_cut_in_two() {
        assert_eq!(cut(r"ab\x1bcd", 5, Cut::End), "ab…");
        assert_eq!(cut(r"ab\x1bcd", 7, Cut::End), r"ab\x1b…");
        assert_eq!(cut(r"aaaa\x1b", 6, Cut::Middle), "aaa…");
    }

    #[test]
    fn columns_shrink_before_they_are_left_out_and_that_is_said() {
        let columns = [
            Column::fixed("KIND", 0),
            Column::flexible("NAME", 6, 0, Cut::Middle),
            Column::number("AGE", 2),
        ];
        let row = ["socket", "a-very-long-name", "12m"].map(|text| Cell::new(Role::Plain, text));
        let rows = [Row::Cells(row.to_vec())];
        assert_eq!(
            drawn(&columns, &rows, 40),
            "KIND    NAME              AGE\nsocket  a-very-long-name  12m\n"
        );
        assert_eq!(
            drawn(&columns, &rows, 22),
            "KIND   NAME        AGE\nsocket a-ver…-name 12m\n"
        );
        let narrow = drawn(&columns, &rows, 16);
        assert!(narrow.starts_with("KIND   NAME\n"), "{narrow}");
        assert!(narrow.contains("for: age."), "{narrow}");
    }

    #[test]
    fn an_empty_column_takes_no_room() {
        let columns = [Column::fixed("A", 0), Column::fixed("B", 0)];
        let rows = [Row::Cells(vec![
            Cell::new(Role::Plain, "x"),
            Cell::new(Role::Plain, ""),
        ])];
        assert_eq!(drawn(&columns, &rows, 40), "A\nx\n");
    }

    proptest! {
        #[test]
        fn what_is_cut_fits(bytes in any::<Vec<u8>>(), width in 1_usize..40) {
            let text = crate::untrusted::Untrusted::new(bytes).to_string();
            for how in [Cut::End, Cut::Middle] {
                assert!(cut(&text, width, how).width() <= width);
                let mut out = String::new();
                if width_of(&text) > width {
                    let taken = cut_into(&text, width, how, &mut out);
                    assert_eq!(taken, out.width());
                }
            }
        }
    }
}
