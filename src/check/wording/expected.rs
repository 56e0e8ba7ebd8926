//! What had to be seen, in words.

use super::{children, count, instance, kernel, listing, messages, payload, printed, size, state};
use crate::check::observation::Observation;
use crate::check::protocol::Outcome;
use crate::check::verdict::Shown;
use crate::curriculum::scenario::{Action, ExitStatus, Wait};
use crate::untrusted::Untrusted;

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
        Action::RemoveFile { .. } => "the file is gone".to_owned(),
        Action::ExpectFile(_) => messages::file_wanted(seen),
        Action::OpenSocket(_) | Action::EndPeer { .. } => "a peer is there".to_owned(),
        Action::KeepInFlight { .. } => "they are in flight".to_owned(),
        Action::SendMessage(_) | Action::AddToEventfd { .. } => "it can be sent".to_owned(),
        Action::ExpectMessage(wanted) => messages::message_wanted(wanted),
        Action::ExpectNoMessage { .. } => "nothing comes".to_owned(),
        Action::ExpectDescriptor(wanted) => messages::descriptor_wanted(wanted),
        Action::ExpectEntry(_) => return messages::entry_wanted(seen),
        Action::NoteChildren { .. } => "the program is running".to_owned(),
        Action::ExpectChildren { children, .. } => children::wanted(children),
        Action::WaitAsleep { .. } => "the program waits for what comes next".to_owned(),
        Action::ExpectIdle { .. } => "the program sleeps while there is nothing to do".to_owned(),
        Action::ExpectMemory { growth, .. } => {
            format!("memory grows by at most {}", size(*growth))
        }
        Action::NoteWakeups { .. } => "the program waits for what comes next".to_owned(),
        Action::ExpectWakeups { at_most, .. } => format!("at most {}", count(*at_most, "thread")),
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
        Action::ManyClients { back: None, .. } => "every client gets back what it sent".to_owned(),
        Action::ManyClients { .. } => "every client gets its reply".to_owned(),
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
        Action::Exchange {
            back: Some(_),
            other: None,
            ..
        } => format!("a reply of exactly {}", count(seen.expected, "byte")),
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
        Action::ExpectCut { then, .. } => format!(
            "whole frames in their order, then {}, then the end of the stream",
            payload(then)
        ),
        Action::AskUntil { back, .. } => format!("at last the reply {}", payload(back)),
        Action::Compare { .. } => return kernel::expected(seen),
        Action::Drip { .. } => "the program says something, or closes".to_owned(),
        Action::ExpectEnd { .. } => "the end of the stream".to_owned(),
        Action::ShutDownWriting { .. } | Action::Abandon { .. } | Action::Close { .. } => {
            "the connection is there".to_owned()
        }
        Action::ExpectLine { stream, .. } => {
            return Shown {
                words: format!("this line on {}, flushed", printed(*stream)),
                bytes: Some(seen.line.wanted.clone()),
                caret: None,
                lines: Vec::new(),
            };
        }
        Action::ExpectNoLine { .. } => "there is no such line".to_owned(),
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
        lines: Vec::new(),
    }
}
