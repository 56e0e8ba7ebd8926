//! A process of a scene, as its director has it: started with its part, and a line to it in either
//! direction.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::super::Failure;
use super::super::request::Request;
use super::super::runner::{OURSELVES, ROLE};
use super::Part;

/// A process of a scene. The guard ends it.
#[derive(Debug)]
pub(super) struct Member {
    name: String,
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Member {
    /// Starts a process that is called `name` in lists of processes, and waits until it has done
    /// what its part begins with.
    pub(super) fn start(name: &str, part: Part) -> Result<Self, Failure> {
        let fault = |error: io::Error| Failure::Fault(format!("cannot start `{name}`: {error}"));
        let missing = || fault(io::Error::other("a pipe is missing"));
        let mut child = Command::new(OURSELVES)
            .arg0(name)
            .args(ROLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(fault)?;
        let mut orders = child.stdin.take().ok_or_else(missing)?;
        let answers = child.stdout.take().ok_or_else(missing)?;
        orders
            .write_all(Request::Scene(part).line().as_bytes())
            .map_err(fault)?;
        let mut member = Self {
            name: name.to_owned(),
            child,
            orders,
            answers: BufReader::new(answers),
        };
        member.said()?;
        Ok(member)
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it go on with what it waits for.
    pub(super) fn go_on(&mut self) -> Result<(), Failure> {
        let sent = self.orders.write_all(b"\n");
        sent.map_err(|error| self.gone(&error))
    }

    /// The next line that it says.
    pub(super) fn said(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(0) => Err(self.gone(&io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Ok(line.trim_end().to_owned()),
            Err(error) => Err(self.gone(&error)),
        }
    }

    /// The next bytes that it says.
    pub(super) fn bytes<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], Failure> {
        let mut bytes = [0; COUNT];
        match self.answers.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) => Err(self.gone(&error)),
        }
    }

    /// Waits until its first process has ended, and may have left another one behind.
    pub(super) fn ended(&mut self) -> Result<(), Failure> {
        let ended = self.child.wait().map(drop);
        ended.map_err(|error| self.gone(&error))
    }

    /// Waits until it has ended by itself, and whoever has its line from it.
    pub(super) fn wait(mut self) -> Result<(), Failure> {
        drop(self.orders);
        let ended = self.answers.read_to_end(&mut Vec::new());
        let ended = ended.and_then(|_| self.child.wait());
        ended
            .map(drop)
            .map_err(|error| Failure::Fault(format!("cannot wait for `{}`: {error}", self.name)))
    }

    fn gone(&self, error: &io::Error) -> Failure {
        Failure::Fault(format!("`{}` is gone: {error}", self.name))
    }
}

/// Says a line to the director.
///
/// # Errors
/// When the director is gone.
pub(super) fn say(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    stdout.write_all(format!("{line}\n").as_bytes())?;
    stdout.flush()
}
