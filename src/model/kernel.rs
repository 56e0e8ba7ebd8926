//! The state of the model, and the only ways to change it: each says what it did as an event.
//!
//! Fields are private to this file and those below it, so no system call can change anything behind
//! the back of the trace. What calls do is decided in [`super::syscall`].

mod descriptors;
mod epolls;
mod names;
mod nodes;
mod pipes;
mod queues;
mod sleepers;
mod sockets;

pub(super) use self::epolls::Bell;

use std::collections::BTreeMap;
use std::sync::Arc;

use nix::errno::Errno;

use super::address::Name;
use super::call::{Fd, Type};
use super::epoll::Epoll;
use super::event::Event;
use super::fault::Fault;
use super::file::{File, Pipe, Process};
use super::id::{EpollId, FileId, Pid, PipeId, SockId};
use super::outcome::{Answer, Outcome, Stop};
use super::row::Row;
use super::settings::Settings;
use super::sleeper::{Course, Progress, Sleeper};
use super::socket::Socket;
use super::tree::Tree;

/// A model kernel.
#[derive(Clone, Debug)]
pub struct Kernel {
    settings: Arc<Settings>,
    processes: BTreeMap<Pid, Process>,
    files: Vec<File>,
    socks: Vec<Socket>,
    pipes: Vec<Pipe>,
    epolls: Vec<Epoll>,
    /// Datagram sockets that want to know when there is room in the queue of another, the last to ask
    /// at the end: `peer_wake`.
    relays: Vec<(SockId, SockId)>,
    abstract_names: BTreeMap<(Type, Name), SockId>,
    tree: Tree,
    skbs: u32,
    /// The highest number that a process ever had.
    last_pid: Pid,
    autobound: u32,
    /// Open file descriptions that nothing refers to: released when the call ends.
    released: Vec<FileId>,
    /// In the order in which they fell asleep.
    sleepers: Vec<Sleeper>,
    under_way: UnderWay,
    trace: Trace,
}

/// The call that is being made.
#[derive(Clone, Debug, Default)]
struct UnderWay {
    /// What it did before it slept, or will have done when it sleeps.
    progress: Progress,
    course: Course,
    /// Whether its process was sent SIGPIPE.
    broke: bool,
}

/// What is written down of what happens.
#[derive(Clone, Debug)]
struct Trace {
    /// Events, if anybody wants them.
    events: Option<Vec<Event>>,
    /// How often each row of the catalogue was decided by.
    rows: Vec<u64>,
    /// The one state in the middle of a call that somebody wants to look at.
    still: Option<Still>,
}

/// The state behind an event.
#[derive(Clone, Debug)]
struct Still {
    /// Behind how many events.
    behind: usize,
    /// The state, once it was there.
    kernel: Option<Box<Kernel>>,
}

impl Kernel {
    /// A kernel with one process.
    pub fn new(settings: Arc<Settings>) -> Self {
        let mut kernel = Self {
            settings,
            processes: BTreeMap::new(),
            files: Vec::new(),
            socks: Vec::new(),
            pipes: Vec::new(),
            epolls: Vec::new(),
            relays: Vec::new(),
            abstract_names: BTreeMap::new(),
            tree: Tree::default(),
            skbs: 0,
            last_pid: Pid(0),
            autobound: 0,
            released: Vec::new(),
            sleepers: Vec::new(),
            under_way: UnderWay::default(),
            trace: Trace {
                events: None,
                rows: vec![0; Row::COUNT],
                still: None,
            },
        };
        kernel.add_process(Pid(0));
        kernel
    }

    /// Adds a process that has nothing: an agent beside the first.
    pub fn add_process(&mut self, pid: Pid) {
        let process = Process {
            descriptors: BTreeMap::new(),
            lowest: 3,
            limit: 1024,
            uid: 0,
            euid: 0,
            gid: 0,
            egid: 0,
            umask: 0o022,
            cwd: String::new(),
            parent: None,
        };
        self.last_pid = self.last_pid.max(pid);
        self.processes.insert(pid, process);
    }

    /// Makes a process that of a user with no other groups.
    pub fn give_ids(&mut self, pid: Pid, user: u32, group: u32) {
        if let Some(process) = self.processes.get_mut(&pid) {
            (process.uid, process.euid) = (user, user);
            (process.gid, process.egid) = (group, group);
        }
    }

    /// The same, wrong in one respect, and without a trace.
    pub(super) fn mistaken(mut self, fault: Fault) -> Self {
        self.settings = Arc::new(Settings {
            fault: Some(fault),
            ..(*self.settings).clone()
        });
        self.without_events()
    }

    /// Writes no events down from now on.
    pub(super) fn without_events(mut self) -> Self {
        self.trace.events = None;
        self
    }

    /// Writes events down from now on.
    pub fn with_events(mut self) -> Self {
        self.trace.events = Some(Vec::new());
        self
    }

