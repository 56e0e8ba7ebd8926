//! What an actor can be asked to do about its environment: change it, look at what it was started
//! with, and hand another one to the next program. The part of [`super::order`]'s vocabulary that
//! module `environment` needs, with the doing of it.

use std::convert::Infallible;
use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::unistd::{Gid, dup2_stdin, dup2_stdout, execve, setresgid};
use serde::{Deserialize, Serialize};

use super::order::{Got, quoted};
use super::request::Request;
use super::runner::{OURSELVES, ROLE};
use crate::sys::variables;

/// `AT_SECURE` in the auxiliary vector (getauxval(3)).
const AT_SECURE: usize = 23;

/// The place of `env_start` among the fields of `/proc/PID/stat` behind the name (proc_pid_stat(5)
/// counts it as the 50th of all, and the name is the second).
const ENV_START: usize = 50 - 3;

/// Something to do about the environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Letter {
    /// `setenv(3)`.
    Set(String, String),
    /// `unsetenv(3)`.
    Unset(String),
    /// `read(2)` of `/proc/PID/environ`, its own without a pid: the entries of this name.
    Environ(Option<i32>, String),
    /// The same of its own: how many bytes there are.
    EnvironSize,
    /// `pwrite(2)` into its own memory, where the value of this variable was at the start.
    Scrawl(String),
    /// `execve(2)` in a child, with one string of so many bytes, its NUL included.
    Weigh(usize),
    /// `execve(2)` of ourselves with exactly these strings, in a forked actor. It answers before it
    /// is done, and the program that is executed awaits a request.
    Execute(Vec<String>),
    /// The same of `/bin/sh`, which starts ourselves.
    Wrapped(Wrapper, Vec<String>),
    /// `execve(2)` of another program, which serves no orders.
    Become(String, Vec<String>, Vec<String>),
    /// `getauxval(3)` of `AT_SECURE`.
    Secure,
    /// `setresgid(2)`: this effective group.
    EffectiveGroup(u32),
}

/// What `/bin/sh` is told to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapper {
    /// What stands before the program: `exec`, or an assignment.
    pub before: String,
    /// What stands behind it.
    pub after: String,
    /// The path of our binary, as seen from a program that is not ours.
    pub program: String,
}

impl Letter {
    /// The call as strace would write it, shortened to what matters.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Set(name, value) => format!("setenv({}, {})", quoted(name), quoted(value)),
            Self::Unset(name) => format!("unsetenv({})", quoted(name)),
            Self::Environ(None, _) | Self::EnvironSize => "read(\"/proc/self/environ\")".to_owned(),
            Self::Environ(Some(pid), _) => format!("read(\"/proc/{pid}/environ\")"),
            Self::Scrawl(_) => "pwrite(\"/proc/self/mem\", \"####…\")".to_owned(),
            Self::Weigh(size) => format!("execve(program, [one string of {size} bytes])"),
            Self::Execute(strings) => format!("execve(program, [{}])", strings.join(", ")),
            Self::Wrapped(wrapper, strings) => {
                let words = [wrapper.before.as_str(), "program"];
                let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
                let script = words.join(" ") + &wrapper.after;
                let strings = strings.join(", ");
                format!("execve(sh -c {}, [{strings}])", quoted(&script))
            }
            Self::Become(_, arguments, _) => format!("execve({})", arguments.join(" ")),
            Self::Secure => "getauxval(AT_SECURE)".to_owned(),
            Self::EffectiveGroup(gid) => format!("setresgid(-1, {gid}, -1)"),
        }
    }

    /// Whether another program takes the place of the actor's.
    pub(super) fn replaces(&self) -> bool {
        matches!(
            self,
            Self::Execute(_) | Self::Wrapped(..) | Self::Become(..)
        )
    }

    /// Does it, unless it replaces the program: that is [`Letter::replace`]'s.
    pub(super) fn perform(&self) -> Result<Got, Errno> {
        match self {
            Self::Set(name, value) => variables::set(name, value).map(done).map_err(errno),
            Self::Unset(name) => variables::unset(name).map(done).map_err(errno),
            Self::Environ(pid, name) => {
                let of = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
                let all = fs::read(format!("/proc/{of}/environ")).map_err(errno)?;
                Ok(Got::Text(entries(&all, name)))
            }
            Self::EnvironSize => {
                let all = fs::read("/proc/self/environ").map_err(errno)?;
                Ok(Got::Count(all.len()))
            }
            Self::Scrawl(name) => scrawl(name).map(Got::Count).map_err(errno),
            Self::Weigh(size) => weigh(*size).map_err(errno),
            Self::Execute(_) | Self::Wrapped(..) | Self::Become(..) => Ok(Got::Done),
            Self::Secure => {
                let vector = fs::read("/proc/self/auxv").map_err(errno)?;
                auxiliary(&vector, AT_SECURE)
                    .map(Got::Count)
                    .ok_or(Errno::ENOENT)
            }
            Self::EffectiveGroup(gid) => {
                let keep = Gid::from_raw(u32::MAX);
                setresgid(keep, Gid::from_raw(*gid), keep).map(|()| Got::Done)
            }
        }
    }

    /// Replaces the program. Orders of a forked actor come from `channel`, which the next program
    /// finds as its standard input and output. Returns only on failure.
    pub(super) fn replace(&self, channel: Option<&UnixStream>) -> io::Error {
        match self.executed(channel) {
            Ok(never) => match never {},
            Err(error) => error,
        }
    }

    fn executed(&self, channel: Option<&UnixStream>) -> io::Result<Infallible> {
        let role = || ROLE.map(str::to_owned);
        let (path, arguments, strings) = match self {
            Self::Execute(strings) => {
                let own = [OURSELVES.to_owned()].into_iter().chain(role());
                (OURSELVES, own.collect(), strings)
            }
            Self::Wrapped(wrapper, strings) => {
                let script = format!(
                    "{} \"$0\" {}{}",
                    wrapper.before,
                    ROLE.join(" "),
                    wrapper.after
                );
                let shell = ["sh", "-c", &script, &wrapper.program].map(str::to_owned);
                ("/bin/sh", shell.to_vec(), strings)
            }
            Self::Become(path, arguments, strings) => (path.as_str(), arguments.clone(), strings),
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        };
        if let Some(channel) = channel {
            dup2_stdin(channel)?;
            dup2_stdout(channel)?;
        }
        let arguments = c_strings(&arguments)?;
        let (path, strings) = (CString::new(path)?, c_strings(strings)?);
        execve(&path, &arguments, &strings).map_err(io::Error::from)
    }
}

