//! Exercise 17, reference solution in Rust: waits for eventfds that somebody else made.
//!
//! Descriptor IPC_FD is a connected stream socket. Its other end, the owner, says what to watch and
//! sends the eventfds along; what they counted goes back as a line for each wake-up.
//!
//! One thread, one poll(2): the socket and all eventfds are waited for at once. poll is told anew each
//! time what to watch, so that what is dropped is forgotten.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixAddr, recvmsg};

struct Watched {
    eventfd: OwnedFd,
    letter: String,
}

struct Watcher {
    owner: UnixStream,
    watched: Vec<Watched>,
    /// Descriptors that have come, and whose command has not; the first is used first.
    arrived: VecDeque<OwnedFd>,
    /// The beginning of a line whose rest has not come.
    pending: Vec<u8>,
}

/// Reads what an eventfd has counted, and never waits: between poll() and here somebody else may have
/// read it. O_NONBLOCK would do the same, for everybody who holds this eventfd.
fn read_sum(eventfd: BorrowedFd) -> io::Result<Option<u64>> {
    let mut counted = [0_u8; 8];
    let room = libc::iovec {
        iov_base: counted.as_mut_ptr().cast(),
        iov_len: counted.len(),
    };
    loop {
        // SAFETY: `room` is one buffer, with its length; -1 is for what has no offset.
        let got = unsafe { libc::preadv2(eventfd.as_raw_fd(), &room, 1, -1, libc::RWF_NOWAIT) };
        match Errno::result(got) {
            Ok(_) => return Ok(Some(u64::from_ne_bytes(counted))),
            Err(Errno::EAGAIN) => return Ok(None),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

impl Watcher {
    fn say(&mut self, line: &str) -> io::Result<()> {
        self.owner.write_all(line.as_bytes())
    }

    fn watch(&mut self, letter: &str) -> io::Result<()> {
        let Some(eventfd) = self.arrived.pop_front() else {
            return self.say(&format!("refused {letter}\n"));
        };
        let letter = letter.to_owned();
        let line = format!("watching {letter}\n");
        self.watched.push(Watched { eventfd, letter });
        self.say(&line)
    }

    fn forget(&mut self, letter: &str) -> io::Result<()> {
        let before = self.watched.len();
        // What is not retained is closed, and the next poll() does not ask for it.
        self.watched.retain(|each| each.letter != letter);
        let dropped = before - self.watched.len();
        self.say(&format!("dropped {letter} {dropped}\n"))
    }

    fn obey(&mut self, line: &[u8]) -> io::Result<()> {
        let line = std::str::from_utf8(line).map_err(io::Error::other)?;
        match line.split_once(' ') {
            Some(("watch", letter)) => self.watch(letter),
            Some(("drop", letter)) => self.forget(letter),
            _ => Err(io::Error::other(
                "the owner sent something else than a command",
            )),
        }
    }

    /// Takes what one recvmsg() brings; whether the owner goes on.
    fn listen_to_owner(&mut self) -> io::Result<bool> {
        let mut bytes = [0_u8; 4096];
        let mut data = [IoSliceMut::new(&mut bytes)];
        let mut room = nix::cmsg_space!([RawFd; 16]);
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let fd = self.owner.as_raw_fd();
        let message = match recvmsg::<UnixAddr>(fd, &mut data, Some(&mut room), flags) {
            Err(Errno::EINTR) => return Ok(true), // poll will say it again
            message => message?,
        };
        let size = message.bytes;
        // An error here: descriptors had no room. Then this program ends, and all are closed.
        for each in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(numbers) = each {
                // SAFETY: they were made for this process, and nobody else owns them.
                let own = |number| unsafe { OwnedFd::from_raw_fd(number) };
                self.arrived.extend(numbers.into_iter().map(own));
            }
        }
        if size == 0 {
            return Ok(false);
        }
        self.pending.extend(&bytes[..size]);
        // A line whose rest has not come waits in `pending`, and the program does not wait with it.
        while let Some(end) = self.pending.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            self.obey(&line[..end])?;
        }
        Ok(true)
    }

    /// Waits; whether the socket is ready, and the places of the eventfds that are.
    fn wait(&self) -> io::Result<(bool, Vec<usize>)> {
        let eventfds = self.watched.iter().map(|each| each.eventfd.as_fd());
        let mut asked: Vec<PollFd> = eventfds
            .chain([self.owner.as_fd()])
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        match poll(&mut asked, PollTimeout::NONE) {
            Err(Errno::EINTR) => return Ok((false, Vec::new())),
            result => result?,
        };
        // Whatever poll says of a descriptor: the end of a stream is POLLIN and POLLHUP.
        let ready = |place: &usize| asked[*place].revents().is_some_and(|said| !said.is_empty());
        let last = self.watched.len();
        Ok((ready(&last), (0..last).filter(ready).collect()))
    }

    fn serve(&mut self) -> io::Result<()> {
        loop {
            let (owner, ready) = self.wait()?;
            for place in ready {
                let each = &self.watched[place];
                if let Some(sum) = read_sum(each.eventfd.as_fd())? {
                    let line = format!("{} {sum}\n", each.letter);
                    self.say(&line)?;
                }
            }
            // After the eventfds, whose places a command may change.
            if owner && !self.listen_to_owner()? {
                return Ok(());
            }
        }
    }
}

/// The socket that the program was given.
fn inherited() -> io::Result<UnixStream> {
    let number = std::env::var("IPC_FD")
        .map_err(|_| io::Error::other("IPC_FD must say which descriptor is the socket"))?;
    let number: RawFd = number.parse().map_err(io::Error::other)?;
    // SAFETY: the descriptor was made for this program, and nobody else owns it.
    Ok(UnixStream::from(unsafe { OwnedFd::from_raw_fd(number) }))
}

fn main() -> ExitCode {
    let served = inherited().and_then(|owner| {
        let mut watcher = Watcher {
            owner,
            watched: Vec::new(),
            arrived: VecDeque::new(),
            pending: Vec::new(),
        };
        watcher.serve()
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        // Gone while we spoke, or without having read all that we said.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
            ) =>
        {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(1)
        }
    }
}
