//! AF_UNIX sockets as the kernel lists them: a netlink `sock_diag` client.
//!
//! Owns the request, the dump loop and asking again when a dump was disturbed; the message format
//! is [`message`]'s. Which process holds a socket is not in here: see [`super::proc_scan`].
//!
//! A dump is not atomic: `unix_diag_dump()` resumes by hash slot and index, so sockets that come
//! and go meanwhile make it skip or repeat others without a sign. [`dump`] repairs that: it asks
//! for all identities once more, which costs a third, and when one is new it dumps again and takes
//! the union. Identities are cookies: the kernel never gives one out twice (sock_gen_cookie()). References: sock_diag(7), net/unix/diag.c.

mod message;

use std::collections::hash_map::Entry;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::number_map::NumberMap;
use crate::untrusted::Untrusted;
use message::Request;
pub use message::{ParseError, parse};

/// Bytes of one receive buffer. The kernel fills at most 32 KiB a message batch, and with less a
/// listener that has a thousand clients waiting does not fit and silently ends the dump.
const BUFFER: usize = 32 * 1024;

/// How often everything is dumped again at most while sockets come and go.
const DUMPS: u32 = 3;

/// A socket's type, as given to socket(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    /// `SOCK_STREAM`: bytes.
    Stream,
    /// `SOCK_DGRAM`: messages, no connection needed.
    Dgram,
    /// `SOCK_SEQPACKET`: messages over a connection.
    Seqpacket,
    /// A type this program does not know.
    Other(u8),
}

impl Type {
    fn from_kernel(number: u8) -> Self {
        match number {
            1 => Self::Stream,
            2 => Self::Dgram,
            5 => Self::Seqpacket,
            other => Self::Other(other),
        }
    }

    /// As tables write it: `stream`, `dgram`, `seqpacket`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Dgram => "dgram",
            Self::Seqpacket => "seqpacket",
            Self::Other(_) => "other",
        }
    }
}

/// `sk_state`, of which AF_UNIX uses three of TCP's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// `TCP_ESTABLISHED`: connected, perhaps not accepted yet, perhaps closed by the peer.
    Established,
    /// `TCP_CLOSE`: not connected and not listening.
    Unconnected,
    /// `TCP_LISTEN`: listen(2) was called.
    Listening,
    /// A state this program does not know.
    Other(u8),
}

impl State {
    fn from_kernel(number: u8) -> Self {
        match number {
            1 => Self::Established,
            7 => Self::Unconnected,
            10 => Self::Listening,
            other => Self::Other(other),
        }
    }
}

/// The name a socket is bound to: exactly the bytes given to bind(2), or for an accepted socket
/// those of its listener.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "name")]
pub enum Name {
    /// A file name, without the NUL that ends it. May be relative, and may be out of date.
    Path(Untrusted),
    /// An abstract name, without the NUL that begins it. Any byte may occur, NUL too.
    Abstract(Untrusted),
}

impl Name {
    /// The bytes of the name, without a sign of which kind it is.
    pub fn text(&self) -> &Untrusted {
        match self {
            Self::Path(text) | Self::Abstract(text) => text,
        }
    }
}

/// A device number: major and minor, as stat(1) `%Hd:%Ld` and `/proc/PID/mountinfo` show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema, Serialize)]
pub struct Device {
    /// The major number.
    pub major: u32,
    /// The minor number.
    pub minor: u32,
}

impl Device {
    /// From the kernel's own `dev_t`: 12 bits of major above 20 bits of minor. `udiag_vfs_dev`
    /// holds this form, which is not the one that `stat` returns.
    pub fn from_kernel(device: u32) -> Self {
        Self {
            major: device >> 20,
            minor: device & 0xf_ffff,
        }
    }

    /// From `st_dev`.
    pub fn from_stat(device: u64) -> Self {
        Self {
            major: rustix::fs::major(device),
            minor: rustix::fs::minor(device),
        }
    }
}

