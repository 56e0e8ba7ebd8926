//! Linux, asked by this very process: each call of the model as the real system call.
//!
//! The process must own every descriptor from 3 on. Processes are known by the number the model gives
//! them; this one is whoever it is told to be.

use nix::errno::Errno;
use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::Mode;

use crate::model::address::{Address, Family, Name};
use crate::model::call::{
    Access, Ancillary, Asked, Birth, Call, Events, Fd, Flags, How, Interest, Set, Whom,
};
use crate::model::id::Pid;
use crate::model::outcome::{Answer, ControlMessage, Credentials, Outcome, Received, Reported};
use crate::sys::bare_call::{self as bare, Direction, Sent, Whose};

/// A number that no process has.
const NOBODY: i32 = i32::MAX;

/// This process, seen as one of the model's.
#[derive(Debug)]
pub struct Linux {
    /// Numbers of processes, in the order of the model's.
    pids: Vec<i32>,
    buffer: Vec<u8>,
}

impl Linux {
    /// A process that knows these; the place of each is its number in the model.
    pub fn new(pids: Vec<i32>) -> Self {
        // Where it cannot be kept, the signal is ignored, as it was.
        let _ = bare::keep_sigpipe();
        Self {
            pids,
            buffer: vec![0; 512 * 1024],
        }
    }

    /// Knows these processes from now on.
    pub fn know(&mut self, pids: Vec<i32>) {
        self.pids = pids;
    }

    /// Makes a call. What only several processes can do is not tried.
    pub fn call(&mut self, call: &Call) -> Outcome {
        match self.make(call) {
            Ok(answer) => Outcome::Done(answer),
            Err(Errno::EPIPE) if bare::take_sigpipe() => Outcome::BrokenPipe,
            Err(errno) => Outcome::Failed(errno),
        }
    }

