//! What a tmux server says of its environments: global, of each session, its clients and panes.
//!
//! Asks by running tmux(1) with `-S`, for a limited time and only where sock_diag showed a
//! listener: the client connects to the server, which is not woken by that, and changes nothing.
//! `show-environment -s` is asked for because its quoting can be taken apart; without it a line
//! feed in a value looks like another variable. Reference: tmux(1), cmd-show-environment.c.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use super::environment::Environment;
use crate::probe::machine::attempt::{self, Limits};
use crate::untrusted::Untrusted;

/// A server that does not answer within this time is told as hung.
const LIMITS: Limits = Limits {
    ms: 2_000,
    output: 8 * 1024 * 1024,
};

/// A server that can be asked.
pub(super) struct Server {
    program: std::path::PathBuf,
    socket: Vec<u8>,
}

/// Why a server did not tell.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("tmux is not installed here, or not on the PATH: its environments cannot be asked for")]
    NoProgram,
    #[error("it does not answer: tmux was ended after {} seconds", LIMITS.ms / 1000)]
    Hung,
    #[error("tmux cannot be run: {0}")]
    Run(io::Error),
    #[error("tmux says: {0}")]
    Said(Untrusted),
}

/// A client of a server.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) pid: u32,
    pub(super) session: String,
    pub(super) terminal: Untrusted,
}

/// A session of a server.
#[derive(Clone, Debug)]
pub(super) struct SessionName {
    /// `$0`.
    pub(super) id: String,
    pub(super) name: Untrusted,
}

/// A pane of a server.
#[derive(Clone, Debug)]
pub(super) struct Pane {
    /// `%0`.
    pub(super) id: String,
    pub(super) pid: u32,
    pub(super) session: String,
    /// It is the one shown when its session is.
    pub(super) active: bool,
}

/// A variable of a session: a value, or the mark that it is to be removed.
pub(super) type Marks = Vec<(Vec<u8>, Option<Vec<u8>>)>;

impl Server {
    /// The server behind a socket.
    ///
    /// # Errors
    /// When there is no tmux to ask with.
    pub(super) fn at(socket: &[u8]) -> Result<Self, Trouble> {
        Ok(Self {
            program: which::which("tmux").map_err(|_| Trouble::NoProgram)?,
            socket: socket.to_vec(),
        })
    }

    /// Runs one command of tmux.
    fn ask(&self, arguments: &[&str]) -> Result<Vec<u8>, Trouble> {
        let mut command = Command::new(&self.program);
        // -u: else what is not ASCII is replaced.
        command
            .arg("-u")
            .arg("-S")
            .arg(OsStr::from_bytes(&self.socket))
            .args(arguments)
            .env_remove("TMUX")
            .env_remove("TMUX_PANE");
        let outcome = attempt::run_within(&mut command, b"", LIMITS).map_err(|error| {
            if error.kind() == io::ErrorKind::TimedOut {
                Trouble::Hung
            } else {
                Trouble::Run(error)
            }
        })?;
        if outcome.status.success() {
            Ok(outcome.output)
        } else {
            let mut said = outcome.output;
            said.truncate(200);
            said.pop_if(|last| *last == b'\n');
            Err(Trouble::Said(Untrusted::new(said)))
        }
    }

    fn lines(&self, arguments: &[&str]) -> Result<Vec<Vec<String>>, Trouble> {
        let output = String::from_utf8_lossy(&self.ask(arguments)?).into_owned();
        Ok(output
            .lines()
            .map(|line| line.splitn(4, ' ').map(str::to_owned).collect())
            .collect())
    }

    /// The server's process.
    pub(super) fn pid(&self) -> Result<Option<u32>, Trouble> {
        let output = self.ask(&["display-message", "-p", "#{pid}"])?;
        Ok(String::from_utf8_lossy(&output).trim().parse().ok())
    }

