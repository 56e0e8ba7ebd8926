//! What there is to say beneath a descriptor's line: who shares it, who is at the other end, what
//! it watches, what is likely to surprise.

use super::{about, some};
use crate::probe::fds::{
    Descriptor, Ends, EpollTarget, EpollWatch, Fds, Held, NameState, NotAsked, PidfdOf, UnixPeer,
    UnixSocket, Watch, What,
};
use crate::probe::sockets::{By, Condition};
use crate::render::probe::words;
use crate::render::text::Role;
use crate::sys::fdinfo::{Lock, LockAccess, LockKind};

/// How many watches are drawn; `--json` has all.
const WATCHES: usize = 24;

/// How many holders are named in a sentence.
const HOLDERS: usize = 4;

/// A sentence.
pub(super) struct Note {
    pub(super) role: Role,
    pub(super) words: String,
}

fn note(role: Role, words: impl Into<String>) -> Note {
    Note {
        role,
        words: words.into(),
    }
}

/// What to say of a descriptor.
pub(super) fn of(open: &Descriptor, seen: &Fds) -> Vec<Note> {
    // What holds for one descriptor of an open file holds for all: it is said once.
    if open.sharing.fds.iter().any(|&fd| fd < open.fd) {
        return shared(open);
    }
    let mut notes = Vec::new();
    match &open.what {
        What::File { name, .. } | What::Directory { name, .. } => notes.extend(named(*name)),
        What::NotAsked { because, .. } => notes.push(not_asked(because)),
        What::Pipe { ends, path } => {
            let named = path.is_some();
            notes.extend(
                ends.iter()
                    .flat_map(|ends| pipe(open, ends, seen.pid, named)),
            );
        }
        What::Terminal { other_end, .. } if !other_end.is_empty() => {
            let by = holders(other_end);
            notes.push(note(Role::Plain, format!("Its other end: {by}.")));
        }
        What::UnixSocket(socket) => notes.extend(unix(socket)),
        What::Epoll { watches } => notes.extend(epoll(watches, seen)),
        What::Inotify { watches } | What::Fanotify { watches } => notes.extend(watched(watches)),
        What::Pidfd { of: PidfdOf::Gone } => notes.push(note(
            Role::Warning,
            "It was waited for, so another process may have its number by now; this descriptor \
             never means that one.",
        )),
        What::Memfd { seals, .. } => notes.push(match seals {
            Some(seals) if seals.is_empty() => note(Role::Dim, "Not sealed."),
            Some(seals) => note(Role::Plain, format!("Sealed: {}.", seals.join(" "))),
            None => note(Role::Warning, "Its seals could not be asked."),
        }),
        _ => {}
    }
    notes.extend(open.locks.iter().map(lock));
    notes.extend(shared(open));
    notes
}

fn named(name: NameState) -> Option<Note> {
    let words = match name {
        NameState::Stands => return None,
        NameState::Deleted => {
            "Deleted: no name leads to it, and its content goes when the last descriptor is closed."
        }
        NameState::Removed => "This name no longer leads to it; it has another one.",
        NameState::Never => "Made without a name (O_TMPFILE).",
        NameState::Unknown => {
            "Whether \" (deleted)\" is part of the name or means that it is gone is not known."
        }
    };
    Some(note(Role::Warning, words))
}

fn not_asked(because: &NotAsked) -> Note {
    let words = match because {
        NotAsked::FileSystem(kind) => format!(
            "Not asked what it is: its file system ({kind}) would have to ask another program or \
             machine, which may not answer."
        ),
        NotAsked::Mount => "Not asked what it is: its mount is not visible from here.".to_owned(),
        NotAsked::Refused => "It was closed meanwhile, or did not tell what it is.".to_owned(),
    };
    note(Role::Dim, words)
}

/// Processes and their descriptors: `cat 4712 (0, 1)`.
fn holders(held: &[Held]) -> String {
    let names = held.iter().map(|holder| {
        let fds: Vec<String> = holder.fds.iter().map(u32::to_string).collect();
        format!(
            "{} {} ({})",
            holder.process.comm,
            holder.process.pid,
            some(&fds, 6)
        )
    });
    some(&names.collect::<Vec<_>>(), HOLDERS)
}

fn numbers(fds: &[u32]) -> String {
    let fds: Vec<String> = fds.iter().map(u32::to_string).collect();
    some(&fds, 10)
}

