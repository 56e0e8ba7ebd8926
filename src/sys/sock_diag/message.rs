//! The bytes of `unix_diag` requests and answers: pure, no socket in sight.
//!
//! Layouts: `struct nlmsghdr` (netlink(7)), `struct unix_diag_req`, `struct unix_diag_msg` and the
//! `UNIX_DIAG_*` attributes (linux/unix_diag.h). Everything is in the host's byte order and
//! padded to 4 bytes. [`parse`] takes any bytes at all and never panics.

use thiserror::Error;

use super::{Device, FileId, Name, SendMemory, Shutdown, Socket, State, Type};
use crate::untrusted::Untrusted;

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_DUMP: u16 = 0x300;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const AF_UNIX: u8 = 1;

const SHOW_NAME: u32 = 0x01;
const SHOW_VFS: u32 = 0x02;
const SHOW_PEER: u32 = 0x04;
const SHOW_ICONS: u32 = 0x08;
const SHOW_RQLEN: u32 = 0x10;
const SHOW_MEMINFO: u32 = 0x20;
const SHOW_UID: u32 = 0x40;

const TCP_LISTEN: u32 = 10;

const NAME: u16 = 0;
const VFS: u16 = 1;
const PEER: u16 = 2;
const ICONS: u16 = 3;
const RQLEN: u16 = 4;
const MEMINFO: u16 = 5;
const SHUTDOWN: u16 = 6;
const UID: u16 = 7;

/// What to ask for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Request {
    /// All sockets; not who waits at listeners, which is the one attribute that can outgrow a
    /// message and end the dump early.
    Everything,
    /// All sockets, by inode and cookie only: to see whether any was missed.
    Identities,
    /// Listeners, with those who wait.
    Listeners,
    /// All sockets with their file and queues: enough to tell what is bound to a file.
    Bound,
    /// The one socket with this inode, with its peer and its memory. This is no dump: the answer is
    /// one message, or an error, and no end.
    One(u32),
}

impl Request {
    pub(super) fn bytes(self) -> Vec<u8> {
        let (flags, inode) = match self {
            Self::One(inode) => (NLM_F_REQUEST, inode),
            _ => (NLM_F_REQUEST | NLM_F_DUMP, 0),
        };
        let (states, show) = match self {
            Self::Everything => (
                u32::MAX,
                SHOW_NAME | SHOW_VFS | SHOW_PEER | SHOW_RQLEN | SHOW_UID,
            ),
            Self::Identities => (u32::MAX, 0),
            Self::Listeners => (1 << TCP_LISTEN, SHOW_ICONS),
            Self::Bound => (u32::MAX, SHOW_VFS | SHOW_RQLEN),
            Self::One(_) => (u32::MAX, SHOW_PEER | SHOW_MEMINFO),
        };
        let mut bytes = Vec::with_capacity(40);
        bytes.extend(40_u32.to_ne_bytes());
        bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 8]); // sequence number and port
        bytes.extend([AF_UNIX, 0, 0, 0]);
        bytes.extend(states.to_ne_bytes());
        bytes.extend(inode.to_ne_bytes()); // 0: any
        bytes.extend(show.to_ne_bytes());
        bytes.extend([0xff; 8]); // any cookie
        bytes
    }
}

/// What one datagram from the kernel held.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The sockets, in the kernel's order.
    pub sockets: Vec<Socket>,
    /// Whether the dump ends here.
    pub done: bool,
}

/// Why a datagram could not be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// The kernel refused: an errno.
    #[error("the kernel refused: errno {0}")]
    Refused(i32),
    /// A length field points outside of the datagram.
    #[error("a length in the kernel's answer is wrong")]
    Length,
}

/// Takes a netlink datagram apart. Messages of other kinds and unknown attributes are skipped.
///
/// # Errors
/// When the kernel refused the request or a length is wrong; never panics.
pub fn parse(bytes: &[u8]) -> Result<Batch, ParseError> {
    let mut sockets = Vec::new();
    let done = each(bytes, |socket| sockets.push(socket))?;
    Ok(Batch { sockets, done })
}

/// Gives each socket of a netlink datagram to `take`. Returns whether the dump ends here.
pub(super) fn each(bytes: &[u8], mut take: impl FnMut(Socket)) -> Result<bool, ParseError> {
    messages(bytes, |payload| {
        if let Some(socket) = socket(payload)? {
            take(socket);
        }
        Ok(())
    })
}

