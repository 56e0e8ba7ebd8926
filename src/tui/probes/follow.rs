//! Going from a row to its page, to what its page leads to, and back the same way. Pure.

use super::ProbesState;
use super::filter::Filter;
use super::history::{Focus, Shape, Step, View};
use super::live::Board;
use super::panes::{Panes, Split};
use super::selection::Wanted;
use crate::probe::{Ask, Name, creds, fds, sockets};
use crate::render::probe::detail::Target;
use crate::tui::effect::Effect;

impl ProbesState {
    /// Gives the keys to the page of the selected row; from there, goes where its link leads.
    pub(super) fn open(&mut self) -> Result<Vec<Effect>, &'static str> {
        if self.shape() == Shape::Picture {
            return Err("v shows rows, which can be opened; a picture cannot");
        }
        if self.view().focus == Focus::Page {
            return match self.page.link(self.view().link + 1) {
                Some(link) => {
                    let to = link.to.clone();
                    Ok(self.follow(&to))
                }
                None => Err("nothing leads on from here"),
            };
        }
        if self.rows.is_empty() {
            return Err("no row is shown that could be opened");
        }
        let view = self.view_mut();
        let from = view.clone();
        view.focus = Focus::Page;
        view.home = view.filter.clone();
        self.history.push(Step {
            covered: from.clone(),
            from,
        });
        Ok(Vec::new())
    }

    pub(super) fn follow_number(
        &mut self,
        number: usize,
        panes: Panes,
    ) -> Result<Vec<Effect>, &'static str> {
        let is_seen = panes.split == Split::SideBySide || self.view().focus == Focus::Page;
        if self.shape() == Shape::Picture || !is_seen {
            // What the numbers lead to is not on the screen yet.
            return self.open();
        }
        match self.page.link(number) {
            Some(link) => {
                let to = link.to.clone();
                Ok(self.follow(&to))
            }
            None => Err("no line on the page has this number"),
        }
    }

    fn follow(&mut self, target: &Target) -> Vec<Effect> {
        let all = Ask::Sockets(sockets::Wish::default());
        let view = match target {
            Target::Socket(inode) => {
                let board = self.boards.iter().find(|board| board.ask == all);
                let mut view = View::new(all);
                view.focus = Focus::Page;
                view.selected.wanted = Wanted::Socket {
                    inode: *inode,
                    looks: board.map_or(0, |board| board.looks),
                };
                view
            }
            Target::SocketsOf(process) => View::through(all, Filter::of_process(process.clone())),
            Target::Descriptors(pid) => View::new(Ask::Fds(fds::Subject::Process(*pid))),
            Target::Credentials(pid) => View::new(Ask::Creds(creds::Subject::Process(*pid))),
            Target::Recorded(cookie) => {
                let which = creds::Which::Cookie(*cookie);
                View::new(Ask::Creds(creds::Subject::Socket(which)))
            }
        };
        self.history.push(Step {
            from: self.view().clone(),
            covered: self.tabs[view.tab()].clone(),
        });
        self.go(view)
    }

    /// Goes one step back, if there is one. What hides rows goes first.
    pub fn back(&mut self) -> Option<Vec<Effect>> {
        let view = self.view_mut();
        if !view.filter.is_as(&view.home) {
            view.filter = view.home.clone();
            self.refill();
            return Some(Vec::new());
        }
        let Step { from, covered } = self.history.pop()?;
        let tab = covered.tab();
        self.tabs[tab] = covered;
        Some(self.go(from))
    }

    pub(super) fn turn_to(&mut self, tab: usize) -> Vec<Effect> {
        let view = self.tabs[tab % Name::ALL.len()].clone();
        self.go(view)
    }

    pub(super) fn turn_shape(&mut self) -> Result<(), &'static str> {
        if self.look().is_some() && self.listing().is_none() {
            return Err("this probe has no rows, only its picture");
        }
        let view = self.view_mut();
        view.shape = match view.shape {
            Shape::Rows => Shape::Picture,
            Shape::Picture => Shape::Rows,
        };
        view.scroll = Default::default();
        Ok(())
    }

    /// Shows a place, and looks at what is asked there.
    pub(super) fn go(&mut self, view: View) -> Vec<Effect> {
        self.shown = view.tab();
        self.tabs[self.shown] = view;
        let wanted = |board: &Board| {
            let mut views = self.tabs.iter().chain(self.history.views());
            board.under_way.is_some() || views.any(|view| view.ask == board.ask)
        };
        let kept: Vec<bool> = self.boards.iter().map(wanted).collect();
        let mut kept = kept.into_iter();
        self.boards.retain(|_| kept.next().unwrap_or(false));
        let effects = self.look_again();
        self.refill();
        effects
    }
}
