//! How an instance of the program is started: its words, environment, descriptors, and what is waited
//! for. Starting it is [`crate::check`]'s.

use serde::Serialize;

use super::read::{permissions, send_buffer};
use super::{Passed, Payload};
use crate::curriculum::exercise::{Role, arguments};
use crate::curriculum::reader::Reader;

/// The umask of a program whose step says no other.
const UMASK: u32 = 0o022;

/// How an instance is started.
#[derive(Clone, Debug, Serialize)]
pub struct Start {
    /// The instance.
    pub name: String,
    /// What to wait for.
    pub wait: Wait,
    /// In place of the exercise's arguments.
    pub arguments: Option<Vec<String>>,
    /// Variables of its environment, with placeholders in the values; `None`: it has not got that
    /// one.
    pub environment: Vec<(String, Option<String>)>,
    /// What its standard input holds; `None`: nothing.
    pub stdin: Option<Payload>,
    /// What its standard output is.
    pub stdout: Sink,
    /// Our end of the socket that filters and pairs are given; `None`: this one is given none.
    pub connection: Option<String>,
    /// SO_SNDBUF of the program's end of that socket; `None`: the default.
    pub send_buffer: Option<u32>,
    /// The descriptors that an activated program is given; `None`: the usual one.
    pub passed: Option<Vec<Passed>>,
    /// Its umask.
    pub umask: u32,
}

impl Start {
    /// What an activated program is given.
    pub fn passed(&self) -> Vec<Passed> {
        let usual = || vec![Passed::usual()];
        self.passed.clone().unwrap_or_else(usual)
    }
}

/// What an instance's standard output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sink {
    /// A pipe that is read at once.
    Pipe,
    /// `/dev/full`: nothing can be written (ENOSPC, full(4)).
    Full,
}

/// What `start` waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// Until the address is a socket that listens.
    Ready,
    /// Until the program has ended.
    Exit,
    /// Not at all.
    Nothing,
}

const SINKS: &[(&str, Sink)] = &[("pipe", Sink::Pipe), ("full", Sink::Full)];

const WAITS: &[(&str, Wait)] = &[
    ("ready", Wait::Ready),
    ("exit", Wait::Exit),
    ("nothing", Wait::Nothing),
];

impl Start {
    /// Reads how an instance of that name is started, of a program that plays this role.
    pub(super) fn read(table: &mut Reader<'_>, name: String, role: Role) -> Self {
        let usual = match role.listens() {
            true => Wait::Ready,
            false => Wait::Nothing,
        };
        Self {
            name,
            wait: table.optional_choice("wait", WAITS).unwrap_or(usual),
            arguments: arguments(table),
            environment: environment(table),
            stdin: Payload::optional(table, "stdin"),
            stdout: table.optional_choice("stdout", SINKS).unwrap_or(Sink::Pipe),
            connection: given(table),
            send_buffer: send_buffer(table),
            passed: Passed::read_all(table),
            umask: permissions(table, "umask").unwrap_or(UMASK),
        }
    }
}

/// Variables to set, and names of variables to leave out.
fn environment(table: &mut Reader<'_>) -> Vec<(String, Option<String>)> {
    let set = table.tables("env", "a variable", |variable| {
        (variable.text("name"), Some(variable.whole_text("value")))
    });
    let unset = table.texts("unset");
    let unset = unset.into_iter().map(|name| (name.value, None));
    set.into_iter().chain(unset).collect()
}

/// The connection that a program is started with; `""` is none.
fn given(table: &mut Reader<'_>) -> Option<String> {
    match table.optional_text("connection") {
        Some(name) => Some(name.value).filter(|name| !name.is_empty()),
        None => Some("a".to_owned()),
    }
}