    fn make(&mut self, call: &Call) -> nix::Result<Answer> {
        Ok(match call {
            Call::Socket {
                ty,
                protocol,
                birth,
            } => fd(bare::socket(ty | flags(*birth), *protocol)?),
            Call::Socketpair {
                ty,
                protocol,
                birth,
            } => {
                let (a, b) = bare::socketpair(ty | flags(*birth), *protocol)?;
                Answer::Pair(a, b)
            }
            Call::Bind { fd, address } => number(bare::bind(*fd, &bytes(address), address.len)?),
            Call::Connect { fd, address } => {
                number(bare::connect(*fd, &bytes(address), address.len)?)
            }
            Call::Listen { fd, backlog } => number(bare::listen(*fd, *backlog)?),
            Call::Accept { fd: at, birth } => fd(bare::accept4(*at, flags(*birth))?),
            Call::Send {
                fd,
                payload,
                flags,
                to,
                control,
            } => {
                let data = payload.bytes(0, payload.len);
                let address = to.as_ref().map(bytes);
                let to = address
                    .as_deref()
                    .zip(to.as_ref())
                    .map(|(bytes, to)| (bytes, to.len));
                let control: Vec<_> = control
                    .iter()
                    .map(|message| self.control(message))
                    .collect();
                let sent = Sent {
                    bytes: &data,
                    flags: flags.0,
                    to,
                    control: &control,
                };
                number(bare::sendmsg(*fd, &sent)?)
            }
            Call::Receive {
                fd,
                len,
                flags,
                control,
            } => self.receive(*fd, *len, *flags, *control)?,
            Call::Write { fd, payload } => {
                let written = bare::write(*fd, &payload.bytes(0, payload.len))?;
                if written < payload.len as i64 {
                    // A pipe that breaks halfway makes a signal beside a number, which is not compared.
                    bare::take_sigpipe();
                }
                number(written)
            }
            Call::Writev { fd, pieces } => {
                let pieces = pieces.iter().map(|piece| piece.bytes(0, piece.len));
                number(bare::writev(*fd, &pieces.collect::<Vec<_>>())?)
            }
            Call::Read { fd, len } => {
                let buffer = &mut self.buffer[..*len];
                let count = bare::read(*fd, buffer)? as usize;
                let data = buffer[..count].to_vec();
                Answer::Received(Received {
                    count,
                    data,
                    ..Received::default()
                })
            }
            Call::Shutdown { fd, how } => number(bare::shutdown(
                *fd,
                match how {
                    How::Read => libc::SHUT_RD,
                    How::Write => libc::SHUT_WR,
                    How::Both => libc::SHUT_RDWR,
                    How::Invalid => 3,
                },
            )?),
            Call::Close { fd } => number(bare::close(*fd)?),
            Call::Dup { fd: at } => fd(bare::dup(*at)?),
            Call::Dup2 { fd: at, to } => fd(bare::dup2(*at, *to)?),
            Call::SetNonblock { fd, on } => {
                let status = bare::fcntl(*fd, libc::F_GETFL, 0)? as i32 & !libc::O_NONBLOCK;
                let wanted = if *on { libc::O_NONBLOCK } else { 0 };
                number(bare::fcntl(*fd, libc::F_SETFL, status | wanted)?)
            }
            Call::GetNonblock { fd } => {
                let status = bare::fcntl(*fd, libc::F_GETFL, 0)? as i32;
                Answer::Number(i64::from(status & libc::O_NONBLOCK != 0))
            }
            Call::SetCloexec { fd, on } => number(bare::fcntl(*fd, libc::F_SETFD, i32::from(*on))?),
            Call::GetCloexec { fd } => number(bare::fcntl(*fd, libc::F_GETFD, 0)?),
            Call::Getsockname { fd } => named(*fd, Whose::Own)?,
            Call::Getpeername { fd } => named(*fd, Whose::Peer)?,
            Call::Getsockopt { fd, option } => self.getsockopt(*fd, *option)?,
            Call::Setsockopt { fd, option } => {
                let (option, value) = match option {
                    Set::SndTimeo(ms) => {
                        return Ok(number(bare::set_limit(*fd, libc::SO_SNDTIMEO, *ms)?));
                    }
                    Set::RcvTimeo(ms) => {
                        return Ok(number(bare::set_limit(*fd, libc::SO_RCVTIMEO, *ms)?));
                    }
                    Set::SndBuf(bytes) => (libc::SO_SNDBUF, *bytes),
                    Set::RcvBuf(bytes) => (libc::SO_RCVBUF, *bytes),
                    Set::PassCred(on) => (libc::SO_PASSCRED, i32::from(*on)),
                    Set::ReuseAddr => (libc::SO_REUSEADDR, 1),
                };
                number(bare::set_option(*fd, option, value)?)
            }
            Call::Inq { fd } => number(bare::queued(*fd, Direction::In)?),
            Call::Outq { fd } => number(bare::queued(*fd, Direction::Out)?),
            Call::Poll { fd, events } => Answer::Ready(Events(bare::poll(*fd, events.0)?)),
            Call::Epoll { birth } => fd(bare::epoll_create(flags(*birth))?),
            Call::EpollAdd {
                fd,
                target,
                interest,
            } => number(bare::epoll_ctl(
                *fd,
                libc::EPOLL_CTL_ADD,
                *target,
                epoll_events(*interest),
            )?),
            Call::EpollModify {
                fd,
                target,
                interest,
            } => number(bare::epoll_ctl(
                *fd,
                libc::EPOLL_CTL_MOD,
                *target,
                epoll_events(*interest),
            )?),
            Call::EpollDelete { fd, target } => {
                number(bare::epoll_ctl(*fd, libc::EPOLL_CTL_DEL, *target, 0)?)
            }
            Call::EpollWait { fd, most } => {
                let told = bare::epoll_wait(*fd, *most)?.into_iter();
                let told = told.map(|(fd, events)| Reported {
                    fd,
                    events: Events(events as i16),
                });
                Answer::Reported(told.collect())
            }
            Call::Pipe { birth } => {
                let (out, into) = bare::pipe2(flags(*birth))?;
                Answer::Pair(out, into)
            }
            Call::Eventfd { value, birth } => fd(bare::eventfd(*value, flags(*birth))?),
            Call::Open { path, access } => fd(bare::open(
                path,
                match access {
                    Access::Read => libc::O_RDONLY,
                    Access::Write => libc::O_WRONLY,
                    Access::Both => libc::O_RDWR,
                    Access::Path => libc::O_PATH,
                },
                0,
            )?),
            Call::Create { path } => {
                let made = bare::open(path, libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY, 0o666)?;
                number(bare::close(made as Fd)?)
            }
            Call::Seek { fd, offset } => number(bare::seek(*fd, i64::from(*offset))?),
            Call::Fchmod { fd, mode } => number(bare::fchmod(*fd, *mode)?),
            Call::Mkdir { .. }
            | Call::Symlink { .. }
            | Call::Unlink { .. }
            | Call::Rename { .. }
            | Call::Chmod { .. }
            | Call::Chown { .. }
            | Call::Mode { .. }
            | Call::Umask { .. }
            | Call::Chdir { .. }
            | Call::SetIds { .. }
            | Call::LimitFiles { .. } => surroundings(call)?,
            Call::Fork | Call::Exit => return Err(Errno::ENOSYS),
        })
    }

