//! What the checker did, expected and saw, in words; what a failure *means*, exercises say. What it did
//! is here, the other two are `wording/expected` and `wording/saw`; words about tables of sockets,
//! about messages and files, and about the program's state have files of their own there.

mod children;
mod expected;
mod kernel;
mod listing;
mod messages;
mod saw;
mod state;

use crate::curriculum::scenario::{
    Action, At, FIRST, Moment, PassedFile, Payload, Printed, Sink, Wait, Whom,
};
use crate::differential::examine::Examination;
use crate::untrusted::Untrusted;

pub use self::expected::expected;
pub use self::saw::saw;
pub use self::state::waits;

/// The verb of an action, as `exercise.toml` has it.
pub fn verb(action: &Action) -> &'static str {
    match action {
        Action::Start(_) => "start",
        Action::WriteFile { .. } => "write-file",
        Action::MakeFile(_) => "make-file",
        Action::RemoveFile { .. } => "remove-file",
        Action::ExpectFile(_) => "expect-file",
        Action::OpenSocket(_) => "open-socket",
        Action::SendMessage(_) => "send-message",
        Action::ExpectMessage(_) => "expect-message",
        Action::ExpectNoMessage { .. } => "expect-no-message",
        Action::ExpectDescriptor(_) => "expect-descriptor",
        Action::AddToEventfd { .. } => "add-to-eventfd",
        Action::EndPeer { .. } => "end-peer",
        Action::WaitAsleep { .. } => "wait-asleep",
        Action::ExpectIdle { .. } => "expect-idle",
        Action::NoteMemory { .. } => "note-memory",
        Action::ExpectMemory { .. } => "expect-memory",
        Action::NoteChildren { .. } => "note-children",
        Action::ExpectChildren { .. } => "expect-children",
        Action::ExpectEntry(_) => "expect-entry",
        Action::NoteWakeups { .. } => "note-wakeups",
        Action::ExpectWakeups { .. } => "expect-wakeups",
        Action::LimitDescriptors { .. } => "limit-descriptors",
        Action::KeepInFlight { .. } => "keep-in-flight",
        Action::ExpectOutput { .. } => "expect-output",
        Action::Listen { .. } => "listen",
        Action::Accept { .. } => "accept",
        Action::StopListening { .. } => "stop-listening",
        Action::MakeSocket(_) => "make-socket",
        Action::CloseSocket { .. } => "close-socket",
        Action::ExpectListed(_) => "expect-listed",
        Action::ExpectUnlisted(_) => "expect-unlisted",
        Action::ServeFrames { .. } => "serve-frames",
        Action::ManyClients { .. } => "many-clients",
        Action::Flood { .. } => "flood",
        Action::Signal { .. } => "signal",
        Action::Interrupt { .. } => "interrupt",
        Action::Pause { .. } => "pause",
        Action::Resume { .. } => "resume",
        Action::ExpectExit { .. } => "expect-exit",
        Action::ExpectRunning { .. } => "expect-running",
        Action::Connect { .. } => "connect",
        Action::ExpectServedBy { .. } => "expect-served-by",
        Action::Send { .. } => "send",
        Action::SendUntilBlocked { .. } => "send-until-blocked",
        Action::Exchange { .. } => "exchange",
        Action::SendDescriptors { .. } => "send-descriptors",
        Action::FinishPipe { .. } => "finish-pipe",
        Action::ShutDownWriting { .. } => "shut-down-writing",
        Action::ReadSome { .. } => "read-some",
        Action::ExpectDue { .. } => "expect-due",
        Action::ExpectBytes { .. } => "expect-bytes",
        Action::NoteQueue { .. } => "note-queue",
        Action::ExpectFullQueue { .. } => "expect-full-queue",
        Action::ExpectNothing { .. } => "expect-nothing",
        Action::ExpectCut { .. } => "expect-cut",
        Action::AskUntil { .. } => "ask-until",
        Action::Compare {
            examination: Examination::Topic { .. },
            ..
        } => "compare-calls",
        Action::Compare {
            examination: Examination::Script(_),
            ..
        } => "compare-script",
        Action::Drip { .. } => "drip",
        Action::ExpectEnd { .. } => "expect-end",
        Action::Abandon { .. } => "abandon",
        Action::Close { .. } => "close",
        Action::ExpectLine { .. } => "expect-line",
        Action::ExpectNoLine { .. } => "expect-no-line",
        Action::ExpectNoLeakedDescriptors { .. } => "expect-no-leaked-descriptors",
        Action::ExpectNoLeftovers { .. } => "expect-no-leftovers",
        Action::ExpectCloseOnExec { .. } => "expect-close-on-exec",
    }
}

