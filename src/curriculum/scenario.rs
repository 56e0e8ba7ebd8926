//! The step vocabulary: what a stage does to the learner's program, as data.
//!
//! A stage is a list of steps written in `exercise.toml`. Reading them is here; carrying them out
//! is [`crate::check`]'s. Sizes are bytes, times are milliseconds.

use serde::{Deserialize, Serialize};

use super::reader::{Located, Reader};

/// One step of a stage.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// The rule that is broken when it does not go as it must, by id.
    pub rule: Located<String>,
    /// How long it may take, in milliseconds, before patience is applied; `None`: the default.
    pub within: Option<u64>,
}

/// What a step does. Names of instances (`server`), connections (`a`) and peers (`peer`) are the
/// author's.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Starts an instance of the program and waits as told.
    Start {
        /// The instance.
        name: String,
        /// What to wait for.
        wait: Wait,
    },
    /// Sends a signal to an instance's main process.
    Signal {
        /// The instance.
        name: String,
        /// Which, as in `TERM`.
        signal: String,
    },
    /// Waits until an instance sleeps, in a system call mostly, stops it with SIGSTOP, waits until
    /// it has stopped, and continues it: an interruption that no program can see coming.
    Interrupt {
        /// The instance.
        name: String,
    },
    /// Waits until an instance has ended, and looks at its status.
    ExpectExit {
        /// The instance.
        name: String,
        /// The status it must end with.
        status: ExitStatus,
    },
    /// The instance must still run.
    ExpectRunning {
        /// The instance.
        name: String,
    },
    /// Connects to the address, as a peer process of that name.
    Connect {
        /// The new connection.
        connection: String,
        /// The process that connects.
        peer: String,
    },
    /// The connection must have been answered by this instance (SO_PEERCRED).
    ExpectServedBy {
        /// The connection.
        connection: String,
        /// The instance.
        name: String,
    },
    /// Sends bytes, all of them.
    Send {
        /// The connection.
        connection: String,
        /// What.
        data: Payload,
        /// Bytes per `send` call; `None`: all in one.
        piece: Option<u64>,
    },
    /// Sends bytes without reading until nothing more goes through, at most `limit`.
    SendUntilBlocked {
        /// The connection.
        connection: String,
        /// Bytes at most.
        limit: u64,
    },
    /// Sends and reads at the same time until all sent bytes have come back.
    Exchange {
        /// The connection.
        connection: String,
        /// What.
        data: Payload,
    },
    /// Sends bytes with descriptors attached to the first of them (SCM_RIGHTS).
    SendDescriptors {
        /// The connection.
        connection: String,
        /// The bytes that carry them.
        data: Payload,
        /// What can be read from the first descriptor.
        holds: Payload,
        /// What kind of file it is.
        file: PassedFile,
        /// How many copies of it are attached.
        count: u32,
    },
    /// Finishes what the pipe passed last can deliver: writes its content and closes it.
    FinishPipe {
        /// The connection it was passed on.
        connection: String,
    },
    /// Says "no more from me": shutdown(SHUT_WR).
    ShutDownWriting {
        /// The connection.
        connection: String,
    },
    /// Reads some of what has been sent and not yet come back, at most `bytes`.
    ReadSome {
        /// The connection.
        connection: String,
        /// Bytes at most.
        bytes: u64,
    },
    /// Reads all that has been sent and not yet come back, and compares.
    ExpectEcho {
        /// The connection.
        connection: String,
    },
    /// Reads the end of the stream, and nothing before it.
    ExpectEnd {
        /// The connection.
        connection: String,
    },
    /// Waits until something can be read, then closes without reading it.
    Abandon {
        /// The connection.
        connection: String,
    },
    /// Closes the connection.
    Close {
        /// The connection.
        connection: String,
    },
    /// Waits for a line on the instance's standard output. The text is a template over `peer`
    /// (`pid`, `uid`, `gid` of the process behind `connection`).
    ExpectLine {
        /// The instance.
        name: String,
        /// The connection whose peer the line is about.
        connection: String,
        /// The exact line.
        text: String,
    },
    /// The instance must come back to as many open descriptors as when it became ready, give or
    /// take the connections that are open.
    ExpectNoLeakedDescriptors {
        /// The instance.
        name: String,
    },
    /// The pipe passed last, as the instance holds it now, must be close-on-exec.
    ExpectCloseOnExec {
        /// The instance.
        name: String,
        /// The connection it was passed on.
        connection: String,
    },
}

