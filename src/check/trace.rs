//! The program's system calls, from a second run of a failing stage under strace(1).
//!
//! The second run has the same seed; its verdict does not count. What strace writes is joined with
//! what the checker did, on one clock. Pure but for reading the file strace leaves.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::verdict::{Event, Side};
use crate::sys::clock::realtime_offset_us;
use crate::untrusted::Untrusted;

/// The calls worth showing; `?` lets strace pass over those this machine does not have.
const CALLS: &str = "trace=%net,read,write,readv,writev,?sendfile,?splice,close,?unlink,unlinkat,\
                     ?rename,?renameat2,?poll,ppoll,?select,pselect6,?epoll_wait,epoll_pwait,\
                     epoll_ctl,flock,?pause,?nanosleep,clock_nanosleep,exit_group";

/// Bytes of strace's output that are read.
const MOST: u64 = 8 << 20;

/// Where strace is, if it is here.
pub fn strace() -> Option<PathBuf> {
    which::which("strace").ok()
}

/// The words that run a program under strace, its output going to `file`.
pub fn wrap(strace: &Path, file: &Path, argv: Vec<OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![strace.into()];
    words.extend(["-f", "-q", "-ttt", "-s", "12", "-e", CALLS, "-o"].map(OsString::from));
    words.push(file.into());
    words.push("--".into());
    words.extend(argv);
    words
}

/// The calls in strace's output since the first socket was made; times are since `began_us` on
/// CLOCK_MONOTONIC.
pub fn read(file: &Path, began_us: u64) -> Vec<Event> {
    let mut text = Vec::new();
    if File::open(file)
        .and_then(|file| file.take(MOST).read_to_end(&mut text))
        .is_err()
    {
        return Vec::new();
    }
    let offset = realtime_offset_us();
    let lines = Untrusted::new(text).lines();
    lines
        .iter()
        .skip_while(|line| !line.contains(" socket("))
        .filter_map(|line| event(line, offset, began_us))
        .collect()
}

/// The last call of the program before a signal ended it: `recvmsg`; empty when none is known.
pub fn last_call(timeline: &[Event]) -> String {
    let program = |event: &&Event| event.side == Side::Program;
    timeline
        .iter()
        .filter(program)
        .take_while(|event| !event.what.starts_with("--- SIG"))
        .filter_map(|event| {
            let (name, _) = event.what.split_once('(')?;
            let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            (!name.is_empty() && name.chars().all(is_name)).then(|| name.to_owned())
        })
        .last()
        .unwrap_or_default()
}

/// `4711 1700000000.123456 accept(3, NULL, NULL) = 4` as an event.
fn event(line: &str, offset_us: i64, began_us: u64) -> Option<Event> {
    let (_pid, rest) = line.split_once(' ')?;
    let (moment, what) = rest.trim_start().split_once(' ')?;
    let (seconds, micros) = moment.split_once('.')?;
    let real = seconds.parse::<i64>().ok()? * 1_000_000 + micros.parse::<i64>().ok()?;
    let at_us = (real - offset_us).saturating_sub(began_us as i64).max(0) as u64;
    let what = what.trim();
    (!what.is_empty()).then(|| Event {
        at_us,
        side: Side::Program,
        what: squeeze(what),
    })
}

/// strace pads before `=`; the columns here are narrow.
fn squeeze(what: &str) -> String {
    what.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_strace_becomes_an_event_on_our_clock() {
        let line = "4711  1700000000.000250 accept(3, NULL, NULL)      = 4";
        let found = event(line, 1_700_000_000_000_000 - 1000, 1100).unwrap();
        assert_eq!(found.what, "accept(3, NULL, NULL) = 4");
        assert_eq!(found.at_us, 150);
    }

    #[test]
    fn the_last_call_is_the_one_before_the_signal() {
        let what = [
            "starts as process 7",
            "accept(3) = 4",
            "recvmsg(4, {}) = 2",
            "--- SIGSEGV {} ---",
        ];
        let timeline: Vec<Event> = what
            .iter()
            .map(|what| Event {
                at_us: 0,
                side: Side::Program,
                what: (*what).to_owned(),
            })
            .collect();
        assert_eq!(last_call(&timeline), "recvmsg");
        assert_eq!(last_call(&timeline[..1]), "");
    }

    #[test]
    fn calls_before_the_first_socket_are_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("trace");
        let text = "1 5.000001 read(3, \"\\177ELF\", 832) = 832\n\
                    1 5.000002 socket(AF_UNIX, SOCK_STREAM, 0) = 3\n\
                    1 5.000003 +++ exited with 1 +++\n";
        std::fs::write(&file, text).unwrap();
        let what: Vec<String> = read(&file, 0).into_iter().map(|event| event.what).collect();
        assert_eq!(
            what,
            [
                "socket(AF_UNIX, SOCK_STREAM, 0) = 3",
                "+++ exited with 1 +++"
            ]
        );
    }
}
