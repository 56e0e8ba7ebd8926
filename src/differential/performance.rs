//! A script that is performed: processes of Linux make its calls, and the model makes them beside, so that
//! it is known which sockets a collection of garbage must free. Linux collects in its own time; it is
//! waited for.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

use super::agents::Agents;
use crate::model::event::Event;
use crate::model::file::Kind;
use crate::model::id::SockId;
use crate::model::kernel::Kernel;
use crate::model::outcome::Outcome;
use crate::model::script::{Action, Asleep, Expected, Line, Script};
use crate::model::settings::Settings;
use crate::sys::{fd_table, unix_table};

/// How long Linux may take to collect what it must.
const PATIENCE: Duration = Duration::from_secs(20);
/// From one look whether it has to the next, in milliseconds: no event tells that.
const LOOK_MS: u16 = 5;
/// How long it is given to collect what it must not, in milliseconds.
const TEMPTED_MS: u16 = 40;

/// A script on its way.
#[derive(Debug)]
pub struct Performance {
    agents: Agents,
    kernel: Kernel,
    /// Inodes of the sockets that a process has or had a descriptor of.
    inodes: BTreeMap<SockId, u64>,
}

/// What a line came back with.
#[derive(Debug)]
pub struct Performed {
    /// On Linux; `None`: it is no call.
    pub linux: Option<Expected>,
    /// On the model.
    pub model: Option<Outcome>,
    /// What happened in the model.
    pub events: Vec<Event>,
}

impl Performance {
    /// Starts the processes of a script, in a process with one thread.
    ///
    /// # Errors
    /// When they cannot be started.
    pub fn start(script: &Script, settings: &Arc<Settings>) -> io::Result<Self> {
        let mut kernel = script.kernel(Arc::clone(settings)).with_events();
        let first = crate::model::id::Pid(0);
        let (user, group) = (nix::unistd::getuid(), nix::unistd::getgid());
        kernel.give_ids(first, user.as_raw(), group.as_raw());
        kernel.take_events();
        Ok(Self {
            agents: Agents::start(&script.processes)?,
            kernel,
            inodes: BTreeMap::new(),
        })
    }

    /// Does what a line says.
    ///
    /// # Errors
    /// When a process does not answer, or the line is about something that the model leaves out.
    pub fn run(&mut self, line: &Line) -> io::Result<Performed> {
        let model = line.run(&mut self.kernel);
        let model = model.map_err(|mistake| io::Error::other(mistake.to_string()))?;
        let linux = match &line.action {
            Action::Call { pid, call } => {
                let mut answer = None;
                for _ in 0..line.times {
                    answer = Some(match line.asleep {
                        Asleep::Interrupted => {
                            self.agents.call(*pid, call, line.expected.as_ref())?
                        }
                        Asleep::Stays => {
                            let sleeper = self.kernel.sleeper(*pid);
                            let limit = sleeper.and_then(|sleeper| sleeper.limit);
                            self.agents.begin(*pid, call, limit)?
                        }
                    });
                }
                answer
            }
            Action::Woken { pid } => Some(self.agents.settled(*pid)?),
            Action::Interrupted { pid } => Some(self.agents.interrupt(*pid)?),
            Action::Expired { pid } => Some(self.agents.expired(*pid)?),
            Action::Collect => {
                self.wait_for_collection()?;
                None
            }
        };
        self.learn_inodes();
        Ok(Performed {
            linux,
            model,
            events: self.kernel.take_events(),
        })
    }

    /// Notes the inodes of sockets that have come into a table of descriptors.
    fn learn_inodes(&mut self) {
        for (pid, process) in self.kernel.processes() {
            let Some(real) = self.agents.process(pid) else {
                continue;
            };
            for (fd, descriptor) in &process.descriptors {
                let Kind::Socket(sock) = self.kernel.file(descriptor.file).kind else {
                    continue;
                };
                if !self.inodes.contains_key(&sock)
                    && let Some(inode) = inode(real, *fd)
                {
                    self.inodes.insert(sock, inode);
                }
            }
        }
    }

    /// Waits until Linux has let go of what the model has let go of.
    fn wait_for_collection(&self) -> io::Result<()> {
        let dead = self
            .inodes
            .iter()
            .filter(|(sock, _)| self.kernel.sock(**sock).dead);
        wait_until_gone(&dead.map(|(_, inode)| *inode).collect::<Vec<_>>())?;
        // A socket leaves the table before its peer and its clients are told. Linux releases garbage in one
        // line: when a later piece has left the table, all before it has been released to the end.
        if let Some(later) = make_garbage()? {
            wait_until_gone(&[later])?;
        }
        nix::poll::poll(&mut [], TEMPTED_MS)?;
        Ok(())
    }
}

/// Waits until sockets of these inodes are in the kernel's table no more, for as long as our patience goes.
fn wait_until_gone(inodes: &[u64]) -> io::Result<()> {
    let began = Instant::now();
    // A page of the table may leave out a socket while others come and go.
    let mut absent = 0;
    while absent < 2 && began.elapsed() <= PATIENCE {
        // Any socket that is released makes Linux look for garbage.
        drop(UnixDatagram::pair()?);
        let there = unix_table::inodes()?;
        if inodes.iter().any(|inode| there.contains(inode)) {
            absent = 0;
            nix::poll::poll(&mut [], LOOK_MS)?;
        } else {
            absent += 1;
        }
    }
    Ok(())
}

/// Makes a socket that nobody but its own queue refers to; its inode. `None`: too many descriptors of this
/// user are in flight for one more.
fn make_garbage() -> io::Result<Option<u64>> {
    let (queue, sender) = UnixDatagram::pair()?;
    let inode = nix::sys::stat::fstat(&queue)
        .map_err(io::Error::from)?
        .st_ino;
    let rights = [queue.as_raw_fd()];
    let sent = sendmsg::<()>(
        sender.as_raw_fd(),
        &[IoSlice::new(b"x")],
        &[ControlMessage::ScmRights(&rights)],
        MsgFlags::empty(),
        None,
    );
    match sent {
        Ok(_) => Ok(Some(inode)),
        Err(Errno::ETOOMANYREFS) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// The inode of a socket, by a descriptor of a process.
fn inode(pid: i32, fd: i32) -> Option<u64> {
    let target = fd_table::target(pid as u32, fd as u32).ok()?;
    let target = String::from_utf8(target).ok()?;
    let number = target.strip_prefix("socket:[")?.strip_suffix(']')?;
    number.parse().ok()
}
