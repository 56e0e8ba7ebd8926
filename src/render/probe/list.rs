//! What a probe saw as rows that can be selected, filtered and followed: for the screen.
//!
//! Owns the key of each row, by which it is found again in a later look, what can be searched in
//! it, and how visible rows are drawn. A [`Listing`] is made once a look; only the rows that are
//! on the screen are ever drawn. One file a probe says which rows it has; what one row tells is
//! [`super::detail`]'s. A probe whose picture is no table has no listing.

mod env;
mod fds;
mod runtime_dir;
mod sockets;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::io;

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::table::{self, Cell, Column, Cut, Fit};
use crate::probe::Probed;
use crate::probe::holders::Process;
use crate::render::text::{Line, Role};
use crate::untrusted::Untrusted;

/// What a row is found by in another look: never its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Something to know about the whole look, by its number.
    Note(usize),
    /// A socket, by its cookie: `SO_COOKIE`, never used twice.
    Socket(u64),
    /// An entry of the runtime directory, by its path beneath it.
    File(Untrusted),
    /// A socket whose file is not where it was bound, by its inode.
    Lost(u32),
    /// A descriptor, by its number.
    Descriptor(u32),
    /// A variable, by its name.
    Variable(Untrusted),
}

/// Where the data of a row are in what the probe saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Note(usize),
    Row(usize),
    Lost(usize),
}

/// One row.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is found by.
    pub key: Key,
    /// What filters go by.
    pub facets: Facets,
    at: At,
    /// The same number means that nothing about it has changed.
    print: u64,
    /// All that can be searched, in lower case.
    words: String,
}

impl Entry {
    /// Whether it holds a text that is in lower case already.
    pub fn holds(&self, wanted: &str) -> bool {
        self.words.contains(wanted)
    }

    /// Whether it tells of the whole look.
    pub fn is_note(&self) -> bool {
        matches!(self.at, At::Note(_))
    }

    /// Whether all that is known of it is as it was.
    pub fn is_as(&self, earlier: &Self) -> bool {
        self.print == earlier.print
    }
}

/// What filters go by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// Whether somebody listens there.
    pub listening: bool,
    /// Its type, as the table writes it.
    pub kind: &'static str,
    /// Who holds it.
    pub processes: Vec<Process>,
    /// The slug and the name of its service.
    pub service: Option<(String, String)>,
}

/// The rows of one look.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The rows in their order; notes first.
    pub entries: Vec<Entry>,
    /// What the rows are, in the plural: `sockets`.
    pub noun: &'static str,
    notes: Vec<String>,
    columns: &'static [Column],
    widths: Vec<usize>,
    places: HashMap<Key, usize>,
}

impl Listing {
    /// The rows of a picture; `None` when it is no table.
    pub fn of(probed: &Probed) -> Option<Self> {
        match probed {
            Probed::Sockets(seen) => Some(sockets::list(seen)),
            Probed::RuntimeDir(seen) => Some(runtime_dir::list(seen)),
            Probed::Env(seen) => Some(env::list(seen)),
            Probed::Fds(seen) => Some(fds::list(seen)),
            Probed::Creds(_) => None,
        }
    }

    fn new(noun: &'static str, columns: &'static [Column]) -> Self {
        Self {
            entries: Vec::new(),
            noun,
            notes: Vec::new(),
            columns,
            widths: vec![0; columns.len()],
            places: HashMap::new(),
        }
    }

    fn note(&mut self, words: String) {
        let number = self.notes.len();
        let key = Key::Note(number);
        self.places.insert(key.clone(), self.entries.len());
        self.entries.push(Entry {
            key,
            facets: Facets::default(),
            at: At::Note(number),
            print: fingerprint(&words),
            words: String::new(),
        });
        self.notes.push(words);
    }

    /// Adds a row: its cells, what else can be searched, and all that is known of it.
    fn row(&mut self, key: Key, at: At, facets: Facets, row: &Row, known: &impl Serialize) {
        let mut words = String::new();
        for (cell, width) in row.cells.iter().zip(&mut self.widths) {
            *width = (*width).max(cell.text.width());
            words.push_str(&cell.text);
            words.push(' ');
        }
        words.push_str(&row.more);
        self.places.insert(key.clone(), self.entries.len());
        self.entries.push(Entry {
            key,
            facets,
            at,
            print: fingerprint(known),
            words: words.to_lowercase(),
        });
    }

    /// Where the row with this key is.
    pub fn place(&self, key: &Key) -> Option<usize> {
        self.places.get(key).copied()
    }

    /// How many rows there are, notes excepted.
    pub fn rows(&self) -> usize {
        self.entries.len() - self.notes.len()
    }

    /// A note in full.
    pub fn note_words(&self, key: &Key) -> Option<&str> {
        match key {
            Key::Note(number) => self.notes.get(*number).map(String::as_str),
            _ => None,
        }
    }

    /// The columns for a width.
    pub fn frame(&self, width: usize) -> Frame {
        Frame {
            fit: Fit::of(self.columns, &self.widths, width),
            width,
        }
    }
}

/// Columns that fit a width.
#[derive(Clone, Debug)]
pub struct Frame {
    fit: Fit,
    width: usize,
}

impl Frame {
    /// The titles.
    pub fn titles(&self, listing: &Listing) -> Line {
        let titles = listing.columns.iter();
        let titles: Vec<Cell> = titles
            .map(|column| Cell::new(Role::Subheading, column.title))
            .collect();
        self.fit.line(listing.columns, &titles)
    }

    /// A row of the look that the listing was made of.
    pub fn line(&self, listing: &Listing, probed: &Probed, entry: &Entry) -> Line {
        if let Some(words) = listing.note_words(&entry.key) {
            return Line::of(Role::Warning, table::cut(words, self.width, Cut::End));
        }
        let row = match (probed, entry.at) {
            (Probed::Sockets(seen), At::Row(at)) => seen.sockets.get(at).map(sockets::row),
            (Probed::RuntimeDir(seen), At::Row(at)) => {
                seen.entries.get(at).map(runtime_dir::entry_row)
            }
            (Probed::RuntimeDir(seen), At::Lost(at)) => {
                seen.lost.get(at).map(runtime_dir::lost_row)
            }
            (Probed::Env(seen), At::Row(at)) => seen.variables.get(at).map(env::row),
            (Probed::Fds(seen), At::Row(at)) => {
                let descriptors = seen.descriptors.as_deref().unwrap_or_default();
                descriptors.get(at).map(|open| fds::row(seen, open))
            }
            _ => None,
        };
        row.map_or_else(Line::empty, |row| {
            self.fit.line(listing.columns, &row.cells)
        })
    }
}

/// What is drawn of a row, and what else can be searched in it.
struct Row {
    cells: Vec<Cell>,
    more: String,
}

/// A number for all that is known of a row.
fn fingerprint(known: &impl Serialize) -> u64 {
    struct Print(DefaultHasher);
    impl io::Write for Print {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut print = Print(DefaultHasher::new());
    // A hasher takes everything, and what probes return is always valid JSON.
    drop(serde_json::to_writer(&mut print, known));
    print.0.finish()
}
