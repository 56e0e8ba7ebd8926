//! A terminal of a test's own, and a program that leads a session in it. What is typed and what is
//! read is each test file's.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use nix::pty::{Winsize, openpty};
use nix::sys::termios::{Termios, tcgetattr};

pub struct Led {
    pub child: Child,
    /// Our side.
    pub master: File,
    /// The program's side, so that its settings can be asked for after the program.
    pub slave: OwnedFd,
    /// The settings before the program began.
    pub before: Termios,
}

/// Runs a command in a new terminal of its own, as the leader of a session.
pub fn lead(command: &Command, (columns, rows): (u16, u16)) -> Led {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pty = openpty(&size, None).unwrap();
    // Whoever holds the master keeps the terminal alive: only this process shall.
    rustix::io::fcntl_setfd(&pty.master, rustix::io::FdFlags::CLOEXEC).unwrap();
    let before = tcgetattr(&pty.slave).unwrap();
    let end = || Stdio::from(pty.slave.try_clone().unwrap());
    let mut leader = Command::new("setsid");
    leader.arg("--ctty").arg(command.get_program());
    leader.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => leader.env(name, value),
            None => leader.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        leader.current_dir(directory);
    }
    let child = leader
        .stdin(end())
        .stdout(end())
        .stderr(end())
        .spawn()
        .unwrap();
    Led {
        child,
        master: File::from(pty.master),
        slave: pty.slave,
        before,
    }
}