    fn control(&self, message: &Ancillary) -> (i32, i32, usize, Vec<u8>) {
        const HEADER: usize = 16;
        match message {
            Ancillary::Rights { fds, spare } => {
                let mut payload: Vec<u8> = fds.iter().flat_map(|fd| fd.to_ne_bytes()).collect();
                payload.resize(payload.len() + spare, 0);
                (
                    libc::SOL_SOCKET,
                    libc::SCM_RIGHTS,
                    HEADER + payload.len(),
                    payload,
                )
            }
            Ancillary::Credentials(claimed) => {
                let pid = match claimed.pid {
                    Whom::Caller => std::process::id() as i32,
                    Whom::Process(pid) => self.pids.get(pid.index()).copied().unwrap_or(NOBODY),
                    Whom::Nobody => NOBODY,
                };
                let words = [pid as u32, claimed.uid, claimed.gid];
                let mut payload: Vec<u8> =
                    words.iter().flat_map(|word| word.to_ne_bytes()).collect();
                payload.resize(payload.len() + claimed.spare, 0);
                (
                    libc::SOL_SOCKET,
                    libc::SCM_CREDENTIALS,
                    HEADER + payload.len(),
                    payload,
                )
            }
            Ancillary::Short => (libc::SOL_SOCKET, libc::SCM_RIGHTS, HEADER - 1, vec![0; 4]),
            Ancillary::Unknown => (libc::SOL_SOCKET, 0x77, HEADER + 4, vec![0; 4]),
            Ancillary::OtherLevel => (libc::SOL_IP, 0x77, HEADER + 4, vec![0; 4]),
        }
    }

    fn receive(
        &mut self,
        fd: Fd,
        len: usize,
        flags: Flags,
        room: Option<usize>,
    ) -> nix::Result<Answer> {
        let buffer = &mut self.buffer[..len];
        let arrived = bare::recvmsg(fd, buffer, flags.0, room)?;
        let count = arrived.count as usize;
        let data = buffer[..count.min(len)].to_vec();
        let control = arrived
            .control
            .iter()
            .map(|(_, kind, payload)| self.delivered(*kind, payload));
        Ok(Answer::Received(Received {
            count,
            data,
            from: (arrived.from.len() > 2).then(|| Name {
                bytes: arrived.from[2..].to_vec(),
            }),
            flags: Flags(arrived.flags & (Flags::TRUNC | Flags::CTRUNC).0),
            control: control.collect(),
            control_len: arrived.control_len,
        }))
    }

    fn delivered(&self, kind: i32, payload: &[u8]) -> ControlMessage {
        let words = payload
            .chunks_exact(4)
            .map(|word| word.try_into().expect("four bytes"));
        let words: Vec<u32> = words.map(u32::from_ne_bytes).collect();
        if kind == libc::SCM_RIGHTS {
            return ControlMessage::Rights(words.iter().map(|word| *word as Fd).collect());
        }
        // What did not fit is taken for what the model says; only what is there is compared.
        let word = |at: usize| words.get(at).copied().unwrap_or_default();
        let of = Credentials {
            pid: self.process(word(0) as i32),
            uid: word(1),
            gid: word(2),
        };
        ControlMessage::Credentials {
            of,
            fit: payload.len(),
        }
    }

    /// The model's number of a process.
    fn process(&self, pid: i32) -> Option<Pid> {
        let place = self
            .pids
            .iter()
            .position(|known| *known == pid && pid != 0)?;
        Some(Pid(place as u32))
    }

