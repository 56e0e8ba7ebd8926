//! A live run: what each mechanism tells one process of ours about another, on this kernel, now.
//!
//! Owns the request for the run and the shape of its answer; [`super::role`] is the processes that
//! play it. They are thrown away afterwards: one listens at an abstract name that the kernel
//! chooses, the other connects, sends, gives up its ids where it may, and ends.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fact::Fact;
use super::role::SERVER;
use crate::probe::machine::attempt;
use crate::sys::peer_credentials::Ucred;
use crate::untrusted::Untrusted;

/// The running program, for starting it once more.
const OURSELVES: &str = "/proc/self/exe";

/// What a live run showed.
#[derive(Clone, Debug, JsonSchema, Serialize, Deserialize)]
pub struct Live {
    /// The process that asks: it called listen(2) and accept(2).
    pub server: Ucred,
    /// The process that called connect(2), as it was then.
    pub client: Ucred,
    /// A process that the client started, with the same connection as its standard input.
    pub child: Option<u32>,
    /// What each mechanism told after the first message.
    pub answers: Answers,
    /// What was told at one moment after another.
    pub moments: Vec<Moment>,
    /// Supplementary groups, as SO_PEERGROUPS told them when all was over.
    pub groups_at_end: Fact<Vec<u32>>,
    /// SO_PEERCRED of one end of a socketpair(2) that the server made, the other end of which the
    /// client holds.
    pub pair: Fact<Ucred>,
    /// SO_PEERCRED as the client sees it: of who called listen(2).
    pub seen_by_client: Fact<Ucred>,
    /// SO_PEERCRED of a socket that was never connected: success, and nothing in it.
    pub unconnected: Fact<Ucred>,
}

/// What the server was told after the first message.
#[derive(Clone, Debug, JsonSchema, Serialize, Deserialize)]
pub struct Answers {
    /// SO_PEERCRED.
    pub peercred: Fact<Ucred>,
    /// SO_PEERGROUPS.
    pub peergroups: Fact<Vec<u32>>,
    /// SO_PEERPIDFD.
    pub peerpidfd: Fact<Pidfd>,
    /// SO_PEERSEC.
    pub peersec: Fact<Untrusted>,
    /// SCM_CREDENTIALS of the first message, with SO_PASSCRED switched on.
    pub scm_credentials: Fact<Ucred>,
    /// SCM_PIDFD of the first message, with SO_PASSPIDFD switched on.
    pub scm_pidfd: Fact<Pidfd>,
    /// SO_PASSRIGHTS before anybody changed it: whether descriptors may be sent here.
    pub passrights: Fact<bool>,
    /// What sendmsg(2) gave a client that sent a descriptor while SO_PASSRIGHTS was off: the
    /// error's name; `ok` when it was sent all the same.
    pub send_refused: Fact<String>,
}

/// What a pidfd told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Pidfd {
    /// The pid in the reader's pid namespace; 0 when it has none there, or the process was waited
    /// for.
    pub pid: u32,
    /// The process runs no more.
    pub ended: bool,
    /// The inode of the pidfd, since Linux 6.9.
    pub inode: Option<u64>,
}

/// Something that happened, and what was told then.
#[derive(Clone, Debug, JsonSchema, Serialize, Deserialize)]
pub struct Moment {
    /// What happened.
    pub event: Event,
    /// Why it could not happen: `setresuid: EPERM`. Then nothing was sent.
    pub failed: Option<String>,
    /// The process that sent the message, and its effective ids then, by `/proc`.
    pub sender: Option<Ucred>,
    /// Its supplementary groups then, by `/proc`.
    pub sender_groups: Option<Vec<u32>>,
    /// SO_PEERCRED.
    pub peercred: Fact<Ucred>,
    /// Which process SO_PEERPIDFD meant.
    pub peerpidfd: Fact<Pidfd>,
    /// SCM_CREDENTIALS of the message.
    pub message: Fact<Ucred>,
    /// Which process SCM_PIDFD meant.
    pub message_pidfd: Fact<Pidfd>,
}

/// What happens in a live run, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The client has connected, and sends.
    Connected,
    /// A process that the client started sends on the same connection.
    ChildSends,
    /// The client changes its effective ids only, and sends.
    EffectiveIds,
    /// The client gives up all its ids and groups, and sends.
    AllIds,
    /// The client has ended and was waited for; the process it started sends.
    ClientGone,
}

impl Event {
    /// All, in order.
    pub const ALL: [Self; 5] = [
        Self::Connected,
        Self::ChildSends,
        Self::EffectiveIds,
        Self::AllIds,
        Self::ClientGone,
    ];
}

/// Runs it, once in the life of this process: what the kernel does will not change meanwhile.
/// In words why not, when it could not be run.
pub(super) fn run() -> Result<Live, String> {
    static SEEN: OnceLock<Result<Live, String>> = OnceLock::new();
    SEEN.get_or_init(|| run_with(Path::new(OURSELVES))).clone()
}

fn run_with(program: &Path) -> Result<Live, String> {
    let mut command = Command::new(program);
    command.args(["__role", SERVER]);
    let outcome = attempt::run_with_input(&mut command, b"")
        .map_err(|error| format!("the processes that try it failed: {error}"))?;
    let output = Untrusted::new(outcome.output);
    if !outcome.status.success() {
        return Err(format!(
            "the process that tries it ended with {}",
            outcome.status
        ));
    }
    serde_json::from_slice(output.bytes())
        .map_err(|_| "the process that tries it gave no answer".to_owned())
}
