//! Reading a step: its verb, and the keys that this verb has.

use super::SocketType;
use super::compare;
use super::message::MOST_DESCRIPTORS;
use super::socket::TYPES;
use super::{
    Action, At, Children, ExitStatus, ExpectDescriptor, ExpectEntry, ExpectFile, ExpectMessage,
    FIRST, Filters, Listed, MakeFile, MakeSocket, Moment, OpenSocket, PassedFile, Payload, Printed,
    SendMessage, Start, Step, Unlisted, Who, Whom,
};
use crate::curriculum::exercise::Role;
use crate::curriculum::reader::{Located, Reader};

impl Step {
    /// Reads a step of an exercise whose programs play this role.
    pub(in crate::curriculum) fn read(table: &mut Reader<'_>, role: Role) -> Self {
        let verb = table.choice("do", VERBS);
        let instance = |table: &mut Reader<'_>| {
            table
                .optional_text("name")
                .map_or_else(|| FIRST.to_owned(), |name| name.value)
        };
        let connection = |table: &mut Reader<'_>| {
            table
                .optional_text("connection")
                .map_or_else(|| "a".to_owned(), |name| name.value)
        };
        let action = match verb {
            Verb::Start => {
                let name = instance(table);
                Action::Start(Box::new(Start::read(table, name, role)))
            }
            Verb::WriteFile => Action::WriteFile {
                data: Payload::read(table, "data"),
            },
            Verb::MakeFile => Action::MakeFile(MakeFile::read(table)),
            Verb::RemoveFile => Action::RemoveFile {
                path: super::file::path(table),
            },
            Verb::ExpectFile => Action::ExpectFile(ExpectFile::read(table)),
            Verb::WaitAsleep => Action::WaitAsleep {
                name: instance(table),
            },
            Verb::ExpectIdle => Action::ExpectIdle {
                name: instance(table),
            },
            Verb::NoteMemory => Action::NoteMemory {
                name: instance(table),
            },
            Verb::ExpectMemory => Action::ExpectMemory {
                name: instance(table),
                growth: table.integer("growth", 1..i64::MAX) as u64,
            },
            Verb::NoteWakeups => Action::NoteWakeups {
                name: instance(table),
            },
            Verb::ExpectWakeups => Action::ExpectWakeups {
                name: instance(table),
                at_most: table.integer("at_most", 0..MOST_CLIENTS) as u64,
            },
            Verb::LimitDescriptors => Action::LimitDescriptors {
                name: instance(table),
                spare: table
                    .optional_integer("spare", 0..1000)
                    .map(|spare| spare as u64),
            },
            Verb::KeepInFlight => Action::KeepInFlight {
                descriptors: table.integer("descriptors", 1..MOST_DESCRIPTORS + 1) as u32,
            },
            Verb::ExpectOutput => Action::ExpectOutput {
                name: instance(table),
                data: Payload::read(table, "data"),
            },
            Verb::Listen => Action::Listen {
                listener: listener(table),
                at: table.optional_choice("at", PLACES).unwrap_or(At::Socket),
                backlog: table.optional_integer("backlog", 0..4097).unwrap_or(128) as u32,
                mode: read_mode(table),
                kind: table
                    .optional_choice("type", TYPES)
                    .unwrap_or(SocketType::Stream),
                peer: peer(table),
            },
            Verb::Accept => Action::Accept {
                listener: listener(table),
                connection: connection(table),
            },
            Verb::StopListening => Action::StopListening {
                listener: listener(table),
            },
            Verb::MakeSocket => Action::MakeSocket(Box::new(MakeSocket::read(table))),
            Verb::CloseSocket => Action::CloseSocket {
                socket: table.text("socket"),
            },
            Verb::ExpectListed => Action::ExpectListed(Listed::read(instance(table), table)),
            Verb::ExpectUnlisted => Action::ExpectUnlisted(Unlisted::read(instance(table), table)),
            Verb::ServeFrames => Action::ServeFrames {
                listener: listener(table),
                filters: Filters::read(table),
            },
            Verb::Signal => {
                let name = instance(table);
                let whom = table.optional_choice("whom", PROCESSES);
                let signal = read_signal(table);
                let moment = table.optional_choice("when", MOMENTS);
                let (whom, moment) = (whom.unwrap_or(Whom::Program), moment.unwrap_or(Moment::Now));
                if (whom, moment) == (Whom::Child, Moment::BeforeCall) {
                    let help = Some("Leave out `when`, or `whom`.".to_owned());
                    table.problem(table.span(), "a child's calls are not followed", help);
                }
                Action::Signal {
                    name,
                    whom,
                    signal,
                    moment,
                }
            }
            Verb::Interrupt => Action::Interrupt {
                name: instance(table),
            },
            Verb::Pause => Action::Pause {
                name: instance(table),
            },
            Verb::Resume => Action::Resume {
                name: instance(table),
            },
            Verb::ExpectExit => Action::ExpectExit {
                name: instance(table),
                status: exit_status(table),
                says: read_says(table),
            },
            Verb::ExpectRunning => Action::ExpectRunning {
                name: instance(table),
            },
            Verb::Connect => Action::Connect {
                connection: connection(table),
                peer: peer(table),
                send_buffer: send_buffer(table),
                user: user(table),
            },
            Verb::OpenSocket => {
                let connection = connection(table);
                let peer = peer(table);
                Action::OpenSocket(OpenSocket::read(table, connection, peer))
            }
            Verb::SendMessage => {
                let connection = connection(table);
                Action::SendMessage(Box::new(SendMessage::read(table, connection)))
            }
            Verb::ExpectMessage => {
                let connection = connection(table);
                Action::ExpectMessage(Box::new(ExpectMessage::read(table, connection)))
            }
            Verb::ExpectNoMessage => Action::ExpectNoMessage {
                connection: connection(table),
            },
            Verb::ExpectDescriptor => {
                let connection = connection(table);
                Action::ExpectDescriptor(Box::new(ExpectDescriptor::read(table, connection)))
            }
            Verb::ExpectEntry => {
                let connection = table.text("connection");
                Action::ExpectEntry(Box::new(ExpectEntry::read(table, connection)))
            }
            Verb::NoteChildren => Action::NoteChildren {
                name: instance(table),
            },
            Verb::ExpectChildren => Action::ExpectChildren {
                name: instance(table),
                children: Children::read(table),
            },
            Verb::AddToEventfd => Action::AddToEventfd {
                connection: connection(table),
                count: table.integer("count", 1..1 << 40) as u64,
            },
            Verb::EndPeer => Action::EndPeer { peer: peer(table) },
            Verb::ManyClients => {
                let count = table.integer("count", 1..MOST_CLIENTS) as u64;
                let at_once = table.optional_integer("at_once", 1..MOST_CLIENTS);
                Action::ManyClients {
                    count,
                    at_once: at_once.map_or(count, |at_once| at_once as u64).min(count),
                    data: Payload::read(table, "data"),
                    back: Payload::optional(table, "back"),
                }
            }
            Verb::Flood => Action::Flood {
                connection: connection(table),
                bytes: table.integer("bytes", 1..MOST) as u64,
            },
            Verb::ExpectServedBy => Action::ExpectServedBy {
                connection: connection(table),
                name: instance(table),
            },
            Verb::Send => Action::Send {
                connection: connection(table),
                data: Payload::read(table, "data"),
                piece: table
                    .optional_integer("piece", 1..MOST)
                    .map(|piece| piece as u64),
                due: table.optional_text("due").map(|due| due.value),
            },
            Verb::SendUntilBlocked => Action::SendUntilBlocked {
                connection: connection(table),
                limit: table.integer("limit", 1..MOST) as u64,
                due: table.optional_text("due").map(|due| due.value),
            },
            Verb::Exchange => Action::Exchange {
                connection: connection(table),
                data: Payload::read(table, "data"),
                back: Payload::optional(table, "back"),
                other: table.optional_text("other").map(|other| other.value),
            },
            Verb::SendDescriptors => Action::SendDescriptors {
                connection: connection(table),
                data: Payload::read(table, "data"),
                holds: Payload::read(table, "holds"),
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
            Verb::ExpectDue => Action::ExpectDue {
                connection: connection(table),
            },
            Verb::ExpectBytes => Action::ExpectBytes {
                connection: connection(table),
                data: Payload::read(table, "data"),
            },
            Verb::NoteQueue => Action::NoteQueue {
                name: instance(table),
                connection: connection(table),
            },
            Verb::ExpectFullQueue => Action::ExpectFullQueue {
                name: instance(table),
                connection: connection(table),
                or_taken: table
                    .optional_integer("or_taken", 1..i64::MAX)
                    .map(|bytes| bytes as u64),
            },
            Verb::ExpectNothing => Action::ExpectNothing {
                connection: connection(table),
            },
            Verb::ExpectCut => Action::ExpectCut {
                connection: connection(table),
                data: Payload::read(table, "data"),
                then: Payload::read(table, "then"),
            },
            Verb::AskUntil => Action::AskUntil {
                connection: connection(table),
                data: Payload::read(table, "data"),
                back: Payload::read(table, "back"),
                refused: Payload::read(table, "refused"),
                every: table.optional_integer("every", 1..60_001).unwrap_or(20) as u64,
                apart: table
                    .optional_integer("apart", 1..60_001)
                    .map(|ms| ms as u64),
            },
            Verb::CompareCalls => compare::calls(connection(table), table),
            Verb::CompareScript => compare::script(connection(table), table),
            Verb::Drip => Action::Drip {
                connection: connection(table),
                data: Payload::read(table, "data"),
                every: table.integer("every", 1..60_001) as u64,
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
                stream: table
                    .optional_choice("stream", STREAMS)
                    .unwrap_or(Printed::Stdout),
                text: table.text("text"),
            },
            Verb::ExpectNoLine => Action::ExpectNoLine {
                name: instance(table),
                stream: table
                    .optional_choice("stream", STREAMS)
                    .unwrap_or(Printed::Stdout),
                starts: table.text("starts"),
            },
            Verb::ExpectNoLeakedDescriptors => Action::ExpectNoLeakedDescriptors {
                name: instance(table),
            },
            Verb::ExpectNoLeftovers => Action::ExpectNoLeftovers {
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

/// No size is larger: 64 MiB.
const MOST: i64 = (64 << 20) + 1;
/// No number of connections is larger.
const MOST_CLIENTS: i64 = 100_001;
/// No socket buffer that is asked for is larger: 16 MiB.
const MOST_BUFFER: i64 = (16 << 20) + 1;

#[derive(Clone, Copy)]
enum Verb {
    Start,
    WriteFile,
    MakeFile,
    RemoveFile,
    ExpectFile,
    WaitAsleep,
    ExpectIdle,
    NoteMemory,
    ExpectMemory,
    NoteWakeups,
    ExpectWakeups,
    LimitDescriptors,
    KeepInFlight,
    ExpectOutput,
    Listen,
    Accept,
    StopListening,
    MakeSocket,
    CloseSocket,
    ExpectListed,
    ExpectUnlisted,
    ServeFrames,
    Signal,
    Interrupt,
    Pause,
    Resume,
    ExpectExit,
    ExpectRunning,
    Connect,
    OpenSocket,
    SendMessage,
    ExpectMessage,
    ExpectNoMessage,
    ExpectDescriptor,
    ExpectEntry,
    NoteChildren,
    ExpectChildren,
    AddToEventfd,
    EndPeer,
    ManyClients,
    Flood,
    ExpectServedBy,
    Send,
    SendUntilBlocked,
    Exchange,
    SendDescriptors,
    FinishPipe,
    ShutDownWriting,
    ReadSome,
    ExpectDue,
    ExpectBytes,
    NoteQueue,
    ExpectFullQueue,
    ExpectNothing,
    ExpectCut,
    AskUntil,
    CompareCalls,
    CompareScript,
    Drip,
    ExpectEnd,
    Abandon,
    Close,
    ExpectLine,
    ExpectNoLine,
    ExpectNoLeakedDescriptors,
    ExpectNoLeftovers,
    ExpectCloseOnExec,
}

const VERBS: &[(&str, Verb)] = &[
    ("start", Verb::Start),
    ("write-file", Verb::WriteFile),
    ("make-file", Verb::MakeFile),
    ("remove-file", Verb::RemoveFile),
    ("expect-file", Verb::ExpectFile),
    ("wait-asleep", Verb::WaitAsleep),
    ("expect-idle", Verb::ExpectIdle),
    ("note-memory", Verb::NoteMemory),
    ("expect-memory", Verb::ExpectMemory),
    ("note-wakeups", Verb::NoteWakeups),
    ("expect-wakeups", Verb::ExpectWakeups),
    ("limit-descriptors", Verb::LimitDescriptors),
    ("keep-in-flight", Verb::KeepInFlight),
    ("expect-output", Verb::ExpectOutput),
    ("listen", Verb::Listen),
    ("accept", Verb::Accept),
    ("stop-listening", Verb::StopListening),
    ("make-socket", Verb::MakeSocket),
    ("close-socket", Verb::CloseSocket),
    ("expect-listed", Verb::ExpectListed),
    ("expect-unlisted", Verb::ExpectUnlisted),
    ("serve-frames", Verb::ServeFrames),
    ("signal", Verb::Signal),
    ("interrupt", Verb::Interrupt),
    ("pause", Verb::Pause),
    ("resume", Verb::Resume),
    ("expect-exit", Verb::ExpectExit),
    ("expect-running", Verb::ExpectRunning),
    ("connect", Verb::Connect),
    ("open-socket", Verb::OpenSocket),
    ("send-message", Verb::SendMessage),
    ("expect-message", Verb::ExpectMessage),
    ("expect-no-message", Verb::ExpectNoMessage),
    ("expect-descriptor", Verb::ExpectDescriptor),
    ("expect-entry", Verb::ExpectEntry),
    ("note-children", Verb::NoteChildren),
    ("expect-children", Verb::ExpectChildren),
    ("add-to-eventfd", Verb::AddToEventfd),
    ("end-peer", Verb::EndPeer),
    ("many-clients", Verb::ManyClients),
    ("flood", Verb::Flood),
    ("expect-served-by", Verb::ExpectServedBy),
    ("send", Verb::Send),
    ("send-until-blocked", Verb::SendUntilBlocked),
    ("exchange", Verb::Exchange),
    ("send-descriptors", Verb::SendDescriptors),
    ("finish-pipe", Verb::FinishPipe),
    ("shut-down-writing", Verb::ShutDownWriting),
    ("read-some", Verb::ReadSome),
    ("expect-due", Verb::ExpectDue),
    ("expect-bytes", Verb::ExpectBytes),
    ("note-queue", Verb::NoteQueue),
    ("expect-full-queue", Verb::ExpectFullQueue),
    ("expect-nothing", Verb::ExpectNothing),
    ("expect-cut", Verb::ExpectCut),
    ("ask-until", Verb::AskUntil),
    ("compare-calls", Verb::CompareCalls),
    ("compare-script", Verb::CompareScript),
    ("drip", Verb::Drip),
    ("expect-end", Verb::ExpectEnd),
    ("abandon", Verb::Abandon),
    ("close", Verb::Close),
    ("expect-line", Verb::ExpectLine),
    ("expect-no-line", Verb::ExpectNoLine),
    (
        "expect-no-leaked-descriptors",
        Verb::ExpectNoLeakedDescriptors,
    ),
    ("expect-no-leftovers", Verb::ExpectNoLeftovers),
    ("expect-close-on-exec", Verb::ExpectCloseOnExec),
];

/// Every word that `do` may have, in the order of the vocabulary.
pub fn verbs() -> impl Iterator<Item = &'static str> {
    VERBS.iter().map(|(word, _)| *word)
}

pub(super) const USERS: &[(&str, Who)] = &[
    ("program", Who::Program),
    ("stranger", Who::Stranger),
    ("member", Who::Member),
    ("superuser", Who::Superuser),
];

/// Whose process a peer is.
pub(super) fn user(table: &mut Reader<'_>) -> Who {
    table.optional_choice("user", USERS).unwrap_or(Who::Program)
}

const PROCESSES: &[(&str, Whom)] = &[("program", Whom::Program), ("child", Whom::Child)];

const MOMENTS: &[(&str, Moment)] = &[("now", Moment::Now), ("before-call", Moment::BeforeCall)];

const PLACES: &[(&str, At)] = &[("socket", At::Socket), ("other", At::Other)];

fn listener(table: &mut Reader<'_>) -> String {
    table
        .optional_text("listener")
        .map_or_else(|| "listener".to_owned(), |name| name.value)
}

fn peer(table: &mut Reader<'_>) -> String {
    table
        .optional_text("peer")
        .map_or_else(|| "peer".to_owned(), |name| name.value)
}

pub(super) fn send_buffer(table: &mut Reader<'_>) -> Option<u32> {
    table
        .optional_integer("send_buffer", 1..MOST_BUFFER)
        .map(|bytes| bytes as u32)
}

/// Permissions of a file.
pub(super) fn read_mode(table: &mut Reader<'_>) -> Option<u32> {
    permissions(table, "mode")
}

/// Permissions, as chmod(1) and umask(1p) take them in digits.
pub(super) fn permissions(table: &mut Reader<'_>, key: &'static str) -> Option<u32> {
    let text = table.optional_text(key)?;
    let mode = u32::from_str_radix(&text.value, 8).ok();
    let mode = mode.filter(|mode| *mode <= 0o7777);
    if mode.is_none() {
        let help = Some("Write octal digits, as in \"600\".".to_owned());
        table.problem(text.span, "these are not permissions", help);
    }
    mode
}

/// Words of which one must be said; none of them may be empty.
fn read_says(table: &mut Reader<'_>) -> Vec<String> {
    let says = table.texts("says");
    for word in &says {
        if word.value.is_empty() {
            table.problem(word.span.clone(), "every message has an empty word", None);
        }
    }
    says.into_iter().map(|word| word.value).collect()
}

const STATUSES: &[(&str, ExitStatus)] = &[
    ("zero", ExitStatus::Zero),
    ("non-zero", ExitStatus::NonZero),
    ("any", ExitStatus::Any),
];

const STREAMS: &[(&str, Printed)] = &[("stdout", Printed::Stdout), ("stderr", Printed::Stderr)];

/// A word, or a number in quotes.
fn exit_status(table: &mut Reader<'_>) -> ExitStatus {
    match table.choice_or_number("status", STATUSES) {
        Ok(status) => status,
        Err(number) => ExitStatus::Exactly(number.into()),
    }
}

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
