//! The programs of the scene `copy`: a broker, a copier that leaves a holder behind, and a paster,
//! in the shape that Wayland gives a copy and a paste. A learner traces them, so they make no call
//! that the story does not need. What directs them travels on descriptors 0 and 1.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use nix::sys::prctl::set_name;
use nix::unistd::read;
use rustix::net::{self, RecvAncillaryMessage, SendAncillaryMessage};
use rustix::process::{PTracer, set_ptracer};
use serde::{Deserialize, Serialize};

use super::member::say;
use crate::sys::fork::fork;

/// The longest message of the protocol, in bytes.
const MESSAGE: usize = 256;

/// A program of the scene.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::experiment) struct Clip {
    /// What the kernel lists it as.
    pub(super) name: String,
    /// What it does.
    pub(super) duty: Duty,
    /// The broker's socket.
    pub(super) address: String,
    /// The type of what is copied.
    pub(super) kind: String,
    /// What is copied.
    pub(super) text: String,
    /// How many descriptors it opens before it begins: so that numbers differ.
    pub(super) spare: usize,
}

/// What a program of the scene does.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Duty {
    /// Introduces the others to each other.
    Broker,
    /// Offers the text and leaves a process behind that serves it.
    Copier,
    /// Asks for the text.
    Paster,
}

/// What the broker has to say about itself in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// Bytes that it has received, in all.
    pub(super) received: u32,
    /// The number under which it had the descriptor that it passed on.
    pub(super) passing: u32,
}

impl Account {
    /// Not as digits, which would stand in a trace as the answer.
    fn bytes(self) -> [u8; 8] {
        let both = u64::from(self.received) << 32 | u64::from(self.passing);
        both.to_le_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; 8]) -> Self {
        let both = u64::from_le_bytes(bytes);
        Self {
            received: (both >> 32) as u32,
            passing: both as u32,
        }
    }
}

impl Clip {
    /// Plays it.
    ///
    /// # Errors
    /// When a call of it fails.
    pub(super) fn play(&self) -> io::Result<()> {
        set_name(&CString::new(self.name.as_str())?)?;
        // Yama lets only ancestors trace, unless the process itself allows more. Without Yama the
        // call is unknown, and not needed.
        let _ = set_ptracer(PTracer::Any);
        let spare = (0..self.spare).map(|_| File::open("/dev/null"));
        let spare: Vec<File> = spare.collect::<io::Result<_>>()?;
        match self.duty {
            Duty::Broker => self.broker()?,
            Duty::Copier => self.copier()?,
            Duty::Paster => self.paster()?,
        }
        drop(spare);
        Ok(())
    }

    fn broker(&self) -> io::Result<()> {
        let listener = UnixListener::bind(&self.address)?;
        say("ready")?;
        let (holder, _) = listener.accept()?;
        let (offer, _) = receive(&holder)?;
        let (paster, _) = listener.accept()?;
        let (want, passing) = receive(&paster)?;
        let passing = passing.ok_or(io::ErrorKind::InvalidData)?;
        send(&holder, &format!("send {}", self.kind), &passing)?;
        let account = Account {
            received: u32::try_from(offer + want).unwrap_or(u32::MAX),
            passing: passing.as_raw_fd().unsigned_abs(),
        };
        drop(passing);
        told()?;
        let mut stdout = io::stdout();
        stdout.write_all(&account.bytes())?;
        stdout.flush()?;
        // Holds both connections until the scene ends.
        told()
    }

    fn copier(&self) -> io::Result<()> {
        say("ready")?;
        told()?;
        let mut stream = UnixStream::connect(&self.address)?;
        stream.write_all(format!("offer {}", self.kind).as_bytes())?;
        let Some(holder) = fork()? else {
            return self.hold(&stream);
        };
        let mut stdout = io::stdout();
        stdout.write_all(&holder.as_raw().to_le_bytes())?;
        stdout.flush()
    }

    /// What the copier leaves behind.
    fn hold(&self, stream: &UnixStream) -> io::Result<()> {
        let (_, into) = receive(stream)?;
        let mut into = File::from(into.ok_or(io::ErrorKind::InvalidData)?);
        into.write_all(self.text.as_bytes())?;
        say("written")?;
        // The pipe stays open: whoever reads has all of the text, and no end.
        receive(stream).map(drop)
    }

    fn paster(&self) -> io::Result<()> {
        say("ready")?;
        told()?;
        let stream = UnixStream::connect(&self.address)?;
        let (mut reader, writer) = io::pipe()?;
        send(&stream, &format!("receive {}", self.kind), &writer)?;
        drop(writer);
        let mut text = vec![0; self.text.len()];
        reader.read_exact(&mut text)?;
        say("read")?;
        // Until the last copy of the writing end is closed, which is the end of the scene.
        reader.read(&mut [0; 1]).map(drop)
    }
}

/// Waits until the director says to go on, or is gone.
fn told() -> io::Result<()> {
    Ok(read(io::stdin(), &mut [0; 1]).map(drop)?)
}

fn send(stream: &UnixStream, message: &str, descriptor: &impl AsFd) -> io::Result<()> {
    let sent = [descriptor.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = net::SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&sent));
    let bytes = [IoSlice::new(message.as_bytes())];
    net::sendmsg(stream, &bytes, &mut control, net::SendFlags::NOSIGNAL)?;
    Ok(())
}

/// One message: how many bytes, and the descriptor that came with it.
fn receive(stream: &UnixStream) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut buffer = [0; MESSAGE];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = net::RecvAncillaryBuffer::new(&mut space);
    let mut pieces = [IoSliceMut::new(&mut buffer)];
    let flags = net::RecvFlags::CMSG_CLOEXEC;
    let received = net::recvmsg(stream, &mut pieces, &mut control, flags)?;
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    Ok((received.bytes, descriptor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_comes_back_from_its_bytes_as_it_was() {
        let account = Account {
            received: 300,
            passing: 7,
        };
        assert_eq!(Account::from_bytes(account.bytes()), account);
    }
}
