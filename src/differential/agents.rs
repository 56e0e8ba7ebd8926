//! Several processes of Linux, each of which makes the calls of one of the model's: with users of their
//! own, with fork(2) and _exit(2).
//!
//! An agent reads a call a line and writes back what came of it, in the text form of scripts. It listens
//! on a descriptor so high that no call of a script meets it.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use nix::sys::time::TimeVal;
use nix::unistd::Pid as RealPid;

use super::linux::Linux;
use super::sequence::{FIRST, KEPT};
use crate::model::call::Call;
use crate::model::id::Pid;
use crate::model::outcome::{Answer, Outcome, Wait};
use crate::model::script::Expected;
use crate::sys::fork::fork;
use crate::sys::{bare_call as bare, pidfd, process};

/// Where agents listen: the first of these numbers.
const LISTENS: RawFd = KEPT;
/// How many agents a script may have.
const AGENTS: usize = 12;
/// Room for a line.
const LINE: usize = 1 << 20;
/// From one look whether a process sleeps to the next: no event tells that.
const LOOK: Duration = Duration::from_micros(200);
/// How long a call may take: none should sleep.
const PATIENCE: Duration = Duration::from_secs(20);

/// The agents of one script.
#[derive(Debug)]
pub struct Agents {
    /// Our end of each channel.
    channels: Vec<OwnedFd>,
    /// Who plays each process; `None` where there is none yet.
    pids: Vec<Option<i32>>,
    /// What those answered whose time was over before it was their turn.
    early: BTreeMap<Pid, Expected>,
}