fn pipe(open: &Descriptor, ends: &Ends, pid: u32, named: bool) -> Vec<Note> {
    let mut notes = Vec::new();
    let others = |held: &[Held]| -> Vec<Held> {
        let others = held.iter().filter(|holder| holder.process.pid != pid);
        others.cloned().collect()
    };
    let own = |held: &[Held]| -> Vec<u32> {
        let own = held.iter().filter(|holder| holder.process.pid == pid);
        own.flat_map(|holder| holder.fds.clone()).collect()
    };
    let sides = [
        (about::reads(open), &ends.writers, "write", "Written by"),
        (about::writes(open), &ends.readers, "read", "Read by"),
    ];
    for (matters, held, verb, by) in sides {
        if !matters {
            continue;
        }
        let strangers = others(held);
        let ours: Vec<u32> = own(held).into_iter().filter(|&fd| fd != open.fd).collect();
        // One holder is in the line of a pipe; the line of a FIFO has its path.
        if strangers.len() > 1 || (named && !strangers.is_empty()) {
            notes.push(note(Role::Plain, format!("{by} {}.", holders(&strangers))));
        }
        if verb == "write" && !ours.is_empty() {
            let itself = format!(
                "This process itself can write, through {}: until that is closed, reading never \
                 gives end of file.",
                numbers(&ours)
            );
            notes.push(note(Role::Warning, itself));
        } else if named && !ours.is_empty() {
            let itself = format!(
                "This process itself can {verb}, through {}.",
                numbers(&ours)
            );
            notes.push(note(Role::Plain, itself));
        }
        if strangers.is_empty() && ours.is_empty() {
            let itself = about::reads(open) && about::writes(open);
            notes.extend((!itself).then(|| nobody(verb, ends.complete, named)));
        }
    }
    notes
}

/// What it means that nobody has the other end open.
fn nobody(verb: &str, complete: bool, named: bool) -> Note {
    let then = match verb {
        "write" => "reading gives end of file once it is empty",
        _ => "writing gives SIGPIPE and EPIPE",
    };
    let until = if named {
        " until somebody opens it"
    } else {
        ""
    };
    if complete {
        note(
            Role::Warning,
            format!(
                "No process can {verb}: {then}{until}, unless the other end is in a message that nobody has received."
            ),
        )
    } else {
        note(
            Role::Warning,
            format!(
                "Nobody who can {verb} was seen, and not every process may be read; if there is none, {then}{until}."
            ),
        )
    }
}

fn unix(socket: &UnixSocket) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Some(queue) = socket.queue {
        notes.push(note(
            Role::Plain,
            format!(
                "{} of at most {} connections wait for accept(2).",
                queue.pending, queue.backlog
            ),
        ));
    }
    if let Some(peer) = &socket.peer {
        notes.extend(peer_note(peer));
    }
    notes.extend(through(socket));
    let unread = match socket.unread {
        0 => None,
        1 => Some("1 byte waits to be read.".to_owned()),
        bytes => Some(format!("{bytes} bytes wait to be read.")),
    };
    notes.extend(unread.map(|words| note(Role::Warning, words)));
    let in_flight = match socket.in_flight {
        None | Some(0) => None,
        Some(1) => Some("1 descriptor waits in a message to be received (SCM_RIGHTS).".to_owned()),
        Some(count) => Some(format!(
            "{count} descriptors wait in messages to be received (SCM_RIGHTS)."
        )),
    };
    notes.extend(in_flight.map(|words| note(Role::Warning, words)));
    notes
}

/// Through which name a connection was made, and which service lives there.
fn through(socket: &UnixSocket) -> Option<Note> {
    let service = socket.service.as_ref();
    let service = service.map(|service| match service.by {
        By::Address => service.name.clone(),
        By::Program => format!("{}?", service.name),
    });
    let peer = socket.peer.as_ref();
    let name = socket
        .name
        .as_ref()
        .or_else(|| peer?.socket.name.as_ref())
        .map(words::name);
    // That of a listener is in its line.
    let open = matches!(
        socket.condition,
        Some(Condition::Listening | Condition::Bound)
    );
    let words = match (name.filter(|_| !open), service) {
        (Some(name), Some(service)) => format!("Through {name} ({service})."),
        (Some(name), None) => format!("Through {name}."),
        (None, Some(service)) => format!("Service: {service}."),
        (None, None) => return None,
    };
    Some(note(Role::Plain, words))
}

/// Several holders; a single one is in the descriptor's line.
fn peer_note(peer: &UnixPeer) -> Option<Note> {
    (peer.held.len() > 1).then(|| {
        note(
            Role::Plain,
            format!("The other end is held by {}.", holders(&peer.held)),
        )
    })
}

fn epoll(watches: &[EpollWatch], seen: &Fds) -> Vec<Note> {
    let mut notes: Vec<Note> = watches
        .iter()
        .take(WATCHES)
        .map(|watch| epoll_watch(watch, seen))
        .collect();
    notes.extend(more(watches.len()));
    notes
}

fn more(all: usize) -> Option<Note> {
    let more = all.checked_sub(WATCHES).filter(|&more| more > 0)?;
    Some(note(Role::Dim, format!("and {more} more, in --json")))
}

