//! What the checker did, expected and saw, in words; what a failure *means*, exercises say. Words about
//! tables of sockets, about messages and files, and about the program's state are in `wording/`.

mod listing;
mod messages;
mod state;

use self::state::{ending, not_ready, whereabouts};
use super::observation::Observation;
use super::protocol::Outcome;
use super::verdict::Shown;
use crate::curriculum::scenario::{
    Action, At, ExitStatus, FIRST, PassedFile, Payload, Printed, Sink, Wait,
};
use crate::untrusted::Untrusted;

pub use self::state::waits;

/// The verb of an action, as `exercise.toml` has it.
pub fn verb(action: &Action) -> &'static str {
    match action {
        Action::Start(_) => "start",
        Action::WriteFile { .. } => "write-file",
        Action::MakeFile(_) => "make-file",
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
        Action::LimitDescriptors { .. } => "limit-descriptors",
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
        Action::ExpectEnd { .. } => "expect-end",
        Action::Abandon { .. } => "abandon",
        Action::Close { .. } => "close",
        Action::ExpectLine { .. } => "expect-line",
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
        Action::LimitDescriptors { name, spare } => match spare {
            Some(spare) => format!(
                "lets {} open {} more",
                instance(name),
                count(*spare, "descriptor")
            ),
            None => format!("lets {} open descriptors as before", instance(name)),
        },
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
        } => format!(
            "makes {}, {at_once} at a time, and sends {} on each",
            count(*all, "connection"),
            payload(data)
        ),
        Action::Flood { connection, bytes } => format!(
            "sends up to {bytes} random bytes on connection {connection}, as long as they are taken"
        ),
        Action::Signal { name, signal } => format!("sends SIG{signal} to {}", instance(name)),
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
        Action::ExpectEnd { connection } => {
            format!("reads until the end of connection {connection}")
        }
        Action::Abandon { connection } => {
            format!("closes connection {connection} with unread bytes in it")
        }
        Action::Close { connection } => format!("closes connection {connection}"),
        Action::ExpectLine { stream, .. } => format!("waits for a line on {}", printed(*stream)),
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

