//! What stands at the program's address: a file, a socket that is bound or listens, or nothing.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use serde::Serialize;

use crate::curriculum::scenario::SocketType;
use crate::sys::sock_diag::{self, BoundState, Name, State};
use crate::untrusted::Untrusted;

/// How often the kernel is asked for the socket of a file before there is none.
const LOOKS: u32 = 3;

/// What stands at the address.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Address {
    /// The path, or `@` and the abstract name.
    pub path: String,
    /// The length of the path or name, in bytes.
    pub bytes: usize,
    /// Whether anything is there.
    pub exists: bool,
    /// `socket`, `regular file`, `fifo`, `symbolic link`, `directory`, `device` or `missing`.
    pub kind: &'static str,
    /// `none`, `bound` or `listening`: what a living socket does there.
    pub state: &'static str,
    /// `stream`, `dgram`, `seqpacket`, or empty.
    #[serde(rename = "type")]
    pub socket_type: &'static str,
    /// The type that it must be of.
    pub wanted: &'static str,
    /// Other names in the directory; at most five.
    pub others: Vec<String>,
}

impl Address {
    /// Looks at a path without following it.
    pub fn look(path: &Path) -> Self {
        let mut found = Self {
            path: Untrusted::from(path).to_string(),
            bytes: path.as_os_str().len(),
            kind: "missing",
            state: "none",
            others: others(path),
            ..Self::default()
        };
        let Ok(metadata) = fs::symlink_metadata(path) else {
            return found;
        };
        found.exists = true;
        let kind = metadata.file_type();
        found.kind = if kind.is_socket() {
            "socket"
        } else if kind.is_file() {
            "regular file"
        } else if kind.is_dir() {
            "directory"
        } else if kind.is_symlink() {
            "symbolic link"
        } else if kind.is_fifo() {
            "fifo"
        } else {
            "device"
        };
        // The kernel may leave a socket out while others come and go: what it never tells is not there.
        let mut looks = (0..LOOKS).map(|_| sock_diag::bound_to(metadata.dev(), metadata.ino()));
        if let Some(bound) = looks.find_map(|look| look.ok().flatten()) {
            found.socket_type = bound.kind.word();
            found.state = match bound.state {
                BoundState::Listening { .. } => "listening",
                BoundState::Bound => "bound",
                BoundState::OnlyConnections => "none",
            };
        }
        found
    }

    /// Looks for a socket of this type with an abstract name, which is given without its NUL: each
    /// type has names of its own (`unix_abstract_hash`). `path` is where a file of that name would be.
    pub fn look_for_abstract(name: &[u8], wanted: SocketType, path: &Path) -> Self {
        let mut found = Self {
            path: format!("@{}", Untrusted::from(name)),
            bytes: name.len(),
            kind: "missing",
            state: "none",
            others: others(path),
            ..Self::default()
        };
        let name = Name::Abstract(Untrusted::from(name));
        let all = sock_diag::dump().map_or_else(|_| Vec::new(), |table| table.sockets);
        let of_that_name = all.into_iter().filter(|socket| {
            socket.name.as_ref() == Some(&name) && socket.kind.word() == wanted.word()
        });
        for socket in of_that_name {
            found.exists = true;
            found.kind = "socket";
            found.socket_type = wanted.word();
            match socket.state {
                State::Listening => found.state = "listening",
                // An accepted connection has its listener's name.
                _ if found.state == "none" && socket.peer.is_none() => found.state = "bound",
                _ => {}
            }
        }
        found
    }
}

fn others(path: &Path) -> Vec<String> {
    let Some(entries) = path.parent().and_then(|parent| fs::read_dir(parent).ok()) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name())
        .filter(|name| Some(name.as_os_str()) != path.file_name())
        .map(|name| Untrusted::from(name).to_string())
        .collect();
    names.sort();
    names.truncate(5);
    names
}

#[cfg(test)]
mod tests {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};

    use super::*;

    #[test]
    fn an_address_that_is_not_there_says_so() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("other"), "").unwrap();
        let seen = Address::look(&directory.path().join("s"));
        assert_eq!(
            (seen.kind, seen.state, seen.others),
            ("missing", "none", vec!["other".to_owned()])
        );
    }

    #[test]
    fn a_listening_socket_is_told_from_a_stale_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(Address::look(&path).state, "listening");
        assert_eq!(Address::look(&path).socket_type, "stream");
        drop(listener);
        let seen = Address::look(&path);
        assert_eq!((seen.kind, seen.state), ("socket", "none"));
    }

    #[test]
    fn an_abstract_name_is_looked_up_among_sockets_of_the_type() {
        let name = format!("ipc-mastery/test/address/{}", std::process::id());
        let look = || {
            let seen = Address::look_for_abstract(
                name.as_bytes(),
                SocketType::Stream,
                Path::new("/nowhere/s"),
            );
            (seen.kind, seen.state)
        };
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let _decoy = UnixDatagram::bind_addr(&address).unwrap();
        assert_eq!(look(), ("missing", "none"));
        let listener = UnixListener::bind_addr(&address).unwrap();
        assert_eq!(look(), ("socket", "listening"));
        drop(listener);
        assert_eq!(look(), ("missing", "none"));
    }
}
