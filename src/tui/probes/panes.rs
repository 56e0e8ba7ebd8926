//! How the room is divided between rows and the page of the selected one. Pure.

use crate::tui::model::Size;

/// How the room is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panes {
    /// Columns of the rows, the marks before them excepted.
    pub list: usize,
    /// How many rows are on the screen.
    pub rows: usize,
    /// Columns of the page.
    pub page: usize,
    /// How many lines are below the head.
    pub lines: usize,
    /// Whether both are on the screen at once.
    pub split: Split,
}

/// Whether rows and page are on the screen at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Side by side.
    SideBySide,
    /// One after the other.
    InTurn,
}

impl Panes {
    /// Columns before a row: the selection and the mark.
    pub const MARKS: usize = 2;
    /// Lines above: the tabs, and what is shown.
    pub const HEAD: usize = 2;
    /// From how many columns on both are shown at once.
    const WIDE: u16 = 120;
    /// Columns between rows and page: a rule with a blank on each side.
    pub const GAP: usize = 3;

    /// Divides a terminal.
    pub fn of(size: Size) -> Self {
        let width = usize::from(size.columns).saturating_sub(2);
        let lines = size.body_rows().saturating_sub(Self::HEAD).max(1);
        let rows = lines.saturating_sub(1).max(1);
        if size.columns < Self::WIDE {
            return Self {
                list: width.saturating_sub(Self::MARKS),
                rows,
                page: width.min(Size::PAGE),
                lines,
                split: Split::InTurn,
            };
        }
        let page = (width * 2 / 5).min(Size::PAGE * 3 / 4);
        Self {
            list: width - page - Self::GAP - Self::MARKS,
            rows,
            page,
            lines,
            split: Split::SideBySide,
        }
    }
}
