//! The supervisor: the process that owns the learner's program.
//!
//! One thread, one loop. It starts instances, drains and keeps what they print (bounded), waits
//! for what it is told to wait for, and at the end kills the whole tree it started, orphans
//! included, and reaps it. When the grader dies the line breaks and the same end comes. It judges
//! nothing: what it sees goes to the grader. How a process is started is [`crate::sys::spawn`]'s.
//!
//! Long because it is one process: starting, draining, waiting, killing and reaping share one table
//! of instances and one poll loop.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::capture::Capture;
use super::link::Line;
use super::protocol::{Answer, Bytes, Order, Seen, StdoutKind};
use super::verdict::{Event, Side};
use crate::sys::clock::{Deadline, now_us};
use crate::sys::process;
use crate::sys::sock_diag;
use crate::sys::spawn::{Spawn, become_subreaper, terminal};
use crate::untrusted::Untrusted;

/// Events kept for the timeline; a program that prints without end must not fill memory.
const MOST_EVENTS: usize = 2000;

/// Plays the supervisor until the grader hangs up. Standard input is the line to it.
///
/// # Errors
/// When standard input is no line, or the process cannot be set up.
pub fn play() -> io::Result<()> {
    let line = Line::from_stdin()?;
    become_subreaper()?;
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGCHLD);
    mask.thread_block()?;
    let children = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let mut supervisor = Supervisor {
        line,
        children,
        instances: BTreeMap::new(),
        events: Vec::new(),
        waiting: None,
        guarded: None,
    };
    let result = supervisor.serve();
    supervisor.finish();
    if let Some(directory) = &supervisor.guarded {
        drop(super::arena::remove(directory));
    }
    match result {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        other => other,
    }
}

struct Supervisor {
    line: Line,
    children: SignalFd,
    instances: BTreeMap<String, Instance>,
    events: Vec<Event>,
    waiting: Option<Waiting>,
    /// What the grader would remove; ours to remove when it dies.
    guarded: Option<PathBuf>,
}

struct Instance {
    pid: i32,
    stdout: Stream,
    stderr: Stream,
    end: Option<End>,
    stopped: bool,
    /// Signals we sent.
    sent: Vec<i32>,
    descriptors_at_ready: usize,
}

#[derive(Clone, Copy)]
enum End {
    Exited(i32),
    Signalled(i32),
}

struct Stream {
    fd: Option<OwnedFd>,
    capture: Capture,
}

struct Waiting {
    name: String,
    what: Condition,
    deadline: Deadline,
    /// Milliseconds until the next look, for what the kernel does not announce.
    tick_ms: u64,
}

enum Condition {
    Ready(Bytes),
    Stopped(Interruption),
    Exit,
    Line(Bytes),
    Descriptors(usize),
    Pipe(u64),
}

/// An interruption on its way: SIGSTOP is sent once the program sleeps in a call.
struct Interruption {
    /// At so many looks in a row it slept.
    asleep: u8,
    /// A program that never sleeps is stopped by then.
    at_last: Deadline,
    sent: bool,
}

impl Interruption {
    /// Looks in a row at which a program must sleep.
    const LOOKS: u8 = 3;
    /// How long sleep is waited for, in milliseconds.
    const PATIENCE_MS: u64 = 500;

    fn new() -> Self {
        let at_last = Deadline::after_ms(Self::PATIENCE_MS);
        Self {
            asleep: 0,
            at_last,
            sent: false,
        }
    }

    /// One look: sends SIGSTOP when it is time.
    fn look(&mut self, pid: i32) {
        let sleeps = process::stat(pid).is_some_and(|stat| stat.state == 'S');
        self.asleep = if sleeps { self.asleep + 1 } else { 0 };
        if !self.sent && (self.asleep >= Self::LOOKS || self.at_last.passed()) {
            self.sent = true;
            let _ = kill(Pid::from_raw(pid), Signal::SIGSTOP);
        }
    }
}

impl Supervisor {
    fn serve(&mut self) -> io::Result<()> {
        loop {
            self.sleep()?;
            self.drain();
            self.reap();
            if let Some(answer) = self.look_at_condition() {
                self.waiting = None;
                self.line.answer(&answer)?;
            }
            while self.waiting.is_none() {
                let Some(order) = self.line.next::<Order>()? else {
                    break;
                };
                if let Some(answer) = self.obey(order) {
                    self.line.answer(&answer)?;
                }
            }
            if let Some(answer) = self.look_at_condition() {
                self.waiting = None;
                self.line.answer(&answer)?;
            }
        }
    }

