//! What is known of one row, in sentences, and where one can go from there: for the screen.
//!
//! Owns the pages beside a [`super::list::Listing`]; one file a probe. A page says what a value
//! means, not only what it is. Nothing is asked of the machine here.

mod env;
mod fds;
mod runtime_dir;
mod sockets;

use std::ops::Range;

use super::list::{Key, Listing};
use super::table::{Cut, cut};
use crate::curriculum::services::Service;
use crate::probe::Probed;
use crate::probe::holders::{Holders, Known, Process};
use crate::probe::sockets::{By, Identified};
use crate::render::markdown::paragraph;
use crate::render::text::{Line, Role, Text};
use unicode_width::UnicodeWidthStr;

/// Where one can go from a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To the socket with this inode.
    Socket(u32),
    /// To the descriptors of a process.
    Descriptors(u32),
    /// To all sockets of a process.
    SocketsOf(Process),
    /// To who a process is.
    Credentials(u32),
    /// To what the socket with this cookie has recorded of its other end.
    Recorded(u64),
}

/// Words that lead somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// On which line of [`Detail::ways`], counted from 0.
    pub line: usize,
    /// In which columns of it.
    pub columns: Range<usize>,
    /// Where it leads.
    pub to: Target,
}

/// What is known of one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// What it says.
    pub text: Text,
    /// What leads on from it, as lines.
    pub ways: Text,
    /// The same, in the order of their numbers.
    pub links: Vec<Link>,
}

/// Columns of the words before a sentence.
const LABEL: usize = 11;

/// Links that digits can reach.
const LINKS: usize = 9;

/// The page of a row, if there is such a row.
pub fn of(
    probed: &Probed,
    listing: &Listing,
    key: &Key,
    services: &[Service],
    width: usize,
) -> Option<Detail> {
    let mut page = Page {
        detail: Detail::default(),
        services,
        width,
    };
    if let Some(words) = listing.note_words(key) {
        page.title(Line::of(Role::Heading, "About the whole look"));
        page.say(Role::Warning, words);
        return Some(page.detail);
    }
    match (probed, key) {
        (Probed::Sockets(seen), Key::Socket(cookie)) => {
            let mut rows = seen.sockets.iter();
            sockets::tell(&mut page, seen, rows.find(|row| row.cookie == *cookie)?);
        }
        (Probed::RuntimeDir(seen), Key::File(path)) => {
            let mut entries = seen.entries.iter();
            runtime_dir::tell(&mut page, entries.find(|entry| entry.path == *path)?);
        }
        (Probed::RuntimeDir(seen), Key::Lost(inode)) => {
            let mut lost = seen.lost.iter();
            runtime_dir::tell_lost(&mut page, lost.find(|lost| lost.inode == *inode)?);
        }
        (Probed::Fds(seen), Key::Descriptor(number)) => {
            let mut descriptors = seen.descriptors.iter().flatten();
            let found = descriptors.find(|descriptor| descriptor.fd == *number)?;
            fds::tell(&mut page, seen, found);
        }
        (Probed::Env(seen), Key::Variable(name)) => {
            let mut variables = seen.variables.iter();
            let found = variables.find(|variable| variable.name.as_bytes() == name.bytes())?;
            env::tell(&mut page, seen, found);
        }
        _ => return None,
    }
    Some(page.detail)
}

/// A page being written.
struct Page<'a> {
    detail: Detail,
    services: &'a [Service],
    width: usize,
}

