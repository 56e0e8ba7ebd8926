//! What happened during a call, as sentences: one for each event.

use super::values::watched;
use super::words::{count, listed, named, quoted};
use crate::curriculum::model::Rows;
use crate::model::call::{Events, Type};
use crate::model::event::Event;
use crate::model::outcome::{Outcome, Wait};
use crate::model::script::process_name;
use crate::model::socket::{Shut, State};

/// The sentence of an event, without a full stop. `rows` explains checks that refuse.
pub fn sentence(event: &Event, rows: &Rows) -> String {
    match event {
        Event::Refused { row, errno } => {
            let name = format!("{errno:?}");
            match rows.why(&row.to_string(), &name) {
                Some(why) => format!("check {row} refuses with {name}. {}", why.says),
                None => format!("check {row} refuses with {name}"),
            }
        }
        Event::DescriptorInstalled { pid, fd, file } => {
            let process = process_name(*pid);
            format!("descriptor {fd} of {process} now leads to {file}")
        }
        Event::DescriptorClosed { pid, fd, file } => {
            let process = process_name(*pid);
            format!("descriptor {fd} of {process}, which led to {file}, is free again")
        }
        Event::FileOpened { file } => format!("{file} is made: an open file description"),
        Event::References {
            file,
            before,
            after,
        } => {
            let more = if after > before { "more" } else { "less" };
            let references = count(u64::from(*after), "reference");
            format!("one reference {more} to {file}: {references}")
        }
        Event::FileReleased { file } => format!("nothing refers to {file} any more: it is closed"),
        Event::Offset {
            file,
            before,
            after,
        } => format!("the offset of {file} moves from {before} to {after}"),
        Event::Nonblock { file, after, .. } => match after {
            true => format!("{file} does not block any more: O_NONBLOCK is set"),
            false => format!("{file} blocks again: O_NONBLOCK is cleared"),
        },
        Event::Queued {
            sock,
            skb,
            len,
            files,
            ..
        } => {
            let bytes = count(*len as u64, "byte");
            let with = match files.as_slice() {
                [] => String::new(),
                files => {
                    let files: Vec<String> = files.iter().map(ToString::to_string).collect();
                    format!("; it carries {}", listed(&files))
                }
            };
            format!("{skb}, of {bytes}, goes to the end of the queue of {sock}{with}")
        }
        Event::Consumed {
            skb, before, after, ..
        } => {
            let bytes = (after - before) as u64;
            let are = if bytes == 1 { "is" } else { "are" };
            format!("{} of {skb} {are} read", count(bytes, "byte"))
        }
        Event::Dequeued { sock, skb } => format!("{skb} leaves the queue of {sock}"),
        Event::NodeCreated { path, .. } => {
            format!("{} is made in the file system", quoted(path.as_bytes()))
        }
        Event::NodeRemoved { path, .. } => {
            let path = quoted(path.as_bytes());
            format!("{path} is removed from the file system")
        }
        Event::NodeMode {
            node,
            before,
            after,
        } => format!("the mode of {node} changes from 0{before:03o} to 0{after:03o}"),
        Event::BrokenPipe { pid } => format!("{} is sent SIGPIPE", process_name(*pid)),
        Event::ProcessStarted { pid, parent } => {
            let (child, parent) = (process_name(*pid), process_name(*parent));
            format!("process {child} starts with a copy of the descriptors of {parent}")
        }
        Event::ProcessEnded { pid } => format!("process {} ends", process_name(*pid)),
        Event::SocketCreated { sock, ty } => format!("{sock} is made, a {} socket", ty_word(*ty)),
        Event::SocketState {
            sock,
            before,
            after,
        } => {
            let (before, after) = (state_word(*before), state_word(*after));
            format!("{sock} was {before} and is {after} now")
        }
        Event::Peer {
            sock,
            before,
            after,
        } => match (before, after) {
            (_, Some(peer)) => format!("what {sock} sends goes to {peer} now"),
            (Some(peer), None) => format!("{sock} is parted from {peer}"),
            (None, None) => format!("{sock} has no peer"),
        },
        Event::Named { sock, name } => format!("{sock} has the name {} now", named(name)),
        Event::Unnamed { sock, name } => {
            format!("the name {} leads to {sock} no longer", named(name))
        }
        Event::SocketDied { sock } => format!("{sock} is dead: nobody can use it any more"),
        Event::Backlog { sock, after, .. } => {
            let connections = count(u64::from(*after) + 1, "connection");
            format!("the backlog of {sock} is {after}: {connections} can wait")
        }
        Event::Shutdown {
            sock,
            before,
            after,
        } => format!("{sock} {}", listed(&shut_words(*before, *after))),
        Event::Pending {
            sock,
            before,
            after,
        } => match (before, after) {
            (_, Some(errno)) => format!("the error {errno:?} waits at {sock} for its next call"),
            (Some(errno), None) => format!("the error {errno:?} of {sock} is told, and forgotten"),
            (None, None) => format!("no error waits at {sock}"),
        },
        Event::Charged {
            sock,
            before,
            after,
        } => {
            let (bytes, word) = match after.checked_sub(*before) {
                Some(more) => (more, "charged to"),
                None => (before - after, "given back to"),
            };
            format!("{bytes} bytes of memory are {word} {sock}: {after} in all")
        }
        Event::PeerCredentials { sock, of } => {
            let who = of.pid.map_or_else(|| "nobody".to_owned(), process_name);
            format!(
                "SO_PEERCRED of {sock} will say {who}, user {}, group {}",
                of.uid, of.gid
            )
        }
        Event::EmbryoQueued { listener, embryo } => {
            format!("{embryo} waits at {listener} to be accepted")
        }
        Event::EmbryoTaken { listener, embryo } => {
            format!("{embryo}, first of those that wait at {listener}, is taken")
        }
        Event::Woken { sock } => format!("whoever sleeps for {sock} looks again"),
        Event::Watched { epoll, file, fd } => {
            format!("{epoll} watches {file} from now on, as {fd}")
        }
        Event::Unwatched { epoll, file, fd } => {
            format!("{epoll} watches {file} as {fd} no longer")
        }
        Event::BecameReady { epoll, file, fd } => {
            format!("{file}, watched as {fd}, goes to the end of the ready list of {epoll}")
        }
        Event::LeftReady { epoll, file, fd } => {
            format!("{file}, watched as {fd}, is taken from the ready list of {epoll}")
        }
        Event::NodeLeads { node, after, .. } => match after {
            Some(sock) => format!("{node} leads to {sock}"),
            None => format!("{node} stays, and leads nowhere any more"),
        },
        Event::NodeOwner { node, after, .. } => {
            let [user, group] = after;
            format!("{node} belongs to user {user} and group {group} now")
        }
        Event::NodeWritten { node, after, .. } => {
            let bytes = count(*after as u64, "byte");
            format!("bytes are written to {node}: it is {bytes} long")
        }
        Event::Cloexec { pid, fd, after, .. } => {
            let does = if *after { "closes" } else { "does not close" };
            let process = process_name(*pid);
            format!("execve {does} descriptor {fd} of {process}: FD_CLOEXEC")
        }
        Event::Counter {
            file,
            before,
            after,
        } => format!("the counter of {file} goes from {before} to {after}"),
        Event::PipeCreated { pipe } => format!("{pipe} is made"),
        Event::PipeHolds {
            pipe,
            before,
            after,
        } => {
            let (bytes, go) = match after.checked_sub(*before) {
                Some(more) => (more, "go into"),
                None => (before - after, "leave"),
            };
            let go = match (bytes, go) {
                (1, "go into") => "goes into",
                (1, _) => "leaves",
                (_, go) => go,
            };
            let bytes = count(bytes as u64, "byte");
            format!("{bytes} {go} {pipe}: {after} in all")
        }
        Event::PipeEnds { pipe, after, .. } => {
            let [readers, writers] = *after;
            let ends = [(readers, "reader"), (writers, "writer")];
            let ends = ends.map(|(number, one)| count(u64::from(number), one));
            format!("{pipe} has {} left", listed(&ends))
        }
        Event::EpollCreated { epoll } => format!("{epoll} is made, and watches nothing"),
        Event::Interest {
            epoll, fd, after, ..
        } => match after.events == Events::default() {
            true => {
                format!("{epoll} tells no more of what it watches as {fd}, until it is asked to")
            }
            false => {
                let events = watched(after.asked_for());
                format!("{epoll} watches what it has as {fd} for {events} now")
            }
        },
        Event::SendBuffer {
            sock,
            before,
            after,
        } => format!("the send buffer of {sock} changes from {before} to {after} bytes"),
        Event::PassCred { sock, after, .. } => match after {
            true => format!("{sock} wants to know who sends: SO_PASSCRED"),
            false => format!("{sock} does not want to know any more who sends"),
        },
        Event::SendLimit { sock, after, .. } => {
            format!("who sends or connects at {sock} sleeps {}", limit(*after))
        }
        Event::ReceiveLimit { sock, after, .. } => {
            format!("who receives or accepts at {sock} sleeps {}", limit(*after))
        }
        Event::SocketMode {
            sock,
            before,
            after,
        } => format!("the mode of {sock} itself changes from 0{before:03o} to 0{after:03o}"),
        Event::SocketOwner { sock, after, .. } => format!("{sock} belongs to user {after}"),
        Event::WantsRoom {
            sock,
            before,
            after,
        } => match (before, after) {
            (_, Some(other)) => format!("{sock} is to be told when {other} has room"),
            (Some(other), None) => format!("{sock} waits no more for room at {other}"),
            (None, None) => format!("{sock} waits for no room"),
        },
        Event::FilesTaken { skb, files, .. } => {
            let files: Vec<String> = files.iter().map(ToString::to_string).collect();
            format!("{} is taken out of {skb}", listed(&files))
        }
        Event::Ids { pid, after, .. } => {
            let [uid, euid, gid, egid] = after;
            let process = process_name(*pid);
            format!("{process} is user {uid}, in effect {euid}; group {gid}, in effect {egid}")
        }
        Event::Umask { pid, before, after } => {
            let process = process_name(*pid);
            format!("the umask of {process} changes from 0{before:03o} to 0{after:03o}")
        }
        Event::Directory { pid, after, .. } => {
            let path = quoted(after.as_bytes());
            format!(
                "the working directory of {} is {path} now",
                process_name(*pid)
            )
        }
        Event::FileLimit { pid, after, .. } => {
            format!("{} may have descriptors below {after}", process_name(*pid))
        }
        Event::FellAsleep { pid, wait } => {
            let process = process_name(*pid);
            format!("{process} sleeps until {}", until(*wait))
        }
        Event::WentOn { pid } => {
            let process = process_name(*pid);
            format!("{process} does not sleep any more: it goes on with its call")
        }
        Event::Collected { socks } => {
            let socks: Vec<String> = socks.iter().map(ToString::to_string).collect();
            let socks = listed(&socks);
            format!("no process can reach {socks}: all that waits there is thrown away")
        }
    }
}

