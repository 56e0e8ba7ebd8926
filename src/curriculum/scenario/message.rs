//! Messages: sockets of any type that a peer opens, records and datagrams that it sends and that
//! must come, and the descriptors they carry. What they are is read here; carrying them is
//! [`crate::check`]'s.

use serde::{Deserialize, Serialize};

use super::{At, Payload, Who};
use crate::curriculum::exercise::PLACEHOLDERS;
use crate::curriculum::reader::Reader;

/// A socket that a peer opens and does not connect: for datagrams.
#[derive(Clone, Debug, Serialize)]
pub struct OpenSocket {
    /// What steps call it: they use it as they use a connection.
    pub connection: String,
    /// What it is bound to.
    pub bind: Binding,
    /// Whether the kernel is asked to say who sends (SO_PASSCRED).
    pub asks_credentials: bool,
    /// The process that opens it.
    pub peer: String,
    /// Whose process that is.
    pub user: Who,
}

/// What a peer's socket is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binding {
    /// Nothing: nobody can answer it.
    Nothing,
    /// An abstract name that the kernel chooses (unix(7), autobind).
    Autobind,
    /// A path of its own, beside the address.
    Own,
    /// One of the addresses of the stage.
    At(At),
    /// A path of the stage, beginning with a placeholder.
    Path(String),
}

/// A message to send: one call of sendmsg(2).
#[derive(Clone, Debug, Serialize)]
pub struct SendMessage {
    /// The connection, or the socket.
    pub connection: String,
    /// What.
    pub data: Payload,
    /// In how many pieces it lies in memory (`msg_iov`); all are sent at once.
    pub pieces: u32,
    /// Descriptors that go with it, in this order.
    pub attach: Vec<Attached>,
    /// Whether it says who it is from (SCM_CREDENTIALS).
    pub credentials: Claim,
    /// Whether the call may fail because the receiver's queue is full.
    pub full: WhenFull,
    /// How many times it is sent, one call each.
    pub times: u32,
}

/// Who a message says that it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// It does not say; the kernel does when the receiver asks.
    Nobody,
    /// The process that sends.
    Oneself,
}

/// What becomes of a message for which there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenFull {
    /// It is waited for room.
    Wait,
    /// It is dropped.
    Drop,
}

/// Descriptors of one open file that go with a message (SCM_RIGHTS).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// What kind of file.
    pub file: AttachedFile,
    /// Its content; of an eventfd nothing.
    pub holds: Payload,
    /// Where its offset stands, in bytes from the beginning; of a regular file only.
    pub offset: u64,
    /// The number an eventfd counts from.
    pub counts: u64,
    /// How many descriptors of it.
    pub count: u32,
}

/// A kind of file that goes with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttachedFile {
    /// A regular file, open for reading.
    Regular,
    /// A regular file, open for reading and writing.
    ReadWrite,
    /// The reading end of a pipe, with its content in it and its writing end closed.
    Pipe,
    /// An eventfd (eventfd(2)); `add-to-eventfd` adds to it.
    Eventfd,
    /// The directory of the stage.
    Directory,
    /// One end of a pair of connected stream sockets; the other end is held.
    Socket,
    /// Our own end of the connection that the message goes over.
    Itself,
}

/// A message that must come: one call of recvmsg(2).
#[derive(Clone, Debug, Serialize)]
pub struct ExpectMessage {
    /// The connection, or the socket.
    pub connection: String,
    /// What it must be, from its first byte to its last.
    pub data: Payload,
    /// Who must have sent it.
    pub from: Sender,
    /// How many descriptors must come with it.
    pub descriptors: u32,
    /// For how many descriptors there is room.
    pub room: u32,
    /// How many such messages must come, one after the other.
    pub times: u32,
}

/// Who a message is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sender {
    /// Anybody; on a connection nobody else can be it.
    Anybody,
    /// A socket that has a name, so that it can be answered.
    Named,
    /// The socket at the address.
    Program,
}

/// A descriptor that came with the last message.
#[derive(Clone, Debug, Serialize)]
pub struct ExpectDescriptor {
    /// The connection, or the socket, that it came on.
    pub connection: String,
    /// Which, from 0.
    pub index: u32,
    /// What kind of file it must be; `None`: any.
    pub file: Option<FileKind>,
    /// How it must be open; `None`: in any way.
    pub access: Option<Access>,
    /// Where its offset must stand, in bytes; `None`: anywhere.
    pub offset: Option<u64>,
    /// What must be read from there to its end; `None`: it is not read.
    pub holds: Option<Payload>,
    /// Seals that it must have (fcntl(2), F_GET_SEALS).
    pub seals: Vec<Seal>,
    /// It may not be the same file as the descriptor that was looked at last on this connection, nor
    /// the network namespace of the checker.
    pub unlike: Option<String>,
}