    pub(super) fn sessions(&self) -> Result<Vec<SessionName>, Trouble> {
        let lines = self.lines(&["list-sessions", "-F", "#{session_id} - - #{session_name}"])?;
        Ok(lines
            .into_iter()
            .filter_map(|fields| match fields.as_slice() {
                [id, _, _, name] if is_id(id, '$') => Some(SessionName {
                    id: id.clone(),
                    name: Untrusted::from(name.as_str()),
                }),
                _ => None,
            })
            .collect())
    }

    pub(super) fn clients(&self) -> Result<Vec<Client>, Trouble> {
        let format = "#{client_pid} #{session_id} - #{client_tty}";
        let lines = self.lines(&["list-clients", "-F", format])?;
        Ok(lines
            .into_iter()
            .filter_map(|fields| match fields.as_slice() {
                [pid, session, _, terminal] if is_id(session, '$') => Some(Client {
                    pid: pid.parse().ok()?,
                    session: session.clone(),
                    terminal: Untrusted::from(terminal.as_str()),
                }),
                _ => None,
            })
            .collect())
    }

    pub(super) fn panes(&self) -> Result<Vec<Pane>, Trouble> {
        let active = "#{&&:#{pane_active},#{window_active}}";
        let format = format!("#{{pane_id}} #{{pane_pid}} #{{session_id}} {active}");
        let lines = self.lines(&["list-panes", "-a", "-F", &format])?;
        Ok(lines
            .into_iter()
            .filter_map(|fields| match fields.as_slice() {
                [id, pid, session, active] if is_id(id, '%') && is_id(session, '$') => Some(Pane {
                    id: id.clone(),
                    pid: pid.parse().ok()?,
                    session: session.clone(),
                    active: active == "1",
                }),
                _ => None,
            })
            .collect())
    }

    /// The patterns of `update-environment`: the global ones, and those of a session that has a
    /// list of its own.
    pub(super) fn update_environment(
        &self,
        session: Option<&str>,
    ) -> Result<Option<Vec<String>>, Trouble> {
        let mut arguments = vec!["show-options", "-v"];
        match session {
            Some(id) => arguments.extend(["-q", "-t", id]),
            None => arguments.push("-g"),
        }
        arguments.push("update-environment");
        let output = self.ask(&arguments)?;
        let text = String::from_utf8_lossy(&output).into_owned();
        let list: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Ok((session.is_none() || !list.is_empty()).then_some(list))
    }

    /// The global environment, or that of a session.
    pub(super) fn environment(&self, session: Option<&str>) -> Result<Marks, Trouble> {
        let output = match session {
            Some(id) => self.ask(&["show-environment", "-s", "-t", id])?,
            None => self.ask(&["show-environment", "-s", "-g"])?,
        };
        Ok(parse(&output))
    }
}

fn is_id(text: &str, mark: char) -> bool {
    text.strip_prefix(mark)
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit()))
}

/// Takes the output of `show-environment -s` apart: `NAME="value"; export NAME;` and
/// `unset NAME;`, one after the other. In a value `$`, `` ` ``, `"` and `\` have a backslash before
/// them and everything else stands for itself. Stops at what is of neither form.
pub(super) fn parse(mut text: &[u8]) -> Marks {
    let mut marks = Vec::new();
    while let Some(found) = unset(text).or_else(|| set(text)) {
        let (name, value, rest) = found;
        marks.push((name, value));
        text = rest;
    }
    marks
}

type Parsed<'a> = (Vec<u8>, Option<Vec<u8>>, &'a [u8]);

fn unset(text: &[u8]) -> Option<Parsed<'_>> {
    let rest = text.strip_prefix(b"unset ")?;
    let end = rest.windows(2).position(|two| two == b";\n")?;
    let name = &rest[..end];
    (!name.contains(&b'=')).then(|| (name.to_vec(), None, &rest[end + 2..]))
}

