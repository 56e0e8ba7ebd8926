//! Sockets that a peer makes only to be there: for programs that look at the machine and talk to
//! nobody. What they are is read here; making them is [`crate::check`]'s.

use serde::{Deserialize, Serialize};

use super::Payload;
use crate::curriculum::reader::Reader;

/// Sockets to make: one, or a number of the same kind with numbered names.
#[derive(Clone, Debug, Serialize)]
pub struct MakeSocket {
    /// What steps and diagnoses call it.
    pub socket: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: SocketType,
    /// What is done with it.
    pub state: SocketState,
    /// Its name; `None`: it has none.
    pub name: Option<SocketName>,
    /// The socket it connects to, or is accepted from.
    pub to: Option<String>,
    /// What becomes of its file.
    pub file: SocketFile,
    /// How many; where more than one, `000` and so on is put behind the name.
    pub count: u32,
}

/// A type of Unix socket (unix(7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketType {
    /// SOCK_STREAM.
    #[default]
    Stream,
    /// SOCK_DGRAM.
    Dgram,
    /// SOCK_SEQPACKET.
    Seqpacket,
}

/// What has been done with a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketState {
    /// Nothing.
    Unnamed,
    /// bind(2).
    Bound,
    /// bind(2), listen(2).
    Listening,
    /// connect(2), after bind(2) if it has a name.
    Connected,
    /// It came from accept(2).
    Accepted,
}

/// Where a name lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Namespace {
    /// A path from the root; the directory of the stage is put in front.
    Path,
    /// A path from the directory of the stage.
    Relative,
    /// No file; the directory of the stage is put in front all the same, so that it is unique.
    Abstract,
}

/// A name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SocketName {
    /// Where it lives.
    pub namespace: Namespace,
    /// What is put behind the directory.
    pub name: Payload,
    /// How long it is made, in bytes of sun_path that count; `None`: as long as it is.
    pub bytes: Option<u64>,
}

/// What becomes of a socket's file after bind(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SocketFile {
    /// It stays.
    #[default]
    Kept,
    /// unlink(2).
    Removed,
    /// rename(2).
    Renamed,
}

/// The words of each choice.
pub(super) const TYPES: &[(&str, SocketType)] = &[
    ("stream", SocketType::Stream),
    ("dgram", SocketType::Dgram),
    ("seqpacket", SocketType::Seqpacket),
];
const STATES: &[(&str, SocketState)] = &[
    ("listening", SocketState::Listening),
    ("bound", SocketState::Bound),
    ("connected", SocketState::Connected),
    ("accepted", SocketState::Accepted),
    ("unnamed", SocketState::Unnamed),
];
const FILES: &[(&str, SocketFile)] = &[
    ("kept", SocketFile::Kept),
    ("removed", SocketFile::Removed),
    ("renamed", SocketFile::Renamed),
];
const NAMESPACES: &[(&str, Namespace)] = &[
    ("path", Namespace::Path),
    ("relative", Namespace::Relative),
    ("abstract", Namespace::Abstract),
];

/// No more sockets of one kind.
const MOST: i64 = 1000;

/// A word of a list of choices.
fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    let found = words.iter().find(|(_, known)| known == value);
    found.map_or("", |(word, _)| word)
}

impl SocketType {
    /// All, with the words that files use.
    pub const WORDS: &[(&str, Self)] = TYPES;

    /// `stream`, `dgram` or `seqpacket`.
    pub fn word(self) -> &'static str {
        word(TYPES, &self)
    }
}

impl SocketState {
    /// `listening`, as `exercise.toml` has it.
    pub fn word(self) -> &'static str {
        word(STATES, &self)
    }
}

impl Namespace {
    /// `path`, `relative` or `abstract`.
    pub fn word(self) -> &'static str {
        word(NAMESPACES, &self)
    }
}

impl SocketFile {
    /// `kept`, `removed` or `renamed`.
    pub fn word(self) -> &'static str {
        word(FILES, &self)
    }
}

impl MakeSocket {
    pub(super) fn read(table: &mut Reader<'_>) -> Self {
        let made = Self {
            socket: table.text("socket"),
            kind: table
                .optional_choice("type", TYPES)
                .unwrap_or(SocketType::Stream),
            state: table
                .optional_choice("state", STATES)
                .unwrap_or(SocketState::Listening),
            name: table.table("name", "a socket's name", read_name).flatten(),
            to: table.optional_text("to").map(|to| to.value),
            file: table.optional_choice("file", FILES).unwrap_or_default(),
            count: table.optional_integer("count", 1..MOST + 1).unwrap_or(1) as u32,
        };
        made.look_for_mistakes(table);
        made
    }

    fn look_for_mistakes(&self, table: &Reader<'_>) {
        use SocketState::{Accepted, Bound, Connected, Listening, Unnamed};
        let mistake = |message: &str| table.problem(table.span(), message, None);
        match self.state {
            Bound | Listening if self.name.is_none() => mistake("this socket needs a `name`"),
            Accepted | Unnamed if self.name.is_some() => mistake("this socket has no `name`"),
            _ => {}
        }
        match self.state {
            Connected | Accepted if self.to.is_none() => {
                mistake("this socket needs `to`: another socket of the stage");
            }
            Bound | Listening | Unnamed if self.to.is_some() => {
                mistake("only a connected or accepted socket has `to`");
            }
            _ => {}
        }
        if self.kind == SocketType::Dgram && matches!(self.state, Listening | Accepted) {
            mistake("a datagram socket neither listens nor is accepted");
        }
    }
}

fn read_name(table: &mut Reader<'_>) -> Option<SocketName> {
    let given: Vec<Namespace> = NAMESPACES
        .iter()
        .filter(|(key, _)| table.has(key))
        .map(|(_, namespace)| *namespace)
        .collect();
    let bytes = table
        .optional_integer("bytes", 1..109)
        .map(|bytes| bytes as u64);
    let [namespace] = given.as_slice() else {
        let help = Some("Give one of `path`, `relative` and `abstract`.".to_owned());
        table.problem(table.span(), "a socket has one name", help);
        return None;
    };
    Some(SocketName {
        namespace: *namespace,
        name: Payload::read(table, namespace.word()),
        bytes,
    })
}
