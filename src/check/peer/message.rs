//! Messages of a peer: one call of sendmsg(2) or recvmsg(2) with all that goes with it, on sockets
//! of every type. What came is compared here; what it means is the grader's. Descriptors that came
//! are looked at in `descriptor`.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, UnixCredentials, bind,
    setsockopt, socket, sockopt,
};
use rustix::fs::{SeekFrom, seek};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SocketAddrUnix, recvmsg,
};

use super::connection::{Connection, Stop, os_errno, regular_file};
use super::named::on_address;
use super::{Peer, draw};
use crate::check::patience::Deadline;
use crate::check::protocol::{Bound, Bytes, Deed, DeedResult, MessageSeen, Outcome, SocketAddress};
use crate::curriculum::scenario::{Attached, AttachedFile, Claim, Sender, SocketType, WhenFull};
use crate::untrusted::Untrusted;

/// Bytes that are read beyond what is due, to see that there are more.
pub(super) const BEYOND: usize = 64;
/// Bytes of a control buffer beside those for descriptors: headers, and credentials.
const HEADERS: usize = 64;
/// No datagram of usual settings is longer: net.core.wmem_default.
const LARGEST_DATAGRAM: usize = 256 << 10;
/// Bytes of a window around a difference.
const WINDOW: usize = 48;

/// Opens a datagram socket.
pub(super) fn open(bound: &Bound, asks_credentials: bool) -> Result<Connection, Stop> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let made = socket(AddressFamily::Unix, SockType::Datagram, flags, None)
        .map_err(|errno| Stop::errno(errno, "socket"))?;
    if asks_credentials {
        setsockopt(&made, sockopt::PassCred, &true)
            .map_err(|errno| Stop::errno(errno, "setsockopt"))?;
    }
    match bound {
        Bound::Nothing => {}
        Bound::Autobind => bind(made.as_raw_fd(), &UnixAddr::new_unnamed())
            .map_err(|errno| Stop::errno(errno, "bind"))?,
        Bound::To(address) => {
            if let SocketAddress::Path(path) = address {
                drop(std::fs::remove_file(Untrusted::from(path).as_path()));
            }
            on_address(address, |address| bind(made.as_raw_fd(), address), "bind")?;
        }
    }
    Ok(Connection::of(made, SocketType::Dgram))
}

/// A message to send.
pub(super) struct Message<'a> {
    pub(super) to: Option<&'a SocketAddress>,
    pub(super) bytes: &'a [u8],
    pub(super) pieces: usize,
    pub(super) attach: &'a [Attached],
    pub(super) contents: Vec<Vec<u8>>,
    pub(super) directory: &'a Bytes,
    pub(super) credentials: Claim,
    pub(super) full: WhenFull,
}

/// A message that must come.
pub(super) struct Wanted<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) from: Sender,
    pub(super) program: &'a SocketAddress,
    pub(super) descriptors: usize,
    pub(super) room: usize,
}

impl Peer {
    /// The deeds about messages.
    pub(super) fn about_messages(&mut self, deed: Deed, outcome: &mut Outcome) -> Result<(), Stop> {
        match deed {
            Deed::OpenSocket {
                connection,
                bind,
                asks_credentials,
            } => {
                let made = open(&bind, asks_credentials)?;
                self.connections.insert(connection, made);
                Ok(())
            }
            Deed::SendMessage {
                connection,
                to,
                data,
                pieces,
                attach,
                holds,
                directory,
                credentials,
                full,
                within_ms,
            } => {
                let message = Message {
                    to: to.as_ref(),
                    bytes: &draw(&data),
                    pieces: pieces as usize,
                    attach: &attach,
                    contents: holds.iter().map(draw).collect(),
                    directory: &directory,
                    credentials,
                    full,
                };
                let deadline = Deadline::after_ms(within_ms);
                self.get(&connection)?.send_message(message, deadline)
            }
            Deed::ReceiveMessage {
                connection,
                data,
                from,
                program,
                descriptors,
                room,
                within_ms,
            } => {
                let wanted = Wanted {
                    bytes: &draw(&data),
                    from,
                    program: &program,
                    descriptors: descriptors as usize,
                    room: room as usize,
                };
                let deadline = Deadline::after_ms(within_ms);
                self.get(&connection)?
                    .receive_message(&wanted, deadline, outcome)
            }
            Deed::ReceiveDatagram {
                connection,
                within_ms,
            } => {
                let deadline = Deadline::after_ms(within_ms);
                self.get(&connection)?.receive_datagram(deadline, outcome)
            }
            Deed::ExpectNoMessage { connection } => {
                self.get(&connection)?.expect_no_message(outcome)
            }
            Deed::ExamineDescriptor {
                connection,
                index,
                holds,
                within_ms,
            } => {
                let holds = holds.as_ref().map(draw);
                let deadline = Deadline::after_ms(within_ms);
                self.get(&connection)?
                    .examine(index as usize, holds.as_deref(), deadline, outcome)
            }
            Deed::AddToEventfd { connection, count } => {
                self.get(&connection)?.add_to_eventfd(count)
            }
            _ => Err(Stop::new(DeedResult::Fault, "know this deed")),
        }
    }
}

