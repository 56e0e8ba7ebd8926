//! A process of an experiment: does what it is asked to, one order after another.
//!
//! It reads orders from standard input and answers on standard output, one JSON line each, and
//! ends when the input ends. Nothing happens that was not ordered, so no experiment needs to wait
//! for a moment when something has "probably" happened.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use rustix::net::{self, AddressFamily, SocketAddrUnix};

use super::files::Touch;
use super::identity::{self, Act};
use super::order::{Address, Environment, Got, Order, Outcome, Special};
use super::request::Request;
use super::traffic::{self, Traffic};
use crate::sys::sigpipe;

/// Descriptors that may come with one message: more than any experiment sends.
const ROOM_FOR_DESCRIPTORS: usize = 8;

/// Serves orders until there are no more.
///
/// # Errors
/// When an answer cannot be written or an order is not understood: a fault of ours.
pub(super) fn serve(orders: impl BufRead, answers: impl Write) -> io::Result<()> {
    serve_from(Table::default(), orders, answers)
}

fn serve_from(mut table: Table, orders: impl BufRead, mut answers: impl Write) -> io::Result<()> {
    for line in orders.lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let result = match &order {
            Order::Identity(Act::Fork(path)) => match crate::sys::fork::fork() {
                Ok(None) => return serve_as_child(table, path),
                Ok(Some(pid)) => Ok(Got::Process(pid.as_raw())),
                Err(error) => Err(io_errno(error)),
            },
            Order::Identity(Act::Execute) => Ok(Got::Done),
            _ => table.perform(&order),
        };
        let outcome = Outcome {
            call: order.text(),
            result: result.map_err(|errno| errno as i32),
        };
        let answer = serde_json::to_string(&outcome)? + "\n";
        answers.write_all(answer.as_bytes())?;
        answers.flush()?;
        if order == Order::Identity(Act::Execute) {
            let channel = table.channel.as_ref();
            let channel = channel.ok_or_else(|| io::Error::other("only a forked child"))?;
            return Err(identity::execute(channel));
        }
        if let Order::Letter(letter) = &order
            && letter.replaces()
        {
            return Err(letter.replace(table.channel.as_ref()));
        }
    }
    Ok(())
}

/// Goes on in a forked child, with the descriptors that it has inherited.
fn serve_as_child(mut table: Table, path: &str) -> io::Result<()> {
    let channel = identity::channel(path)?;
    table.channel = Some(channel.try_clone()?);
    serve_from(table, BufReader::new(&channel), &channel)
}

/// The descriptors this process was asked to open, by number.
#[derive(Default)]
pub(super) struct Table {
    open: BTreeMap<RawFd, OwnedFd>,
    /// Where the orders of a forked child come from.
    channel: Option<UnixStream>,
}

impl Table {
    pub(super) fn get(&self, fd: RawFd) -> Result<&OwnedFd, Errno> {
        self.open.get(&fd).ok_or(Errno::EBADF)
    }

    pub(super) fn take(&mut self, fd: RawFd) -> Result<OwnedFd, Errno> {
        self.open.remove(&fd).ok_or(Errno::EBADF)
    }

    pub(super) fn keep(&mut self, fd: OwnedFd) -> RawFd {
        let number = fd.as_raw_fd();
        self.open.insert(number, fd);
        number
    }