/// What the checker does, as a clause: `sends 6 bytes "hello\n" on connection a`.
pub fn did(action: &Action) -> String {
    match action {
        Action::Start(start) => {
            let which = if start.name == FIRST {
                "the program"
            } else {
                "a second instance"
            };
            let input = match &start.stdin {
                Some(data) => format!(" with {} on standard input", payload(data)),
                None => String::new(),
            };
            let input = match start.stdout {
                Sink::Pipe => input,
                Sink::Full => format!("{input}, standard output being /dev/full,"),
            };
            match start.wait {
                Wait::Ready => format!("starts {which}{input} and waits until it listens"),
                Wait::Exit => format!("starts {which}{input} and waits until it ends"),
                Wait::Nothing => format!("starts {which}{input}"),
            }
        }
        Action::WriteFile { data } => format!("makes a file of {}", payload(data)),
        Action::MakeFile(making) => messages::makes(making),
        Action::RemoveFile { path } => format!("removes {path}"),
        Action::ExpectFile(wanted) => format!("looks at what stands at {}", wanted.path),
        Action::OpenSocket(opening) => messages::opens(opening),
        Action::SendMessage(message) => messages::sends(message),
        Action::ExpectMessage(wanted) => messages::awaits(wanted),
        Action::ExpectNoMessage { connection } => {
            format!("looks whether a message has come on {connection}")
        }
        Action::ExpectDescriptor(wanted) => messages::examines(wanted),
        Action::AddToEventfd { count, .. } => {
            format!("adds {count} to the eventfd it passed")
        }
        Action::EndPeer { .. } => "ends the client's process".to_owned(),
        Action::WaitAsleep { name } => format!("waits until {} sleeps", instance(name)),
        Action::ExpectIdle { name } => {
            format!("looks whether {} uses the CPU", instance(name))
        }
        Action::NoteMemory { name } => format!("notes the memory of {}", instance(name)),
        Action::ExpectMemory { name, .. } => {
            format!("looks how far the memory of {} has grown", instance(name))
        }
        Action::NoteChildren { name } => {
            format!("notes the processes that {} has started", instance(name))
        }
        Action::ExpectChildren { name, .. } => {
            format!("looks at the processes that {} has started", instance(name))
        }
        Action::ExpectEntry(wanted) => {
            format!(
                "waits for an entry at the journal (socket {})",
                wanted.connection
            )
        }
        Action::NoteWakeups { name } => {
            format!(
                "notes how often each thread of {} has slept",
                instance(name)
            )
        }
        Action::ExpectWakeups { name, .. } => {
            format!(
                "counts the threads of {} that have woken since",
                instance(name)
            )
        }
        Action::LimitDescriptors { name, spare } => match spare {
            Some(spare) => format!(
                "lets {} open {} more",
                instance(name),
                count(*spare, "descriptor")
            ),
            None => format!("lets {} open descriptors as before", instance(name)),
        },
        Action::KeepInFlight { descriptors } => format!(
            "keeps {} of the same user in flight",
            count(u64::from(*descriptors), "descriptor")
        ),
        Action::ExpectOutput { .. } => "reads standard output to its end".to_owned(),
        Action::Listen { at, mode, .. } => {
            let permissions = mode.map_or_else(String::new, |mode| {
                format!(", permissions {mode:03o} on the name")
            });
            match at {
                At::Socket => format!("listens at the address{permissions}"),
                At::Other => format!("listens at the second address{permissions}"),
            }
        }
        Action::Accept { connection, .. } => {
            format!("waits for a connection and accepts it (connection {connection})")
        }
        Action::StopListening { .. } => "closes its listener and leaves the name".to_owned(),
        Action::MakeSocket(making) => listing::makes(making),
        Action::CloseSocket { socket } => {
            format!("closes the socket `{socket}` and leaves its file")
        }
        Action::ExpectListed(listed) => {
            format!("looks for {}", listing::lines_about(&listed.sockets))
        }
        Action::ExpectUnlisted(unlisted) => format!(
            "looks whether there is no line about {}",
            listing::names(&unlisted.sockets)
        ),
        Action::ServeFrames { filters, .. } => format!(
            "puts a filter of frames behind every connection: {}",
            filters.what
        ),
        Action::ManyClients {
            count: all,
            at_once,
            data,
            ..
        } => format!(
            "makes {}, {at_once} at a time, and sends {} on each",
            count(*all, "connection"),
            payload(data)
        ),
        Action::Flood { connection, bytes } => format!(
            "sends up to {bytes} random bytes on connection {connection}, as long as they are taken"
        ),
        Action::Signal {
            name,
            whom: Whom::Child,
            signal,
            ..
        } => format!("sends SIG{signal} to the child of {}", instance(name)),
        Action::Signal {
            name,
            signal,
            moment,
            ..
        } => match moment {
            Moment::Now => format!("sends SIG{signal} to {}", instance(name)),
            Moment::BeforeCall => format!(
                "sends SIG{signal} to {} in the instant before the call that it sleeps in",
                instance(name)
            ),
        },
        Action::Interrupt { name } => format!("stops {} and continues it", instance(name)),
        Action::Pause { name } => format!("stops {} when it sleeps", instance(name)),
        Action::Resume { name } => format!("continues {}", instance(name)),
        Action::ExpectExit { name, .. } => format!("waits until {} ends", instance(name)),
        Action::ExpectRunning { name } => format!("looks whether {} still runs", instance(name)),
        Action::Connect {
            connection, peer, ..
        } => {
            let who = if peer == "peer" {
                String::new()
            } else {
                format!(" as process `{peer}`")
            };
            format!("connects (connection {connection}){who}")
        }
        Action::ExpectServedBy { connection, name } => {
            format!(
                "asks who answers connection {connection}: it must be {}",
                instance(name)
            )
        }
        Action::Send {
            connection,
            data,
            piece,
            ..
        } => {
            let pieces = match piece {
                Some(1) => ", one at a time".to_owned(),
                Some(piece) => format!(", {piece} at a time"),
                None => String::new(),
            };
            format!("sends {}{pieces} on connection {connection}", payload(data))
        }
        Action::SendUntilBlocked {
            connection, limit, ..
        } => format!(
            "sends on connection {connection} without reading until no more fits, at most {limit} bytes"
        ),
        Action::Exchange {
            connection,
            data,
            back,
            other,
        } => match (back, other) {
            (Some(back), Some(other)) => format!(
                "sends {} on connection {connection} and {} on connection {other}, and reads from both at the same time",
                payload(data),
                payload(back)
            ),
            _ => format!(
                "sends {} on connection {connection} and reads at the same time",
                payload(data)
            ),
        },
        Action::SendDescriptors {
            connection,
            data,
            file,
            count,
            ..
        } => {
            let what = match (file, count) {
                (PassedFile::Regular, 1) => "a file's descriptor".to_owned(),
                (PassedFile::Pipe, 1) => "the reading end of a pipe".to_owned(),
                (_, count) => format!("{count} descriptors"),
            };
            format!(
                "sends {} with {what} attached on connection {connection}",
                payload(data)
            )
        }
        Action::FinishPipe { .. } => "writes into the pipe it passed, and closes it".to_owned(),
        Action::ShutDownWriting { connection } => {
            format!("shuts down the sending side of connection {connection}")
        }
        Action::ReadSome { connection, bytes } => {
            format!("reads at most {bytes} bytes from connection {connection}")
        }
        Action::ExpectDue { connection } => {
            format!("reads all that is due on connection {connection}")
        }
        Action::ExpectBytes { connection, data } => format!(
            "reads {} from connection {connection}",
            count(data.length(), "byte")
        ),
        Action::NoteQueue { connection, .. } => {
            format!("notes what is unread on connection {connection}")
        }
        Action::ExpectFullQueue {
            name, connection, ..
        } => format!(
            "waits until {} sleeps, and looks how full its queue on connection {connection} is",
            instance(name)
        ),
        Action::ExpectNothing { connection } => {
            format!("looks whether anything has come on connection {connection}")
        }
        Action::ExpectCut { connection, .. } => {
            format!("reads frames until the end of connection {connection}")
        }
        Action::AskUntil {
            connection, data, ..
        } => format!(
            "sends {} again and again on connection {connection}",
            payload(data)
        ),
        Action::Compare { examination, .. } => kernel::did(examination),
        Action::Drip {
            connection,
            data,
            every,
        } => format!(
            "sends {} on connection {connection}, one byte every {every} ms, until something comes",
            payload(data)
        ),
        Action::ExpectEnd { connection } => {
            format!("reads until the end of connection {connection}")
        }
        Action::Abandon { connection } => {
            format!("closes connection {connection} with unread bytes in it")
        }
        Action::Close { connection } => format!("closes connection {connection}"),
        Action::ExpectLine { stream, .. } => format!("waits for a line on {}", printed(*stream)),
        Action::ExpectNoLine { stream, starts, .. } => {
            format!(
                "looks for a line on {} that begins with `{starts}`",
                printed(*stream)
            )
        }
        Action::ExpectNoLeakedDescriptors { name } => {
            format!("counts the open descriptors of {}", instance(name))
        }
        Action::ExpectNoLeftovers { name } => {
            format!("looks for what {} has left behind", instance(name))
        }
        Action::ExpectCloseOnExec { name, .. } => {
            format!(
                "looks at the passed descriptor in /proc, as {} holds it",
                instance(name)
            )
        }
    }
}