/// Like [`each`], for the cookies alone.
pub(super) fn each_cookie(bytes: &[u8], mut take: impl FnMut(u64)) -> Result<bool, ParseError> {
    messages(bytes, |payload| {
        if let Some((_, cookie)) = identity(payload)? {
            take(cookie);
        }
        Ok(())
    })
}

/// Gives each message about a socket to `take`. Returns whether the dump ends here.
fn messages(
    mut bytes: &[u8],
    mut take: impl FnMut(&[u8]) -> Result<(), ParseError>,
) -> Result<bool, ParseError> {
    while !bytes.is_empty() {
        let length = u32_at(bytes, 0).ok_or(ParseError::Length)?;
        let kind = u16_at(bytes, 4).ok_or(ParseError::Length)?;
        let length = usize::try_from(length).map_err(|_| ParseError::Length)?;
        let payload = bytes.get(16..length).ok_or(ParseError::Length)?;
        match kind {
            // Both carry an errno, negated; 0 means all is well.
            NLMSG_ERROR | NLMSG_DONE => {
                return match u32_at(payload, 0).map_or(0, u32::cast_signed) {
                    0 => Ok(true),
                    errno => Err(ParseError::Refused(errno.saturating_neg())),
                };
            }
            SOCK_DIAG_BY_FAMILY => take(payload)?,
            _ => {}
        }
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
    }
    Ok(false)
}

/// Inode and cookie of an AF_UNIX socket.
fn identity(payload: &[u8]) -> Result<Option<(u32, u64)>, ParseError> {
    let head = payload.get(..16).ok_or(ParseError::Length)?;
    let word = |at| u32_at(head, at).ok_or(ParseError::Length);
    let cookie = u64::from(word(8)?) | u64::from(word(12)?) << 32;
    Ok((head[0] == AF_UNIX).then_some((word(4)?, cookie)))
}

fn socket(payload: &[u8]) -> Result<Option<Socket>, ParseError> {
    let Some((inode, cookie)) = identity(payload)? else {
        return Ok(None);
    };
    let mut rest = payload.get(16..).ok_or(ParseError::Length)?;
    let mut socket = Socket {
        kind: Type::from_kernel(payload[1]),
        state: State::from_kernel(payload[2]),
        inode,
        cookie,
        name: None,
        file: None,
        peer: None,
        waiting: Vec::new(),
        receive_queue: 0,
        send_queue: 0,
        shutdown: Shutdown::default(),
        uid: None,
        send_memory: None,
    };
    while !rest.is_empty() {
        let length = usize::from(u16_at(rest, 0).ok_or(ParseError::Length)?);
        let kind = u16_at(rest, 2).ok_or(ParseError::Length)?;
        let value = rest.get(4..length).ok_or(ParseError::Length)?;
        attribute(&mut socket, kind, value).ok_or(ParseError::Length)?;
        rest = rest.get(aligned(length)..).unwrap_or_default();
    }
    Ok(Some(socket))
}

/// `None`: the value is too short for its kind.
fn attribute(socket: &mut Socket, kind: u16, value: &[u8]) -> Option<()> {
    match kind {
        NAME => socket.name = name(value),
        VFS => {
            socket.file = Some(FileId {
                inode: u32_at(value, 0)?,
                device: Device::from_kernel(u32_at(value, 4)?),
            });
        }
        PEER => socket.peer = Some(u32_at(value, 0)?),
        ICONS => {
            socket.waiting = value
                .chunks_exact(4)
                .filter_map(|chunk| u32_at(chunk, 0))
                .collect();
        }
        RQLEN => {
            socket.receive_queue = u32_at(value, 0)?;
            socket.send_queue = u32_at(value, 4)?;
        }
        // An array of SK_MEMINFO_*: 2 is what was sent and not read, 3 the limit of that.
        MEMINFO => {
            socket.send_memory = Some(SendMemory {
                used: u32_at(value, 8)?,
                limit: u32_at(value, 12)?,
            });
        }
        SHUTDOWN => {
            let bits = *value.first()?;
            socket.shutdown = Shutdown {
                receive: bits & 1 != 0,
                send: bits & 2 != 0,
            };
        }
        UID => socket.uid = Some(u32_at(value, 0)?),
        _ => {}
    }
    Some(())
}

