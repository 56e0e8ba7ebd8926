//! Sockets that are only there: made with any name and in any state, for programs that look at the
//! machine (socket(2), bind(2), listen(2), connect(2), accept(2)).

use std::env;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket,
};
use nix::sys::stat::fstat;

use super::connection::{Stop, os_errno};
use super::listener::accept;
use crate::check::patience::Deadline;
use crate::check::protocol::{Bytes, DeedResult, Made, Making, SocketAddress};
use crate::curriculum::scenario::{SocketFile, SocketState, SocketType, Waits};
use crate::untrusted::Untrusted;

/// Connections that may wait at a listener.
const BACKLOG: i32 = 16;

/// A socket that is there.
pub(super) struct Named {
    socket: OwnedFd,
    address: Option<SocketAddress>,
}

/// Makes a socket; `to` is the one it connects to or is accepted from.
pub(super) fn make(
    making: &Making,
    address: Option<&SocketAddress>,
    to: Option<&Named>,
    deadline: Deadline,
) -> Result<(Named, Made), Stop> {
    let fault = || Stop::new(DeedResult::Fault, "find the other socket");
    let made = match making.state {
        SocketState::Accepted => accept(&to.ok_or_else(fault)?.socket, deadline)?.socket,
        state => {
            let made = open(making.kind, Waits::No)?;
            if let Some(address) = address {
                on_address(address, |address| bind(made.as_raw_fd(), address), "bind")?;
                dispose(address, making.file)?;
            }
            if state == SocketState::Listening {
                let backlog =
                    Backlog::new(BACKLOG).map_err(|errno| Stop::errno(errno, "listen"))?;
                listen(&made, backlog).map_err(|errno| Stop::errno(errno, "listen"))?;
            }
            if state == SocketState::Connected {
                let to = to.and_then(|to| to.address.as_ref()).ok_or_else(fault)?;
                on_address(to, |address| connect(made.as_raw_fd(), address), "connect")?;
            }
            made
        }
    };
    let inode = fstat(&made)
        .map_err(|errno| Stop::errno(errno, "fstat"))?
        .st_ino;
    let named = Named {
        socket: made,
        address: address.cloned(),
    };
    Ok((named, Made { inode }))
}

/// A socket with close-on-exec.
pub(super) fn open(kind: SocketType, waits: Waits) -> Result<OwnedFd, Stop> {
    let kind = match kind {
        SocketType::Stream => SockType::Stream,
        SocketType::Dgram => SockType::Datagram,
        SocketType::Seqpacket => SockType::SeqPacket,
    };
    let flags = match waits {
        Waits::Yes => SockFlag::SOCK_CLOEXEC,
        Waits::No => SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
    };
    socket(AddressFamily::Unix, kind, flags, None).map_err(|errno| Stop::errno(errno, "socket"))
}

/// Does something with an address, in the directory that it is relative to.
pub(super) fn on_address(
    address: &SocketAddress,
    mut call: impl FnMut(&UnixAddr) -> nix::Result<()>,
    name: &'static str,
) -> Result<(), Stop> {
    let path = |bytes: &Bytes| Untrusted::from(bytes).as_path().to_owned();
    let done = match address {
        SocketAddress::Path(bytes) => UnixAddr::new(&path(bytes)).and_then(|made| call(&made)),
        SocketAddress::Abstract(bytes) => {
            UnixAddr::new_abstract(&bytes.0).and_then(|made| call(&made))
        }
        SocketAddress::Relative { directory, name } => {
            let back = env::current_dir().unwrap_or_else(|_| "/".into());
            env::set_current_dir(path(directory))
                .map_err(|error| Stop::errno(os_errno(&error), "chdir"))?;
            let done = UnixAddr::new(&path(name)).and_then(|made| call(&made));
            env::set_current_dir(back).map_err(|error| Stop::errno(os_errno(&error), "chdir"))?;
            done
        }
    };
    done.map_err(|errno: Errno| Stop::errno(errno, name))
}

/// Does with the file what is wanted.
fn dispose(address: &SocketAddress, fate: SocketFile) -> Result<(), Stop> {
    let file = match address {
        SocketAddress::Path(bytes) => Untrusted::from(bytes).as_path().to_owned(),
        SocketAddress::Relative { directory, name } => Untrusted::from(directory)
            .as_path()
            .join(Untrusted::from(name).as_path()),
        SocketAddress::Abstract(_) => return Ok(()),
    };
    let done = match fate {
        SocketFile::Kept => Ok(()),
        SocketFile::Removed => fs::remove_file(&file),
        SocketFile::Renamed => fs::rename(&file, renamed(&file)),
    };
    done.map_err(|error| Stop::errno(os_errno(&error), "rename"))
}

