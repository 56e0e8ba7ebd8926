//! The state of a model kernel: each process with its table of descriptors, the open file
//! descriptions that these lead to, and below them what waits in queues.
//!
//! ```text
//!   ┌─ A ──┐    ┌─ open file descriptions ─────────────────┐    ┌─ B ──┐
//!   │ fd 3 ├───▶│ file 0  ──▶ socket 0  2 references       │◀───┤ fd 3 │
//! * │ gone │    │ file 1  ──▶ socket 1  1 reference        │◀───┤ fd 4 │
//!   └──────┘    └──────────────────────────────────────────┘    └──────┘
//! ```
//!
//! A row is an open file description; all descriptors that lead to it stand in that row, so every
//! arrow is straight. The last of several processes stands on the right. Where each stands, and how
//! wide, is the same in all pictures of a run ([`Cast`]).

use super::boxes::{self, Shape};
use super::table::{compared, wrapped};
use super::things::{epolls, names, pipes, sockets};
use crate::model::id::Pid;
use crate::model::kernel::Kernel;
use crate::model::run::Run;
use crate::render::markdown::columns;
use crate::render::text::{Line, Role, Span, Text};

/// Columns of the mark in front of a row.
pub const MARK: usize = 2;

/// The state before and after something.
#[derive(Clone, Copy)]
pub struct States<'a> {
    /// Before.
    pub before: &'a Kernel,
    /// After.
    pub after: &'a Kernel,
}

impl<'a> States<'a> {
    /// A state in which nothing changed.
    pub fn alone(kernel: &'a Kernel) -> Self {
        Self {
            before: kernel,
            after: kernel,
        }
    }

    /// The state in which a process is to be looked for: after, or before when it ended.
    pub fn of(self, pid: Pid) -> Option<&'a Kernel> {
        [self.after, self.before]
            .into_iter()
            .find(|kernel| kernel.has_process(pid))
    }
}

/// Every process of a run, with the columns that its table takes.
#[derive(Clone, Debug, Default)]
pub struct Cast(Vec<Seat>);

/// Where a process stands.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    /// Who.
    pub pid: Pid,
    /// Columns within its box.
    pub inner: usize,
}

impl Cast {
    /// Looks who takes part in a run.
    pub fn of(run: &Run) -> Self {
        let mut cast = Self::default();
        if run.steps().is_empty() {
            cast.add(run.before(0));
        }
        for step in 0..run.steps().len() {
            cast.add(run.before(step));
            cast.add(&run.steps()[step].after);
        }
        cast
    }

    fn add(&mut self, kernel: &Kernel) {
        for (pid, _) in kernel.processes() {
            let inner = boxes::inner_columns(kernel, pid);
            match self.0.binary_search_by_key(&pid, |seat| seat.pid) {
                Ok(place) => self.0[place].inner = self.0[place].inner.max(inner),
                Err(place) => self.0.insert(place, Seat { pid, inner }),
            }
        }
    }

    /// The seats, in the order of processes.
    pub fn seats(&self) -> &[Seat] {
        &self.0
    }
}

/// What draws the rows of a section in so many columns.
type Section = fn(&Kernel, States<'_>, usize) -> Vec<super::table::Row>;

/// Draws the state after; what changed is marked.
pub fn draw(states: States<'_>, cast: &Cast, width: usize) -> Text {
    let shape = Shape::of(cast, width);
    let mut text = boxes::draw(states, &shape);
    for pid in &shape.left_out {
        text.append(without_box(states.after, *pid, width));
    }
    let sections: [(&str, &str, Section); 4] = [
        ("SOCKETS", "and what waits to be read from each", sockets),
        ("PIPES", "", pipes),
        ("EPOLL", "and what each set watches", epolls),
        ("NAMES", "", names),
    ];
    for (title, more, rows) in sections {
        let room = width.saturating_sub(MARK);
        let before = rows(states.before, states, room);
        let after = rows(states.after, states, room);
        if !before.is_empty() || !after.is_empty() {
            text.blank();
            let line = Line::of(Role::Plain, "  ").with(Role::Subheading, title);
            text.line(match more {
                "" => line,
                more => line.with(Role::Dim, format!(" {more}")),
            });
            text.append(compared(&before, &after));
        }
    }
    text
}

/// The lines of a picture that are marked, from the first to the last.
pub fn marked(text: &Text) -> Option<std::ops::Range<usize>> {
    let is = |line: &Line| line.plain().starts_with(super::table::MARK);
    let first = text.lines.iter().position(is)?;
    let last = text.lines.iter().rposition(is)?;
    Some(first..last + 1)
}

/// A process that has no box: its descriptors in one line.
fn without_box(kernel: &Kernel, pid: Pid, width: usize) -> Text {
    let mut text = Text::new();
    if !kernel.has_process(pid) {
        return text;
    }
    let slots = kernel.process(pid).descriptors.iter();
    let slots: Vec<String> = slots
        .map(|(fd, slot)| format!("fd {fd} \u{2500}\u{25b6} {}", slot.file))
        .collect();
    let words = match slots.is_empty() {
        true => "no descriptors".to_owned(),
        false => slots.join(", "),
    };
    let spans = [
        Span::new(Role::Strong, format!("  {} ", boxes::title(kernel, pid))),
        Span::new(Role::Plain, words),
    ];
    text.lines = wrapped(&spans, width, 4);
    text
}

/// Spans set in lines of so many columns, each filled with blanks to its end; no word sticks out.
pub fn filled(spans: &[Span], width: usize, indent: usize) -> Vec<Line> {
    let lines = wrapped(spans, width, indent).into_iter();
    let lines = lines.map(|line| {
        let mut line = cut(line, width);
        let blanks = width.saturating_sub(line.width());
        line.push(Role::Plain, " ".repeat(blanks));
        line
    });
    lines.collect()
}

/// A line without what goes beyond so many columns.
fn cut(line: Line, width: usize) -> Line {
    if line.width() <= width {
        return line;
    }
    let mut out = Line::empty();
    let mut left = width.saturating_sub(1);
    for span in line.spans {
        let mut kept = String::new();
        for letter in span.text.chars() {
            let wide = columns(letter.encode_utf8(&mut [0; 4]));
            if wide > left {
                return out.with(span.role, kept + "\u{2026}");
            }
            left -= wide;
            kept.push(letter);
        }
        out.push(span.role, kept);
    }
    out
}
