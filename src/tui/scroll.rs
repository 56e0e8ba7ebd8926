//! Where a page is scrolled to. Knows lines and pages, not what is on them.

use std::ops::Range;

use super::action::Action;

/// The first line that is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// Counted from 0.
    pub top: usize,
}

impl Scroll {
    /// Does what a moving action asks for on a page of `total` lines of which `rows` are shown.
    /// Other actions do nothing and give false.
    pub fn apply(&mut self, action: Action, rows: usize, total: usize) -> bool {
        let page = rows.saturating_sub(1).max(1);
        let half = (rows / 2).max(1);
        self.top = match action {
            Action::Up => self.top.saturating_sub(1),
            Action::Down => self.top + 1,
            Action::PageUp => self.top.saturating_sub(page),
            Action::PageDown => self.top + page,
            Action::HalfPageUp => self.top.saturating_sub(half),
            Action::HalfPageDown => self.top + half,
            Action::Home => 0,
            Action::End => total,
            _ => return false,
        };
        self.clamp(rows, total);
        true
    }

    /// Brings it back to where something is shown.
    pub fn clamp(&mut self, rows: usize, total: usize) {
        self.top = self.top.min(total.saturating_sub(rows));
    }

    /// Shows what is to be read, and the row that keys act on: that one when not both fit, and the
    /// beginning of what is to be read as long as it does.
    pub fn follow(&mut self, focus: Range<usize>, cursor: Option<Range<usize>>, rows: usize) {
        match cursor {
            Some(cursor) if focus.len() > rows => {
                if cursor.end <= focus.start + rows {
                    self.reveal(focus.start, cursor.end, rows);
                } else {
                    self.reveal(cursor.start, cursor.end, rows);
                }
            }
            _ => self.reveal(focus.start, focus.end, rows),
        }
    }

    /// Scrolls as little as needed for the lines `from..to` to be shown; the first ones if not
    /// all fit.
    pub fn reveal(&mut self, from: usize, to: usize, rows: usize) {
        if to > self.top + rows {
            self.top = to.saturating_sub(rows);
        }
        if from < self.top {
            self.top = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_one_line_of_the_page_before() {
        let mut scroll = Scroll::default();
        scroll.apply(Action::PageDown, 20, 100);
        assert_eq!(scroll.top, 19);
        scroll.apply(Action::PageUp, 20, 100);
        assert_eq!(scroll.top, 0);
    }

    #[test]
    fn the_end_is_the_last_full_page() {
        let mut scroll = Scroll::default();
        scroll.apply(Action::End, 20, 100);
        assert_eq!(scroll.top, 80);
        scroll.apply(Action::Down, 20, 100);
        assert_eq!(scroll.top, 80);
        scroll.clamp(20, 5);
        assert_eq!(scroll.top, 0);
    }

    #[test]
    fn of_a_long_question_the_row_that_keys_act_on_is_shown() {
        let mut scroll = Scroll::default();
        scroll.follow(5..50, Some(8..9), 20);
        assert_eq!(scroll.top, 0);
        scroll.follow(5..50, Some(30..32), 20);
        assert_eq!(scroll.top, 12);
        scroll.follow(5..50, Some(20..21), 20);
        assert_eq!(scroll.top, 5);
        scroll.follow(50..60, None, 20);
        assert_eq!(scroll.top, 40);
    }

    #[test]
    fn revealing_moves_no_more_than_needed() {
        let mut scroll = Scroll { top: 10 };
        scroll.reveal(12, 15, 20);
        assert_eq!(scroll.top, 10);
        scroll.reveal(28, 33, 20);
        assert_eq!(scroll.top, 13);
        scroll.reveal(50, 90, 20);
        assert_eq!(scroll.top, 50);
    }
}
