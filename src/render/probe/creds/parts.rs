//! What the drawings of `probe creds` share: fields with a name, ids with names, facts in words.

use crate::probe::creds::{Capabilities, Fact, Named, Pidfd};
use crate::render::markdown::paragraph;
use crate::render::probe::words;
use crate::render::text::{Line, Role, Text};
use crate::sys::peer_credentials::Ucred;
use crate::untrusted::Untrusted;

/// Columns of a field's name, with the blanks around it.
const FIELD: usize = 20;

/// How narrow the words of a field become.
const NARROW: usize = 24;

/// A name, and words beside it that wrap beneath themselves.
pub(super) fn field(name: &str, value: &Said, width: usize) -> Text {
    let mut text = Text::new();
    let room = width.saturating_sub(FIELD).max(NARROW);
    for (index, line) in paragraph(value.role, &value.words, room)
        .lines
        .into_iter()
        .enumerate()
    {
        let name = if index == 0 { name } else { "" };
        let mut whole = Line::of(Role::Subheading, format!("  {name:<0$}", FIELD - 2));
        whole.spans.extend(line.spans);
        text.line(whole);
    }
    text
}

/// A heading, and what it is about: beside it where there is room, else beneath it.
pub(super) fn heading(title: &str, about: &str, width: usize) -> Text {
    words::heading(title, &format!(" {about}"), width)
}

/// One of several sentences.
pub(super) fn bullet(said: &Said, width: usize) -> Text {
    let mut text = Text::new();
    let room = width.saturating_sub(2).max(NARROW);
    for (index, line) in paragraph(said.role, &said.words, room)
        .lines
        .into_iter()
        .enumerate()
    {
        let mut whole = Line::of(Role::Dim, if index == 0 { "- " } else { "  " });
        whole.spans.extend(line.spans);
        text.line(whole);
    }
    text
}

/// Words, and what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) role: Role,
    pub(super) words: String,
}

impl Said {
    pub(super) fn new(role: Role, words: impl Into<String>) -> Self {
        Self {
            role,
            words: words.into(),
        }
    }

    pub(super) fn value(words: impl Into<String>) -> Self {
        Self::new(Role::Value, words)
    }

    /// Adds words at the end.
    pub(super) fn and(mut self, words: &str) -> Self {
        self.words += words;
        self
    }
}

/// What became of a question, in words: the answer by `value`, `absent` when there is none.
pub(super) fn fact<T>(fact: &Fact<T>, absent: &str, value: impl FnOnce(&T) -> String) -> Said {
    match fact {
        Fact::Known(known) => Said::value(value(known)),
        Fact::Absent => Said::new(Role::Dim, absent),
        Fact::Refused(why) => Said::new(Role::Warning, format!("? may not be read: {why}")),
        Fact::Unsupported(since) => {
            Said::new(Role::Dim, format!("not on this kernel: since {since}"))
        }
    }
}

/// `1000 (ada)`.
pub(super) fn named(named: &Named) -> String {
    match &named.name {
        Some(name) => format!("{} ({name})", id(named.id)),
        None => id(named.id),
    }
}

/// The kernel's "nobody at all" is −1 in an unsigned field.
pub(super) fn id(id: u32) -> String {
    if id == u32::MAX {
        "-1".to_owned()
    } else {
        id.to_string()
    }
}

pub(super) fn all_named(all: &[Named]) -> String {
    let all: Vec<String> = all.iter().map(named).collect();
    all.join(", ")
}

pub(super) fn numbers(all: &[u32]) -> String {
    if all.is_empty() {
        return "none".to_owned();
    }
    let all: Vec<String> = all.iter().map(u32::to_string).collect();
    all.join(", ")
}

/// `pid 4711, uid 0, gid 0`.
pub(super) fn ucred(told: &Ucred) -> String {
    format!(
        "pid {}, uid {}, gid {}",
        told.pid,
        id(told.uid),
        id(told.gid)
    )
}

/// What a pidfd told.
pub(super) fn pidfd(told: &Pidfd) -> String {
    let mut words = match (told.pid, told.ended) {
        (0, true) => "a process that has ended".to_owned(),
        (0, false) => "a process outside our pid namespace".to_owned(),
        (pid, true) => format!("process {pid}, which has ended"),
        (pid, false) => format!("process {pid}, which runs"),
    };
    if let Some(inode) = told.inode {
        words += &format!(" (pidfd inode {inode})");
    }
    words
}

/// What SO_PEERSEC, or a process's own label, says.
pub(super) fn label(label: &Fact<Untrusted>) -> Said {
    fact(
        label,
        "no label: no security module here gives one",
        Untrusted::to_string,
    )
}

/// `all`, `none`, `all but SYS_RESOURCE`, or names.
pub(super) fn capabilities(set: &Capabilities) -> String {
    if set.all {
        "all".to_owned()
    } else if set.names.is_empty() {
        "none".to_owned()
    } else if set.missing.len() < set.names.len() {
        format!("all but {}", set.missing.join(", "))
    } else {
        set.names.join(", ")
    }
}