    /// Sleeps until something happens, or it is time to look again.
    fn sleep(&mut self) -> io::Result<()> {
        let timeout = match &mut self.waiting {
            None => nix::poll::PollTimeout::NONE,
            Some(waiting) => {
                let next = match waiting.what {
                    Condition::Ready(_)
                    | Condition::Descriptors(_)
                    | Condition::Pipe(_)
                    | Condition::Stopped(Interruption { sent: false, .. }) => {
                        let next = Deadline::after_ms(waiting.tick_ms);
                        waiting.tick_ms = (waiting.tick_ms * 2).min(20);
                        next.earlier(waiting.deadline)
                    }
                    Condition::Stopped(_) | Condition::Exit | Condition::Line(_) => {
                        waiting.deadline
                    }
                };
                next.poll_timeout()
            }
        };
        let mut fds = vec![
            PollFd::new(self.line.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.children.as_fd(), PollFlags::POLLIN),
        ];
        for instance in self.instances.values() {
            for stream in [&instance.stdout, &instance.stderr] {
                if let Some(fd) = &stream.fd {
                    fds.push(PollFd::new(fd.as_fd(), PollFlags::POLLIN));
                }
            }
        }
        match nix::poll::poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        // The grader may vanish while we wait for something on its behalf.
        match fds[0].revents() {
            Some(events) if events.contains(PollFlags::POLLHUP) => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            _ => Ok(()),
        }
    }

    fn event(&mut self, what: String) {
        if self.events.len() < MOST_EVENTS {
            self.events.push(Event {
                at_us: now_us(),
                side: Side::Program,
                what,
            });
        }
    }

    /// Takes what the programs have printed: always, so that a chatty one never blocks on us.
    fn drain(&mut self) {
        let mut said = Vec::new();
        for (name, instance) in &mut self.instances {
            let streams = [
                (&mut instance.stdout, "stdout"),
                (&mut instance.stderr, "stderr"),
            ];
            for (stream, which) in streams {
                for line in stream.drain() {
                    said.push(format!("{}prints on {which}: {line}", prefix(name)));
                }
            }
        }
        for what in said {
            self.event(what);
        }
    }

