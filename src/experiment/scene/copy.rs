//! The scene `copy`: a copy and a paste between programs of ours, which a learner traces. It waits
//! until the learner has attached; then it runs up to the moment when all of the text has arrived
//! and nobody has closed the pipe, so that `/proc` still shows both ends.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::{Failure, parameters};
use super::clip::{Account, Clip, Duty};
use super::member::Member;
use super::{Part, Set};
use crate::sys::process::descriptors;
use crate::untrusted::Untrusted;

/// What was drawn.
#[derive(Debug, Deserialize)]
struct Drawn {
    /// Types of content, one of which is offered.
    kinds: Vec<String>,
    kind: usize,
    /// Texts, one of which is copied.
    texts: Vec<String>,
    text: usize,
    /// Descriptors that each has open before.
    broker_spare: usize,
    copier_spare: usize,
    paster_spare: usize,
}

struct Copying {
    address: PathBuf,
    broker: Member,
    copier: Member,
    paster: Member,
    /// Why strace(1) cannot be attached to them; `None` when it can.
    untraceable: Option<String>,
    /// What happened, once it has.
    happened: Option<Happened>,
}

#[derive(Clone, Copy)]
struct Happened {
    holder: i32,
    account: Account,
}

/// Sets it.
pub(super) fn set(params: &Map<String, Value>) -> Result<Box<dyn Set>, Failure> {
    let drawn: Drawn = parameters(params)?;
    let one = |list: &[String], at: usize| {
        let chosen = at.checked_rem(list.len()).map(|at| list[at].clone());
        chosen.ok_or_else(|| Failure::Parameters("nothing to choose from".to_owned()))
    };
    let (kind, text) = (
        one(&drawn.kinds, drawn.kind)?,
        one(&drawn.texts, drawn.text)?,
    );
    let here = std::env::current_dir();
    let here = here.map_err(|error| Failure::Fault(format!("no directory: {error}")))?;
    let address = here.join("wayland-9");
    let start = |name: &str, duty, spare| {
        let clip = Clip {
            name: name.to_owned(),
            duty,
            address: address.to_string_lossy().into_owned(),
            kind: kind.clone(),
            text: text.clone(),
            spare,
        };
        Member::start(name, Part::Clip(clip))
    };
    let broker = start("mini-broker", Duty::Broker, drawn.broker_spare)?;
    let copier = start("mini-copy", Duty::Copier, drawn.copier_spare)?;
    let paster = start("mini-paste", Duty::Paster, drawn.paster_spare)?;
    let untraceable = attach(paster.pid()).err();
    Ok(Box::new(Copying {
        address,
        broker,
        copier,
        paster,
        untraceable,
        happened: None,
    }))
}

/// Attaches strace(1) to a process and lets it go again. Says why that is impossible.
fn attach(pid: u32) -> Result<(), String> {
    let program = which::which("strace").map_err(|_| "strace is not installed".to_owned())?;
    let fault = |error: std::io::Error| format!("strace cannot be started: {error}");
    let mut strace = Command::new(program)
        .args(["-o", "/dev/null", "-p", &pid.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(fault)?;
    let mut said = String::new();
    if let Some(stderr) = strace.stderr.take() {
        BufReader::new(stderr).read_line(&mut said).map_err(fault)?;
    }
    // It is not waited for yet, so the number is its own. It lets go of the process.
    let _ = kill(Pid::from_raw(strace.id().cast_signed()), Signal::SIGTERM);
    strace.wait().map_err(fault)?;
    if said.contains("attached") {
        Ok(())
    } else {
        let said = Untrusted::from(said.trim());
        Err(format!("strace cannot attach here ({said})"))
    }
}

/// The descriptors of a process that lead to pipes, those of its stage directions left out: by the
/// pipe's name.
fn pipes(pid: i32) -> BTreeMap<String, i32> {
    let leads = |path: &Path| path.to_str().map(str::to_owned);
    descriptors(pid)
        .into_iter()
        .filter(|(number, _)| *number > 2)
        .filter_map(|(number, path)| Some((leads(&path)?, number)))
        .filter(|(name, _)| name.starts_with("pipe:["))
        .collect()
}

impl Set for Copying {
    fn look(&mut self) -> Result<Value, Failure> {
        let mut seen = json!({
            "directory": self.address.parent().map(Path::to_string_lossy),
            "broker": self.broker.pid(),
            "copier": self.copier.pid(),
            "paster": self.paster.pid(),
            "strace": self.untraceable.is_none(),
            "untraceable": self.untraceable.as_deref().unwrap_or_default(),
        });
        let Some(Happened { holder, account }) = self.happened else {
            return Ok(seen);
        };
        let read = pipes(self.paster.pid().cast_signed());
        let written = pipes(holder);
        let common = read.iter().find_map(|(name, &reader)| {
            let inode = name.strip_prefix("pipe:[")?.strip_suffix(']')?;
            Some((inode.parse::<u64>().ok()?, reader, *written.get(name)?))
        });
        let Some((pipe, reader, into)) = common else {
            let what = "no pipe is open in both processes";
            return Err(Failure::Fault(what.to_owned()));
        };
        let more = [
            ("holder", json!(holder)),
            ("pipe", json!(pipe)),
            ("reader", json!(reader)),
            ("into", json!(into)),
            ("passing", json!(account.passing)),
            ("received", json!(account.received)),
        ];
        if let Some(seen) = seen.as_object_mut() {
            seen.extend(more.map(|(name, value)| (name.to_owned(), value)));
        }
        Ok(seen)
    }

    fn go_on(&mut self) -> Result<(), Failure> {
        if self.happened.is_some() {
            return Ok(());
        }
        self.copier.go_on()?;
        let holder = i32::from_le_bytes(self.copier.bytes()?);
        self.copier.ended()?;
        self.paster.go_on()?;
        self.paster.said()?;
        // The holder has inherited the copier's line.
        self.copier.said()?;
        self.broker.go_on()?;
        let account = Account::from_bytes(self.broker.bytes()?);
        self.happened = Some(Happened { holder, account });
        Ok(())
    }
}