    /// What happened since this was asked last.
    pub fn take_events(&mut self) -> Vec<Event> {
        let events = self.trace.events.as_mut();
        events.map(std::mem::take).unwrap_or_default()
    }

    /// Keeps the state behind this event, counted from 1 on. Only a kernel that writes events down
    /// ever comes there.
    pub(super) fn keep_behind(&mut self, event: usize) {
        self.trace.still = Some(Still {
            behind: event,
            kernel: None,
        });
    }

    /// The state that was to be kept, if it came so far.
    pub(super) fn take_kept(&mut self) -> Option<Self> {
        let still = self.trace.still.take()?;
        Some(*still.kernel?)
    }

    /// How often each row of the catalogue was decided by, in the order of rows.
    pub fn rows(&self) -> &[u64] {
        &self.trace.rows
    }

    /// What it is set to.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Every process.
    pub fn processes(&self) -> impl Iterator<Item = (Pid, &Process)> {
        self.processes.iter().map(|(pid, process)| (*pid, process))
    }

    /// A process that is there.
    ///
    /// # Panics
    /// When it is not.
    pub fn process(&self, pid: Pid) -> &Process {
        self.processes.get(&pid).expect("a process that is there")
    }

    /// The process that was started last; it may have ended.
    pub fn last_process(&self) -> Pid {
        self.last_pid
    }

    /// Whether this process is there.
    pub fn has_process(&self, pid: Pid) -> bool {
        self.processes.contains_key(&pid)
    }

    /// Every open file description, the released ones too: they have no references.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &File)> {
        let files = self.files.iter().enumerate();
        files.map(|(index, file)| (FileId(index as u32), file))
    }

    /// An open file description.
    pub fn file(&self, file: FileId) -> &File {
        &self.files[file.index()]
    }

    /// Every socket, dead ones too.
    pub fn socks(&self) -> impl Iterator<Item = (SockId, &Socket)> {
        let socks = self.socks.iter().enumerate();
        socks.map(|(index, sock)| (SockId(index as u32), sock))
    }

    /// A socket.
    pub fn sock(&self, sock: SockId) -> &Socket {
        &self.socks[sock.index()]
    }

    /// A pipe.
    pub fn pipe(&self, pipe: PipeId) -> &Pipe {
        &self.pipes[pipe.index()]
    }

    /// Every set of epoll(7), those that are closed too: they watch nothing.
    pub fn epolls(&self) -> impl Iterator<Item = (EpollId, &Epoll)> {
        let epolls = self.epolls.iter().enumerate();
        epolls.map(|(index, epoll)| (EpollId(index as u32), epoll))
    }

    /// A set of epoll(7).
    pub fn epoll(&self, epoll: EpollId) -> &Epoll {
        &self.epolls[epoll.index()]
    }

    /// The file system.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Names without a node, with the sockets that hold them.
    pub fn abstract_names(&self) -> impl Iterator<Item = (Type, &Name, SockId)> {
        let names = self.abstract_names.iter();
        names.map(|((ty, name), sock)| (*ty, name, *sock))
    }

    /// What a descriptor of a process refers to.
    pub fn descriptor(&self, pid: Pid, fd: Fd) -> Option<FileId> {
        let slot = self.process(pid).descriptors.get(&fd)?;
        Some(slot.file)
    }

    /// Whether this error was put in on purpose.
    pub(super) fn wrong(&self, fault: Fault) -> bool {
        self.settings.fault == Some(fault)
    }

    /// Notes that a row decided something.
    pub(super) fn by(&mut self, row: Row) {
        self.trace.rows[row.index()] += 1;
    }

    /// A check that says no, by this row.
    pub(super) fn refuse(&mut self, row: Row, errno: Errno) -> Stop {
        self.by(row);
        self.emit(|| Event::Refused { row, errno });
        Stop::Failed(errno)
    }

    /// Writes an event down. What it tells has happened already.
    fn emit(&mut self, event: impl FnOnce() -> Event) {
        let Some(events) = &mut self.trace.events else {
            return;
        };
        events.push(event());
        let behind = events.len();
        if let Some(mut still) = self.trace.still.take() {
            if still.behind == behind {
                still.kernel = Some(Box::new(self.clone()));
            }
            self.trace.still = Some(still);
        }
    }

    /// What a call comes back with, and whether its process was sent SIGPIPE.
    pub(super) fn ended(&mut self, answer: Result<Answer, Stop>) -> Outcome {
        let broke = std::mem::take(&mut self.under_way.broke);
        match answer {
            Err(Stop::Failed(Errno::EPIPE)) if broke => Outcome::BrokenPipe,
            answer => answer.into(),
        }
    }

    /// Sends `SIGPIPE`.
    pub(super) fn break_pipe(&mut self, pid: Pid) {
        self.under_way.broke = true;
        self.emit(|| Event::BrokenPipe { pid });
    }
}