/// What can no longer be done to a memfd (fcntl(2), F_ADD_SEALS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seal {
    /// F_SEAL_WRITE: change its content.
    Write,
    /// F_SEAL_GROW: make it longer.
    Grow,
    /// F_SEAL_SHRINK: make it shorter.
    Shrink,
    /// F_SEAL_SEAL: add a seal.
    Seal,
}

/// A kind of open file, as fstat(2) and /proc tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A pipe or a FIFO.
    Pipe,
    /// A socket.
    Socket,
    /// A terminal or another device.
    Device,
    /// An eventfd.
    Eventfd,
    /// A file in memory alone (memfd_create(2)); it is a regular file as well.
    Memfd,
    /// A network namespace (namespaces(7)).
    NetworkNamespace,
    /// Something else.
    #[default]
    Other,
}

/// How a file is open (open(2), fcntl(2) F_GETFL).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// O_RDONLY.
    Read,
    /// O_WRONLY.
    Write,
    /// O_RDWR.
    ReadWrite,
    /// O_PATH.
    #[default]
    Path,
}

const BINDINGS: &[(&str, Binding)] = &[
    ("autobind", Binding::Autobind),
    ("own", Binding::Own),
    ("nothing", Binding::Nothing),
    ("socket", Binding::At(At::Socket)),
    ("other", Binding::At(At::Other)),
];
const SEALS: &[(&str, Seal)] = &[
    ("write", Seal::Write),
    ("grow", Seal::Grow),
    ("shrink", Seal::Shrink),
    ("seal", Seal::Seal),
];
const ATTACHED: &[(&str, AttachedFile)] = &[
    ("regular", AttachedFile::Regular),
    ("read-write", AttachedFile::ReadWrite),
    ("pipe", AttachedFile::Pipe),
    ("eventfd", AttachedFile::Eventfd),
    ("directory", AttachedFile::Directory),
    ("socket", AttachedFile::Socket),
    ("itself", AttachedFile::Itself),
];
const SENDERS: &[(&str, Sender)] = &[
    ("anybody", Sender::Anybody),
    ("named", Sender::Named),
    ("program", Sender::Program),
];
const CLAIMS: &[(&str, Claim)] = &[("nobody", Claim::Nobody), ("oneself", Claim::Oneself)];
const FULL: &[(&str, WhenFull)] = &[("wait", WhenFull::Wait), ("drop", WhenFull::Drop)];
const KINDS: &[(&str, FileKind)] = &[
    ("regular", FileKind::Regular),
    ("directory", FileKind::Directory),
    ("pipe", FileKind::Pipe),
    ("socket", FileKind::Socket),
    ("device", FileKind::Device),
    ("eventfd", FileKind::Eventfd),
    ("memfd", FileKind::Memfd),
    ("network-namespace", FileKind::NetworkNamespace),
];
const ACCESSES: &[(&str, Access)] = &[
    ("read", Access::Read),
    ("write", Access::Write),
    ("read-write", Access::ReadWrite),
    ("path", Access::Path),
];

/// The kernel takes no more descriptors with one message: SCM_MAX_FD.
pub(super) const MOST_DESCRIPTORS: i64 = 253;

/// So many times the same message: more than fit into any queue of this machine's usual size.
const MOST_TIMES: i64 = 1000;

fn times(table: &mut Reader<'_>) -> u32 {
    let times = table.optional_integer("times", 1..MOST_TIMES + 1);
    times.unwrap_or(1) as u32
}

impl FileKind {
    /// `regular`, as `exercise.toml` has it; `other`, which that cannot have.
    pub fn word(self) -> &'static str {
        let found = KINDS.iter().find(|(_, kind)| *kind == self);
        found.map_or("other", |(word, _)| word)
    }

    /// Whether a file that was seen is of this kind: a memfd is a regular file too.
    pub fn includes(self, seen: Self) -> bool {
        self == seen || (self == Self::Regular && seen == Self::Memfd)
    }
}

impl Seal {
    /// `write`, `grow`, `shrink` or `seal`.
    pub fn word(self) -> &'static str {
        let found = SEALS.iter().find(|(_, seal)| *seal == self);
        found.map_or("", |(word, _)| word)
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        SEALS.iter().map(|(_, seal)| *seal)
    }
}

impl Access {
    /// `read`, `write`, `read-write` or `path`.
    pub fn word(self) -> &'static str {
        let found = ACCESSES.iter().find(|(_, access)| *access == self);
        found.map_or("", |(word, _)| word)
    }
}