impl Agents {
    /// Starts a first process, and further ones of other users, in the working directory of this one, which has only one
    /// thread.
    ///
    /// # Errors
    /// When there can be no channels or no processes.
    pub fn start(further: &[(Pid, u32)]) -> io::Result<Self> {
        let mut agents = Self {
            channels: Vec::new(),
            pids: vec![None; AGENTS],
            early: BTreeMap::new(),
        };
        let mut theirs = Vec::new();
        for place in 0..AGENTS {
            let kind = SockType::SeqPacket;
            let (ours, other) =
                socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)?;
            let wait = TimeVal::new(PATIENCE.as_secs() as i64, 0);
            nix::sys::socket::setsockopt(&ours, nix::sys::socket::sockopt::ReceiveTimeout, &wait)?;
            for end in [&ours, &other] {
                nix::sys::socket::setsockopt(end, nix::sys::socket::sockopt::SndBuf, &(4 * LINE))?;
            }
            agents.channels.push(ours);
            theirs.push(moved(other, LISTENS + place as RawFd)?);
        }
        let users = [(Pid(0), None)];
        let further = further.iter().map(|(pid, user)| (*pid, Some(*user)));
        for (pid, user) in users.into_iter().chain(further) {
            let Some(child) = fork()? else {
                serve(pid.index(), user);
            };
            agents.pids[pid.index()] = Some(child.as_raw());
        }
        Ok(agents)
    }

    /// The process of Linux that plays one of the script's, if there is one.
    pub fn process(&self, pid: Pid) -> Option<i32> {
        self.pids.get(pid.index()).copied().flatten()
    }

    /// Has Linux look for sockets that nobody can reach. Any socket that is released makes it do so;
    /// when is its own affair.
    ///
    /// # Errors
    /// When there can be no socket.
    pub fn let_collect(&self) -> io::Result<()> {
        for _ in 0..2 {
            drop(std::os::unix::net::UnixDatagram::pair()?);
            nix::poll::poll(&mut [], 40_u16)?;
        }
        Ok(())
    }

    /// Waits until an agent answers or, after so long, sleeps in its call; if it sleeps, the call is
    /// broken off. What it answers then, where it sleeps; `None` where it does not.
    fn sleeps(&self, pid: Pid, after: Duration) -> io::Result<Option<String>> {
        let Some(real) = self.pids[pid.index()] else {
            return Ok(None);
        };
        let channel = self.channels[pid.index()].as_fd();
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if has_answered(channel, LOOK)? {
                return Ok(None);
            }
            if began.elapsed() >= after && is_in_its_call(real) {
                kill(RealPid::from_raw(real), Signal::SIGUSR1)?;
                return Ok(Some(heard(channel.as_raw_fd())?));
            }
        }
        Ok(None)
    }

    /// Has a process make a call that may stay asleep, but perhaps not longer than this.
    ///
    /// # Errors
    /// When the agent does not answer.
    pub fn begin(&mut self, pid: Pid, call: &Call, limit_ms: Option<u32>) -> io::Result<Expected> {
        self.request(pid, call)?;
        let answer = self.settled(pid)?;
        let over = Expected::of(&Outcome::Failed(Errno::EAGAIN));
        if limit_ms.is_some() && answer == over {
            // It slept, and nobody was quick enough to see it.
            self.early.insert(pid, answer);
            return Ok(Expected::of(&Outcome::Sleeps(Wait::Other)));
        }
        Ok(answer)
    }

    /// What a call comes back with whose time is over.
    ///
    /// # Errors
    /// When the agent does not answer.
    pub fn expired(&mut self, pid: Pid) -> io::Result<Expected> {
        match self.early.remove(&pid) {
            Some(answer) => Ok(answer),
            None => answer(&heard(self.channels[pid.index()].as_raw_fd())?),
        }
    }

    /// What a call comes back with that was begun; `asleep`, if it still sleeps. Who was woken runs: it
    /// sleeps only when nobody woke it, or when it sleeps again.
    ///
    /// # Errors
    /// When the agent neither answers nor sleeps.
    pub fn settled(&self, pid: Pid) -> io::Result<Expected> {
        let channel = self.channels[pid.index()].as_fd();
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let sleeps = self.process(pid).is_some_and(is_in_its_call);
            if has_answered(channel, Duration::ZERO)? {
                return answer(&heard(channel.as_raw_fd())?);
            }
            if sleeps {
                return Ok(Expected::of(&Outcome::Sleeps(Wait::Other)));
            }
            has_answered(channel, LOOK)?;
        }
        Err(io::Error::from(io::ErrorKind::TimedOut))
    }

    /// Ends the call that a process sleeps in by a signal; what it comes back with.
    ///
    /// # Errors
    /// When the agent does not answer.
    pub fn interrupt(&self, pid: Pid) -> io::Result<Expected> {
        if let Some(real) = self.process(pid) {
            kill(RealPid::from_raw(real), Signal::SIGUSR1)?;
        }
        answer(&heard(self.channels[pid.index()].as_raw_fd())?)
    }

    /// Has a process make a call; `expected` matters only when it is that the call sleeps.
    ///
    /// # Errors
    /// When the agent does not answer.
    pub fn call(
        &mut self,
        pid: Pid,
        call: &Call,
        expected: Option<&Expected>,
    ) -> io::Result<Expected> {
        let asleep = Expected::of(&Outcome::Sleeps(Wait::Other));
        let after = (expected == Some(&asleep)).then_some(Duration::ZERO);
        self.made(pid, call, after)
    }

    /// Has a process make a call that may sleep although it should not, by what the model says: that
    /// is waited for so long.
    ///
    /// # Errors
    /// When the agent does not answer.
    pub fn call_or_sleep(
        &mut self,
        pid: Pid,
        call: &Call,
        model: &Outcome,
        patience: Duration,
    ) -> io::Result<Expected> {
        let after = match model {
            Outcome::Sleeps(_) => Duration::ZERO,
            Outcome::Done(_) | Outcome::Failed(_) | Outcome::BrokenPipe => patience,
        };
        self.made(pid, call, Some(after))
    }

    /// Has a process make a call. After so long it may be found asleep, and is then broken off.
    fn made(&mut self, pid: Pid, call: &Call, after: Option<Duration>) -> io::Result<Expected> {
        let channel = self.channels[pid.index()].as_raw_fd();
        // It is watched from before it can end.
        let watched = match call {
            Call::Exit => self.pids[pid.index()]
                .map(|pid| pidfd::open(pid as u32))
                .transpose()?,
            _ => None,
        };
        let next = self.request(pid, call)?;
        if let Some(watched) = watched {
            let mut fds = [PollFd::new(watched.as_fd(), PollFlags::POLLIN)];
            nix::poll::poll(&mut fds, PATIENCE.as_millis() as u16)?;
            return Ok(Expected::of(&Outcome::Done(Answer::Process(pid))));
        }
        let broken_off = match after {
            Some(after) => self.sleeps(pid, after)?,
            None => None,
        };
        if let Some(text) = broken_off {
            let answer = text.parse::<Expected>().ok();
            let interrupted = Expected::of(&Outcome::Failed(Errno::EINTR));
            // What a call had done in part before it slept is its answer.
            return Ok(match answer {
                Some(part) if after != Some(Duration::ZERO) && part != interrupted => part,
                _ => Expected::of(&Outcome::Sleeps(Wait::Other)),
            });
        }
        let text = heard(channel)?;
        if let Some(child) = text.strip_prefix("child ") {
            self.pids[next] = child.parse().ok();
            let child = Pid(next as u32);
            return Ok(Expected::of(&Outcome::Done(Answer::Process(child))));
        }
        answer(&text)
    }

    /// Asks a process for a call; the number that a child of it would have.
    fn request(&self, pid: Pid, call: &Call) -> io::Result<usize> {
        let known = self.pids.iter();
        let known: Vec<String> = known.map(|pid| pid.unwrap_or(0).to_string()).collect();
        let last = self.pids.iter().rposition(Option::is_some);
        let next = last.map_or(0, |last| last + 1);
        let request = format!("{} {next} {call}", known.join(","));
        let channel = self.channels[pid.index()].as_raw_fd();
        send(channel, request.as_bytes(), MsgFlags::MSG_NOSIGNAL)?;
        Ok(next)
    }
}

