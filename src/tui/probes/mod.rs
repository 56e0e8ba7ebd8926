//! The probes screen: a tab a probe, looked at again and again, with a selected row that can be
//! followed to its process and its peer, and back.
//!
//! Owns what is asked, shown and selected, and what keys do to that. Each noun has its file: a
//! [`look`], the [`live`] board that compares looks, the [`filter`], the [`selection`], the page
//! of the selected row in [`detail`], the places in [`history`]. Drawing is [`super::view`]'s,
//! the clock and the looking [`super::outside`]'s.

pub mod detail;
pub mod filter;
mod follow;
pub mod history;
pub mod live;
pub mod look;
pub mod panes;
pub mod picture;
pub mod selection;

use std::sync::Arc;

use tui_input::Input;

use super::action::Action;
use super::effect::Effect;
use super::model::Size;
use crate::curriculum::services::Service;
use crate::probe::{Ask, Name, creds};
use crate::render::probe::list::{Facets, Listing};
use detail::Page;
use history::{Focus, History, Shape, View};
use live::{Board, Mark, Row};
use look::Look;
pub use panes::{Panes, Split};
use picture::Picture;
use selection::{Found, Wanted};

/// The probes screen.
#[derive(Debug)]
pub struct ProbesState {
    /// Which tab is shown: an index into [`Name::ALL`].
    pub shown: usize,
    /// Where one is on each tab.
    pub tabs: Vec<View>,
    /// The places one came through.
    pub history: History,
    /// Whether it goes on looking.
    pub pace: Pace,
    /// Whether the text of the filter is being typed.
    pub typing: Typing,
    /// The rows that are shown.
    pub rows: Vec<Row>,
    /// How many of the rows that are shown have these marks: new, changed, gone.
    pub marked: [usize; 3],
    /// The page of the selected row.
    pub page: Page,
    /// The picture, where rows are not shown.
    pub picture: Picture,
    boards: Vec<Board>,
}

/// Whether it goes on looking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// About once a second.
    #[default]
    Live,
    /// Only when asked.
    Paused,
}

/// Whether a field has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Typing {
    /// It has not.
    #[default]
    No,
    /// It has.
    Yes,
}

impl ProbesState {
    /// The screen at a question. What was seen elsewhere already is shown at once.
    pub fn new(ask: Ask, known: Option<Arc<Look>>) -> (Self, Vec<Effect>) {
        let mut state = Self {
            shown: 0,
            tabs: Name::ALL
                .iter()
                .map(|&name| View::new(name.into()))
                .collect(),
            history: History::default(),
            pace: Pace::default(),
            typing: Typing::default(),
            rows: Vec::new(),
            marked: [0; 3],
            page: Page::default(),
            picture: Picture::default(),
            boards: Vec::new(),
        };
        if let Some(look) = known {
            let mut board = Board::new(ask.clone());
            board.take(Ok(look));
            state.boards.push(board);
        }
        let effects = state.go(View::new(ask));
        (state, effects)
    }

    /// Where one is.
    pub fn view(&self) -> &View {
        &self.tabs[self.shown]
    }

    /// Where one is, to change it.
    pub fn view_mut(&mut self) -> &mut View {
        &mut self.tabs[self.shown]
    }

    /// What is known of what is asked here.
    pub fn board(&self) -> Option<&Board> {
        let ask = &self.view().ask;
        self.boards.iter().find(|board| board.ask == *ask)
    }

    /// The last look at what is asked here.
    pub fn look(&self) -> Option<&Arc<Look>> {
        self.board()?.look.as_ref()
    }

    fn listing(&self) -> Option<&Listing> {
        self.board()?.listing()
    }

    /// How it is shown: there may be no rows.
    pub fn shape(&self) -> Shape {
        match (self.look(), self.listing()) {
            (Some(_), None) => Shape::Picture,
            _ => self.view().shape,
        }
    }

    /// Takes an answer in, if it was asked for here.
    pub fn take(&mut self, ask: &Ask, result: Result<Arc<Look>, String>) {
        let mut boards = self.boards.iter_mut();
        let Some(board) = boards.find(|board| board.ask == *ask) else {
            return;
        };
        if board.under_way.is_some() {
            board.take(result);
            if *ask == self.view().ask {
                self.refill();
            }
        }
    }

    /// Looks again at what is asked here, unless that is under way.
    pub fn look_again(&mut self) -> Vec<Effect> {
        let ask = self.view().ask.clone();
        let at = self.boards.iter().position(|board| board.ask == ask);
        let at = at.unwrap_or_else(|| {
            self.boards.push(Board::new(ask));
            self.boards.len() - 1
        });
        self.boards[at].begin().into_iter().collect()
    }