    fn getsockopt(&self, fd: Fd, option: Asked) -> nix::Result<Answer> {
        let (name, ints) = match option {
            Asked::Type => (libc::SO_TYPE, 1),
            Asked::Error => (libc::SO_ERROR, 1),
            Asked::AcceptConn => (libc::SO_ACCEPTCONN, 1),
            Asked::PeerCred => (libc::SO_PEERCRED, 3),
            Asked::SndBuf => (libc::SO_SNDBUF, 1),
            Asked::PassCred => (libc::SO_PASSCRED, 1),
            Asked::Domain => (libc::SO_DOMAIN, 1),
            Asked::Protocol => (libc::SO_PROTOCOL, 1),
        };
        let value = bare::option(fd, name, ints)?;
        Ok(match option {
            Asked::PeerCred => Answer::Credentials(Credentials {
                pid: self.process(value[0]),
                uid: value[1] as u32,
                gid: value[2] as u32,
            }),
            _ => Answer::Number(value[0].into()),
        })
    }
}

/// Calls that change or ask what is around the descriptors.
fn surroundings(call: &Call) -> nix::Result<Answer> {
    use std::os::unix::fs::PermissionsExt;
    let io = |result: std::io::Result<()>| {
        result.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
    };
    match call {
        Call::Mkdir { path, mode } => {
            nix::unistd::mkdir(path.as_str(), Mode::from_bits_truncate(*mode))?
        }
        Call::Symlink { target, path } => io(std::os::unix::fs::symlink(target, path))?,
        Call::Unlink { path } => nix::unistd::unlink(path.as_str())?,
        Call::Rename { from, to } => io(std::fs::rename(from, to))?,
        Call::Chmod { path, mode } => {
            io(std::fs::set_permissions(
                path,
                PermissionsExt::from_mode(*mode),
            ))?;
        }
        Call::Chown { path, uid, gid } => {
            io(std::os::unix::fs::chown(path, Some(*uid), Some(*gid)))?
        }
        Call::Mode { path } => {
            let mode = nix::sys::stat::stat(path.as_str())?.st_mode;
            return Ok(Answer::Number(i64::from(mode & 0o777)));
        }
        Call::Umask { mask } => {
            let before = nix::sys::stat::umask(Mode::from_bits_truncate(*mask));
            return Ok(Answer::Number(before.bits().into()));
        }
        Call::Chdir { path } => nix::unistd::chdir(path.as_str())?,
        Call::SetIds { real, effective } => {
            let saved = *effective;
            let _ = nix::unistd::setgroups(&[]);
            nix::unistd::setresgid((*real).into(), (*effective).into(), saved.into())?;
            nix::unistd::setresuid((*real).into(), (*effective).into(), saved.into())?;
        }
        Call::LimitFiles { limit } => {
            let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
            setrlimit(Resource::RLIMIT_NOFILE, u64::from(*limit), hard)?;
        }
        _ => return Err(Errno::ENOSYS),
    }
    Ok(Answer::Number(0))
}

fn number(returned: i64) -> Answer {
    Answer::Number(returned)
}

fn fd(returned: i64) -> Answer {
    Answer::Descriptor(returned as Fd)
}

/// What epoll_ctl(2) is told of an interest.
fn epoll_events(interest: Interest) -> u32 {
    let edge = if interest.edge { libc::EPOLLET } else { 0 };
    let oneshot = if interest.oneshot {
        libc::EPOLLONESHOT
    } else {
        0
    };
    i32::from(interest.events.0) as u32 | (edge | oneshot) as u32
}

fn flags(birth: Birth) -> i32 {
    let nonblock = if birth.nonblock {
        libc::SOCK_NONBLOCK
    } else {
        0
    };
    let cloexec = if birth.cloexec { libc::SOCK_CLOEXEC } else { 0 };
    nonblock | cloexec
}

/// The address as it lies in memory.
fn bytes(address: &Address) -> Vec<u8> {
    let family = match address.family {
        Family::Unix => libc::AF_UNIX,
        Family::Unspec => libc::AF_UNSPEC,
        Family::Inet => libc::AF_INET,
    };
    [&(family as u16).to_ne_bytes()[..], &address.path].concat()
}

fn named(fd: Fd, whose: Whose) -> nix::Result<Answer> {
    let (bytes, len) = bare::name(fd, whose)?;
    Ok(Answer::Name((len > 2).then(|| Name {
        bytes: bytes[2..].to_vec(),
    })))
}