fn printed(stream: Printed) -> &'static str {
    match stream {
        Printed::Stdout => "standard output",
        Printed::Stderr => "standard error",
    }
}

fn instance(name: &str) -> String {
    if name == FIRST {
        "the program".to_owned()
    } else {
        format!("instance `{name}`")
    }
}

fn payload(payload: &Payload) -> String {
    let length = payload.length();
    match payload {
        Payload::Text(text) => {
            let shown = Untrusted::from(text.as_str())
                .to_string()
                .replace("\\x0a", "\\n");
            format!("{} \"{shown}\"", count(length, "byte"))
        }
        Payload::Random(_) => count(length, "random byte"),
        Payload::Letters(_) => count(length, "random letter"),
        Payload::Uid(_) => "the digits of a uid".to_owned(),
        Payload::Frame(of) if !of.has_known_length() => format!("a frame of {}", self::payload(of)),
        Payload::Frame(of) => format!("a frame of {}", count(of.length(), "byte")),
        Payload::Hex(bytes) if bytes.len() <= 16 => {
            let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{} {}", count(length, "byte"), hex.join(" "))
        }
        Payload::Join(parts) if parts.len() <= 3 => {
            let parts: Vec<String> = parts.iter().map(self::payload).collect();
            parts.join(", then ")
        }
        other if !other.has_known_length() => "some bytes".to_owned(),
        _ => count(length, "byte"),
    }
}

/// `8 MiB`, `12 KiB`: rounded down.
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => count(bytes, "byte"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// `1 byte`, `2 bytes`.
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
