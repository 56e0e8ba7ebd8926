//! Filters of frames behind the connections to a listener: what a learner's tests are tried on.
//!
//! They are served while the peer waits for its next deed, as long as there are any. What a filter
//! answers is [`super::frames`]'s; here are the sockets, and who has been told what. Beside each
//! filter runs a right one on the same bytes: a fault has *shown* once their answers differ. So a
//! filter that has ended too early goes on reading: what it would have had to answer shows its fault.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::socket::{MsgFlags, Shutdown};
use rustix::net::{SocketFlags, accept_with};

use super::frames::FrameFilter;
use crate::check::patience::Deadline;
use crate::check::protocol::FiltersSeen;
use crate::curriculum::scenario::{Delivery, FrameFault};
use crate::sys::outq;

/// Connections that are served at the same time; more wait in the queue of the listener.
const MOST_AT_ONCE: usize = 256;
/// Bytes that one filter takes at a time, so that nobody can keep us busy with one connection.
const MOST_AT_A_TIME: usize = 1 << 20;
/// Sizes of the first pieces of an answer that is sent in pieces.
const PIECES: [usize; 2] = [3, 4];
/// Between two looks whether a piece has been read, in milliseconds: no event tells that.
const TICK_MS: u16 = 1;

/// All filters behind a listener.
pub(super) struct Subjects {
    listener: OwnedFd,
    fault: FrameFault,
    delivery: Delivery,
    pause: Pause,
    filters: Vec<Subject>,
    seen: FiltersSeen,
}

/// What holds the first answer back.
#[derive(Clone, Copy)]
enum Pause {
    /// It has not been asked for; so many milliseconds from then.
    Ahead(u64),
    /// Until then.
    Until(Deadline),
}

/// One filter and its connection.
struct Subject {
    socket: OwnedFd,
    filter: FrameFilter,
    right: FrameFilter,
    out: VecDeque<u8>,
    /// Pieces of the present answer that have been sent.
    pieces: usize,
    /// Whether the learner has said the last.
    ended: bool,
    /// Whether the learner has been told the end, too early.
    hung_up: bool,
}

impl Subjects {
    /// Filters behind a listener that does not block; a copy of its descriptor is made.
    pub(super) fn new(
        listener: &OwnedFd,
        fault: FrameFault,
        delivery: Delivery,
        delay_ms: u64,
    ) -> io::Result<Self> {
        Ok(Self {
            listener: listener.try_clone()?,
            fault,
            delivery,
            pause: Pause::Ahead(delay_ms),
            filters: Vec::new(),
            seen: FiltersSeen::default(),
        })
    }

    /// What came of them so far.
    pub(super) fn seen(&self) -> FiltersSeen {
        self.seen
    }

    /// Waits until one of the filters has something to do, or something can be read from `line`.
    pub(super) fn wait(&self, line: BorrowedFd<'_>) {
        let mut fds = vec![PollFd::new(line, PollFlags::POLLIN)];
        if self.filters.len() < MOST_AT_ONCE {
            fds.push(PollFd::new(self.listener.as_fd(), PollFlags::POLLIN));
        }
        let mut timeout = PollTimeout::NONE;
        for subject in &self.filters {
            if subject.out.is_empty() {
                fds.push(PollFd::new(subject.socket.as_fd(), PollFlags::POLLIN));
            } else if let Pause::Until(until) = self.pause
                && !until.passed()
            {
                timeout = until.poll_timeout();
            } else if subject.may_send(self.delivery) {
                fds.push(PollFd::new(subject.socket.as_fd(), PollFlags::POLLOUT));
            } else {
                timeout = TICK_MS.into();
            }
        }
        let _ = nix::poll::poll(&mut fds, timeout);
    }

    /// Does what can be done now, until nothing more can.
    pub(super) fn turn(&mut self) {
        while self.accept() || self.serve() {}
    }

    fn accept(&mut self) -> bool {
        if self.filters.len() >= MOST_AT_ONCE {
            return false;
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let Ok(socket) = accept_with(&self.listener, flags) else {
            return false;
        };
        self.seen.connections += 1;
        self.filters.push(Subject {
            socket,
            filter: FrameFilter::new(self.fault),
            right: FrameFilter::new(FrameFault::None),
            out: VecDeque::new(),
            pieces: 0,
            ended: false,
            hung_up: false,
        });
        true
    }

    fn serve(&mut self) -> bool {
        let mut moved = false;
        for subject in &mut self.filters {
            if subject.out.is_empty() && !subject.is_over() {
                moved |= subject.take(&mut self.seen);
            }
            if !subject.out.is_empty() && self.pause.is_over() {
                moved |= subject.give(self.delivery);
            }
            subject.hang_up();
        }
        let before = self.filters.len();
        self.filters.retain(|subject| !subject.is_done());
        moved || self.filters.len() < before
    }
}

impl Pause {
    /// Whether an answer may be sent. The first one asks, and begins the pause.
    fn is_over(&mut self) -> bool {
        if let Self::Ahead(ms) = *self {
            *self = Self::Until(Deadline::after_ms(ms));
        }
        matches!(*self, Self::Until(until) if until.passed())
    }
}

impl Subject {
    /// Whether it takes nothing more.
    fn is_over(&self) -> bool {
        self.ended || (self.filter.is_over() && self.right.is_over())
    }