fn c_strings(strings: &[String]) -> io::Result<Vec<CString>> {
    let strings = strings.iter().map(|text| CString::new(text.as_str()));
    Ok(strings.collect::<Result<_, _>>()?)
}

/// The strings of an environment that are this name, or this name with a value.
fn entries(all: &[u8], name: &str) -> String {
    let found: Vec<String> = all
        .split(|&byte| byte == 0)
        .map(|entry| String::from_utf8_lossy(entry).into_owned())
        .filter(|entry| entry.split('=').next() == Some(name) && !entry.is_empty())
        .collect();
    if found.is_empty() {
        format!("no {name}")
    } else {
        found.join(" ")
    }
}

/// A value of the auxiliary vector: pairs of numbers as wide as a pointer.
fn auxiliary(vector: &[u8], key: usize) -> Option<usize> {
    const WIDTH: usize = size_of::<usize>();
    let number = |bytes: &[u8]| bytes.try_into().ok().map(usize::from_ne_bytes);
    vector.chunks_exact(2 * WIDTH).find_map(|pair| {
        let (name, value) = pair.split_at(WIDTH);
        (number(name)? == key).then(|| number(value)).flatten()
    })
}

/// Writes signs over the value of a variable, where it was when the program started.
fn scrawl(name: &str) -> io::Result<usize> {
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(") ").ok_or_else(missing)?;
    let start = fields.split(' ').nth(ENV_START).ok_or_else(missing)?;
    let start: u64 = start.trim().parse().map_err(|_| missing())?;
    let all = fs::read("/proc/self/environ")?;
    let mut at = 0;
    for entry in all.split(|&byte| byte == 0) {
        let value = entry
            .strip_prefix(name.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="));
        if let Some(value) = value {
            let place = start + (at + entry.len() - value.len()) as u64;
            let memory = fs::OpenOptions::new().write(true).open("/proc/self/mem")?;
            return memory.write_at(&vec![b'#'; value.len()], place);
        }
        at += entry.len() + 1;
    }
    Err(missing())
}

/// Starts a program with one variable, which is a string of `size` bytes with its name and its NUL,
/// and sees that it arrives whole.
fn weigh(size: usize) -> io::Result<Got> {
    let name = "LETTER";
    let value = "x".repeat(size.saturating_sub(name.len() + 2));
    let mut child = Command::new(OURSELVES)
        .args(ROLE)
        .env_clear()
        .env(name, &value)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let request = Request::Variable(name.to_owned()).line();
    let mut input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
    input.write_all(request.as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    match serde_json::from_slice(&output.stdout)? {
        Got::Value(Some(arrived)) if arrived == value => Ok(Got::Done),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn done((): ()) -> Got {
    Got::Done
}

/// Errors without a number are faults of ours; they show as `EPROTO`.
fn errno(error: io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EPROTO, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_by_their_whole_name_and_all_of_them() {
        let all = b"A=1\0AB=2\0A=3\0A\0B=A=4\0";
        assert_eq!(entries(all, "A"), "A=1 A=3 A");
        assert_eq!(entries(all, "AB"), "AB=2");
        assert_eq!(entries(all, "C"), "no C");
        assert_eq!(entries(b"", ""), "no ");
    }

    #[test]
    fn the_auxiliary_vector_of_this_process_says_that_it_is_not_secure() {
        let vector = fs::read("/proc/self/auxv").expect("readable");
        assert_eq!(auxiliary(&vector, AT_SECURE), Some(0));
        let page = auxiliary(&vector, 6).expect("AT_PAGESZ");
        assert_eq!(page, rustix::param::page_size());
        assert_eq!(auxiliary(&vector, 99_999), None);
    }
}