impl Page<'_> {
    fn title(&mut self, line: Line) {
        self.detail.text.line(line);
        self.detail.text.blank();
    }

    fn say(&mut self, role: Role, words: &str) {
        self.detail.text.append(paragraph(role, words, self.width));
    }

    /// A word, and sentences beside it.
    fn fact(&mut self, label: &str, words: &str) {
        self.fact_as(Role::Plain, label, words);
    }

    fn fact_as(&mut self, role: Role, label: &str, words: &str) {
        let beside = paragraph(role, words, self.width.saturating_sub(LABEL));
        for (row, line) in beside.lines.into_iter().enumerate() {
            let label = if row == 0 { label } else { "" };
            let mut out = Line::of(Role::Subheading, label);
            out.push(Role::Plain, " ".repeat(LABEL.saturating_sub(label.len())));
            out.spans.extend(line.spans);
            self.detail.text.line(out);
        }
    }

    /// A line with words that lead somewhere, as many as digits can reach.
    fn ways(&mut self, whose: &str, ways: &[(String, Target)]) {
        let left = LINKS - self.detail.links.len();
        let known = |to: &Target| self.detail.links.iter().any(|link| link.to == *to);
        let ways = ways.iter().filter(|(_, to)| !known(to)).take(left);
        let ways: Vec<(String, Target)> = ways.cloned().collect();
        let needed: usize = ways.iter().map(|(words, _)| words.width() + 4).sum();
        if ways.is_empty() {
            return;
        }
        let room = self.width.saturating_sub(needed).max(LABEL);
        let mut line = Line::of(Role::Plain, cut(whose, room, Cut::Middle));
        for (words, to) in ways {
            line.push(Role::Plain, "  ");
            let from = line.width();
            line.push(Role::Key, (self.detail.links.len() + 1).to_string());
            line.push(Role::Link, format!(" {words}"));
            self.detail.links.push(Link {
                line: self.detail.ways.lines.len(),
                columns: from..line.width(),
                to,
            });
        }
        self.detail.ways.line(line);
    }

    /// A line that leads to a socket.
    fn socket(&mut self, whose: &str, inode: u32) {
        let way = (format!("socket {inode}"), Target::Socket(inode));
        self.ways(whose, &[way]);
    }

    /// What one can look at of a process; `whose` says what it is here.
    fn process(&mut self, whose: &str, process: &Process) {
        let whose = format!("{whose} {} {}", process.comm, process.pid);
        let ways = [
            ("fds".to_owned(), Target::Descriptors(process.pid)),
            ("sockets".to_owned(), Target::SocketsOf(process.clone())),
            ("creds".to_owned(), Target::Credentials(process.pid)),
        ];
        self.ways(&whose, &ways);
    }

    /// Who holds something, in a sentence.
    fn holders(&mut self, label: &str, holders: &Holders) {
        match holders.processes.as_slice() {
            [] => {
                let (role, words) = match holders.known {
                    Known::Gone => (Role::Dim, "It was closed while this was looked at."),
                    Known::InFlight => (
                        Role::Warning,
                        "No process holds it. Descriptors wait in messages that nobody has \
                         received (SCM_RIGHTS); it may be one of them.",
                    ),
                    Known::NotVisible => (
                        Role::Warning,
                        "? — not known: not every process may be read, and none that may be holds it.",
                    ),
                    Known::None | Known::Some => (
                        Role::Plain,
                        "No process holds it, and no descriptor is on its way: it is the \
                         kernel's own.",
                    ),
                };
                self.fact_as(role, label, words);
            }
            [one] => {
                let words = format!("{} (process {}).", one.comm, one.pid);
                self.fact(label, &words);
            }
            many => {
                let names: Vec<String> = many
                    .iter()
                    .map(|process| format!("{} {}", process.comm, process.pid))
                    .collect();
                let words = format!(
                    "{} processes share it: {}. A child inherits descriptors in fork(2), and \
                     SCM_RIGHTS passes them on.",
                    many.len(),
                    names.join(", ")
                );
                self.fact(label, &words);
            }
        }
    }

    /// Which service it is, how that is known, and what it is for.
    fn service(&mut self, service: Option<&Identified>) {
        let Some(service) = service else { return };
        let by = match service.by {
            By::Address => "its address says so",
            By::Program => "only the name of the program says so, and programs choose their names",
        };
        self.fact("service", &format!("{}: {by}.", service.name));
        self.meaning(Some(service));
    }

    /// What a service is for, and what is spoken there.
    fn meaning(&mut self, service: Option<&Identified>) {
        let slug = service.map(|service| &service.id);
        let known = self.services.iter().find(|known| Some(&known.id) == slug);
        let Some(known) = known else { return };
        let mut words = Vec::new();
        for (before, what) in [("", &known.meaning), ("Spoken there: ", &known.protocol)] {
            let what = what.trim().trim_end_matches('.');
            if !what.is_empty() {
                words.push(format!("{before}{what}."));
            }
        }
        if !words.is_empty() {
            self.fact("", &words.join(" "));
        }
    }
}