fn set(text: &[u8]) -> Option<Parsed<'_>> {
    let start = text.windows(2).position(|two| two == b"=\"")?;
    let name = &text[..start];
    let mut rest = &text[start + 2..];
    let mut value = Vec::new();
    loop {
        match rest {
            [b'\\', escaped, tail @ ..] if b"$`\"\\".contains(escaped) => {
                value.push(*escaped);
                rest = tail;
            }
            [b'"', tail @ ..] => {
                rest = tail;
                break;
            }
            [byte, tail @ ..] => {
                value.push(*byte);
                rest = tail;
            }
            [] => return None,
        }
    }
    let export = [b"; export ", name, b";\n"].concat();
    let rest = rest.strip_prefix(export.as_slice())?;
    Some((name.to_vec(), Some(value), rest))
}

/// What a new pane of a session gets: the global environment, changed by the session's.
pub(super) fn effective(global: &Marks, session: &Marks) -> Environment {
    let mut all: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for (name, value) in global.iter().chain(session) {
        all.retain(|(known, _)| known != name);
        if let Some(value) = value {
            all.push((name.clone(), value.clone()));
        }
    }
    Environment::made_of(all)
}

/// Whether a pattern of `update-environment` means a variable: fnmatch(3), as tmux does it.
pub(super) fn means(pattern: &str, name: &str) -> bool {
    fn fits(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|at| fits(rest, &text[at..])),
            ['?', rest @ ..] => !text.is_empty() && fits(rest, &text[1..]),
            ['[', rest @ ..] => {
                let Some(end) = rest.iter().skip(1).position(|&c| c == ']') else {
                    return text.first() == Some(&'[') && fits(rest, &text[1..]);
                };
                let (set, after) = (&rest[..=end], &rest[end + 2..]);
                let (negated, set) = match set {
                    ['!' | '^', set @ ..] => (true, set),
                    set => (false, set),
                };
                let Some((&first, text)) = text.split_first() else {
                    return false;
                };
                let range = set
                    .windows(3)
                    .any(|it| it[1] == '-' && it[0] <= first && first <= it[2]);
                (set.contains(&first) || range) != negated && fits(after, text)
            }
            [first, rest @ ..] => text.first() == Some(first) && fits(rest, &text[1..]),
        }
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = name.chars().collect();
    pattern.len() <= 256 && fits(&pattern, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    #[test]
    fn a_line_feed_in_a_value_forges_no_variable() {
        let text =
            b"A=\"1\nB=\\\"2\\\"; export B;\nC\"; export A;\nunset D;\nE=\"\\$x\\\\\"; export E;\n";
        let marks = parse(text);
        assert_eq!(
            marks,
            [
                (b"A".to_vec(), Some(b"1\nB=\"2\"; export B;\nC".to_vec())),
                (b"D".to_vec(), None),
                (b"E".to_vec(), Some(b"$x\\".to_vec())),
            ]
        );
    }

    #[test]
    fn a_session_changes_the_global_environment_and_takes_away() {
        let set = |name: &str, value: &str| (name.into(), Some(value.into()));
        let global: Marks = vec![set("A", "1"), set("B", "1")];
        let session: Marks = vec![set("A", "2"), ("B".into(), None)];
        let new = effective(&global, &session);
        assert_eq!((new.get("A"), new.get("B")), (Some(&b"2"[..]), None));
    }

    #[test]
    fn patterns_are_those_of_fnmatch() {
        for (pattern, name, expected) in [
            ("DISPLAY", "DISPLAY", true),
            ("DISPLAY", "WAYLAND_DISPLAY", false),
            ("*DISPLAY", "WAYLAND_DISPLAY", true),
            ("SSH_*", "SSH_AUTH_SOCK", true),
            ("X?G_*", "XDG_RUNTIME_DIR", true),
            ("[A-D]ISPLAY", "DISPLAY", true),
            ("[!D]ISPLAY", "DISPLAY", false),
        ] {
            assert_eq!(means(pattern, name), expected, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn any_output_is_taken_apart(bytes in any::<Vec<u8>>()) {
            let _ = parse(&bytes);
        }
    }
}
