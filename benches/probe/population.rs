//! A population of connected AF_UNIX stream sockets, for others to list.
//!
//! Processes stand in a ring. Each has an abstract listener, to which the one before it connects:
//! the two ends of a connection are always in different processes. Each may hold other open files.
//!
//! The processes are this program, started again, with their listener as standard input. They end
//! when they are killed, which the kernel does when the benchmark ends (`PR_SET_PDEATHSIG`),
//! whatever ended it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid, pause};

use crate::Result;

/// The first argument of a process of the population.
pub const ROLE: &str = "__hold";

/// How large a population is.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Connections.
    pub pairs: usize,
    /// Processes, at least two.
    pub processes: usize,
    /// Other open files that each process holds.
    pub files: usize,
}

impl Shape {
    /// From `pairs=500,over=10,files=3`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut shape = Self {
            pairs: 0,
            processes: 2,
            files: 0,
        };
        for part in text.split(',') {
            let (key, value) = part.split_once('=')?;
            let value = value.parse().ok()?;
            match key {
                "pairs" => shape.pairs = value,
                "over" => shape.processes = value,
                "files" => shape.files = value,
                _ => return None,
            }
        }
        (shape.processes >= 2).then_some(shape)
    }

    /// How many connections a process makes to the next.
    fn made_by(self, index: usize) -> usize {
        self.pairs / self.processes + usize::from(index < self.pairs % self.processes)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} connected pairs over {} processes with {} other files each",
            self.pairs, self.processes, self.files
        )
    }
}

/// A population that stands. Dropping it ends its processes and waits for them.
pub struct Population(Vec<Child>);

impl Population {
    /// Makes a population and waits until it stands.
    pub fn new(shape: Shape) -> Result<Self> {
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
        // All listen before the first connects.
        let listeners: Result<Vec<UnixListener>> = (0..shape.processes)
            .map(|index| {
                Ok(UnixListener::bind_addr(&address(
                    std::process::id(),
                    index,
                )?)?)
            })
            .collect();
        let (mut reports, report) = io::pipe()?;
        let mut population = Self(Vec::with_capacity(shape.processes));
        for (index, listener) in listeners?.into_iter().enumerate() {
            let numbers = [shape.pairs, shape.processes, shape.files, index];
            let process = Command::new(std::env::current_exe()?)
                .arg(ROLE)
                .arg(std::process::id().to_string())
                .args(numbers.map(|number| number.to_string()))
                .stdin(OwnedFd::from(listener))
                .stdout(report.try_clone()?)
                .stderr(Stdio::inherit())
                .spawn()?;
            population.0.push(process);
        }
        drop(report);
        population.hear_from_all(&mut reports)?;
        Ok(population)
    }

    /// Waits for one byte of each process.
    fn hear_from_all(&mut self, reports: &mut io::PipeReader) -> Result<()> {
        let mut missing = self.0.len();
        while missing > 0 {
            let mut fds = [PollFd::new(reports.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, PollTimeout::from(1000_u16))? == 0 {
                for process in &mut self.0 {
                    if let Some(status) = process.try_wait()? {
                        return Err(format!("a process of the population ended: {status}").into());
                    }
                }
                continue;
            }
            let mut bytes = vec![0; missing];
            let read = reports.read(&mut bytes)?;
            if read == 0 {
                return Err("the population ended".into());
            }
            missing -= read;
        }
        Ok(())
    }
}

impl Drop for Population {
    fn drop(&mut self) {
        for process in &mut self.0 {
            drop(process.kill());
        }
        for process in &mut self.0 {
            drop(process.wait());
        }
    }
}

/// In a process of the population: makes its part and holds it.
pub fn hold(words: &[String]) -> Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    let numbers: std::result::Result<Vec<usize>, _> =
        words.iter().map(|word| word.parse::<usize>()).collect();
    let [run, pairs, processes, files, index] = numbers?[..] else {
        return Err("five numbers are needed".into());
    };
    let run = u32::try_from(run)?;
    if getppid() != Pid::from_raw(i32::try_from(run)?) {
        return Ok(()); // it ended before we asked to end with it
    }
    let shape = Shape {
        pairs,
        processes,
        files,
    };
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;

    let others: io::Result<Vec<File>> = (0..files).map(|_| File::open("/dev/null")).collect();
    let others = others?;
    let listener = UnixListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    let next = address(run, (index + 1) % processes)?;
    let before = (index + processes - 1) % processes;
    let (mine, theirs) = (shape.made_by(index), shape.made_by(before));
    let mut held = Vec::with_capacity(mine + theirs);
    // In turns, so that no backlog fills.
    for turn in 0..mine.max(theirs) {
        if turn < mine {
            held.push(UnixStream::connect_addr(&next)?);
        }
        if turn < theirs {
            held.push(listener.accept()?.0);
        }
    }
    drop(listener);
    let mut report = io::stdout();
    report.write_all(b"r")?;
    report.flush()?;
    pause(); // until it is killed
    drop((others, held));
    Ok(())
}

/// Where a process of a run listens.
fn address(run: u32, index: usize) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("ipc-mastery-bench/{run}/{index}"))
}