    fn perform(&mut self, order: &Order) -> Result<Got, Errno> {
        match order {
            Order::Socket(at, kind) => {
                let family = match at {
                    Address::Path(_) | Address::Abstract(..) | Address::Unnamed => {
                        AddressFamily::UNIX
                    }
                    Address::Loopback(_) => AddressFamily::INET,
                };
                let fd = net::socket(family, traffic::socket_type(*kind), None).map_err(errno)?;
                Ok(Got::Descriptor(self.keep(fd)))
            }
            Order::Bind(fd, Address::Loopback(port)) => {
                done(net::bind(self.get(*fd)?, &loopback(*port)))
            }
            Order::Bind(fd, at) => done(net::bind(self.get(*fd)?, &unix(at)?)),
            Order::Listen(fd, backlog) => done(net::listen(self.get(*fd)?, *backlog)),
            Order::Connect(fd, Address::Loopback(port)) => {
                done(net::connect(self.get(*fd)?, &loopback(*port)))
            }
            Order::Connect(fd, at) => done(net::connect(self.get(*fd)?, &unix(at)?)),
            Order::Accept(fd) => {
                let fd = net::accept(self.get(*fd)?).map_err(errno)?;
                Ok(Got::Descriptor(self.keep(fd)))
            }
            Order::Port(fd) => {
                let name = net::getsockname(self.get(*fd)?).map_err(errno)?;
                let name = SocketAddrV4::try_from(name).map_err(errno)?;
                Ok(Got::Port(name.port()))
            }
            Order::Write(fd, bytes) => {
                let count = rustix::io::write(self.get(*fd)?, bytes.as_bytes()).map_err(errno)?;
                Ok(Got::Count(count))
            }
            Order::Read(fd, size) => {
                let mut buffer = vec![0; *size];
                let count = rustix::io::read(self.get(*fd)?, &mut buffer).map_err(errno)?;
                buffer.truncate(count);
                Ok(Got::Bytes(buffer))
            }
            Order::PeerCredentials(fd) => {
                let peer = getsockopt(self.get(*fd)?, PeerCredentials)?;
                Ok(Got::Credentials(peer.pid(), id(peer.uid()), id(peer.gid())))
            }
            Order::Listening(fd) => {
                let listening = net::sockopt::socket_acceptconn(self.get(*fd)?);
                listening.map(Got::Flag).map_err(errno)
            }
            Order::SendDescriptor(fd, bytes, sent) => self.send(*fd, bytes, *sent),
            Order::ReceiveDescriptor(fd, size) => {
                self.receive(*fd, *size, net::RecvFlags::CMSG_CLOEXEC)
            }
            Order::Close(fd) => {
                let closed = self.open.remove(fd).ok_or(Errno::EBADF)?;
                nix::unistd::close(closed)?;
                Ok(Got::Done)
            }
            Order::Open(path) | Order::OpenClosing(path) => {
                // Rust's `open` is with O_CLOEXEC.
                let file = fs::File::open(path).map_err(io_errno)?;
                Ok(Got::Descriptor(self.keep(file.into())))
            }
            Order::Stat(path) => stat(path),
            Order::Unlink(path) => fs::remove_file(path).map(done_io).map_err(io_errno),
            Order::Mkdir(path) => {
                let made = fs::DirBuilder::new().mode(0o700).create(path);
                made.map(done_io).map_err(io_errno)
            }
            Order::Rmdir(path) => fs::remove_dir(path).map(done_io).map_err(io_errno),
            Order::Getenv(name) => Ok(Got::Value(variable(name))),
            Order::Execute(environment, name) => execute(environment, name),
            Order::Descriptor(Special::Pidfd) => {
                let own = rustix::process::getpid();
                let flags = rustix::process::PidfdFlags::empty();
                let fd = rustix::process::pidfd_open(own, flags).map_err(errno)?;
                Ok(Got::Descriptor(self.keep(fd)))
            }
            Order::Descriptor(Special::Epoll) => {
                let flags = rustix::event::epoll::CreateFlags::CLOEXEC;
                let fd = rustix::event::epoll::create(flags).map_err(errno)?;
                Ok(Got::Descriptor(self.keep(fd)))
            }
            Order::On(fd, deed) => deed.perform(self.get(*fd)?.as_fd()),
            Order::Duplicate(fd) => {
                let copy = rustix::io::dup(self.get(*fd)?).map_err(errno)?;
                Ok(Got::Descriptor(self.keep(copy)))
            }
            Order::ReceiveInherited(fd, size) => self.receive(*fd, *size, net::RecvFlags::empty()),
            Order::DefaultSigpipe => sigpipe::restore_default().map(done_io).map_err(io_errno),
            Order::Identity(act) => self.act(act),
            Order::Letter(letter) => letter.perform(),
            Order::Handed(handed) => handed.perform(self),
            Order::Place(place) => place.perform(),
            Order::File(touch) => self.touch(touch),
            Order::Traffic(traffic) => self.traffic(traffic),
            Order::Standing(standing) => standing.perform(),
        }
    }

    fn touch(&mut self, touch: &Touch) -> Result<Got, Errno> {
        if let Some(opened) = touch.open() {
            return Ok(Got::Descriptor(self.keep(opened?)));
        }
        match touch.descriptor() {
            Some(fd) => touch.on(self.get(fd)?),
            None => touch.perform(),
        }
    }

    fn traffic(&mut self, traffic: &Traffic) -> Result<Got, Errno> {
        if let Some(opened) = traffic.open() {
            let numbers: Vec<RawFd> = opened?.into_iter().map(|fd| self.keep(fd)).collect();
            return match numbers[..] {
                [fd] => Ok(Got::Descriptor(fd)),
                [one, other] => Ok(Got::Ends(one, other)),
                _ => Err(Errno::EPROTO),
            };
        }
        let Some(fd) = traffic.descriptor() else {
            return traffic.perform();
        };
        let (got, descriptors) = traffic.on(self.get(fd)?.as_fd())?;
        for fd in descriptors {
            self.keep(fd);
        }
        Ok(got)
    }