/// Which file a socket is bound to. The kernel tells 32 bits of the inode number, no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema, Serialize)]
pub struct FileId {
    /// The device of the file system.
    pub device: Device,
    /// The low 32 bits of the inode number.
    pub inode: u32,
}

impl FileId {
    /// From `st_dev` and `st_ino`. On overlayfs and btrfs `st_dev` may be a number made up for a
    /// layer or a subvolume, which matches no socket: there, take the device from the mount
    /// ([`super::mounts::devices_of`]).
    pub fn from_stat(device: u64, inode: u64) -> Self {
        Self {
            device: Device::from_stat(device),
            inode: low_half(inode),
        }
    }
}

/// The 32 bits of an inode number that sock_diag carries.
pub fn low_half(inode: u64) -> u32 {
    u32::try_from(inode & u64::from(u32::MAX)).expect("masked to 32 bits")
}

/// Which directions are shut down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Shutdown {
    /// `RCV_SHUTDOWN`: nothing more will be received.
    pub receive: bool,
    /// `SEND_SHUTDOWN`: nothing more can be sent.
    pub send: bool,
}

/// One socket.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Socket {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Type,
    /// Its state.
    pub state: State,
    /// Inode number in sockfs: the number in `socket:[…]` of `/proc/PID/fd`. 32 bits, and may
    /// repeat on a machine that has been up for long.
    pub inode: u32,
    /// Never repeats: what `getsockopt(SO_COOKIE)` returns.
    pub cookie: u64,
    /// What it is bound to.
    pub name: Option<Name>,
    /// The file it is bound to, for path names.
    pub file: Option<FileId>,
    /// The inode of its peer. 0 when there is one without an inode: not accepted yet, or closed.
    pub peer: Option<u32>,
    /// For listeners: inodes of clients whose connection waits to be accepted.
    pub waiting: Vec<u32>,
    /// `udiag_rqueue`. Listening: connections that wait to be accepted. Stream: bytes that wait
    /// to be read. Others: bytes of the first waiting message.
    pub receive_queue: u32,
    /// `udiag_wqueue`. Listening: the backlog. Others: kernel memory of what was sent and not yet
    /// read, in bytes.
    pub send_queue: u32,
    /// What is shut down.
    pub shutdown: Shutdown,
    /// Who owns the socket's inode: the user that created it, unless fchown(2) was used.
    pub uid: Option<u32>,
    /// Memory of what it sent. Only [`queue_behind`] asks for it.
    #[serde(skip)]
    pub send_memory: Option<SendMemory>,
}

/// Kernel memory of what a socket has sent and nobody has read (`ss -xm` shows `t` and `tb`). It
/// counts whole buffers with their overhead, not bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema, Serialize)]
pub struct SendMemory {
    /// `sk_wmem_alloc`, in bytes: what SIOCOUTQ tells the owner.
    pub used: u32,
    /// `sk_sndbuf`, in bytes. A call that sends is taken while `used` is less
    /// (sock_alloc_send_pskb()), so it can be passed a little.
    pub limit: u32,
}

/// A dump of all AF_UNIX sockets of this network namespace.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    /// Each socket once.
    pub sockets: Vec<Socket>,
    /// How often the kernel was asked again because sockets came and went meanwhile.
    pub repeated: u32,
}