/// Another name in the same directory.
fn renamed(file: &Path) -> std::path::PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".renamed");
    file.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    /// Flags, St and what follows the inode's blank, of the row with this inode.
    fn row(inode: u64) -> (String, String, Vec<u8>) {
        let table = fs::read("/proc/net/unix").unwrap();
        let wanted = format!(" {inode}");
        let lines = table.split(|&byte| byte == b'\n');
        let mut rows = lines.filter_map(|line| {
            let at = line
                .windows(wanted.len())
                .position(|part| part == wanted.as_bytes())?;
            let columns = str::from_utf8(&line[..at]).ok()?;
            let columns: Vec<&str> = columns.split_whitespace().collect();
            let name = line[at + wanted.len()..].to_vec();
            Some((columns[3].to_owned(), columns[5].to_owned(), name))
        });
        rows.next().expect("the socket's row")
    }

    fn made(
        kind: SocketType,
        state: SocketState,
        address: Option<&SocketAddress>,
        to: Option<&Named>,
    ) -> (Named, u64) {
        let making = Making {
            kind,
            state,
            file: SocketFile::Kept,
        };
        let deadline = Deadline::after_ms(5_000);
        match make(&making, address, to, deadline) {
            Ok((named, made)) => (named, made.inode),
            Err(stop) => panic!("{} {}", stop.call, stop.errno),
        }
    }

    #[test]
    fn every_kind_of_name_is_shown_by_the_kernel_as_we_say() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().as_os_str().as_bytes();
        let path = |name: &[u8]| SocketAddress::Path(Bytes([directory, b"/", name].concat()));
        let addresses = [
            path(b"a  b "),
            path(b"\xff\r"),
            SocketAddress::Relative {
                directory: Bytes(directory.to_vec()),
                name: Bytes(b"  00010000".to_vec()),
            },
            SocketAddress::Abstract(Bytes([directory, b"\0x\0\xfe\0"].concat())),
        ];
        for address in &addresses {
            let (_held, inode) = made(
                SocketType::Seqpacket,
                SocketState::Listening,
                Some(address),
                None,
            );
            let (flags, st, name) = row(inode);
            assert_eq!((flags.as_str(), st.as_str()), ("00010000", "01"));
            assert_eq!(name, [b" ", &address.shown()[..]].concat());
        }
    }

    /// What the exercise's texts say about Flags and St.
    #[test]
    fn states_are_shown_by_the_kernel_as_the_exercise_says() {
        use SocketState::{Accepted, Bound, Connected, Listening, Unnamed};
        use SocketType::{Dgram, Stream};
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| {
            let path = directory.path().join(name);
            SocketAddress::Path(Bytes(path.as_os_str().as_bytes().to_vec()))
        };
        let shown = |inode| {
            let (flags, st, name) = row(inode);
            (flags, st, !name.is_empty())
        };
        let is = |flags: &str, st: &str, named| (flags.to_owned(), st.to_owned(), named);
        let (door, _) = made(Stream, Listening, Some(&at("door")), None);
        let (_client, client) = made(Stream, Connected, None, Some(&door));
        let (_accepted, accepted) = made(Stream, Accepted, None, Some(&door));
        let (_bound, bound) = made(Stream, Bound, Some(&at("bound")), None);
        let (_fresh, fresh) = made(Stream, Unnamed, None, None);
        assert_eq!(shown(client), is("00000000", "03", false));
        assert_eq!(shown(accepted), is("00000000", "03", true));
        assert_eq!(shown(bound), is("00000000", "01", true));
        assert_eq!(shown(fresh), is("00000000", "01", false));
        let (log, logged) = made(Dgram, Bound, Some(&at("log")), None);
        assert_eq!(shown(logged), is("00000000", "01", true));
        let (sender, _) = made(Dgram, Connected, None, Some(&log));
        assert_eq!(shown(logged), is("00000000", "03", true));
        drop(sender);
        assert_eq!(shown(logged), is("00000000", "03", true));
    }
}