impl Connection {
    /// One sendmsg(2) that takes all, or fails.
    pub(super) fn send_message(
        &mut self,
        message: Message<'_>,
        deadline: Deadline,
    ) -> Result<(), Stop> {
        let mut files = Vec::new();
        let mut numbers: Vec<RawFd> = Vec::new();
        for (attached, content) in message.attach.iter().zip(message.contents) {
            let file = self.make(attached, &content, message.directory)?;
            numbers.extend(std::iter::repeat_n(
                file.as_raw_fd(),
                attached.count as usize,
            ));
            files.push(file);
        }
        let me = UnixCredentials::new();
        let mut control = Vec::new();
        if !numbers.is_empty() {
            control.push(ControlMessage::ScmRights(&numbers));
        }
        if message.credentials == Claim::Oneself {
            control.push(ControlMessage::ScmCredentials(&me));
        }
        let size = message.bytes.len().div_ceil(message.pieces.max(1)).max(1);
        let pieces: Vec<IoSlice<'_>> = message.bytes.chunks(size).map(IoSlice::new).collect();
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        let fd = self.socket.as_raw_fd();
        let call = |address: Option<&UnixAddr>| {
            nix::sys::socket::sendmsg(fd, &pieces, &control, flags, address)
        };
        loop {
            let mut sent = Ok(0);
            match message.to {
                None => sent = call(None),
                Some(address) => on_address(
                    address,
                    |address| {
                        sent = call(Some(address));
                        Ok(())
                    },
                    "sendmsg",
                )?,
            }
            match sent {
                Ok(count) => {
                    self.sent += count as u64;
                    self.descriptors_sent += numbers.len() as u64;
                    return Ok(());
                }
                Err(Errno::EAGAIN) if message.full == WhenFull::Drop => return Ok(()),
                // poll(2) knows nothing of the receiver's queue when the socket is not connected.
                Err(Errno::EAGAIN) if deadline.passed() => {
                    return Err(Stop::new(DeedResult::TimedOut, "sendmsg"));
                }
                Err(Errno::EAGAIN) => {
                    let soon = Deadline::after_ms(2).earlier(deadline);
                    let _ = nix::poll::poll(&mut [], soon.poll_timeout());
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(Stop::errno(errno, "sendmsg")),
            }
        }
    }

    /// Makes what goes with a message.
    fn make(
        &mut self,
        attached: &Attached,
        content: &[u8],
        directory: &Bytes,
    ) -> Result<OwnedFd, Stop> {
        let failed = |error: &io::Error| Stop::errno(os_errno(error), "open");
        match attached.file {
            AttachedFile::Regular => {
                let file = regular_file(content)?;
                seek(&file, SeekFrom::Start(attached.offset)).map_err(|e| failed(&e.into()))?;
                Ok(file.into())
            }
            AttachedFile::ReadWrite => {
                let flags = nix::sys::memfd::MFdFlags::MFD_CLOEXEC;
                let file = nix::sys::memfd::memfd_create("passed", flags)
                    .map_err(|errno| Stop::errno(errno, "memfd_create"))?;
                let mut file = File::from(file);
                file.write_all(content).map_err(|error| failed(&error))?;
                seek(&file, SeekFrom::Start(attached.offset)).map_err(|e| failed(&e.into()))?;
                Ok(file.into())
            }
            AttachedFile::Pipe => {
                let (reader, mut writer) = io::pipe().map_err(|error| failed(&error))?;
                // It fits: a scenario's content is small, and a pipe takes 64 KiB.
                let size = content.len().min(60 * 1024);
                writer
                    .write_all(&content[..size])
                    .map_err(|error| failed(&error))?;
                Ok(reader.into())
            }
            AttachedFile::Eventfd => {
                let counts = attached.counts as u32;
                let made = EventFd::from_value_and_flags(counts, EfdFlags::EFD_CLOEXEC)
                    .map_err(|errno| Stop::errno(errno, "eventfd"))?;
                let ours = made.as_fd().try_clone_to_owned();
                self.eventfd = Some(ours.map_err(|error| failed(&error))?);
                Ok(made.into())
            }
            AttachedFile::Directory => File::open(Untrusted::from(directory).as_path())
                .map(OwnedFd::from)
                .map_err(|error| failed(&error)),
            AttachedFile::Socket => {
                let (ours, theirs) = UnixStream::pair().map_err(|error| failed(&error))?;
                self.held.push(ours.into());
                Ok(theirs.into())
            }
            AttachedFile::Itself => self.socket.try_clone().map_err(|error| failed(&error)),
        }
    }

    /// One message, or on a stream as much as is due; compared with what must come.
    pub(super) fn receive_message(
        &mut self,
        wanted: &Wanted<'_>,
        deadline: Deadline,
        outcome: &mut Outcome,
    ) -> Result<(), Stop> {
        outcome.due = wanted.bytes.len() as u64;
        self.passed.clear();
        let mut came = Vec::new();
        let mut seen = MessageSeen::default();
        let taken = loop {
            let more = match self.one_message(wanted, &mut came, &mut seen) {
                Ok(more) => more,
                Err(stop) => break Err(stop),
            };
            match more {
                true => break Ok(()),
                false => {
                    if let Err(stop) = self.wait(PollFlags::POLLIN, deadline, "recvmsg") {
                        break Err(stop);
                    }
                }
            }
        };
        self.received += seen.bytes;
        seen.descriptors = self.passed.len() as u64;
        let complete = seen.came;
        let stranger = match wanted.from {
            Sender::Anybody => false,
            Sender::Named => seen.from.0.is_empty(),
            Sender::Program => !seen.from_program,
        };
        let descriptors = seen.descriptors;
        outcome.message = seen;
        let differs = compare(&came, wanted.bytes, outcome);
        taken?;
        if !complete {
            return Err(Stop::new(DeedResult::End, "recvmsg"));
        }
        if let Some(result) = differs {
            return Err(Stop::new(result, "recvmsg"));
        }
        if stranger {
            return Err(Stop::new(DeedResult::OtherSender, "recvmsg"));
        }
        if descriptors != wanted.descriptors as u64 || outcome.message.control_cut {
            return Err(Stop::new(DeedResult::OtherDescriptors, "recvmsg"));
        }
        Ok(())
    }

    /// One datagram, whole.
    fn receive_datagram(&mut self, deadline: Deadline, outcome: &mut Outcome) -> Result<(), Stop> {
        let mut buffer = vec![0; LARGEST_DATAGRAM];
        let count = loop {
            let got = rustix::net::recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT);
            match got {
                Ok((count, _)) => break count,
                Err(rustix::io::Errno::AGAIN) => {
                    self.wait(PollFlags::POLLIN, deadline, "recv")?;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => {
                    let errno = Errno::from_raw(errno.raw_os_error());
                    return Err(Stop::errno(errno, "recv"));
                }
            }
        };
        buffer.truncate(count);
        self.received += count as u64;
        outcome.datagram = Bytes(buffer);
        Ok(())
    }

    /// One recvmsg(2); whether all that is waited for has come.
    fn one_message(
        &mut self,
        wanted: &Wanted<'_>,
        came: &mut Vec<u8>,
        seen: &mut MessageSeen,
    ) -> Result<bool, Stop> {
        let stream = self.kind == SocketType::Stream;
        let room = match stream {
            true => wanted.bytes.len().saturating_sub(came.len()).max(1),
            false => wanted.bytes.len() + BEYOND,
        };
        let mut buffer = vec![0; room];
        let mut control = vec![MaybeUninit::uninit(); HEADERS + wanted.room * size_of::<RawFd>()];
        let mut control = RecvAncillaryBuffer::new(&mut control);
        let mut flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        if !stream {
            flags |= RecvFlags::TRUNC;
        }
        let call = recvmsg(
            &self.socket,
            &mut [IoSliceMut::new(&mut buffer)],
            &mut control,
            flags,
        );
        let got = match call {
            Ok(got) => got,
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(false),
            Err(errno) => {
                return Err(Stop::errno(
                    Errno::from_raw(errno.raw_os_error()),
                    "recvmsg",
                ));
            }
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.passed.extend(descriptors);
            }
        }
        if got.bytes == 0 && !wanted.bytes.is_empty() {
            return Err(Stop::new(DeedResult::End, "recvmsg"));
        }
        came.extend(&buffer[..got.bytes.min(room)]);
        seen.came = true;
        seen.bytes += got.bytes as u64;
        seen.longer = got.bytes > room || got.flags.contains(ReturnFlags::TRUNC);
        seen.control_cut |= got.flags.contains(ReturnFlags::CTRUNC);
        let from = got
            .address
            .and_then(|any| SocketAddrUnix::try_from(any).ok());
        if let Some(from) = from.as_ref().and_then(address_of) {
            seen.from_program = from == *wanted.program;
            seen.from = Bytes(from.shown());
        }
        Ok(!stream || came.len() >= wanted.bytes.len())
    }