/// All AF_UNIX sockets of the calling thread's network namespace, each once.
///
/// # Errors
/// When the kernel has no `unix_diag` (`ENOENT`), or netlink is forbidden here (`EPERM`,
/// `EACCES`, `EPROTONOSUPPORT`), or it answers what cannot be parsed (`InvalidData`).
pub fn dump() -> io::Result<Dump> {
    let netlink = open()?;
    let mut all = Union::default();
    let mut buffer = vec![0; BUFFER];
    receive(&netlink, &mut buffer, Request::Everything, |bytes| {
        message::each(bytes, |socket| all.add(socket))
    })?;
    let mut repeated = 0;
    while repeated < DUMPS && !complete(&all, &netlink, &mut buffer)? {
        repeated += 1;
        receive(&netlink, &mut buffer, Request::Everything, |bytes| {
            message::each(bytes, |socket| all.add(socket))
        })?;
    }
    if all.sockets.iter().any(speaks_of_waiting) {
        receive(&netlink, &mut buffer, Request::Listeners, |bytes| {
            message::each(bytes, |listener| {
                if let Some(&at) = all.at.get(&listener.cookie) {
                    all.sockets[at].waiting = listener.waiting;
                }
            })
        })?;
    }
    Ok(Dump {
        sockets: all.sockets,
        repeated,
    })
}

/// Whether every socket that the kernel lists now is known.
fn complete(all: &Union, netlink: &OwnedFd, buffer: &mut [u8]) -> io::Result<bool> {
    let mut complete = true;
    receive(netlink, buffer, Request::Identities, |bytes| {
        message::each_cookie(bytes, |cookie| complete &= all.at.contains_key(&cookie))
    })?;
    Ok(complete)
}

/// Whether a socket gives a reason to ask who waits where: a listener that somebody waits at, or a
/// client that somebody may have to accept.
fn speaks_of_waiting(socket: &Socket) -> bool {
    match socket.state {
        State::Listening => socket.receive_queue > 0,
        State::Established => socket.peer.is_none_or(|peer| peer == 0),
        State::Unconnected | State::Other(_) => false,
    }
}

/// Sockets of several dumps, each once.
#[derive(Default)]
struct Union {
    sockets: Vec<Socket>,
    /// By cookie.
    at: NumberMap<u64, usize>,
}

impl Union {
    /// Adds a socket. What is said of one that is known already is newer.
    fn add(&mut self, socket: Socket) {
        match self.at.entry(socket.cookie) {
            Entry::Occupied(slot) => self.sockets[*slot.get()] = socket,
            Entry::Vacant(slot) => {
                slot.insert(self.sockets.len());
                self.sockets.push(socket);
            }
        }
    }
}

/// What is known of the socket bound to a file.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct BoundSocket {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Type,
    /// What it does.
    pub state: BoundState,
    /// Its inode in sockfs: what `/proc/PID/fd` names.
    pub inode: u32,
}

/// What a bound socket does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BoundState {
    /// listen(2) was called: connect(2) succeeds or waits.
    Listening {
        /// Connections that wait for accept(2).
        pending: u32,
        /// How many may wait before connect(2) blocks: the argument of listen(2), limited by
        /// `net.core.somaxconn`. The kernel lets one more in.
        backlog: u32,
    },
    /// bind(2) was called and listen(2) was not: a datagram socket receives, a stream socket
    /// refuses connections.
    Bound,
    /// Only connected sockets carry the name: those that a listener accepted before it was
    /// closed. connect(2) gives `ECONNREFUSED`.
    OnlyConnections,
}

/// The socket that is bound to the file with this `st_dev` and `st_ino`, in this network
/// namespace: what connect(2) to that file would reach. `None`: no socket is, the file is stale; or, though
/// seldom, the kernel left it out while others came and went.
/// Where `st_dev` is not the file system's own number (overlayfs, btrfs), the inode decides.
///
/// # Errors
/// As [`dump`].
pub fn bound_to(device: u64, inode: u64) -> io::Result<Option<BoundSocket>> {
    let sockets = ask(&open()?, Request::Bound)?;
    let file = FileId::from_stat(device, inode);
    if let Some(found) = pick(&sockets, file) {
        return Ok(Some(found));
    }
    let mounts = super::mounts::mounts()?;
    let found = super::mounts::devices_of(&mounts, file.device)
        .into_iter()
        .find_map(|device| pick(&sockets, FileId { device, ..file }));
    Ok(found)
}