/// `sun_path` as it was bound: a leading NUL makes it abstract; a path ends at its first NUL.
fn name(value: &[u8]) -> Option<Name> {
    match value.split_first()? {
        (0, rest) => Some(Name::Abstract(Untrusted::from(rest))),
        _ => {
            let end = value.iter().position(|&byte| byte == 0);
            let path = &value[..end.unwrap_or(value.len())];
            Some(Name::Path(Untrusted::from(path)))
        }
    }
}

/// Netlink pads messages and attributes to 4 bytes.
fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_ne_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, proptest};

    fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + payload.len()).unwrap();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn with_attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut payload = vec![AF_UNIX, 1, 10, 0];
        payload.extend([7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]);
        payload.extend(u16::try_from(4 + value.len()).unwrap().to_ne_bytes());
        payload.extend(kind.to_ne_bytes());
        payload.extend(value);
        payload.resize(payload.len().next_multiple_of(4), 0);
        message(SOCK_DIAG_BY_FAMILY, &payload)
    }

    #[test]
    fn an_abstract_name_keeps_its_nuls_and_a_path_ends_at_the_first() {
        let found = parse(&with_attribute(NAME, b"\0a\0b\0")).unwrap();
        let expected = Name::Abstract(Untrusted::from(&b"a\0b\0"[..]));
        assert_eq!(found.sockets[0].name, Some(expected));
        let found = parse(&with_attribute(NAME, b"/run/x\0")).unwrap();
        let expected = Name::Path(Untrusted::from("/run/x"));
        assert_eq!(found.sockets[0].name, Some(expected));
    }

    #[test]
    fn the_device_is_in_the_kernels_encoding() {
        let mut value = 99_u32.to_ne_bytes().to_vec();
        value.extend((254_u32 << 20 | 3).to_ne_bytes());
        let file = parse(&with_attribute(VFS, &value)).unwrap().sockets[0]
            .file
            .unwrap();
        assert_eq!((file.device.major, file.device.minor), (254, 3));
        assert_eq!(file.inode, 99);
    }

    #[test]
    fn a_refusal_is_an_errno() {
        let payload = (-13_i32).to_ne_bytes();
        assert_eq!(
            parse(&message(NLMSG_ERROR, &payload)),
            Err(ParseError::Refused(13))
        );
    }

    #[test]
    fn a_message_longer_than_the_datagram_is_an_error() {
        let mut bytes = with_attribute(PEER, &[1, 0, 0, 0]);
        bytes.truncate(bytes.len() - 1);
        assert_eq!(parse(&bytes), Err(ParseError::Length));
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in any::<Vec<u8>>()) {
            let _ = parse(&bytes);
        }

        #[test]
        fn cookies_alone_are_those_of_the_sockets(
            // The heads of sockets, of this family and of others.
            heads in prop::collection::vec((0_u8..3, prop::collection::vec(any::<u8>(), 12..16)), 0..8)
        ) {
            let bytes: Vec<u8> = heads
                .iter()
                .flat_map(|(family, rest)| {
                    let head = [&[*family, 1, 10, 0], rest.as_slice()].concat();
                    message(SOCK_DIAG_BY_FAMILY, &head)
                })
                .collect();
            let mut cookies = Vec::new();
            let done = each_cookie(&bytes, |cookie| cookies.push(cookie));
            // A socket with a broken attribute is refused as a whole; its cookie can be read.
            if let Ok(batch) = parse(&bytes) {
                assert_eq!(done, Ok(batch.done));
                let all: Vec<u64> = batch.sockets.iter().map(|socket| socket.cookie).collect();
                assert_eq!(cookies, all);
            }
        }

        #[test]
        fn any_attribute_is_parsed_or_refused(
            kind in 0_u16..10, value in prop::collection::vec(any::<u8>(), 0..200)
        ) {
            let _ = parse(&with_attribute(kind, &value));
        }

        #[test]
        fn a_cut_message_is_never_taken_for_a_socket(cut in 0_usize..40) {
            let whole = with_attribute(PEER, &[1, 0, 0, 0]);
            let cut = cut.min(whole.len() - 1);
            let cut = &whole[..cut];
            assert!(parse(cut).map_or(true, |batch| batch.sockets.is_empty()));
        }
    }
}
