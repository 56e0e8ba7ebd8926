//! Which program is judged, and what is run: a directory to build, a command, or a server that
//! already runs. Building is [`super::build`]'s.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::arena::{Arena, Place};
use super::verdict::Subject;
use crate::untrusted::Untrusted;

/// What the caller wants judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The program in this directory, in the language with this id.
    Directory {
        /// The directory.
        path: PathBuf,
        /// The language's id.
        language: String,
    },
    /// A command; `{socket}` in it stands for the address.
    Command(String),
    /// A server that already listens here.
    Socket(PathBuf),
}

impl Target {
    /// As it stands in the report.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Directory { path, language } => Subject::Directory {
                path: Untrusted::from(path.as_path()),
                language: language.clone(),
            },
            Self::Command(command) => Subject::Command {
                command: Untrusted::from(command.as_str()).lines().join(" "),
            },
            Self::Socket(path) => Subject::Socket {
                path: Untrusted::from(path.as_path()),
            },
        }
    }
}

/// What can be started, any number of times.
#[derive(Clone, Debug)]
pub enum Program {
    /// These words, and the arguments of the exercise.
    Words(Vec<OsString>),
    /// A shell command with placeholders in it.
    Shell(String),
    /// Nothing is started: the server is there.
    Running(PathBuf),
}

impl Program {
    /// The arguments that start an instance at a place; `arguments` are the exercise's.
    pub fn argv(&self, place: &Place, arguments: &[String]) -> Vec<OsString> {
        match self {
            Self::Words(words) => {
                let mut argv = words.clone();
                argv.extend(arguments.iter().map(|argument| place.fill(argument)));
                argv
            }
            Self::Shell(command) => {
                let command = place.fill(command).to_string_lossy().into_owned();
                // A single command becomes the process itself, so that what is seen of the process
                // is seen of the server and not of a shell around it.
                let exec = if is_single(&command) { "exec " } else { "" };
                vec![
                    "/bin/sh".into(),
                    "-c".into(),
                    format!("{exec}{command}").into(),
                ]
            }
            Self::Running(_) => Vec::new(),
        }
    }
}

/// Whether a shell command is one command and nothing else: no list, pipe, group or expansion.
fn is_single(command: &str) -> bool {
    !command.contains([';', '&', '|', '<', '>', '(', ')', '$', '`', '\n'])
}

/// A shell command that a learner can put an address behind: `sh -c '… $0 …'`.
pub fn shell_by_hand(command: &str) -> String {
    let command = command.replace("{socket}", "$0").replace('\'', r"'\''");
    format!("sh -c '{}'", Untrusted::from(command).lines().join(" "))
}

/// The words of a run command: the interpreter is found as the program's own user would find it.
pub fn words(command: &[String], dir: &Path, out: &Path, arena: &Arena) -> Option<Vec<OsString>> {
    let mut words: Vec<OsString> = command
        .iter()
        .map(|word| {
            word.replace("{dir}", &dir.to_string_lossy())
                .replace("{out}", &out.to_string_lossy())
                .into()
        })
        .collect();
    let first = words.first_mut()?;
    let program = arena.find_program(&first.to_string_lossy())?;
    *first = program.into_os_string();
    Some(words)
}