/// What `start` waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// Until the address is a socket that listens.
    Ready,
    /// Until the program has ended.
    Exit,
    /// Not at all.
    Nothing,
}

/// How a program must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExitStatus {
    /// With status 0.
    Zero,
    /// With another status, by itself: not by a signal.
    NonZero,
    /// In whatever way.
    Any,
}

/// A kind of file whose descriptor is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PassedFile {
    /// A regular file, opened for reading.
    Regular,
    /// The reading end of a pipe; nothing is in it until `finish-pipe`.
    Pipe,
}

/// Bytes to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Payload {
    /// These characters.
    Text(String),
    /// So many bytes drawn from the seed; every byte value occurs in 256 and more.
    Random(u64),
}

impl Step {
    pub(super) fn read(table: &mut Reader<'_>) -> Self {
        let verb = table.choice("do", VERBS);
        let instance = |table: &mut Reader<'_>| {
            table
                .optional_text("name")
                .map_or_else(|| "server".to_owned(), |name| name.value)
        };
        let connection = |table: &mut Reader<'_>| {
            table
                .optional_text("connection")
                .map_or_else(|| "a".to_owned(), |name| name.value)
        };
        let action = match verb {
            Verb::Start => Action::Start {
                name: instance(table),
                wait: table.optional_choice("wait", WAITS).unwrap_or(Wait::Ready),
            },
            Verb::Signal => Action::Signal {
                name: instance(table),
                signal: read_signal(table),
            },
            Verb::Interrupt => Action::Interrupt {
                name: instance(table),
            },
            Verb::ExpectExit => Action::ExpectExit {
                name: instance(table),
                status: table.choice("status", STATUSES),
            },
            Verb::ExpectRunning => Action::ExpectRunning {
                name: instance(table),
            },
            Verb::Connect => Action::Connect {
                connection: connection(table),
                peer: table
                    .optional_text("peer")
                    .map_or_else(|| "peer".to_owned(), |peer| peer.value),
            },
            Verb::ExpectServedBy => Action::ExpectServedBy {
                connection: connection(table),
                name: instance(table),
            },
            Verb::Send => Action::Send {
                connection: connection(table),
                data: payload(table, "data"),
                piece: table
                    .optional_integer("piece", 1..MOST)
                    .map(|piece| piece as u64),
            },
            Verb::SendUntilBlocked => Action::SendUntilBlocked {
                connection: connection(table),
                limit: table.integer("limit", 1..MOST) as u64,
            },
            Verb::Exchange => Action::Exchange {
                connection: connection(table),
                data: payload(table, "data"),
            },
            Verb::SendDescriptors => Action::SendDescriptors {
                connection: connection(table),
                data: payload(table, "data"),
                holds: payload(table, "holds"),
                file: table.choice(
                    "file",
                    &[("regular", PassedFile::Regular), ("pipe", PassedFile::Pipe)],
                ),
                count: table.optional_integer("count", 1..254).unwrap_or(1) as u32,
            },
            Verb::FinishPipe => Action::FinishPipe {
                connection: connection(table),
            },
            Verb::ShutDownWriting => Action::ShutDownWriting {
                connection: connection(table),
            },
            Verb::ReadSome => Action::ReadSome {
                connection: connection(table),
                bytes: table.integer("bytes", 1..MOST) as u64,
            },
            Verb::ExpectEcho => Action::ExpectEcho {
                connection: connection(table),
            },
            Verb::ExpectEnd => Action::ExpectEnd {
                connection: connection(table),
            },
            Verb::Abandon => Action::Abandon {
                connection: connection(table),
            },
            Verb::Close => Action::Close {
                connection: connection(table),
            },
            Verb::ExpectLine => Action::ExpectLine {
                name: instance(table),
                connection: connection(table),
                text: table.text("text"),
            },
            Verb::ExpectNoLeakedDescriptors => Action::ExpectNoLeakedDescriptors {
                name: instance(table),
            },
            Verb::ExpectCloseOnExec => Action::ExpectCloseOnExec {
                name: instance(table),
                connection: connection(table),
            },
        };
        Self {
            action,
            rule: table.optional_text("rule").unwrap_or(Located {
                value: String::new(),
                span: table.span(),
            }),
            within: table
                .optional_integer("within", 1..600_001)
                .map(|within| within as u64),
        }
    }
}

