//! Starts the process that compares, tells it what to do, and reads what it reports. It is killed, with
//! all it started, when nobody wants to know any more.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::role::{Request, Told};

/// What our own binary is called with.
const ROLE: [&str; 2] = ["__role", "differential"];

/// A process that compares.
#[derive(Debug)]
pub struct Session {
    child: Child,
    lines: BufReader<ChildStdout>,
    directory: PathBuf,
}

impl Session {
    /// Starts it; `request` is given the private directory that it is to be in. `program` is our own
    /// binary.
    ///
    /// # Errors
    /// When there can be no directory or no process.
    pub fn start(program: &Path, request: impl FnOnce(String) -> Request) -> io::Result<Self> {
        let directory =
            nix::unistd::mkdtemp(&std::env::temp_dir().join("ipc-mastery-model-XXXXXX"))?;
        std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o777))?;
        let mut child = Command::new(program)
            .args(ROLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let request = request(directory.to_string_lossy().into_owned());
        let mut line = serde_json::to_string(&request)?;
        line.push('\n');
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(mut input), Some(output)) = (input, output) else {
            return Err(io::Error::other("a process has no pipes"));
        };
        let session = Self {
            child,
            lines: BufReader::new(output),
            directory,
        };
        input.write_all(line.as_bytes())?;
        Ok(session)
    }

    /// The next report; `None`: there are no more.
    ///
    /// # Errors
    /// When the process ended otherwise than it should, or what it says is no report.
    pub fn report(&mut self) -> io::Result<Option<Told>> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            let status = self.child.wait()?;
            return match status.success() {
                true => Ok(None),
                false => Err(io::Error::other(format!(
                    "the process that compares ended: {status}"
                ))),
            };
        }
        Ok(Some(serde_json::from_str(&line)?))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