/// What had to be seen.
pub fn expected(action: &Action, seen: &Observation, outcome: Option<&Outcome>) -> Shown {
    let words = match action {
        Action::Start(start) => match start.wait {
            Wait::Exit => "the program ends".to_owned(),
            Wait::Nothing => "the program starts".to_owned(),
            Wait::Ready => state::ready(seen),
        },
        Action::WriteFile { .. } | Action::NoteMemory { .. } | Action::LimitDescriptors { .. } => {
            "the program is running".to_owned()
        }
        Action::MakeFile(_) => "the file is there".to_owned(),
        Action::ExpectFile(_) => messages::file_wanted(seen),
        Action::OpenSocket(_) | Action::EndPeer { .. } => "a peer is there".to_owned(),
        Action::SendMessage(_) | Action::AddToEventfd { .. } => "it can be sent".to_owned(),
        Action::ExpectMessage(wanted) => messages::message_wanted(wanted),
        Action::ExpectNoMessage { .. } => "nothing comes".to_owned(),
        Action::ExpectDescriptor(wanted) => messages::descriptor_wanted(wanted),
        Action::WaitAsleep { .. } => "the program waits for what comes next".to_owned(),
        Action::ExpectIdle { .. } => "the program sleeps while there is nothing to do".to_owned(),
        Action::ExpectMemory { growth, .. } => {
            format!("memory grows by at most {}", size(*growth))
        }
        Action::ExpectOutput { .. } => format!(
            "{} on standard output, and its end",
            count(seen.expected, "byte")
        ),
        Action::Listen { .. } | Action::StopListening { .. } | Action::ServeFrames { .. } => {
            "a peer listens".to_owned()
        }
        Action::Accept { .. } => "the program connects".to_owned(),
        Action::MakeSocket(_) | Action::CloseSocket { .. } => "the sockets are there".to_owned(),
        Action::ExpectListed(_) | Action::ExpectUnlisted(_) => return listing::expected(seen),
        Action::ManyClients { .. } => "every client gets back what it sent".to_owned(),
        Action::Flood { .. } => "the connection is there".to_owned(),
        Action::Signal { .. }
        | Action::Interrupt { .. }
        | Action::Pause { .. }
        | Action::Resume { .. }
        | Action::ExpectRunning { .. } => "the program is running".to_owned(),
        Action::ExpectExit { status, says, .. } => {
            let ends = match status {
                ExitStatus::Zero => "the program ends with status 0".to_owned(),
                ExitStatus::NonZero => {
                    "the program ends by itself with a status other than 0".to_owned()
                }
                ExitStatus::Exactly(status) => format!("the program ends with status {status}"),
                ExitStatus::Any => "the program ends".to_owned(),
            };
            if says.is_empty() {
                ends
            } else {
                format!("{ends}, and standard error has one of: {}", says.join(", "))
            }
        }
        Action::Connect { .. } => "connect succeeds".to_owned(),
        Action::ExpectServedBy { name, .. } => {
            format!(
                "the connection is answered by {}, process {}",
                instance(name),
                seen.program.pid
            )
        }
        Action::Send { .. } | Action::SendUntilBlocked { .. } | Action::SendDescriptors { .. } => {
            "all bytes can be sent".to_owned()
        }
        Action::FinishPipe { .. } => "the program reads the pipe".to_owned(),
        Action::Exchange { .. } | Action::ReadSome { .. } | Action::ExpectDue { .. } => {
            format!(
                "{} come back as they were sent",
                count(seen.expected, "byte")
            )
        }
        Action::ExpectBytes { .. } => format!("exactly {}", count(seen.expected, "byte")),
        Action::NoteQueue { .. } => "the program waits for what comes next".to_owned(),
        Action::ExpectFullQueue { .. } => {
            "the kernel would take no more: the queue is full".to_owned()
        }
        Action::ExpectNothing { .. } => "nothing comes, and the connection stays".to_owned(),
        Action::ExpectEnd { .. } => "the end of the stream".to_owned(),
        Action::ShutDownWriting { .. } | Action::Abandon { .. } | Action::Close { .. } => {
            "the connection is there".to_owned()
        }
        Action::ExpectLine { stream, .. } => {
            return Shown {
                words: format!("this line on {}, flushed", printed(*stream)),
                bytes: Some(seen.line.wanted.clone()),
                caret: None,
            };
        }
        Action::ExpectNoLeakedDescriptors { .. } => format!(
            "about as many open descriptors as when it was ready, or was started: {}",
            seen.program.descriptors_at_ready
        ),
        Action::ExpectNoLeftovers { .. } => {
            "nothing is left: no process, no socket file, no shared memory or queue".to_owned()
        }
        Action::ExpectCloseOnExec { .. } => {
            "the received descriptor is open and close-on-exec".to_owned()
        }
    };
    let window = outcome
        .map(|outcome| &outcome.window_due)
        .filter(|window| !window.0.is_empty());
    Shown {
        words,
        bytes: window.map(|bytes| Untrusted::from(bytes).to_string()),
        caret: None,
    }
}