    fn act(&mut self, act: &Act) -> Result<Got, Errno> {
        match act {
            Act::Fork(_) | Act::Execute => Err(Errno::EINVAL),
            Act::Getpid | Act::Wait(_) | Act::Exists(_) | Act::DropCapabilities => {
                identity::on_process(act)
            }
            Act::PidfdOpen(pid) => {
                let fd = identity::pidfd_open(*pid)?;
                Ok(Got::Descriptor(self.keep(fd)))
            }
            Act::Poll(fd)
            | Act::PidfdExists(fd)
            | Act::ReadStatus(fd)
            | Act::PassCredentials(fd)
            | Act::ReceiveCredentials(fd, _)
            | Act::SendCredentials(fd, _, _) => identity::on_descriptor(act, self.get(*fd)?),
        }
    }

    fn send(&self, fd: RawFd, bytes: &str, sent: RawFd) -> Result<Got, Errno> {
        let sent = [self.get(sent)?.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = net::SendAncillaryBuffer::new(&mut space);
        control.push(net::SendAncillaryMessage::ScmRights(&sent));
        let count = net::sendmsg(
            self.get(fd)?,
            &[IoSlice::new(bytes.as_bytes())],
            &mut control,
            net::SendFlags::NOSIGNAL,
        );
        count.map(Got::Count).map_err(errno)
    }

    fn receive(&mut self, fd: RawFd, size: usize, flags: net::RecvFlags) -> Result<Got, Errno> {
        let mut buffer = vec![0; size];
        let mut space =
            [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(ROOM_FOR_DESCRIPTORS))];
        let mut control = net::RecvAncillaryBuffer::new(&mut space);
        let received = net::recvmsg(
            self.get(fd)?,
            &mut [IoSliceMut::new(&mut buffer)],
            &mut control,
            flags,
        );
        let count = received.map_err(errno)?.bytes;
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let net::RecvAncillaryMessage::ScmRights(fds) = message {
                descriptors.extend(fds);
            }
        }
        buffer.truncate(count);
        let numbers = descriptors.into_iter().map(|fd| self.keep(fd)).collect();
        Ok(Got::Message(buffer, numbers))
    }
}

fn loopback(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
}

/// An address of AF_UNIX. An abstract name has exactly the bytes it is given.
fn unix(at: &Address) -> Result<SocketAddrUnix, Errno> {
    match at {
        Address::Path(path) => SocketAddrUnix::new(path.as_str()).map_err(errno),
        Address::Abstract(name, nuls) => {
            let mut bytes = name.as_bytes().to_vec();
            bytes.resize(bytes.len() + nuls, 0);
            SocketAddrUnix::new_abstract_name(&bytes).map_err(errno)
        }
        Address::Unnamed => Ok(SocketAddrUnix::new_unnamed()),
        Address::Loopback(_) => Err(Errno::EAFNOSUPPORT),
    }
}

fn errno(error: rustix::io::Errno) -> Errno {
    Errno::from_raw(error.raw_os_error())
}

fn io_errno(error: io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

fn done(result: rustix::io::Result<()>) -> Result<Got, Errno> {
    result.map(|()| Got::Done).map_err(errno)
}

fn done_io((): ()) -> Got {
    Got::Done
}

/// The kernel's "nobody at all" is −1 in an unsigned field; it is shown as C programs print it.
pub(super) fn id(raw: u32) -> i64 {
    if raw == u32::MAX { -1 } else { i64::from(raw) }
}

fn stat(path: &str) -> Result<Got, Errno> {
    let metadata = fs::symlink_metadata(path).map_err(io_errno)?;
    let kind = if metadata.file_type().is_socket() {
        "socket"
    } else if metadata.is_dir() {
        "directory"
    } else {
        "file"
    };
    Ok(Got::Stat {
        kind: kind.to_owned(),
        mode: metadata.mode() & 0o7777,
        size: i64::try_from(metadata.size()).unwrap_or(i64::MAX),
        inode: metadata.ino(),
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Runs ourselves as the program that answers one `getenv`.
fn execute(environment: &Environment, name: &str) -> Result<Got, Errno> {
    let mut command = Command::new(super::runner::OURSELVES);
    command.args(super::runner::ROLE);
    if *environment == Environment::Empty {
        command.env_clear();
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(io_errno)?;
    let request = Request::Variable(name.to_owned()).line();
    let mut input = child.stdin.take().ok_or(Errno::EBADF)?;
    input.write_all(request.as_bytes()).map_err(io_errno)?;
    drop(input);
    let output = child.wait_with_output().map_err(io_errno)?;
    serde_json::from_slice(&output.stdout).map_err(|_| Errno::EPROTO)
}

/// Answers the one `getenv` of [`Request::Variable`].
///
/// # Errors
/// When the answer cannot be written.
pub(super) fn tell_variable(name: &str, mut answer: impl Write) -> io::Result<()> {
    let got = Got::Value(variable(name));
    answer.write_all(serde_json::to_string(&got)?.as_bytes())?;
    answer.flush()
}
