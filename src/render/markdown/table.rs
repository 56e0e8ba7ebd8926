//! Tables: as wide as they are when there is room, else with wrapped cells, else one record per
//! row, so that every width can be read and nothing is cut.

use super::layout::retitled;
use super::wrap::{self, Filled, Terms};
use super::{Cell, Inline, Side, Table};
use crate::render::text::Role;

/// Columns between two cells.
const GAP: usize = 2;

/// A column of prose is not made narrower than this: one word a line cannot be read.
const NARROWEST: usize = 12;

pub(super) fn set(table: &Table, room: usize, terms: &Terms) -> Vec<Filled> {
    let mut table = table.clone();
    for cell in &mut table.head {
        *cell = retitled(cell, Role::Subheading);
    }
    match widths(&table, room, terms) {
        Some(widths) => grid(&table, &widths, terms),
        None => records(&table, room, terms),
    }
}

/// The width of each column, or `None` when no widths would do.
fn widths(table: &Table, room: usize, terms: &Terms) -> Option<Vec<usize>> {
    let count = table.head.len();
    let widest = |measure: fn(&[Inline], &Terms) -> usize, column: usize| {
        let rows = std::iter::once(&table.head).chain(&table.rows);
        rows.filter_map(|row| row.get(column))
            .map(|cell| measure(cell, terms))
            .max()
            .unwrap_or(0)
    };
    let natural: Vec<usize> = (0..count)
        .map(|column| widest(wrap::natural_width, column).max(1))
        .collect();
    let floor: Vec<usize> = (0..count)
        .map(|column| widest(wrap::widest_word, column).max(natural[column].min(NARROWEST)))
        .collect();
    let room = room.checked_sub(GAP * count.saturating_sub(1))?;
    let mut widths = natural;
    let mut excess = widths.iter().sum::<usize>().saturating_sub(room);
    while excess > 0 {
        let shrinkable = (0..count).filter(|&column| widths[column] > floor[column]);
        let column = shrinkable.max_by_key(|&column| widths[column])?;
        widths[column] -= 1;
        excess -= 1;
    }
    Some(widths)
}

fn grid(table: &Table, widths: &[usize], terms: &Terms) -> Vec<Filled> {
    let rows: Vec<Vec<Filled>> = table
        .rows
        .iter()
        .map(|row| grid_row(row, table, widths, terms))
        .collect();
    let apart = rows.iter().any(|row| row.len() > 1);
    let mut lines = grid_row(&table.head, table, widths, terms);
    let mut rule = Filled::default();
    for (column, &width) in widths.iter().enumerate() {
        if column > 0 {
            rule.line.push(Role::Dim, " ".repeat(GAP));
        }
        rule.line.push(Role::Dim, "─".repeat(width));
    }
    lines.push(rule);
    for (index, row) in rows.into_iter().enumerate() {
        if apart && index > 0 {
            lines.push(Filled::default());
        }
        lines.extend(row);
    }
    lines
}

fn grid_row(row: &[Cell], table: &Table, widths: &[usize], terms: &Terms) -> Vec<Filled> {
    let cells: Vec<Vec<Filled>> = row
        .iter()
        .zip(widths)
        .map(|(cell, &width)| wrap::fill(cell, width, terms))
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    (0..height)
        .map(|index| {
            let mut out = Filled::default();
            for (column, (cell, &width)) in cells.iter().zip(widths).enumerate() {
                if column > 0 {
                    out.line.push(Role::Plain, " ".repeat(GAP));
                }
                let empty = Filled::default();
                let filled = cell.get(index).unwrap_or(&empty);
                let spare = width.saturating_sub(wrap::text_columns(&filled.line.plain()));
                let left = match table.sides.get(column) {
                    Some(Side::Right) => spare,
                    Some(Side::Center) => spare / 2,
                    Some(Side::Left) | None => 0,
                };
                out.line.push(Role::Plain, " ".repeat(left));
                for span in &filled.line.spans {
                    out.line.push(span.role, span.text.clone());
                }
                out.line.push(Role::Plain, " ".repeat(spare - left));
                out.links.extend(&filled.links);
            }
            out
        })
        .collect()
}

fn records(table: &Table, room: usize, terms: &Terms) -> Vec<Filled> {
    const HANG: usize = 2;
    let mut lines = Vec::new();
    let mut add = |inlines: &[Inline]| {
        let filled = wrap::fill(inlines, room.saturating_sub(HANG).max(1), terms);
        for (index, mut filled) in filled.into_iter().enumerate() {
            if index > 0 {
                let spans = std::mem::take(&mut filled.line.spans);
                filled.line.push(Role::Plain, " ".repeat(HANG));
                filled.line.spans.extend(spans);
            }
            lines.push(filled);
        }
    };
    if table.rows.is_empty() {
        table.head.iter().for_each(|cell| add(cell));
    }
    for (index, row) in table.rows.iter().enumerate() {
        if index > 0 {
            add(&[]);
        }
        for (column, cell) in row.iter().enumerate() {
            let mut inlines = table.head.get(column).cloned().unwrap_or_default();
            if !inlines.is_empty() {
                inlines.push(Inline::Run {
                    role: Role::Subheading,
                    text: ": ".to_owned(),
                    link: None,
                });
            }
            inlines.extend(cell.iter().cloned());
            add(&inlines);
        }
    }
    lines
}