/// What was seen instead.
pub fn saw(seen: &Observation, outcome: Option<&Outcome>) -> Shown {
    let program = &seen.instance;
    let words = match seen.outcome {
        "timeout" if seen.step == "connect" => {
            "connect waited and was not let in: the queue of the listener stayed full".to_owned()
        }
        "timeout" if seen.step == "accept" => format!(
            "no connection in {:.1} s; {}",
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "busy" => format!(
            "it went on using the CPU for {:.1} s",
            program.waited_ms as f64 / 1000.0
        ),
        "not-asleep" => format!(
            "it did not come to rest in {:.1} s",
            program.waited_ms as f64 / 1000.0
        ),
        "too-much-memory" => format!(
            "it grew by {}, to {}",
            size(seen.memory.growth),
            size(seen.memory.peak)
        ),
        "room-left" => format!(
            "{} unread, {} of {} of the queue's memory used",
            count(seen.queue.bytes, "byte"),
            seen.queue.memory,
            seen.queue.limit
        ),
        "end" if seen.step == "expect-full-queue" => format!(
            "{} unread, and the connection was closed behind them",
            count(seen.queue.bytes, "byte")
        ),
        "timeout" if seen.step == "expect-end" => format!(
            "no end in {:.1} s; {}",
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "timeout" if matches!(seen.step.as_str(), "send" | "send-descriptors") => format!(
            "after {} nothing more went through for {:.1} s; {}",
            count(seen.sent, "byte"),
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "timeout" if seen.step == "expect-message" => format!(
            "no message in {:.1} s; {}",
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "timeout" => format!(
            "{} of {} in {:.1} s, then nothing more; {}",
            seen.same,
            count(seen.expected, "byte"),
            program.waited_ms as f64 / 1000.0,
            whereabouts(seen)
        ),
        "end" => format!(
            "the end of the stream after {} of {}",
            seen.same,
            count(seen.expected, "byte")
        ),
        "reset" => format!("{} failed with ECONNRESET", seen.call),
        "mismatch" => format!("after {}, other bytes", count(seen.same, "right byte")),
        "extra" => format!(
            "after {}, bytes that nobody sent",
            count(seen.same, "right byte")
        ),
        "other-sender" | "other-descriptors" => messages::message_came(seen),
        "other-descriptor" => messages::descriptor_came(seen),
        "other-file" | "other-mode" => messages::file_found(seen),
        "errno" => format!("{} failed with {}", seen.call, seen.errno),
        "leftovers" => seen.leftovers.join("; "),
        "exited" => format!("the program {}", ending(seen)),
        "limit" => format!(
            "the program used {}: it was ended for that",
            seen.limit.words
        ),
        "stopped" => "the program is stopped: it neither runs nor waits".to_owned(),
        "not-ready" => not_ready(seen),
        "still-running" => {
            format!(
                "it still ran after {:.1} s",
                program.waited_ms as f64 / 1000.0
            )
        }
        "wrong-status" => format!("it {}", ending(seen)),
        "wrong-message" if program.stderr.is_empty() => {
            format!("it {}, and nothing is on standard error", ending(seen))
        }
        "wrong-message" => format!("it {}, and standard error has other words", ending(seen)),
        "line-missing" if seen.line.lines == 0 => "no line at all".to_owned(),
        "line-missing" | "line-different" => {
            return Shown {
                words: format!("{}, the last being", count(seen.line.lines as u64, "line")),
                bytes: Some(seen.line.got.clone()),
                caret: Some(common_prefix(&seen.line.wanted, &seen.line.got)),
            };
        }
        "listed" | "listed-otherwise" | "not-listed" => return listing::saw(seen),
        "wrong-server" => "another process answers".to_owned(),
        "leaked" => format!(
            "{} open, with {} of ours open",
            count(program.descriptors as u64, "descriptor"),
            count(program.connections_open as u64, "connection")
        ),
        "not-close-on-exec" => "the descriptor is open without close-on-exec".to_owned(),
        other => other.to_owned(),
    };
    let window = outcome
        .map(|outcome| &outcome.window_received)
        .filter(|window| !window.0.is_empty());
    let Some((received, outcome)) = window.zip(outcome) else {
        return Shown {
            words,
            bytes: None,
            caret: None,
        };
    };
    // The windows begin at the same byte; what is before the difference is the same in both.
    let same = received
        .0
        .iter()
        .zip(&outcome.window_due.0)
        .take_while(|(a, b)| a == b)
        .count();
    let before = Untrusted::new(received.0[..same].to_vec()).to_string();
    Shown {
        words,
        bytes: Some(Untrusted::from(received).to_string()),
        caret: Some(before.chars().count()),
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
        Payload::Frame(of) => format!("a frame of {}", count(of.length(), "byte")),
        Payload::Hex(bytes) if bytes.len() <= 16 => {
            let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{} {}", count(length, "byte"), hex.join(" "))
        }
        Payload::Join(parts) if parts.len() <= 3 => {
            let parts: Vec<String> = parts.iter().map(self::payload).collect();
            parts.join(", then ")
        }
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

fn common_prefix(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}