/// No single payload is larger: 64 MiB.
const MOST: i64 = (64 << 20) + 1;

#[derive(Clone, Copy)]
enum Verb {
    Start,
    Signal,
    Interrupt,
    ExpectExit,
    ExpectRunning,
    Connect,
    ExpectServedBy,
    Send,
    SendUntilBlocked,
    Exchange,
    SendDescriptors,
    FinishPipe,
    ShutDownWriting,
    ReadSome,
    ExpectEcho,
    ExpectEnd,
    Abandon,
    Close,
    ExpectLine,
    ExpectNoLeakedDescriptors,
    ExpectCloseOnExec,
}

const VERBS: &[(&str, Verb)] = &[
    ("start", Verb::Start),
    ("signal", Verb::Signal),
    ("interrupt", Verb::Interrupt),
    ("expect-exit", Verb::ExpectExit),
    ("expect-running", Verb::ExpectRunning),
    ("connect", Verb::Connect),
    ("expect-served-by", Verb::ExpectServedBy),
    ("send", Verb::Send),
    ("send-until-blocked", Verb::SendUntilBlocked),
    ("exchange", Verb::Exchange),
    ("send-descriptors", Verb::SendDescriptors),
    ("finish-pipe", Verb::FinishPipe),
    ("shut-down-writing", Verb::ShutDownWriting),
    ("read-some", Verb::ReadSome),
    ("expect-echo", Verb::ExpectEcho),
    ("expect-end", Verb::ExpectEnd),
    ("abandon", Verb::Abandon),
    ("close", Verb::Close),
    ("expect-line", Verb::ExpectLine),
    (
        "expect-no-leaked-descriptors",
        Verb::ExpectNoLeakedDescriptors,
    ),
    ("expect-close-on-exec", Verb::ExpectCloseOnExec),
];

/// Every word that `do` may have, in the order of the vocabulary.
pub fn verbs() -> impl Iterator<Item = &'static str> {
    VERBS.iter().map(|(word, _)| *word)
}

const WAITS: &[(&str, Wait)] = &[
    ("ready", Wait::Ready),
    ("exit", Wait::Exit),
    ("nothing", Wait::Nothing),
];

const STATUSES: &[(&str, ExitStatus)] = &[
    ("zero", ExitStatus::Zero),
    ("non-zero", ExitStatus::NonZero),
    ("any", ExitStatus::Any),
];

fn read_signal(table: &mut Reader<'_>) -> String {
    const SIGNALS: &[(&str, &str)] = &[
        ("TERM", "TERM"),
        ("KILL", "KILL"),
        ("INT", "INT"),
        ("HUP", "HUP"),
        ("USR1", "USR1"),
        ("USR2", "USR2"),
    ];
    table.choice("signal", SIGNALS).to_owned()
}

fn payload(table: &mut Reader<'_>, key: &'static str) -> Payload {
    let read = table.table(key, "a payload", |payload| {
        let text = payload.optional_text("text");
        let random = payload.optional_integer("random", 1..MOST);
        match (text, random) {
            (Some(text), None) => Payload::Text(text.value),
            (None, Some(bytes)) => Payload::Random(bytes as u64),
            _ => {
                let message = "a payload is `{ text = \"…\" }` or `{ random = BYTES }`";
                payload.problem(payload.span(), message, None);
                Payload::Random(1)
            }
        }
    });
    read.unwrap_or_else(|| {
        if !table.has(key) {
            table.problem(table.span(), format!("this step lacks `{key}`"), None);
        }
        Payload::Random(1)
    })
}