impl OpenSocket {
    pub(super) fn read(table: &mut Reader<'_>, connection: String, peer: String) -> Self {
        Self {
            connection,
            bind: Binding::read(table),
            asks_credentials: table.flag("credentials"),
            peer,
            user: super::read::user(table),
        }
    }
}

impl Binding {
    /// One of the words, or a path of the stage.
    fn read(table: &mut Reader<'_>) -> Self {
        let Some(text) = table.optional_text("bind") else {
            return Self::Autobind;
        };
        if let Some((_, bound)) = BINDINGS.iter().find(|(word, _)| *word == text.value) {
            return bound.clone();
        }
        let placed = PLACEHOLDERS
            .iter()
            .any(|known| text.value.starts_with(known));
        if !placed || text.value.split('/').any(|part| part == "..") {
            let words: Vec<&str> = BINDINGS.iter().map(|(word, _)| *word).collect();
            let help = format!(
                "It is one of {}, or a path as in `{{dir}}/name`.",
                words.join(", ")
            );
            table.problem(text.span, "a socket cannot be bound to this", Some(help));
        }
        Self::Path(text.value)
    }
}

impl SendMessage {
    pub(super) fn read(table: &mut Reader<'_>, connection: String) -> Self {
        Self {
            connection,
            data: Payload::read(table, "data"),
            pieces: table.optional_integer("pieces", 1..1025).unwrap_or(1) as u32,
            attach: table.tables("attach", "what goes with a message", Attached::read),
            credentials: table
                .optional_choice("credentials", CLAIMS)
                .unwrap_or(Claim::Nobody),
            full: table
                .optional_choice("full", FULL)
                .unwrap_or(WhenFull::Wait),
            times: times(table),
        }
    }
}

impl Attached {
    fn read(table: &mut Reader<'_>) -> Self {
        let attached = Self {
            file: table.choice("file", ATTACHED),
            holds: Payload::optional(table, "holds").unwrap_or(Payload::Text(String::new())),
            offset: table.optional_integer("offset", 0..1 << 30).unwrap_or(0) as u64,
            counts: table.optional_integer("counts", 0..1 << 30).unwrap_or(0) as u64,
            count: table
                .optional_integer("count", 1..MOST_DESCRIPTORS + 1)
                .unwrap_or(1) as u32,
        };
        let regular = matches!(
            attached.file,
            AttachedFile::Regular | AttachedFile::ReadWrite
        );
        if attached.offset != 0 && !regular {
            table.problem(table.span(), "only a regular file has an offset", None);
        }
        if attached.counts != 0 && attached.file != AttachedFile::Eventfd {
            table.problem(table.span(), "only an eventfd counts", None);
        }
        attached
    }
}

impl ExpectMessage {
    pub(super) fn read(table: &mut Reader<'_>, connection: String) -> Self {
        let descriptors = table.optional_integer("descriptors", 0..MOST_DESCRIPTORS + 1);
        let descriptors = descriptors.unwrap_or(0) as u32;
        Self {
            connection,
            data: Payload::read(table, "data"),
            from: table
                .optional_choice("from", SENDERS)
                .unwrap_or(Sender::Anybody),
            descriptors,
            // Room for more than is wanted, to see what should not be there.
            room: table
                .optional_integer("room", 0..MOST_DESCRIPTORS + 1)
                .map_or(descriptors + 8, |room| room as u32),
            times: times(table),
        }
    }
}

impl ExpectDescriptor {
    pub(super) fn read(table: &mut Reader<'_>, connection: String) -> Self {
        Self {
            connection,
            index: table
                .optional_integer("index", 0..MOST_DESCRIPTORS)
                .unwrap_or(0) as u32,
            file: table.optional_choice("file", KINDS),
            access: table.optional_choice("access", ACCESSES),
            offset: table
                .optional_integer("offset", 0..1 << 40)
                .map(|offset| offset as u64),
            holds: Payload::optional(table, "holds"),
            seals: seals(table),
            unlike: table.optional_text("unlike").map(|unlike| unlike.value),
        }
    }
}

fn seals(table: &mut Reader<'_>) -> Vec<Seal> {
    let words = table.texts("seals");
    words
        .into_iter()
        .filter_map(|word| {
            let found = SEALS.iter().find(|(known, _)| *known == word.value);
            if found.is_none() {
                let message = format!("there is no seal `{}`", word.value);
                let help = "Seals are write, grow, shrink and seal.".to_owned();
                table.problem(word.span, message, Some(help));
            }
            found.map(|(_, seal)| *seal)
        })
        .collect()
}
