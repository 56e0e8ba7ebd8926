//! What lies between an environment and that of the login: found by variables that it sets, by
//! programs among the ancestors, by the socket of a service.

use std::process::Command;

use schemars::JsonSchema;
use serde::Serialize;

use super::Scene;
use super::environment::Environment;
use crate::curriculum::guidance::{Border, BorderId};
use crate::probe::holders::Process;
use crate::probe::machine::attempt::{self, Limits};
use crate::sys::process;

/// Ancestors that are looked at. More are not plausible.
const ANCESTORS: usize = 64;

/// What systemctl(1) may take.
const LIMITS: Limits = Limits {
    ms: 2_000,
    output: 1024 * 1024,
};

/// A border that was crossed.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Crossed {
    /// Which.
    pub id: BorderId,
    /// Its name.
    pub title: String,
    /// What it does to an environment.
    pub meaning: String,
    /// The variable that shows it.
    pub variable: Option<String>,
    /// The ancestor that shows it: the nearest.
    pub ancestor: Option<Process>,
}

/// A border, and the environment on its other side where that can be read.
pub(super) struct Found {
    pub(super) told: Crossed,
    /// For `sudo` and `su`: who called it, with their environment.
    pub(super) caller: Option<(Process, Environment)>,
}

/// The borders that lie between.
pub(super) fn crossed(scene: &Scene<'_>) -> Vec<Found> {
    let ancestors = ancestors(scene.subject.pid);
    let borders = scene.catalogue.guidance.borders.iter();
    borders
        .filter_map(|border| {
            let variable = border
                .variables
                .iter()
                .find(|name| scene.environment.get(name).is_some())
                .cloned();
            let at = ancestors.iter().position(|it| is_one(border, it));
            let socket = border.variables.is_empty()
                && border.programs.is_empty()
                && border
                    .service
                    .as_deref()
                    .is_some_and(|service| scene.resolver.listens(service));
            if variable.is_none() && at.is_none() && !socket {
                return None;
            }
            let caller = at.and_then(|at| caller(border, &ancestors[at..]));
            Some(Found {
                told: Crossed {
                    id: border.id,
                    title: border.title.clone(),
                    meaning: border.meaning.clone(),
                    variable,
                    ancestor: at.map(|at| ancestors[at].clone()),
                },
                caller,
            })
        })
        .collect()
}

fn is_one(border: &Border, process: &Process) -> bool {
    let mut programs = border.programs.iter();
    programs.any(|program| program.as_bytes() == process.comm.bytes())
}

/// The first ancestor that is not the border itself: sudo has one or two processes.
fn caller(border: &Border, ancestors: &[Process]) -> Option<(Process, Environment)> {
    let caller = ancestors.iter().find(|it| !is_one(border, it))?;
    let environment = Environment::of(caller.pid).ok()?;
    Some((caller.clone(), environment))
}

/// The ancestors of a process, the nearest first.
fn ancestors(pid: u32) -> Vec<Process> {
    let mut found = Vec::new();
    let mut next = i32::try_from(pid).ok();
    while let Some(parent) = next.and_then(process::stat).map(|stat| stat.ppid) {
        if parent <= 0 || found.len() >= ANCESTORS {
            break;
        }
        found.push(Process {
            pid: parent.unsigned_abs(),
            comm: process::name(parent),
        });
        next = Some(parent);
    }
    found
}

/// The environment that systemd's user manager gives its services, as systemctl(1) tells it.
pub(super) fn manager_environment() -> Option<Environment> {
    let program = which::which("systemctl").ok()?;
    let mut command = Command::new(program);
    command.args(["--user", "show-environment"]);
    let outcome = attempt::run_within(&mut command, b"", LIMITS).ok()?;
    outcome
        .status
        .success()
        .then(|| Environment::made_of(parse_manager(&outcome.output)))
}

/// Lines `NAME=value`; a value with other than plain characters is `$'…'` with C escapes.
fn parse_manager(text: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let lines = text.split(|&byte| byte == b'\n');
    lines
        .filter_map(|line| {
            let at = line.iter().position(|&byte| byte == b'=')?;
            let (name, value) = (&line[..at], &line[at + 1..]);
            let quoted = value
                .strip_prefix(b"$'")
                .and_then(|rest| rest.strip_suffix(b"'"));
            let value = quoted.map_or_else(|| value.to_vec(), unescaped);
            Some((name.to_vec(), value))
        })
        .collect()
}

/// A backslash before a character stands for that character; what else C knows does not occur in
/// the names of endpoints.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = text.iter();
    let mut out = Vec::new();
    while let Some(&byte) = bytes.next() {
        let escaped = if byte == b'\\' { bytes.next() } else { None };
        out.push(*escaped.unwrap_or(&byte));
    }
    out
}