    /// Whether it is to look again after a while: it is live, and the last look has ended well.
    pub fn is_waiting(&self) -> bool {
        let board = self.board();
        self.pace == Pace::Live
            && self.is_cheap()
            && board.is_some_and(|board| board.under_way.is_none() && board.failed.is_none())
    }

    /// Whether what is asked here can be asked every second: looking at ourselves runs every
    /// mechanism once, asking a socket borrows a descriptor from its holder, and the environments
    /// of tmux and of the service manager are asked of those programs.
    pub fn is_cheap(&self) -> bool {
        !matches!(
            self.view().ask,
            Ask::Env(_) | Ask::Creds(creds::Subject::Ourselves | creds::Subject::Socket(_))
        )
    }

    /// Whether something is under way outside.
    pub fn is_pending(&self) -> bool {
        self.boards.iter().any(|board| board.under_way.is_some())
    }

    /// Counts time while something is under way.
    pub fn tick(&mut self) {
        for board in &mut self.boards {
            if let Some(ticks) = &mut board.under_way {
                *ticks += 1;
            }
        }
    }

    /// Does what an action asks for; an error is for the learner to read.
    ///
    /// # Errors
    /// When there is nothing that the action could be done to.
    pub fn act(&mut self, action: Action, size: Size) -> Result<Vec<Effect>, &'static str> {
        let panes = Panes::of(size);
        if self.moves(action, panes) {
            return Ok(Vec::new());
        }
        match action {
            Action::NextTab => return Ok(self.turn_to(self.shown + 1)),
            Action::PreviousTab => return Ok(self.turn_to(self.shown + Name::ALL.len() - 1)),
            Action::Refresh => return Ok(self.look_again()),
            Action::Pause => {
                self.pace = match self.pace {
                    Pace::Live => Pace::Paused,
                    Pace::Paused => Pace::Live,
                };
                if self.pace == Pace::Live {
                    return Ok(self.look_again());
                }
            }
            Action::Open => return self.open(),
            Action::Follow(number) => return self.follow_number(number.into(), panes),
            Action::Picture => self.turn_shape()?,
            Action::Accept => self.typing = Typing::No,
            Action::Leave => {
                self.typing = Typing::No;
                self.view_mut().filter.text = Input::default();
                self.refill();
            }
            action => self.sift(action)?,
        }
        Ok(Vec::new())
    }

    /// Does what an action on the filter asks for.
    fn sift(&mut self, action: Action) -> Result<(), &'static str> {
        let is_one = matches!(
            action,
            Action::Filter
                | Action::OnlyListening
                | Action::OnlyProcess
                | Action::OnlyService
                | Action::OnlyType
        );
        if !is_one {
            return Ok(());
        }
        if self.view().focus == Focus::Page {
            return Err("Esc goes back to the rows; filters are for them");
        }
        if action == Action::Filter {
            self.typing = Typing::Yes;
            return Ok(());
        }
        if self.shape() == Shape::Picture {
            return Err("only text can be searched in a picture; / does");
        }
        let facets = self.selected_facets();
        match action {
            Action::OnlyListening => self.view_mut().filter.turn_listening(),
            Action::OnlyProcess => {
                if !self.view_mut().filter.turn_process(facets.as_ref()) {
                    return Err("no process is known for the selected row");
                }
            }
            Action::OnlyService => {
                if !self.view_mut().filter.turn_service(facets.as_ref()) {
                    return Err("no service is known for the selected row");
                }
            }
            _ => {
                let kinds = self.kinds();
                self.view_mut().filter.turn_kind(&kinds);
            }
        }
        self.refill();
        Ok(())
    }

    /// The types that there are, each once, in order.
    fn kinds(&self) -> Vec<&'static str> {
        let entries = self.listing().map(|listing| listing.entries.iter());
        let mut kinds: Vec<&'static str> = entries
            .into_iter()
            .flatten()
            .map(|entry| entry.facets.kind)
            .filter(|kind| !kind.is_empty())
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn selected_facets(&self) -> Option<Facets> {
        let row = self.rows.get(self.view().selected.at)?;
        let (entry, _) = self.board()?.entry(*row)?;
        Some(entry.facets.clone())
    }

    /// Moves the selection, the page or the picture; false when the action moves nothing.
    fn moves(&mut self, action: Action, panes: Panes) -> bool {
        if self.shape() == Shape::Picture {
            let total = self.picture.lines.len();
            return self.view_mut().scroll.apply(action, panes.lines, total);
        }
        let view = &mut self.tabs[self.shown];
        if view.focus == Focus::Page {
            return self
                .page
                .step(action, &mut view.page, &mut view.link, panes.lines);
        }
        let moved = view.selected.moved(action, panes.rows, self.rows.len());
        let Some(at) = moved else {
            return false;
        };
        let ask = view.ask.clone();
        if let Some(board) = self.boards.iter().find(|board| board.ask == ask) {
            view.selected.choose(at, board, &self.rows);
        }
        view.page = Default::default();
        view.link = 0;
        view.scroll
            .reveal(view.selected.at, view.selected.at + 1, panes.rows);
        true
    }

    /// Sifts the rows again, and finds the selected one among them.
    pub fn refill(&mut self) {
        let view = &mut self.tabs[self.shown];
        let Some(board) = self.boards.iter().find(|board| board.ask == view.ask) else {
            return;
        };
        let passes = view.filter.sieve();
        let rows = board.rows().iter().copied();
        self.rows = rows
            .filter(|&row| board.entry(row).is_some_and(|(entry, _)| passes(entry)))
            .collect();
        self.marked = [Mark::New, Mark::Changed, Mark::Gone].map(|mark| {
            let rows = self.rows.iter();
            rows.filter(|&&row| board.mark(row) == Some(mark)).count()
        });
        let found = view.selected.find(board, &self.rows);
        if found == Found::Here || view.focus == Focus::Page {
            return;
        }
        let first = first_row(board, &self.rows);
        let at = match (&view.selected.wanted, first) {
            (Wanted::First, Some(first)) => first,
            // Nothing fits a filter: what was selected is when the filter has gone.
            (_, None) if board.listing().is_some_and(|listing| listing.rows() > 0) => return,
            _ => view.selected.at.max(first.unwrap_or(0)),
        };
        view.selected.choose(at, board, &self.rows);
    }

    /// Sets what is shown for a size.
    pub fn set(&mut self, size: Size, services: &[Service]) {
        let panes = Panes::of(size);
        let shape = self.shape();
        let view = &mut self.tabs[self.shown];
        let Some(board) = self.boards.iter().find(|board| board.ask == view.ask) else {
            return;
        };
        if shape == Shape::Picture {
            if let Some(look) = &board.look {
                let width = usize::from(size.columns).saturating_sub(2 + Panes::MARKS);
                self.picture
                    .set(&view.ask, look, width, view.filter.text.value());
            }
            view.scroll.clamp(panes.lines, self.picture.lines.len());
            return;
        }
        let selected = &view.selected;
        view.scroll.clamp(panes.rows, self.rows.len());
        if view.focus == Focus::List {
            view.scroll.reveal(selected.at, selected.at + 1, panes.rows);
        }
        let row = self.rows.get(selected.at).copied();
        let mark = row.and_then(|row| board.mark(row));
        let entry = row.and_then(|row| board.entry(row));
        match (&selected.wanted, entry) {
            (Wanted::Key(key), Some((entry, look)))
                if entry.key == *key && mark == Some(Mark::Gone) =>
            {
                self.page.keep(key, look);
                self.page.set_gone(key, services, panes.page);
            }
            (Wanted::Key(key), Some((entry, look))) if entry.key == *key => {
                self.page.set(key, look, services, panes.page);
            }
            (Wanted::Key(key), _) => match &board.look {
                // Only the filter hides its row.
                Some(look)
                    if board
                        .listing()
                        .is_some_and(|rows| rows.place(key).is_some()) =>
                {
                    self.page.set(key, look, services, panes.page);
                }
                _ => self.page.set_gone(key, services, panes.page),
            },
            (Wanted::Socket { inode, looks }, _) if board.looks > *looks => {
                let words = format!(
                    "Socket {inode} is not in the kernel's list: it was closed, it belongs to \
                     another network namespace, or it is no AF_UNIX socket."
                );
                self.page.say(&words, panes.page);
            }
            (Wanted::Socket { inode, .. }, _) => {
                self.page
                    .say(&format!("Looking for socket {inode} …"), panes.page);
            }
            (Wanted::First, _) => self.page.clear(),
        }
        let links = self.page.detail.links.len();
        view.link = view.link.min(links.saturating_sub(1));
        view.page.clamp(
            self.page.text_lines(panes.lines),
            self.page.detail.text.lines.len(),
        );
    }
}

/// The first row that is no note.
fn first_row(board: &Board, rows: &[Row]) -> Option<usize> {
    let is_row = |row: &Row| board.entry(*row).is_some_and(|(entry, _)| !entry.is_note());
    rows.iter().position(is_row)
}