/// Like [`bound_to`], for the file at a path; symbolic links are followed.
///
/// # Errors
/// When the file's status cannot be read, or as [`dump`].
pub fn bound_at(path: &Path) -> io::Result<Option<BoundSocket>> {
    let status = fs::metadata(path)?;
    bound_to(status.dev(), status.ino())
}

/// The memory of what the peer of a socket of ours has sent and we have not read. `None`: there is
/// no peer that somebody has open; it was closed, or not accepted yet.
///
/// # Errors
/// As [`dump`].
pub fn queue_behind(inode: u64) -> io::Result<Option<SendMemory>> {
    let netlink = open()?;
    let peer = ask_one(&netlink, low_half(inode))?.and_then(|socket| socket.peer);
    let Some(peer) = peer.filter(|&peer| peer != 0) else {
        return Ok(None);
    };
    let peer = ask_one(&netlink, peer)?;
    Ok(peer.and_then(|socket| socket.send_memory))
}

/// The socket with this inode, if there is one.
fn ask_one(netlink: &OwnedFd, inode: u32) -> io::Result<Option<Socket>> {
    send(netlink, &Request::One(inode).bytes(), SendFlags::empty())?;
    let mut buffer = vec![0; BUFFER];
    let (read, _) = recv(netlink, buffer.as_mut_slice(), RecvFlags::empty())?;
    match parse(&buffer[..read]) {
        Ok(batch) => Ok(batch.sockets.into_iter().next()),
        Err(ParseError::Refused(errno)) if errno == rustix::io::Errno::NOENT.raw_os_error() => {
            Ok(None)
        }
        Err(error) => Err(refusal(error)),
    }
}