    /// Whether it has said its last, too.
    fn is_done(&self) -> bool {
        self.is_over() && self.out.is_empty()
    }

    /// Ends a filter that a right one would outlive, as far as the other side can see.
    fn hang_up(&mut self) {
        if self.filter.is_over() && self.out.is_empty() && !self.hung_up {
            self.hung_up = true;
            let _ = nix::sys::socket::shutdown(self.socket.as_raw_fd(), Shutdown::Write);
        }
    }

    /// Takes what is there, as one read; answers it.
    fn take(&mut self, seen: &mut FiltersSeen) -> bool {
        let mut read = Vec::new();
        let mut buffer = [0; 64 * 1024];
        while read.len() < MOST_AT_A_TIME {
            match nix::sys::socket::recv(
                self.socket.as_raw_fd(),
                &mut buffer,
                MsgFlags::MSG_DONTWAIT,
            ) {
                Ok(count) if count > 0 => read.extend(&buffer[..count]),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Ok(_) | Err(_) => {
                    self.ended = true;
                    break;
                }
            }
        }
        if read.is_empty() && !self.ended {
            return false;
        }
        let mut answers = self.filter.read(&read);
        let mut due = self.right.read(&read);
        if self.ended {
            answers.extend(self.filter.end());
            due.extend(self.right.end());
        }
        seen.shown |= answers != due;
        seen.frames += self.right.take_count();
        self.out.extend(answers);
        self.pieces = 0;
        true
    }

    /// Whether the next piece of an answer may be sent.
    fn may_send(&self, delivery: Delivery) -> bool {
        delivery == Delivery::Whole
            || self.pieces == 0
            || outq::unread(&self.socket).map_or(true, |unread| unread == 0)
    }

    /// Sends of the answer what goes through.
    fn give(&mut self, delivery: Delivery) -> bool {
        if !self.may_send(delivery) {
            return false;
        }
        let bytes = self.out.make_contiguous();
        let most = match (delivery, PIECES.get(self.pieces)) {
            (Delivery::InPieces, Some(&most)) => most.min(bytes.len()),
            _ => bytes.len(),
        };
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        match nix::sys::socket::send(self.socket.as_raw_fd(), &bytes[..most], flags) {
            Ok(count) => {
                self.out.drain(..count);
                self.pieces += 1;
                true
            }
            Err(Errno::EAGAIN | Errno::EINTR) => false,
            Err(_) => {
                // Nobody reads any more.
                self.out.clear();
                self.ended = true;
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::net::Shutdown;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::{Delivery, FrameFault, Subjects};

    /// Filters, and a client of one of them that does not block.
    fn meet(fault: FrameFault, delivery: Delivery) -> (Subjects, UnixStream, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let subjects = Subjects::new(&OwnedFd::from(listener), fault, delivery, 0).unwrap();
        let client = UnixStream::connect(&path).unwrap();
        client.set_nonblocking(true).unwrap();
        (subjects, client, directory)
    }

    /// One read of at most so many bytes; `None`: nothing is there.
    fn read(client: &mut UnixStream) -> Option<Vec<u8>> {
        let mut buffer = [0; 100];
        match client.read(&mut buffer) {
            Ok(count) => Some(buffer[..count].to_vec()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_frame_is_answered_and_the_end_by_an_end() {
        let (mut subjects, mut client, _directory) = meet(FrameFault::None, Delivery::Whole);
        client.write_all(b"\0\0\0\x03one\0\0").unwrap();
        subjects.turn();
        assert_eq!(read(&mut client).unwrap(), b"\0\0\0\x03ONE");
        assert_eq!(read(&mut client), None);
        client.shutdown(Shutdown::Write).unwrap();
        subjects.turn();
        assert_eq!(read(&mut client).unwrap(), b"");
        let seen = subjects.seen();
        assert_eq!((seen.connections, seen.frames, seen.shown), (1, 1, false));
    }

    #[test]
    fn an_answer_in_pieces_goes_on_when_a_piece_has_been_read() {
        let (mut subjects, mut client, _directory) = meet(FrameFault::None, Delivery::InPieces);
        client.write_all(b"\0\0\0\x06abcdef").unwrap();
        for piece in [&b"\0\0\0"[..], b"\x06ABC", b"DEF"] {
            subjects.turn();
            subjects.turn();
            assert_eq!(read(&mut client).unwrap(), piece);
        }
    }

    #[test]
    fn what_was_sent_with_a_frame_has_been_read_when_its_answer_has_come() {
        let (mut subjects, mut client, _directory) =
            meet(FrameFault::OneReadHeader, Delivery::Whole);
        client.write_all(b"\0\0\0\x03one\0\0").unwrap();
        subjects.turn();
        assert_eq!(read(&mut client).unwrap(), b"\0\0\0\x03ONE");
        assert_eq!(read(&mut client).unwrap(), b"");
        assert!(!subjects.seen().shown);
        client.write_all(b"\0\x03two").unwrap();
        subjects.turn();
        assert!(subjects.seen().shown);
    }

    #[test]
    fn a_fault_that_only_silence_tells_has_not_shown_at_the_end_of_the_stream() {
        let (mut subjects, mut client, _directory) =
            meet(FrameFault::AcceptsOversize, Delivery::Whole);
        client.write_all(b"\0\x01\0\x01").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        subjects.turn();
        assert!(!subjects.seen().shown);
    }
}