    /// Sees that nothing has come.
    pub(super) fn expect_no_message(&mut self, outcome: &mut Outcome) -> Result<(), Stop> {
        let nobody = SocketAddress::Path(Bytes::default());
        let wanted = Wanted {
            bytes: &[],
            from: Sender::Anybody,
            program: &nobody,
            descriptors: 0,
            room: 0,
        };
        let mut came = Vec::new();
        let mut seen = MessageSeen::default();
        let found = self.one_message(&wanted, &mut came, &mut seen)?;
        outcome.message = seen;
        if !found {
            return Ok(());
        }
        if came.is_empty() && self.kind != SocketType::Dgram {
            return Err(Stop::new(DeedResult::End, "recvmsg"));
        }
        compare(&came, &[], outcome);
        Err(Stop::new(DeedResult::Extra, "recvmsg"))
    }

    /// Adds to the eventfd that was attached last.
    pub(super) fn add_to_eventfd(&mut self, count: u64) -> Result<(), Stop> {
        let fault = || Stop::new(DeedResult::Fault, "find the eventfd");
        let eventfd = self.eventfd.as_ref().ok_or_else(fault)?;
        nix::unistd::write(eventfd, &count.to_ne_bytes())
            .map(drop)
            .map_err(|errno| Stop::errno(errno, "write"))
    }
}

/// What a socket is bound to; `None`: nothing.
fn address_of(address: &SocketAddrUnix) -> Option<SocketAddress> {
    if let Some(name) = address.abstract_name() {
        return Some(SocketAddress::Abstract(Bytes(name.to_vec())));
    }
    let path = address.path_bytes()?;
    let path = path.split(|&byte| byte == 0).next().unwrap_or_default();
    (!path.is_empty()).then(|| SocketAddress::Path(Bytes(path.to_vec())))
}

/// How what came differs from what is due, if it does; both around the first difference.
pub(super) fn compare(came: &[u8], due: &[u8], outcome: &mut Outcome) -> Option<DeedResult> {
    let same = came.iter().zip(due).take_while(|(a, b)| a == b).count();
    outcome.same = same as u64;
    if came == due {
        return None;
    }
    let from = same.saturating_sub(16);
    let window = |bytes: &[u8]| Bytes(bytes.iter().skip(from).take(WINDOW).copied().collect());
    outcome.window_at = from as u64;
    outcome.window_due = window(due);
    outcome.window_received = window(came);
    Some(match same == due.len() {
        true => DeedResult::Extra,
        false => DeedResult::Mismatch,
    })
}
