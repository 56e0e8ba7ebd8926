//! What is known of a descriptor.

use super::super::fds;
use super::Page;
use crate::probe::fds::{Descriptor, Ends, Fds, PidfdOf, What};
use crate::probe::holders::Process;
use crate::render::text::{Line, Role};
use crate::sys::fdinfo::Access;

pub(super) fn tell(page: &mut Page<'_>, seen: &Fds, open: &Descriptor) {
    let (kind, what, state) = fds::about(open, seen.pid);
    let title = Line::of(Role::Heading, format!("Descriptor {}", open.fd));
    let of = format!("   of {} {}: {kind}", seen.comm, seen.pid);
    page.title(title.with(Role::Plain, of));
    page.fact_as(what.role, "what", &what.text);
    if !state.is_empty() {
        page.fact("state", &state);
    }
    page.fact(
        "link",
        &format!("{}: what /proc/{}/fd says.", open.target, seen.pid),
    );
    page.fact("mode", mode(open.access));
    if !open.flags.is_empty() {
        page.fact("flags", &format!("{}.", open.flags.join(" ")));
    }
    page.fact(
        "execve",
        match open.close_on_exec {
            Some(true) => "It is closed by execve(2).",
            Some(false) => "It stays open in a program that is started by execve(2).",
            None => "? — what execve(2) does with it may not be read.",
        },
    );
    if let Some(position) = open.position {
        let words = format!("Byte {position}: where the next read(2) or write(2) begins.");
        page.fact("offset", &words);
    }
    if let Some(inode) = open.inode {
        page.fact("inode", &format!("{inode}."));
    }
    for (role, words) in fds::sentences(open, seen) {
        page.fact_as(role, "", &words);
    }
    ways(page, seen, open);
}

fn mode(access: Option<Access>) -> &'static str {
    match access {
        Some(Access::Read) => "Open for reading.",
        Some(Access::Write) => "Open for writing.",
        Some(Access::ReadWrite) => "Open for reading and writing.",
        Some(Access::PathOnly) => {
            "O_PATH: it stands for a place, and can neither be read nor written."
        }
        Some(Access::Neither) => "Neither for reading nor for writing: only ioctl(2).",
        None => "? — that may not be read.",
    }
}

fn ways(page: &mut Page<'_>, seen: &Fds, open: &Descriptor) {
    match &open.what {
        What::UnixSocket(socket) => {
            let inode = open.inode.and_then(|inode| u32::try_from(inode).ok());
            if let Some(inode) = inode {
                page.socket("it is", inode);
            }
            if let Some(peer) = &socket.peer {
                page.socket("its peer", peer.socket.inode);
                for process in &peer.socket.holders.processes {
                    page.process("peer's", process);
                }
            }
        }
        What::Pipe {
            ends: Some(Ends {
                readers, writers, ..
            }),
            ..
        } => {
            for (what, held) in [("read by", readers), ("written by", writers)] {
                for held in held.iter().filter(|held| held.process.pid != seen.pid) {
                    page.process(what, &held.process);
                }
            }
        }
        What::Pidfd {
            of: PidfdOf::Process(process),
        } => page.process("of", process),
        _ => {}
    }
    for held in &open.sharing.processes {
        page.process("shared with", &held.process);
    }
    let own = Process {
        pid: seen.pid,
        comm: seen.comm.clone(),
    };
    page.process("holder", &own);
}