    /// Learns of every child that has ended or stopped.
    fn reap(&mut self) {
        while let Ok(Some(_)) = self.children.read_signal() {}
        let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED | WaitPidFlag::WCONTINUED;
        loop {
            match waitpid(None, Some(flags)) {
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => break,
                Ok(status) => self.learn(status),
                Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
    }

    fn learn(&mut self, status: WaitStatus) {
        let Some(pid) = status.pid().map(Pid::as_raw) else {
            return;
        };
        let Some((name, instance)) = self
            .instances
            .iter_mut()
            .find(|(_, instance)| instance.pid == pid)
        else {
            return;
        };
        let who = prefix(name);
        let what = match status {
            WaitStatus::Exited(_, code) => {
                instance.end = Some(End::Exited(code));
                format!("{who}ends with status {code}")
            }
            WaitStatus::Signaled(_, signal, _) => {
                instance.end = Some(End::Signalled(signal as i32));
                format!("{who}is ended by {}", signal.as_str())
            }
            WaitStatus::Stopped(_, signal) => {
                instance.stopped = true;
                format!("{who}is stopped by {}", signal.as_str())
            }
            WaitStatus::Continued(_) => {
                instance.stopped = false;
                format!("{who}continues")
            }
            _ => return,
        };
        // What it printed last belongs before its end.
        self.drain();
        self.event(what);
    }

    /// Carries out an order; `None` when its answer has to wait.
    fn obey(&mut self, order: Order) -> Option<Answer> {
        match order {
            Order::Guard { directory } => {
                self.guarded = Some(Untrusted::from(&directory).as_path().to_owned());
                Some(Answer::Done)
            }
            Order::Start {
                name,
                argv,
                env,
                cwd,
                identity,
                limits,
                stdout,
            } => {
                let os = |bytes: Bytes| Untrusted::new(bytes.0).as_path().as_os_str().to_owned();
                let started = streams(stdout).and_then(|(stdio, ours)| {
                    let spawn = Spawn {
                        argv: argv.into_iter().map(os).collect(),
                        env: env
                            .into_iter()
                            .map(|(key, value)| (os(key), os(value)))
                            .collect(),
                        cwd: os(cwd).into(),
                        stdio,
                        identity,
                        limits,
                        umask: 0o022,
                    };
                    spawn.start().map(|child| (child.id() as i32, ours))
                });
                match started {
                    Ok((pid, [stdout, stderr])) => {
                        self.event(format!("{}starts as process {pid}", prefix(&name)));
                        let instance = Instance {
                            pid,
                            stdout: Stream::new(stdout),
                            stderr: Stream::new(stderr),
                            end: None,
                            stopped: false,
                            sent: Vec::new(),
                            descriptors_at_ready: 0,
                        };
                        self.instances.insert(name, instance);
                        Some(Answer::Done)
                    }
                    Err(error) => Some(Answer::NotStarted {
                        errno: error.raw_os_error().map_or_else(
                            || error.to_string(),
                            |raw| errno_name(Errno::from_raw(raw)),
                        ),
                    }),
                }
            }
            Order::AwaitReady {
                name,
                path,
                within_ms,
            } => self.wait(name, Condition::Ready(path), within_ms),
            Order::AwaitExit { name, within_ms } => self.wait(name, Condition::Exit, within_ms),
            Order::AwaitLine {
                name,
                line,
                within_ms,
            } => self.wait(name, Condition::Line(line), within_ms),
            Order::AwaitDescriptors {
                name,
                at_most,
                within_ms,
            } => self.wait(name, Condition::Descriptors(at_most), within_ms),
            Order::AwaitPipe {
                name,
                inode,
                within_ms,
            } => self.wait(name, Condition::Pipe(inode), within_ms),
            Order::Interrupt { name, within_ms } => {
                self.wait(name, Condition::Stopped(Interruption::new()), within_ms)
            }
            Order::Signal { name, signal } => {
                let Some(instance) = self.instances.get_mut(&name) else {
                    return Some(no_instance(&name));
                };
                let Ok(signal) = Signal::try_from(signal) else {
                    return Some(Answer::Fault {
                        message: format!("no signal {signal}"),
                    });
                };
                instance.sent.push(signal as i32);
                // SIGKILL stands for a crash of the whole service, children and wrappers included;
                // every other signal is for the main process.
                let pid = Pid::from_raw(instance.pid);
                let sent = match signal {
                    Signal::SIGKILL => nix::sys::signal::killpg(pid, signal),
                    _ => kill(pid, signal),
                };
                Some(if sent.is_ok() {
                    Answer::Done
                } else {
                    Answer::Ended
                })
            }
            Order::Look { name } => Some(match self.instances.get(&name) {
                Some(instance) => Answer::Seen(Box::new(instance.look())),
                None => no_instance(&name),
            }),
            Order::CpuTime { name } => Some(match self.instances.get(&name) {
                Some(instance) => Answer::CpuTime {
                    ms: instance.cpu_ms(),
                },
                None => no_instance(&name),
            }),
            Order::Owns { name, pid } => Some(match self.instances.get(&name) {
                Some(instance) => Answer::Owned {
                    yes: instance.owns(pid),
                },
                None => no_instance(&name),
            }),
            Order::Events => Some(Answer::Events {
                events: std::mem::take(&mut self.events),
            }),
            Order::Finish => {
                self.finish();
                self.guarded = None;
                Some(Answer::Done)
            }
        }
    }

    fn wait(&mut self, name: String, what: Condition, within_ms: u64) -> Option<Answer> {
        if !self.instances.contains_key(&name) {
            return Some(no_instance(&name));
        }
        let deadline = Deadline::after_ms(within_ms);
        self.waiting = Some(Waiting {
            name,
            what,
            deadline,
            tick_ms: 1,
        });
        None
    }

    /// Whether what we wait for has happened, can no longer happen, or is late.
    fn look_at_condition(&mut self) -> Option<Answer> {
        let waiting = self.waiting.as_mut()?;
        let instance = self.instances.get_mut(&waiting.name)?;
        let ended = instance.end.is_some();
        let found = match &mut waiting.what {
            Condition::Ready(path) if !ended => listening(path)
                .filter(|(_, _, socket)| instance.may_hold(*socket))
                .map(|(dev, ino, _)| {
                    instance.descriptors_at_ready = process::descriptors(instance.pid).len();
                    Answer::Ready { dev, ino }
                }),
            Condition::Stopped(_) if instance.stopped => {
                let _ = kill(Pid::from_raw(instance.pid), Signal::SIGCONT);
                instance.stopped = false;
                Some(Answer::Done)
            }
            Condition::Stopped(interruption) if !ended => {
                interruption.look(instance.pid);
                None
            }
            Condition::Exit if ended => Some(Answer::Done),
            Condition::Line(line) if instance.stdout.capture.has_line(&line.0) => {
                Some(Answer::Done)
            }
            Condition::Descriptors(at_most) if !ended => {
                (process::descriptors(instance.pid).len() <= *at_most).then_some(Answer::Done)
            }
            Condition::Pipe(inode) if !ended => instance.pipe(*inode),
            _ => None,
        };
        let late = || waiting.deadline.passed().then_some(Answer::TimedOut);
        // A line may still be in the pipe when its writer has ended: only its end is the end.
        let over = ended && instance.stdout.fd.is_none();
        let answer = found.or_else(|| over.then_some(Answer::Ended)).or_else(|| {
            (ended && !matches!(waiting.what, Condition::Line(_))).then_some(Answer::Ended)
        });
        let answer = answer.or_else(late)?;
        if matches!(answer, Answer::Ready { .. }) {
            let name = waiting.name.clone();
            self.event(format!("{}listens", prefix(&name)));
        }
        Some(answer)
    }

    /// Kills everything that was started, whatever session it moved to, and reaps it.
    fn finish(&mut self) {
        let me = nix::unistd::getpid().as_raw();
        for instance in self.instances.values_mut() {
            if instance.end.is_none() {
                instance.sent.push(Signal::SIGKILL as i32);
                let _ = nix::sys::signal::killpg(Pid::from_raw(instance.pid), Signal::SIGKILL);
            }
        }
        // Killing a parent gives us its children; a program that forks while we do this is met
        // again in the next round, and there is always a next round while any child is left.
        loop {
            for pid in process::descendants(me) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            match waitpid(None, None) {
                Ok(status) => self.learn(status),
                Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        self.drain();
    }
}

impl Instance {
    fn look(&self) -> Seen {
        let (status, signal) = match self.end {
            Some(End::Exited(code)) => (Some(code), None),
            Some(End::Signalled(signal)) => (None, Some(signal)),
            None => (None, None),
        };
        let mut seen = Seen {
            pid: self.pid,
            running: self.end.is_none(),
            status,
            signal,
            killed_by_us: signal.is_some_and(|signal| self.sent.contains(&signal)),
            cpu_ms: self.cpu_ms(),
            descriptors_at_ready: self.descriptors_at_ready,
            stdout: Bytes(self.stdout.capture.bytes()),
            stderr: Bytes(self.stderr.capture.bytes()),
            ..Seen::default()
        };
        if seen.running {
            let open = process::descriptors(self.pid);
            seen.descriptors = open.len();
            if let Some((number, first)) = process::syscall(self.pid) {
                let (name, on_descriptor) = process::syscall_name(number);
                name.clone_into(&mut seen.syscall);
                if on_descriptor {
                    seen.syscall_fd = Some(first as i32);
                    let link = open.iter().find(|(number, _)| *number == first as i32);
                    seen.syscall_fd_kind = link.map_or("not open", |(_, to)| kind(to)).to_owned();
                }
            }
        }
        seen
    }

    fn cpu_ms(&self) -> u64 {
        process::stat(self.pid).map_or(0, |stat| stat.cpu_ms)
    }

    fn owns(&self, pid: i32) -> bool {
        pid == self.pid
            || process::stat(pid).is_some_and(|stat| stat.session == self.pid)
            || process::descendants(self.pid).contains(&pid)
    }

    /// Whether a process of this instance has the socket open. One whose descriptors we may not
    /// see is believed.
    fn may_hold(&self, socket: u32) -> bool {
        let wanted = format!("socket:[{socket}]");
        let mut tree = process::descendants(self.pid);
        tree.insert(self.pid);
        tree.iter().any(|&pid| {
            let open = process::descriptors(pid);
            open.is_empty() || open.iter().any(|(_, to)| to.as_os_str() == wanted.as_str())
        })
    }

    fn pipe(&self, inode: u64) -> Option<Answer> {
        let wanted = format!("pipe:[{inode}]");
        let open = process::descriptors(self.pid);
        let (number, _) = open
            .iter()
            .find(|(_, to)| to.as_os_str() == wanted.as_str())?;
        let flags = process::descriptor_flags(self.pid, *number)?;
        Some(Answer::Pipe {
            close_on_exec: flags & nix::libc::O_CLOEXEC != 0,
        })
    }
}

impl Stream {
    fn new(fd: OwnedFd) -> Self {
        Self {
            fd: Some(fd),
            capture: Capture::default(),
        }
    }

    /// Reads what is there and returns the lines that became whole, printable.
    fn drain(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut buffer = [0; 16 * 1024];
        // Bounded work a turn: a flood must not keep us from the deadline.
        for _ in 0..16 {
            let Some(fd) = &self.fd else { break };
            match nix::unistd::read(fd, &mut buffer) {
                Ok(0) => self.fd = None,
                Ok(count) => lines.extend(self.capture.take(&buffer[..count])),
                Err(Errno::EAGAIN | Errno::EINTR) => break,
                // A pseudo-terminal without a holder reports EIO.
                Err(_) => self.fd = None,
            }
        }
        if self.fd.is_none() {
            lines.extend(self.capture.end());
        }
        lines
            .into_iter()
            .map(|line| format!("\"{}\"", Untrusted::new(line)))
            .collect()
    }
}

/// What a link in /proc/PID/fd refers to, in words.
fn kind(link: &std::path::Path) -> &'static str {
    let text = link.to_string_lossy();
    let inode = |name: &str| {
        text.strip_prefix(name)?
            .strip_suffix(']')?
            .parse::<u64>()
            .ok()
    };
    if let Some(inode) = inode("socket:[") {
        let sockets = sock_diag::dump()
            .map(|dump| dump.sockets)
            .unwrap_or_default();
        let socket = sockets
            .iter()
            .find(|socket| u64::from(socket.inode) == inode);
        return match socket.map(|socket| socket.state) {
            Some(sock_diag::State::Listening) => "listening socket",
            Some(sock_diag::State::Established) => "connected socket",
            _ => "socket",
        };
    }
    if text.starts_with("pipe:") {
        "pipe"
    } else if text.starts_with("anon_inode:[eventpoll]") {
        "epoll set"
    } else if text.starts_with("/dev/pts/") || text == "/dev/tty" {
        "terminal"
    } else {
        "file"
    }
}

/// Device and inode of a path that is a listening socket, and that socket's own inode.
fn listening(path: &Bytes) -> Option<(u64, u64, u32)> {
    let metadata = std::fs::symlink_metadata(Untrusted::from(path).as_path()).ok()?;
    if !metadata.file_type().is_socket() {
        return None;
    }
    let (dev, ino) = (metadata.dev(), metadata.ino());
    let bound = sock_diag::bound_to(dev, ino).ok()??;
    matches!(bound.state, sock_diag::BoundState::Listening { .. }).then_some((
        dev,
        ino,
        bound.inode,
    ))
}

/// Standard streams for a program, and our ends of its output.
fn streams(stdout: StdoutKind) -> io::Result<([OwnedFd; 3], [OwnedFd; 2])> {
    let stdin = std::fs::File::open("/dev/null")?.into();
    let (out_ours, out_theirs) = match stdout {
        StdoutKind::Pipe => pipe()?,
        StdoutKind::Terminal => terminal()?,
    };
    let (err_ours, err_theirs) = pipe()?;
    for fd in [&out_ours, &err_ours] {
        let flags = nix::fcntl::OFlag::O_NONBLOCK;
        nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFL(flags))?;
    }
    Ok(([stdin, out_theirs, err_theirs], [out_ours, err_ours]))
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((reader.into(), writer.into()))
}

fn no_instance(name: &str) -> Answer {
    Answer::Fault {
        message: format!("no instance `{name}` was started"),
    }
}

/// The first instance is "the program"; others are named.
fn prefix(name: &str) -> String {
    if name == "server" {
        String::new()
    } else {
        format!("[{name}] ")
    }
}

/// `ECONNREFUSED`: the name of an errno.
pub(super) fn errno_name(errno: Errno) -> String {
    format!("{errno:?}")
}