fn refusal(error: ParseError) -> io::Error {
    match error {
        ParseError::Refused(errno) => io::Error::from_raw_os_error(errno),
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

fn pick(sockets: &[Socket], file: FileId) -> Option<BoundSocket> {
    let rank = |socket: &&Socket| match (socket.state, socket.kind) {
        (State::Listening, _) => 2,
        (State::Unconnected, _) | (_, Type::Dgram) => 1,
        _ => 0,
    };
    let found = sockets
        .iter()
        .filter(|socket| socket.file == Some(file))
        .max_by_key(rank)?;
    let state = match rank(&found) {
        2 => BoundState::Listening {
            pending: found.receive_queue,
            backlog: found.send_queue,
        },
        1 => BoundState::Bound,
        _ => BoundState::OnlyConnections,
    };
    Some(BoundSocket {
        kind: found.kind,
        state,
        inode: found.inode,
    })
}

fn open() -> io::Result<OwnedFd> {
    Ok(socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?)
}

fn ask(netlink: &OwnedFd, request: Request) -> io::Result<Vec<Socket>> {
    let mut sockets = Vec::new();
    receive(netlink, &mut vec![0; BUFFER], request, |bytes| {
        message::each(bytes, |socket| sockets.push(socket))
    })?;
    Ok(sockets)
}

/// Asks, and gives each datagram of the answer to `take` until that says it was the last.
fn receive(
    netlink: &OwnedFd,
    buffer: &mut [u8],
    request: Request,
    mut take: impl FnMut(&[u8]) -> Result<bool, ParseError>,
) -> io::Result<()> {
    send(netlink, &request.bytes(), SendFlags::empty())?;
    loop {
        let (read, length) = recv(netlink, &mut *buffer, RecvFlags::TRUNC)?;
        if length > read {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the kernel's answer was longer than the buffer",
            ));
        }
        if take(&buffer[..read]).map_err(refusal)? {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    fn inode_of(fd: impl AsFd) -> u32 {
        low_half(rustix::fs::fstat(fd).unwrap().st_ino)
    }

    fn find(dump: &Dump, inode: u32) -> &Socket {
        dump.sockets
            .iter()
            .find(|socket| socket.inode == inode)
            .expect("a socket we hold is in the dump")
    }

    #[test]
    fn a_listener_is_told_from_a_bound_one_and_from_a_stale_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let bound = socket_with(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .unwrap();
        let address = rustix::net::SocketAddrUnix::new(&path).unwrap();
        rustix::net::bind(&bound, &address).unwrap();
        assert_eq!(
            bound_at(&path).unwrap().unwrap().state,
            BoundState::Bound,
            "bind without listen"
        );
        rustix::net::listen(&bound, 7).unwrap();
        let client = UnixStream::connect(&path).unwrap();
        let found = bound_at(&path).unwrap().unwrap();
        assert_eq!(
            found.state,
            BoundState::Listening {
                pending: 1,
                backlog: 7
            }
        );
        assert_eq!(found.inode, inode_of(&bound));
        drop(client);
        let _client = UnixStream::connect(&path).unwrap();
        let _gone = rustix::net::accept(&bound).unwrap();
        let accepted = rustix::net::accept(&bound).unwrap();
        drop(bound);
        assert_eq!(
            bound_at(&path).unwrap().unwrap().state,
            BoundState::OnlyConnections
        );
        drop((accepted, _gone));
        assert_eq!(bound_at(&path).unwrap(), None, "stale");
    }

    #[test]
    fn a_bound_datagram_socket_is_bound() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("d");
        let _socket = UnixDatagram::bind(&path).unwrap();
        let status = fs::metadata(&path).unwrap();
        let found = bound_to(status.dev(), status.ino()).unwrap().unwrap();
        assert_eq!((found.kind, found.state), (Type::Dgram, BoundState::Bound));
    }

    #[test]
    fn a_socketpair_is_listed_with_each_other_as_peer() {
        let (left, right) = UnixStream::pair().unwrap();
        let dump = dump().unwrap();
        let (left, right) = (inode_of(&left), inode_of(&right));
        assert_eq!(find(&dump, left).peer, Some(right));
        assert_eq!(find(&dump, right).peer, Some(left));
        assert_eq!(find(&dump, left).state, State::Established);
        assert_eq!(find(&dump, left).name, None);
        let uid = rustix::process::geteuid().as_raw();
        assert_eq!(find(&dump, left).uid, Some(uid));
    }

    #[test]
    fn the_queue_behind_a_socket_is_full_when_its_peer_gets_eagain() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let inode = rustix::fs::fstat(&ours).unwrap().st_ino;
        let empty = queue_behind(inode).unwrap().expect("the peer is open");
        assert_eq!(empty.used, 0);
        theirs.set_nonblocking(true).unwrap();
        while std::io::Write::write(&mut &theirs, &[0; 4096]).is_ok() {}
        let full = queue_behind(inode).unwrap().expect("the peer is open");
        assert!(full.used >= full.limit && full.limit > 0, "{full:?}");
        drop(theirs);
        assert_eq!(queue_behind(inode).unwrap(), None);
    }

    #[test]
    fn a_waiting_client_is_named_by_its_listener() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let client = UnixStream::connect(&path).unwrap();
        let dump = dump().unwrap();
        let listener = find(&dump, inode_of(&listener));
        assert_eq!(listener.waiting, [inode_of(&client)]);
        assert_eq!(listener.receive_queue, 1);
        let expected = Name::Path(Untrusted::from(path.as_path()));
        assert_eq!(listener.name.as_ref(), Some(&expected));
        let status = fs::metadata(&path).unwrap();
        assert_eq!(
            listener.file,
            Some(FileId::from_stat(status.dev(), status.ino()))
        );
        assert_eq!(find(&dump, inode_of(&client)).peer, Some(0));
    }

    #[test]
    fn each_socket_is_listed_once() {
        let dump = dump().unwrap();
        let mut keys: Vec<_> = dump.sockets.iter().map(|s| (s.inode, s.cookie)).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), dump.sockets.len());
    }
}
