//! Which program is judged, and what is run: a directory to build, a command, or a server that
//! already runs. Building is [`super::build`]'s.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::arena::{Arena, Place};
use super::verdict::Subject;
use crate::curriculum::exercise::PLACEHOLDERS;
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
    /// A command, with placeholders in it or the arguments of the exercise behind it.
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
    /// A shell command, with placeholders in it or the arguments of the exercise behind it.
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
                // A single command becomes the process itself, so that what is seen of the process
                // is seen of the server and not of a shell around it.
                let exec = if is_single(command) { "exec " } else { "" };
                if names_its_arguments(command) {
                    let mut script = OsString::from(exec);
                    script.push(place.fill(command));
                    return vec!["/bin/sh".into(), "-c".into(), script];
                }
                // As the shell's positional parameters they need no quotes.
                let script = format!("{exec}{command} \"$@\"");
                let mut argv = vec!["/bin/sh".into(), "-c".into(), script.into(), "sh".into()];
                argv.extend(arguments.iter().map(|argument| place.fill(argument)));
                argv
            }
            Self::Running(_) => Vec::new(),
        }
    }
}

/// Whether a shell command is one command and nothing else: no list, pipe, group or expansion.
fn is_single(command: &str) -> bool {
    !command.contains([';', '&', '|', '<', '>', '(', ')', '$', '`', '\n'])
}

/// Whether a command says itself where its arguments go.
pub fn names_its_arguments(command: &str) -> bool {
    let placeholder = |name: &&str| command.contains(name);
    PLACEHOLDERS.iter().any(placeholder) || command.contains("IPC_SOCKET")
}

/// A shell command that a learner can put an address behind: `sh -c '… $0 …'`, or as it is.
pub fn shell_by_hand(command: &str) -> String {
    if !names_its_arguments(command) {
        return Untrusted::from(command).lines().join(" ");
    }
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
