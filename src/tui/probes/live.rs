//! What is known of one question: its last look, what that one changed, and whether the next is
//! under way. Pure; looking is done outside.

use std::collections::HashMap;
use std::sync::Arc;

use super::look::Look;
use crate::probe::Ask;
use crate::render::probe::list::{Entry, Key, Listing};
use crate::tui::effect::Effect;

/// How many looks a row stays marked for that is new or has changed: long enough to be noticed.
const MARKED: u8 = 3;

/// One question, asked again and again.
#[derive(Debug)]
pub struct Board {
    /// The question.
    pub ask: Ask,
    /// The last answer.
    pub look: Option<Arc<Look>>,
    /// Why there was none the last time.
    pub failed: Option<String>,
    /// Ticks since looking began, while it is under way.
    pub under_way: Option<usize>,
    /// Looks so far.
    pub looks: usize,
    /// The look before, which rows that have gone are drawn from.
    before: Option<Arc<Look>>,
    /// Every row that can be shown.
    rows: Vec<Row>,
    marks: HashMap<Key, (Mark, u8)>,
}

/// A row of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    when: When,
    at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Now,
    Before,
}

/// What happened to a row lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// It was not there before.
    New,
    /// Something about it has changed.
    Changed,
    /// It is not there any more: shown once.
    Gone,
}

impl Mark {
    /// The sign before its row.
    pub fn sign(self) -> &'static str {
        match self {
            Self::New => "+",
            Self::Changed => "~",
            Self::Gone => "-",
        }
    }

    /// What the sign means.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Gone => "gone",
        }
    }
}

impl Board {
    /// A question that nobody has asked yet.
    pub fn new(ask: Ask) -> Self {
        Self {
            ask,
            look: None,
            failed: None,
            under_way: None,
            looks: 0,
            before: None,
            rows: Vec::new(),
            marks: HashMap::new(),
        }
    }

    /// Asks, unless an answer is under way already.
    pub fn begin(&mut self) -> Option<Effect> {
        if self.under_way.is_some() {
            return None;
        }
        self.under_way = Some(0);
        Some(Effect::Probe(self.ask.clone()))
    }

    /// Takes an answer in.
    pub fn take(&mut self, result: Result<Arc<Look>, String>) {
        self.under_way = None;
        match result {
            Err(why) => self.failed = Some(why),
            Ok(look) => {
                self.failed = None;
                self.looks += 1;
                self.before = self.look.replace(look);
                self.compare();
            }
        }
    }

    /// The rows of the last look.
    pub fn listing(&self) -> Option<&Listing> {
        self.look.as_ref()?.listing.as_ref()
    }

    /// Every row, in order; those that have gone are where they were.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// A row, and the look that it is from.
    pub fn entry(&self, row: Row) -> Option<(&Entry, &Arc<Look>)> {
        let look = match row.when {
            When::Now => self.look.as_ref()?,
            When::Before => self.before.as_ref()?,
        };
        Some((look.listing.as_ref()?.entries.get(row.at)?, look))
    }

    /// What happened to a row lately.
    pub fn mark(&self, row: Row) -> Option<Mark> {
        if row.when == When::Before {
            return Some(Mark::Gone);
        }
        let (entry, _) = self.entry(row)?;
        self.marks.get(&entry.key).map(|&(mark, _)| mark)
    }

    fn compare(&mut self) {
        let empty = Vec::new();
        let now = self.look.as_ref().and_then(|look| look.listing.as_ref());
        let before = self.before.as_ref().and_then(|look| look.listing.as_ref());
        let entries = now.map_or(&empty, |now| &now.entries);
        let mut marks = HashMap::new();
        let mut gone = Vec::new();
        if let (Some(now), Some(before)) = (now, before) {
            for entry in entries.iter().filter(|entry| !entry.is_note()) {
                let earlier = before.place(&entry.key).map(|at| &before.entries[at]);
                let mark = match (earlier, self.marks.get(&entry.key)) {
                    (None, _) => Some((Mark::New, MARKED)),
                    (Some(earlier), known) if !entry.is_as(earlier) => {
                        // What came a moment ago is still news.
                        let mark = known.map_or(Mark::Changed, |&(mark, _)| mark);
                        Some((mark, MARKED))
                    }
                    (Some(_), Some(&(mark, left))) if left > 1 => Some((mark, left - 1)),
                    _ => None,
                };
                if let Some(mark) = mark {
                    marks.insert(entry.key.clone(), mark);
                }
            }
            let mut next = 0;
            for (at, entry) in before.entries.iter().enumerate() {
                match now.place(&entry.key) {
                    Some(place) => next = place + 1,
                    None if entry.is_note() => {}
                    None => gone.push((next, at)),
                }
            }
        }
        gone.sort_unstable();
        let mut rows = Vec::with_capacity(entries.len() + gone.len());
        let mut gone = gone.into_iter().peekable();
        for at in 0..=entries.len() {
            while let Some((_, old)) = gone.next_if(|&(next, _)| next == at) {
                rows.push(Row {
                    when: When::Before,
                    at: old,
                });
            }
            if at < entries.len() {
                rows.push(Row {
                    when: When::Now,
                    at,
                });
            }
        }
        self.rows = rows;
        self.marks = marks;
        if self.rows.iter().all(|row| row.when == When::Now) {
            // Nothing is drawn from it any more.
            self.before = None;
        }
    }
}