/// Whether a process sleeps in the call that it was asked for. The first argument of that is a
/// descriptor: a low one is that of the call, a high one the channel.
fn is_in_its_call(real: i32) -> bool {
    let within = process::syscall(real).filter(|(_, fd)| *fd < LISTENS as u64);
    within.is_some() && process::sleeps(real)
}

/// Whether there is an answer, now or before so long.
fn has_answered(channel: BorrowedFd<'_>, patience: Duration) -> io::Result<bool> {
    let mut fds = [PollFd::new(channel, PollFlags::POLLIN)];
    Ok(ppoll(&mut fds, Some(patience.into()), None)? > 0)
}

/// An agent's answer.
fn answer(text: &str) -> io::Result<Expected> {
    let wrong = |_| io::Error::other(format!("an agent answered `{text}`"));
    text.parse().map_err(wrong)
}

impl Drop for Agents {
    fn drop(&mut self) {
        for pid in self.pids.iter().flatten() {
            let _ = kill(RealPid::from_raw(*pid), Signal::SIGKILL);
        }
        // Those that others forked become ours when their parents end: this process is a subreaper.
        while nix::sys::wait::waitpid(None, None) != Err(Errno::ECHILD) {}
        for place in 0..AGENTS {
            let _ = bare::close(LISTENS + place as RawFd);
        }
    }
}

/// The next line that an agent writes.
fn heard(channel: RawFd) -> io::Result<String> {
    let mut line = vec![0; LINE];
    let len = recv(channel, &mut line, MsgFlags::empty())?;
    Ok(String::from_utf8_lossy(&line[..len]).into_owned())
}

fn moved(descriptor: OwnedFd, to: RawFd) -> io::Result<RawFd> {
    bare::dup2(descriptor.as_raw_fd(), to)?;
    Ok(to)
}

/// What an agent does: one call after the other, until nobody asks any more.
fn serve(place: usize, user: Option<u32>) -> ! {
    let mut channel = LISTENS + place as RawFd;
    for fd in FIRST..LISTENS {
        let _ = bare::close(fd);
    }
    let _ = bare::be_interruptible();
    let mut linux = Linux::new(Vec::new());
    if let Some(user) = user {
        linux.call(&Call::SetIds {
            real: user,
            effective: user,
        });
    }
    // Who sleeps in a call does not see that nobody asks any more.
    let _ = set_pdeathsig(Signal::SIGKILL);
    let mut line = vec![0; LINE];
    loop {
        let Ok(len) = recv(channel, &mut line, MsgFlags::empty()) else {
            end(1);
        };
        let text = String::from_utf8_lossy(&line[..len]).into_owned();
        let mut words = text.splitn(3, ' ');
        let (Some(known), Some(next), Some(call)) = (words.next(), words.next(), words.next())
        else {
            // The other end is closed.
            end(0);
        };
        linux.know(
            known
                .split(',')
                .map(|pid| pid.parse().unwrap_or(0))
                .collect(),
        );
        let answer = match call.parse() {
            Ok(Call::Fork) => match fork() {
                Ok(Some(child)) => format!("child {child}"),
                Ok(None) => {
                    channel = LISTENS + next.parse::<RawFd>().unwrap_or(0);
                    continue;
                }
                Err(error) => format!("error {error}"),
            },
            Ok(Call::Exit) => end(0),
            Ok(call) => Expected::of(&linux.call(&call)).to_string(),
            Err(mistake) => format!("error {mistake}"),
        };
        if send(channel, answer.as_bytes(), MsgFlags::MSG_NOSIGNAL).is_err() {
            end(1);
        }
    }
}

/// Ends this agent.
#[expect(
    clippy::disallowed_methods,
    reason = "an agent is a copy of a process that has more to do; it may not return into it"
)]
fn end(status: i32) -> ! {
    std::process::exit(status)
}