fn epoll_watch(watch: &EpollWatch, seen: &Fds) -> Note {
    let events = match (watch.events.is_empty(), watch.spent) {
        (_, true) => "silent until EPOLL_CTL_MOD".to_owned(),
        (true, false) => "errors only".to_owned(),
        (false, false) => watch.events.join(" "),
    };
    let fd = watch.fd;
    let about = |fd: u32| {
        let all = seen.descriptors.iter().flatten();
        let open = all.into_iter().find(|open| open.fd == fd)?;
        let about = about::of(open, seen.pid);
        Some(
            format!("{} {}", about.kind, about.what)
                .trim_end()
                .to_owned(),
        )
    };
    let (role, what) = match &watch.is {
        EpollTarget::Same => (Role::Plain, about(fd).unwrap_or_default()),
        EpollTarget::Unsure => (
            Role::Warning,
            format!("not sure, perhaps {}", about(fd).unwrap_or_default()),
        ),
        EpollTarget::Renumbered(fds) => (
            Role::Warning,
            format!(
                "what is now {}: {}",
                numbers(fds),
                fds.first().and_then(|&fd| about(fd)).unwrap_or_default()
            ),
        ),
        EpollTarget::OnlyElsewhere(held) => (
            Role::Warning,
            format!(
                "a file closed here, and open in {}: its events still come",
                holders(held)
            ),
        ),
        EpollTarget::NotFound => (
            Role::Warning,
            "a file closed here, and still open somewhere: its events still come".to_owned(),
        ),
    };
    note(role, format!("{fd}: {events} on {what}"))
}

fn watched(watches: &[Watch]) -> Vec<Note> {
    let lines = watches.iter().take(WATCHES).map(|watch| {
        let number = watch.watch.map(|number| format!("{number}: "));
        let what = match (&watch.path, watch.inode, watch.device) {
            (Some(path), _, _) => words::quoted(path),
            (None, Some(inode), Some(device)) => {
                format!("inode {inode} on device {}:{}", device.major, device.minor)
            }
            (None, _, Some(device)) => {
                format!(
                    "the file system on device {}:{}",
                    device.major, device.minor
                )
            }
            (None, _, None) => "a mount that is not visible from here".to_owned(),
        };
        let events = match watch.events.is_empty() {
            true => "ignored events only".to_owned(),
            false => watch.events.join(" "),
        };
        note(
            Role::Plain,
            format!("{}{events} on {what}", number.unwrap_or_default()),
        )
    });
    let mut notes: Vec<Note> = lines.collect();
    notes.extend(more(watches.len()));
    notes
}

fn lock(lock: &Lock) -> Note {
    let access = match lock.access {
        LockAccess::Read => "Shared",
        LockAccess::Write => "Exclusive",
    };
    let range = match (lock.start, lock.end) {
        (0, None) => "the whole file".to_owned(),
        (start, None) => format!("bytes from {start} on"),
        (start, Some(end)) if start == end => format!("byte {start}"),
        (start, Some(end)) => format!("bytes {start} to {end}"),
    };
    let words = match lock.kind {
        LockKind::Flock => {
            format!("{access} flock(2) lock: held until all copies of this descriptor are closed.")
        }
        LockKind::Posix => format!(
            "{access} lock of the process on {range} (fcntl(2)): closing any descriptor of this \
             file releases it."
        ),
        LockKind::OpenFileDescription => format!(
            "{access} lock of the open file description on {range} (F_OFD_SETLK): held until all \
             copies of this descriptor are closed."
        ),
        LockKind::Lease => format!("{access} lease (F_SETLEASE)."),
        LockKind::Delegation => format!("{access} delegation to a client over the network."),
    };
    note(Role::Plain, words)
}

/// With whom it is shared.
fn shared(open: &Descriptor) -> Vec<Note> {
    let sharing = &open.sharing;
    let mut notes = Vec::new();
    let first = sharing.fds.iter().find(|&&fd| fd < open.fd);
    if let Some(first) = first {
        notes.push(note(Role::Plain, format!("Same open file as {first}.")));
    } else {
        let mut with = Vec::new();
        if !sharing.fds.is_empty() {
            with.push(numbers(&sharing.fds));
        }
        if !sharing.processes.is_empty() {
            with.push(holders(&sharing.processes));
        }
        if !with.is_empty() {
            let words = format!("Same open file as {}{}.", with.join("; "), common(open));
            notes.push(note(Role::Plain, words));
        }
    }
    let file = matches!(open.what, What::File { .. } | What::Memfd { .. });
    let mut again = Vec::new();
    if !sharing.same_file_fds.is_empty() {
        again.push(numbers(&sharing.same_file_fds));
    }
    if !sharing.same_file_processes.is_empty() {
        again.push(holders(&sharing.same_file_processes));
    }
    if file && !again.is_empty() {
        notes.push(note(
            Role::Dim,
            format!(
                "Opened separately by {}: each has its own offset.",
                again.join("; ")
            ),
        ));
    }
    let anonymous = open.target.bytes().starts_with(b"anon_inode:");
    if !sharing.unsure.is_empty() && !anonymous {
        notes.push(note(
            Role::Warning,
            format!("Perhaps shared with {}.", holders(&sharing.unsure)),
        ));
    }
    notes
}

/// What sharing means for this kind.
fn common(open: &Descriptor) -> &'static str {
    match open.what {
        What::File { .. } | What::Memfd { .. } | What::Directory { .. } => {
            ": one offset and one set of flags"
        }
        What::Terminal { .. } => ": O_NONBLOCK set by one holds for all",
        _ => "",
    }
}
