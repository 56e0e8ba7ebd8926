//! Pages to look things up in, on the screen: the quick reference, the glossary, misconceptions and
//! corrections, each a list of entries of which one is selected. Pure; what an entry says is
//! [`entries`]'s, which in turn has it from [`crate::render::pages`].

pub mod entries;

use std::ops::Range;
use std::sync::Arc;

use super::action::Action;
use super::scroll::Scroll;
use crate::curriculum::Curriculum;
use crate::curriculum::pages::Pages;
use crate::render::markdown::{CodeLines, Document, Layout};
use crate::render::text::{Line, Role, Text};
use crate::tui::lesson::page::Setting;
use entries::{Entry, Tab};

/// Columns before an entry, for the mark of the selected one.
const MARGIN: usize = 2;

/// The reference pages.
#[derive(Clone, Debug)]
pub struct ReferenceState {
    /// The page that is shown.
    pub tab: Tab,
    /// What it says; loaded already when the page is opened.
    pages: Arc<Pages>,
    /// Its entries.
    pub entries: Vec<Entry>,
    /// Which one is selected.
    pub selected: usize,
    /// Where the page is scrolled to.
    pub scroll: Scroll,
    /// The lines, set for the width they were last needed at.
    pub text: Text,
    /// The lines of each entry, the heading above it included.
    pub lines: Vec<Range<usize>>,
    /// The first line of each entry below that heading.
    pub bodies: Vec<usize>,
    /// What the lines were set for.
    set_for: Option<SetFor>,
    /// The entry to be shown once the lines are set.
    goal: bool,
}

/// What lines were set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SetFor {
    tab: Tab,
    width: usize,
    coloured: bool,
}

impl ReferenceState {
    /// A page with one entry selected.
    pub fn new(pages: Arc<Pages>, curriculum: &Curriculum, tab: Tab, selected: usize) -> Self {
        let mut state = Self {
            tab,
            pages,
            entries: Vec::new(),
            selected,
            scroll: Scroll::default(),
            text: Text::new(),
            lines: Vec::new(),
            bodies: Vec::new(),
            set_for: None,
            goal: true,
        };
        state.entries = entries::of(tab, &state.pages, curriculum);
        state
    }

    /// Turns to another page.
    fn turn(&mut self, by: usize, curriculum: &Curriculum) {
        let tabs = Tab::ALL;
        let place = tabs.iter().position(|&tab| tab == self.tab).unwrap_or(0);
        self.show(tabs[(place + by) % tabs.len()], 0, curriculum);
    }

    /// Shows an entry of a page.
    pub fn show(&mut self, tab: Tab, selected: usize, curriculum: &Curriculum) {
        if tab != self.tab {
            self.tab = tab;
            self.entries = entries::of(tab, &self.pages, curriculum);
            self.scroll = Scroll::default();
        }
        self.selected = selected.min(self.entries.len().saturating_sub(1));
        self.goal = true;
    }

    /// The slug of the lesson that the selected entry names.
    pub fn lesson(&self) -> Option<&str> {
        self.entries.get(self.selected)?.lesson.as_deref()
    }

    /// Does what an action asks for; false when it is for others. `rows` lines are shown.
    pub fn act(&mut self, action: Action, curriculum: &Curriculum, rows: usize) -> bool {
        match action {
            Action::NextTab => self.turn(1, curriculum),
            Action::PreviousTab => self.turn(Tab::ALL.len() - 1, curriculum),
            Action::Down => self.step_down(rows),
            Action::Up => self.step_up(rows),
            action => {
                if !self.scroll.apply(action, rows, self.text.lines.len()) {
                    return false;
                }
                self.select_shown(action, rows);
            }
        }
        true
    }

    /// To the next entry; one that is longer than the screen is read to its end first.
    fn step_down(&mut self, rows: usize) {
        let bottom = self.scroll.top + rows;
        let lines = self.lines_of(self.selected);
        if lines.end > bottom || self.selected + 1 >= self.entries.len() {
            self.scroll.apply(Action::Down, rows, self.text.lines.len());
            return;
        }
        self.selected += 1;
        self.reveal(rows);
    }

    /// To the entry before; one that is longer than the screen is read from its end.
    fn step_up(&mut self, rows: usize) {
        let lines = self.lines_of(self.selected);
        if lines.start < self.scroll.top || self.selected == 0 {
            self.scroll.apply(Action::Up, rows, self.text.lines.len());
            return;
        }
        self.selected -= 1;
        let lines = self.lines_of(self.selected);
        if lines.start < self.scroll.top {
            let fits = lines.len() <= rows;
            let top = if fits { lines.start } else { lines.end - rows };
            self.scroll.top = top;
        }
    }

