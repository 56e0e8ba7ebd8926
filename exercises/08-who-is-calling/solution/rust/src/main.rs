//! Exercise 8, reference solution in Rust: a server that asks the kernel who is calling.
//!
//!     who-is-calling GROUP PATH
//!
//! All that is known about a caller is read once, right after accept, from the connection itself.
//! What the caller says is a question, never an answer.

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;

use nix::libc;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, UnixCredentials, bind, getsockopt,
    listen, socket, sockopt,
};
use nix::unistd::geteuid;

/// What the kernel recorded when this peer called connect.
struct Caller {
    ids: UnixCredentials,
    /// Supplementary groups; the gid in `ids` need not be among them.
    groups: Vec<libc::gid_t>,
}

/// How often each user has called. A user is a uid, whatever process it comes as.
type Calls = HashMap<libc::uid_t, u64>;

impl Caller {
    fn of(connection: &UnixStream) -> io::Result<Self> {
        Ok(Self {
            ids: getsockopt(connection, sockopt::PeerCredentials)?,
            groups: peer_groups(connection)?,
        })
    }

    fn is_member(&self, group: libc::gid_t) -> bool {
        self.ids.gid() == group || self.groups.contains(&group)
    }

    fn answer(&self, question: &[u8], group: libc::gid_t, calls: &Calls) -> String {
        let uid = self.ids.uid();
        match question {
            b"user" if uid == geteuid().as_raw() => "same".into(),
            b"user" => "other".into(),
            b"member" if self.is_member(group) => "yes".into(),
            b"member" => "no".into(),
            b"groups" => self.groups.len().to_string(),
            b"calls" => calls[&uid].to_string(),
            _ => match question.strip_prefix(b"uid ").and_then(parse_number) {
                Some(claimed) => (claimed == u64::from(uid)).to_string(),
                None => "unknown".into(),
            },
        }
    }
}

/// Reads the list of groups. The first question has no room: the kernel says ERANGE and how many
/// bytes it needs, or succeeds because there are none. The list never changes in between.
fn peer_groups(connection: &UnixStream) -> io::Result<Vec<libc::gid_t>> {
    let mut groups: Vec<libc::gid_t> = Vec::new();
    let mut size: libc::socklen_t = 0;
    loop {
        // SAFETY: `size` is never more than the bytes of `groups`, and both outlive the call.
        let result = unsafe {
            libc::getsockopt(
                connection.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &mut size,
            )
        };
        let error = io::Error::last_os_error();
        let count = size as usize / size_of::<libc::gid_t>(); // size is in bytes
        match result {
            0 => {
                groups.truncate(count);
                return Ok(groups);
            }
            _ if error.raw_os_error() == Some(libc::ERANGE) => groups.resize(count, 0),
            _ => return Err(error),
        }
    }
}

/// Takes a decimal number and nothing else; `parse` alone would accept a sign. It is wider than a
/// uid, so nothing is cut off.
fn parse_number(text: &[u8]) -> Option<u64> {
    let number = (1..=10).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| number)?.parse().ok()
}

fn listen_at(path: &Path) -> io::Result<UnixListener> {
    let listener = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    bind(listener.as_raw_fd(), &UnixAddr::new(path)?)?;
    // Everybody may call; connect needs permission to write. Nobody can before listen.
    fs::set_permissions(path, Permissions::from_mode(0o666))?;
    listen(&listener, Backlog::MAXCONN)?;
    Ok(listener.into())
}

/// Answers questions until the caller has said its last.
fn serve(mut connection: &UnixStream, caller: &Caller, group: u32, calls: &Calls) -> io::Result<()> {
    for question in BufReader::new(connection).split(b'\n') {
        let reply = caller.answer(&question?, group, calls) + "\n";
        connection.write_all(reply.as_bytes())?;
    }
    Ok(())
}

fn run(group: u32, path: &Path) -> io::Result<()> {
    let listener = listen_at(path)?;
    let mut calls = Calls::new();
    loop {
        let (connection, _) = listener.accept()?;
        let caller = Caller::of(&connection)?;
        let ids = &caller.ids;
        *calls.entry(ids.uid()).or_default() += 1;
        let mut out = io::stdout().lock();
        writeln!(out, "peer pid={} uid={} gid={}", ids.pid(), ids.uid(), ids.gid())?;
        out.flush()?;
        // Rust programs ignore SIGPIPE, so a caller that is gone is an error of one conversation.
        if let Err(error) = serve(&connection, &caller, group, &calls) {
            eprintln!("who-is-calling: {error}");
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let (Some(group), Some(path)) = (arguments.first(), arguments.get(1)) else {
        eprintln!("usage: who-is-calling GROUP PATH");
        return ExitCode::FAILURE;
    };
    let Some(group) = group.to_str().and_then(|group| group.parse().ok()) else {
        eprintln!("who-is-calling: GROUP is a number");
        return ExitCode::FAILURE;
    };
    match run(group, Path::new(path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("who-is-calling: {error}");
            ExitCode::FAILURE
        }
    }
}
