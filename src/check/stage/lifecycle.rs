//! Moves about the program itself: starting it, waiting for its end, its lines, its sleep.

use super::talk::{path_bytes, unexpected};
use super::{Failed, GRACE_MS, Purpose, Runner, StageError, Stepped};
use crate::check::bounds::Bounds;
use crate::check::link::Link;
use crate::check::observation::Address;
use crate::check::program::Program;
use crate::check::protocol::{Answer, Bytes, Deed, Order, Outcome, StdoutKind};
use crate::check::trace;
use crate::curriculum::expression;
use crate::curriculum::scenario::{ExitStatus, Wait};
use crate::sys::spawn::Limits;

impl Runner<'_> {
    pub(super) fn start(&mut self, name: &str, wait: Wait, within_ms: u64) -> Stepped {
        if let Program::Running(_) = self.setting.program {
            self.ready = None;
            let address = Address::look(&self.place.address);
            let listening = address.state == "listening";
            return Ok(if listening {
                Ok(())
            } else {
                Err(Failed::new("not-ready", name))
            });
        }
        if self.supervisor.is_none() {
            self.supervisor = Some(Link::start("supervisor")?);
            let directory = path_bytes(self.setting.arena.root().as_os_str());
            let guard = Order::Guard {
                directory,
                identity: self.setting.arena.identity(),
                bounds: self.bounds(),
            };
            self.order(&guard, GRACE_MS)?;
        }
        let arena = self.setting.arena;
        let environment = arena.environment(&self.place);
        // A command that somebody typed means files where it was typed.
        let cwd = match self.setting.program {
            Program::Shell(_) => std::env::current_dir().unwrap_or_else(|_| "/".into()),
            Program::Words(_) | Program::Running(_) => self.place.directory.clone(),
        };
        let mut argv = self.setting.program.argv(&self.place);
        if let Purpose::Trace(strace) = self.setting.purpose {
            argv = trace::wrap(strace, &self.trace_file(name), argv);
        }
        let order = Order::Start {
            name: name.to_owned(),
            argv: argv.iter().map(|word| path_bytes(word)).collect(),
            env: environment
                .iter()
                .map(|(k, v)| (path_bytes(k), path_bytes(v)))
                .collect(),
            cwd: path_bytes(cwd.as_os_str()),
            identity: arena.identity(),
            limits: limits(&self.bounds()),
            stdout: match self.setting.purpose {
                Purpose::Terminal => StdoutKind::Terminal,
                Purpose::Verdict | Purpose::Trace(_) => StdoutKind::Pipe,
            },
            // A command that somebody typed may well write a log elsewhere; a program may not.
            fence: match self.setting.program {
                Program::Words(_) => Some(path_bytes(arena.root().as_os_str())),
                Program::Shell(_) | Program::Running(_) => None,
            },
        };
        match self.order(&order, GRACE_MS)? {
            Answer::Done => {}
            Answer::NotStarted { errno } => {
                let deed = Outcome {
                    errno,
                    call: "execve".to_owned(),
                    ..Outcome::default()
                };
                return Ok(Err(Failed {
                    deed: Some(deed),
                    ..Failed::new("errno", name)
                }));
            }
            other => return Err(unexpected(&other)),
        }
        self.cpu_before.insert(name.to_owned(), 0);
        let name = name.to_owned();
        match wait {
            Wait::Nothing => Ok(Ok(())),
            Wait::Exit => match self.order(
                &Order::AwaitExit {
                    name: name.clone(),
                    within_ms,
                },
                within_ms,
            )? {
                Answer::Done => Ok(Ok(())),
                _ => Ok(Err(Failed::new("still-running", &name))),
            },
            Wait::Ready => {
                let path = path_bytes(self.place.address.as_os_str());
                let order = Order::AwaitReady {
                    name: name.clone(),
                    path,
                    within_ms,
                };
                match self.order(&order, within_ms)? {
                    Answer::Ready { dev, ino } => {
                        self.ready = Some((dev, ino));
                        Ok(Ok(()))
                    }
                    Answer::Ended => Ok(Err(Failed::new("exited", &name))),
                    _ => Ok(Err(Failed::new("not-ready", &name))),
                }
            }
        }
    }

    /// What the program may use in this stage.
    fn bounds(&self) -> Bounds {
        Bounds::usual(self.setting.patience)
    }

    pub(super) fn expect_exit(
        &mut self,
        name: &str,
        status: ExitStatus,
        within_ms: u64,
    ) -> Stepped {
        let order = Order::AwaitExit {
            name: name.to_owned(),
            within_ms,
        };
        if !matches!(self.order(&order, within_ms)?, Answer::Done) {
            return Ok(Err(Failed::new("still-running", name)));
        }
        let seen = self.look(name)?;
        let right = match status {
            ExitStatus::Any => true,
            ExitStatus::Zero => seen.status == Some(0),
            ExitStatus::NonZero => seen.status.is_some_and(|status| status != 0),
        };
        Ok(if right {
            Ok(())
        } else {
            Err(Failed::new("wrong-status", name))
        })
    }

    pub(super) fn expect_line(
        &mut self,
        name: &str,
        connection: &str,
        text: &str,
        within_ms: u64,
    ) -> Stepped {
        let identity = Deed::Read {
            connection: connection.to_owned(),
            bytes: Some(0),
            within_ms,
        };
        let outcome = self.deed(connection, &identity, within_ms)?;
        let line = expression::fill(text, &serde_json::json!({ "peer": outcome.me }))
            .map_err(|error| StageError::Fault(error.to_string()))?;
        let order = Order::AwaitLine {
            name: name.to_owned(),
            line: Bytes(line.clone().into_bytes()),
            within_ms,
        };
        let failed = match self.order(&order, within_ms)? {
            Answer::Done => return Ok(Ok(())),
            Answer::Ended => "exited",
            _ => "line-missing",
        };
        let seen = self.look(name)?;
        let printed = seen.stdout.0.contains(&b'\n');
        let failed = if failed == "line-missing" && printed {
            "line-different"
        } else {
            failed
        };
        Ok(Err(Failed {
            deed: Some(outcome),
            line: Some(line),
            ..Failed::new(failed, name)
        }))
    }

    /// Whether the program sleeps, and not for bytes that have arrived. When none of ours were
    /// `accepted` any more it may read from whatever it likes: it is busy with somebody else.
    pub(super) fn sleeps(&mut self, accepted: u64) -> Result<bool, StageError> {
        if !self.cpu_before.contains_key("server") {
            return Ok(true);
        }
        let seen = self.look("server")?;
        let reads = matches!(
            seen.syscall.as_str(),
            "read" | "readv" | "recvfrom" | "recvmsg"
        );
        let waits_for_bytes = accepted > 0 && reads && seen.syscall_fd_kind == "connected socket";
        Ok(!seen.syscall.is_empty() && !waits_for_bytes)
    }
}

/// What the kernel itself keeps, of the same bounds: a little further out where the supervisor
/// would see who went beyond.
fn limits(bounds: &Bounds) -> Limits {
    Limits {
        cpu_seconds: Some(bounds.cpu.div_ceil(1000) + 1),
        file_bytes: Some(bounds.disk),
        descriptors: Some(1024),
        processes: Some(bounds.processes + 64),
    }
}