/// How long a call may sleep.
fn limit(ms: Option<u32>) -> String {
    match ms {
        Some(ms) => format!("{} at most", count(u64::from(ms), "millisecond")),
        None => "as long as it takes".to_owned(),
    }
}

/// What kind of socket it is.
pub fn ty_word(ty: Type) -> &'static str {
    match ty {
        Type::Stream => "stream",
        Type::Dgram => "datagram",
        Type::Seqpacket => "seqpacket",
    }
}

fn state_word(state: State) -> &'static str {
    match state {
        State::Close => "unconnected",
        State::Listen => "listening",
        State::Established => "connected",
    }
}

/// What is shut after, and was not before.
pub fn shut_words(before: Shut, after: Shut) -> Vec<String> {
    let mut words = Vec::new();
    if after.receive && !before.receive {
        words.push("receives nothing more".to_owned());
    }
    if after.send && !before.send {
        words.push("sends nothing more".to_owned());
    }
    words
}

/// Why a call sleeps, as a sentence without a full stop; `None`: it does not.
pub fn sleep(outcome: &Outcome) -> Option<String> {
    let Outcome::Sleeps(wait) = outcome else {
        return None;
    };
    Some(format!("the call sleeps until {}", until(*wait)))
}

/// What is waited for, as the rest of a sentence.
fn until(wait: Wait) -> String {
    match wait {
        Wait::Readable(sock) => format!("{sock} has something to read"),
        Wait::Room(sock) => {
            format!("three quarters of what {sock} may have on its way are free")
        }
        Wait::Queue(sock) => format!("the queue of {sock} has room"),
        Wait::Connection(sock) => format!("somebody connects to {sock}"),
        Wait::Other => "the other end does something".to_owned(),
    }
}
