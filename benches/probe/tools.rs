//! The programs that are compared, as far as they are installed.

use std::process::Command;

use crate::Result;
use crate::measure::{self, Cost};

/// This project's program.
pub const OURS: &str = "ipc-mastery";
/// Of iproute2.
pub const SS: &str = "ss";
/// Everybody's.
pub const LSOF: &str = "lsof";
/// Of util-linux.
const LSFD: &str = "lsfd";

/// Programs that may be missing.
pub const MISSING: &[&str] = &[SS, LSOF, LSFD];

/// A command to measure.
pub struct Tool {
    /// Which program.
    pub name: &'static str,
    /// How it is called in the table.
    pub title: String,
    words: Vec<String>,
}

impl Tool {
    fn new(name: &'static str, program: &str, arguments: &[&str], note: &str) -> Self {
        let mut words = vec![program.to_owned()];
        words.extend(arguments.iter().map(|&word| word.to_owned()));
        let title = format!("{name} {}{note}", arguments.join(" "));
        Self { name, title, words }
    }

    /// Runs it once.
    pub fn run(&self) -> Result<Cost> {
        measure::of(&self.words)
    }
}

/// What lists sockets with their holders here. Ours is the first.
pub fn found() -> Vec<Tool> {
    let ours = ours();
    let json = Tool {
        name: "json",
        ..Tool::new(OURS, &ours, &["probe", "sockets", "--json"], "")
    };
    let mut tools = vec![Tool::new(OURS, &ours, &["probe", "sockets"], ""), json];
    let ss = program("SS", SS);
    if let Some(version) = version(&ss, "-V") {
        tools.push(Tool::new(SS, &ss, &["-xap"], &format!(" ({version})")));
    }
    let lsof = program("LSOF", LSOF);
    if let Some(version) = version(&lsof, "-v") {
        let note = format!(" ({version})");
        tools.push(Tool::new(LSOF, &lsof, &["-U", "+E"], &note));
    }
    let lsfd = program("LSFD", LSFD);
    if let Some(version) = version(&lsfd, "-V") {
        // Only newer ones know the other end of a socket.
        let all = "COMMAND,PID,ASSOC,TYPE,INODE,NAME,ENDPOINTS";
        let words: &[&str] = if said(&lsfd, "--list-columns").contains("ENDPOINTS")
            || said(&lsfd, "--help").contains("ENDPOINTS")
        {
            &["-o", all, "-Q", "TYPE =~ 'UNIX.*'"]
        } else {
            &["-Q", "PROTONAME =~ 'UNIX.*'"]
        };
        tools.push(Tool::new(LSFD, &lsfd, words, &format!(" ({version})")));
    }
    tools
}

/// What is started to see what starting costs.
pub fn starting() -> Vec<Tool> {
    let ours = ours();
    let mut tools: Vec<Tool> = [
        &["--version"][..],
        &["list"],
        &["probe", "runtime-dir"],
        &["probe", "sockets"],
    ]
    .iter()
    .map(|arguments| Tool::new(OURS, &ours, arguments, ""))
    .collect();
    let ss = program("SS", SS);
    if version(&ss, "-V").is_some() {
        tools.push(Tool::new(SS, &ss, &["-xap"], ""));
    }
    tools.push(Tool::new("ls", "ls", &["-l", "/run"], ""));
    tools
}

fn ours() -> String {
    std::env::var("IPC_MASTERY").unwrap_or(env!("CARGO_BIN_EXE_ipc-mastery").to_owned())
}

/// A program, which may be named by a variable.
fn program(variable: &str, name: &str) -> String {
    std::env::var(variable).unwrap_or(name.to_owned())
}

/// The first thing a program says that looks like a version number. `None`: it is not there.
fn version(program: &str, option: &str) -> Option<String> {
    Command::new(program).arg(option).output().ok()?;
    let said = said(program, option);
    let words = said.split(|c: char| c.is_whitespace() || c == '-' || c == ',');
    let looks = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    let found = words.into_iter().find(looks).unwrap_or("version unknown");
    Some(found.to_owned())
}

fn said(program: &str, option: &str) -> String {
    let Ok(output) = Command::new(program).arg(option).output() else {
        return String::new();
    };
    let both = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}
