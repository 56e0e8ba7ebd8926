//! What is known of an entry of the runtime directory.

use super::Page;
use crate::probe::runtime_dir::{Entry, Kind, Lost, State, Why};
use crate::render::probe::words;
use crate::render::text::{Line, Role};

pub(super) fn tell(page: &mut Page<'_>, entry: &Entry) {
    let title = Line::of(Role::Heading, words::quoted(&entry.path));
    page.title(title.with(Role::Plain, format!("   {}", kind(entry.kind))));
    if let Some(words) = state(entry.state) {
        page.fact("state", words);
    }
    if let Some(bound) = &entry.socket {
        let name = match &bound.bound_as {
            Some(name) => format!(" It was bound as {}.", words::quoted(name)),
            None => String::new(),
        };
        let words = format!("{}, inode {}.{name}", bound.kind.word(), bound.inode);
        page.fact("socket", &words);
        if let Some(queue) = bound.queue {
            let words = format!(
                "{} wait for accept(2); the backlog is {}.",
                queue.pending, queue.backlog
            );
            page.fact("queue", &words);
        }
        if let Some(clients) = bound.clients {
            page.fact("clients", &format!("{clients}."));
        }
    }
    if let Some(target) = &entry.target {
        page.fact("leads to", &words::quoted(target));
    }
    if let Some(mounted) = &entry.mounted {
        let words =
            format!("{mounted}. It is not entered: a FUSE mount can make whoever looks wait.");
        page.fact("mounted", &words);
    }
    if let Some(error) = &entry.error {
        page.fact_as(Role::Warning, "not seen", &format!("{error}."));
    }
    if let Some(holders) = &entry.holders
        && (entry.kind == Kind::Socket || !holders.processes.is_empty())
    {
        let label = match entry.kind {
            Kind::Socket => "held by",
            _ => "open in",
        };
        page.holders(label, holders);
    }
    page.service(entry.service.as_ref());
    let mut about = Vec::new();
    if let Some(mode) = entry.mode {
        about.push(format!("Mode {mode:04o}."));
    }
    if let Some(owner) = &entry.owner {
        about.push(match &owner.name {
            Some(name) => format!("Owner {name}."),
            None => format!("Owner {}.", owner.uid),
        });
    }
    if let Some(seconds) = entry.age_seconds {
        about.push(format!("{} old.", words::age(seconds)));
    }
    if let Some(size) = entry.size {
        about.push(format!("{size} bytes."));
    }
    if !about.is_empty() {
        page.fact("file", &about.join(" "));
    }
    if let Some(bound) = &entry.socket {
        page.socket("bound here", bound.inode);
    }
    for process in entry.holders.iter().flat_map(|holders| &holders.processes) {
        page.process("holder", process);
    }
}

pub(super) fn tell_lost(page: &mut Page<'_>, lost: &Lost) {
    page.title(Line::of(Role::Heading, words::name(&lost.name)));
    let words = match lost.why {
        Why::Removed => "The file is gone, so no new client can find the socket.",
        Why::Replaced => "Another file has the name now, and new clients reach that one.",
        Why::OtherMount => {
            "It was bound on a file system that is mounted there only for that process."
        }
        Why::Unseen => "Its directory could not be listed, so the file may be there.",
    };
    page.fact_as(Role::Warning, "file", words);
    let words = format!("{}, inode {}.", lost.kind.word(), lost.inode);
    page.fact("socket", &words);
    if let Some(clients) = lost.clients {
        page.fact("clients", &format!("{clients}."));
    }
    page.holders("held by", &lost.holders);
    page.service(lost.service.as_ref());
    page.socket("bound here", lost.inode);
    for process in &lost.holders.processes {
        page.process("holder", process);
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Socket => "a socket's file",
        Kind::Fifo => "a FIFO",
        Kind::File => "a file",
        Kind::Directory => "a directory",
        Kind::Symlink => "a symbolic link",
        Kind::Device => "a device",
        Kind::Mount => "a mount point",
        Kind::Unknown => "of a kind that is not known",
    }
}

fn state(state: State) -> Option<&'static str> {
    Some(match state {
        State::Listening => "Listening: clients can connect.",
        State::QueueFull => {
            "Listening, with a full queue: connect(2) waits, or gives EAGAIN. The server is busy \
             for a moment, or it hangs."
        }
        State::Activation => {
            "A manager listens; the first client starts the service, which inherits the socket."
        }
        State::Bound => {
            "Bound, not listening: a datagram socket receives here; a stream socket refuses \
             connections until listen(2)."
        }
        State::OnlyConnections => {
            "No listener any more: connections accepted here are still open; a new one gets \
             ECONNREFUSED."
        }
        State::Stale => {
            "Stale: no socket is bound to the file; its server has gone. connect(2) gives \
             ECONNREFUSED."
        }
        State::OtherNamespace => {
            "Its socket is in another network namespace: the path reaches the server all the same."
        }
        State::Placeholder => "A placeholder: nobody listens here, on purpose.",
        State::Unknown => "? — it is not known what is bound here.",
        State::Mounted => "Another file system is mounted here.",
        State::Dangling => "The link leads nowhere.",
        State::Present => return None,
    })
}