    /// After a page was turned over: the first entry that begins on the screen.
    fn select_shown(&mut self, action: Action, rows: usize) {
        self.selected = match action {
            Action::Home => 0,
            Action::End => self.entries.len().saturating_sub(1),
            _ => {
                let top = self.scroll.top;
                let begins = |lines: &Range<usize>| lines.start >= top && lines.start < top + rows;
                let first = self.lines.iter().position(begins);
                let over = self.lines.partition_point(|lines| lines.end <= top);
                first
                    .unwrap_or(over)
                    .min(self.entries.len().saturating_sub(1))
            }
        };
    }

    fn lines_of(&self, entry: usize) -> Range<usize> {
        self.lines.get(entry).cloned().unwrap_or_default()
    }

    fn reveal(&mut self, rows: usize) {
        let lines = self.lines_of(self.selected);
        self.scroll.reveal(lines.start, lines.end, rows);
    }

    /// Sets the lines, unless they are set already.
    pub fn set_page(&mut self, setting: Setting<'_>, rows: usize) {
        let wanted = SetFor {
            tab: self.tab,
            width: setting.width,
            coloured: setting.highlighter.is_some(),
        };
        if self.set_for != Some(wanted) {
            let width = setting.width.saturating_sub(MARGIN);
            let layout = Layout::new(width)
                .code(CodeLines::Cut { from: 0 })
                .highlighted(setting.highlighter);
            (self.text, self.lines, self.bodies) = set(&self.entries, layout);
            self.set_for = Some(wanted);
        }
        if self.goal {
            let lines = self.lines_of(self.selected);
            self.scroll.top = lines.start;
            self.goal = false;
        }
        self.scroll.clamp(rows, self.text.lines.len());
    }
}

fn set(entries: &[Entry], layout: Layout<'_>) -> (Text, Vec<Range<usize>>, Vec<usize>) {
    let mut text = Text::new();
    let (mut ranges, mut bodies) = (Vec::new(), Vec::new());
    let mut section = "";
    for entry in entries {
        let start = text.lines.len();
        if entry.section != section {
            section = entry.section.as_str();
            moved(&mut text, &format!("## {section}"), layout);
            text.blank();
        }
        bodies.push(text.lines.len());
        moved(&mut text, &entry.markdown, layout);
        text.blank();
        ranges.push(start..text.lines.len());
    }
    (text, ranges, bodies)
}

/// Sets markdown behind the margin.
fn moved(text: &mut Text, markdown: &str, layout: Layout<'_>) {
    for line in Document::parse(markdown).layout(layout).text.lines {
        let mut row = Line::of(Role::Plain, " ".repeat(MARGIN));
        row.spans.extend(line.spans);
        text.line(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten terms of three lines each.
    fn state() -> ReferenceState {
        let mut state =
            ReferenceState::new(Arc::default(), &Curriculum::default(), Tab::Glossary, 0);
        state.entries = (0..10)
            .map(|number| Entry {
                title: number.to_string(),
                section: String::new(),
                markdown: format!("**{number}**: says  \\\nmore"),
                lesson: None,
            })
            .collect();
        let setting = Setting {
            width: 60,
            ..Setting::default()
        };
        state.set_page(setting, 7);
        state
    }

    #[test]
    fn moving_goes_from_entry_to_entry_and_shows_it_whole() {
        let curriculum = Curriculum::default();
        let mut state = state();
        assert_eq!(state.lines[0], 0..3);
        for _ in 0..3 {
            assert!(state.act(Action::Down, &curriculum, 7));
        }
        assert_eq!((state.selected, state.scroll.top), (3, 5));
        state.act(Action::Up, &curriculum, 7);
        state.act(Action::Up, &curriculum, 7);
        assert_eq!((state.selected, state.scroll.top), (1, 3));
    }

    #[test]
    fn after_a_page_was_turned_over_what_begins_there_is_selected() {
        let curriculum = Curriculum::default();
        let mut state = state();
        state.act(Action::PageDown, &curriculum, 7);
        assert_eq!((state.selected, state.scroll.top), (2, 6));
        state.act(Action::End, &curriculum, 7);
        assert_eq!(state.selected, 9);
        state.act(Action::Home, &curriculum, 7);
        assert_eq!((state.selected, state.scroll.top), (0, 0));
    }
}
