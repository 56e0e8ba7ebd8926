//! Changes of pipes.

use super::{Bell, Kernel};
use crate::model::call::Events;
use crate::model::event::Event;
use crate::model::file::{Kind, PIPE_PAGES, Page, Pipe};
use crate::model::id::PipeId;

impl Kernel {
    /// A user's new pipe with a reader and a writer.
    pub(in crate::model) fn create_pipe(&mut self, owner: u32) -> PipeId {
        let pipe = PipeId(self.pipes.len() as u32);
        self.pipes.push(Pipe {
            owner,
            readers: 1,
            writers: 1,
            ..Pipe::default()
        });
        self.emit(|| Event::PipeCreated { pipe });
        pipe
    }

    /// Writes what there is room for: `pipe_write`.
    pub(in crate::model) fn fill_pipe(&mut self, pipe: PipeId, bytes: &[u8]) -> usize {
        let before = self.pipe(pipe).len();
        let page = self.settings.page;
        let pages = &mut self.pipes[pipe.index()].pages;
        let mut written = 0;
        // What makes no full page is put behind what the last page holds, if it fits there.
        let rest = bytes.len() % page;
        if let Some(last) = pages
            .back_mut()
            .filter(|last| rest > 0 && last.filled + rest <= page)
        {
            last.data.extend(&bytes[..rest]);
            last.filled += rest;
            written = rest;
        }
        while written < bytes.len() && pages.len() < PIPE_PAGES {
            let end = (written + page).min(bytes.len());
            let data = &bytes[written..end];
            pages.push_back(Page {
                data: data.iter().copied().collect(),
                filled: data.len(),
            });
            written = end;
        }
        self.holds(pipe, before);
        written
    }

    /// Reads what there is: `pipe_read`.
    pub(in crate::model) fn drain_pipe(&mut self, pipe: PipeId, len: usize) -> Vec<u8> {
        let before = self.pipe(pipe).len();
        let pages = &mut self.pipes[pipe.index()].pages;
        let mut read = Vec::new();
        let mut was_full = false;
        while read.len() < len {
            let Some(first) = pages.front_mut() else {
                break;
            };
            let take = first.data.len().min(len - read.len());
            read.extend(first.data.drain(..take));
            if first.data.is_empty() {
                was_full |= pages.len() == PIPE_PAGES;
                pages.pop_front();
            }
        }
        self.holds(pipe, before);
        if was_full {
            self.ring(Bell::PipeIn(pipe), Events::OUT);
        }
        read
    }

    /// Notes how many bytes wait now.
    fn holds(&mut self, pipe: PipeId, before: usize) {
        let after = self.pipe(pipe).len();
        if before != after {
            self.emit(|| Event::PipeHolds {
                pipe,
                before,
                after,
            });
        }
    }

    /// An end was released.
    pub(in crate::model) fn close_pipe_end(&mut self, kind: Kind) {
        let (Kind::PipeOut(pipe) | Kind::PipeIn(pipe)) = kind else {
            return;
        };
        let ends = &mut self.pipes[pipe.index()];
        let before = [ends.readers, ends.writers];
        match kind {
            Kind::PipeOut(_) => ends.readers -= 1,
            _ => ends.writers -= 1,
        }
        let after = [ends.readers, ends.writers];
        self.emit(|| Event::PipeEnds {
            pipe,
            before,
            after,
        });
        let ends = self.pipe(pipe);
        if (ends.readers == 0) != (ends.writers == 0) {
            self.ring(Bell::PipeOut(pipe), Events::default());
            self.ring(Bell::PipeIn(pipe), Events::default());
        }
    }
}
