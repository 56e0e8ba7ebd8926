//! Sets of epoll(7): what they watch, and what they tell.

use super::{Generator, Wanted};
use crate::model::call::{Birth, Call, Events, Fd, Interest};
use crate::model::epoll::Epoll;
use crate::model::file::Kind;
use crate::model::kernel::Kernel;

/// How many descriptors a set watches that watches all at once.
const MOST_AT_ONCE: usize = 6;

impl Generator<'_> {
    /// Something about a set, where there is one; seldom a new one.
    pub(super) fn about_sets(&mut self, kernel: &Kernel) -> Option<Call> {
        if std::mem::take(&mut self.watches) {
            return Some(self.watch_all(kernel));
        }
        let process = kernel.process(self.pid);
        let sets: Vec<(Fd, &Epoll)> = process
            .descriptors
            .iter()
            .filter_map(|(fd, slot)| match kernel.file(slot.file).kind {
                Kind::Epoll(epoll) => Some((*fd, kernel.epoll(epoll))),
                _ => None,
            })
            .collect();
        if sets.is_empty() || self.dice.in_a_thousand(4) {
            return self.dice.in_a_thousand(4).then(|| self.new_set());
        }
        if !self.dice.in_a_thousand(300) {
            return None;
        }
        let (fd, set) = self.dice.one(&sets);
        let fd = match self.dice.in_a_thousand(10) {
            true => self.fd(kernel, Wanted::Any),
            false => fd,
        };
        let watched: Vec<Fd> = set.watched.iter().map(|watch| watch.key.1).collect();
        let target = match watched.is_empty() || self.dice.in_a_thousand(100) {
            true => self.fd(kernel, Wanted::Any),
            false => self.dice.one(&watched),
        };
        Some(match self.dice.below(12) {
            0..3 => Call::EpollAdd {
                fd,
                target: self.fd(kernel, Wanted::Any),
                interest: self.interest(),
            },
            3..5 => Call::EpollModify {
                fd,
                target,
                interest: self.interest(),
            },
            5 => Call::EpollDelete { fd, target },
            _ => Call::EpollWait {
                fd,
                most: self.dice.one(&[1, 1, 2, 8, 8, 8, 8, 0, -1]),
            },
        })
    }

    fn new_set(&mut self) -> Call {
        Call::Epoll {
            birth: Birth {
                nonblock: self.dice.in_a_thousand(50),
                cloexec: self.dice.in_a_thousand(100),
            },
        }
    }

    /// A set that will watch all there is.
    fn watch_all(&mut self, kernel: &Kernel) -> Call {
        let process = kernel.process(self.pid);
        let fd = process.lowest_free().unwrap_or(0);
        let open: Vec<Fd> = process.descriptors.keys().copied().collect();
        for target in open.into_iter().take(MOST_AT_ONCE) {
            let interest = self.interest();
            self.due.push((
                self.pid,
                Call::EpollAdd {
                    fd,
                    target,
                    interest,
                },
            ));
        }
        Call::Epoll {
            birth: Birth::default(),
        }
    }

    fn interest(&mut self) -> Interest {
        let all = Events::IN | Events::OUT | Events::RDHUP;
        Interest {
            events: self.dice.one(&[
                Events::IN,
                Events::IN,
                Events::OUT,
                Events::IN | Events::OUT,
                all,
                Events::RDHUP,
                Events::default(),
            ]),
            edge: self.dice.in_a_thousand(500),
            oneshot: self.dice.in_a_thousand(200),
        }
    }
}
