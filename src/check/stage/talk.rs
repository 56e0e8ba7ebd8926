//! Asking the helper processes: the supervisor about the program, peers about connections.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::{GRACE_MS, Runner, StageError};
use crate::check::protocol::{Answer, Bytes, Deed, Left, Order, Outcome, Seen};
use crate::check::verdict::{Event, Leftover};
use crate::sys::posix_objects::{self, Object};
use crate::sys::process;

impl Runner<'_> {
    pub(super) fn deed(
        &mut self,
        connection: &str,
        deed: &Deed,
        within_ms: u64,
    ) -> Result<Outcome, StageError> {
        let Some(peer) = self.connections.get(connection) else {
            return Err(StageError::Fault(format!(
                "there is no connection `{connection}`"
            )));
        };
        let peer = peer.clone();
        self.deed_of(&peer, deed, within_ms)
    }

    /// A deed of the peer process of that name.
    pub(super) fn deed_of(
        &mut self,
        peer: &str,
        deed: &Deed,
        within_ms: u64,
    ) -> Result<Outcome, StageError> {
        let Some(link) = self.peers.get_mut(peer) else {
            return Err(StageError::Fault(format!("there is no peer `{peer}`")));
        };
        Ok(link.ask(deed, within_ms + GRACE_MS, self.setting.cancel)?)
    }

    pub(super) fn order(&mut self, order: &Order, within_ms: u64) -> Result<Answer, StageError> {
        let Some(supervisor) = &mut self.supervisor else {
            return Err(StageError::Fault(
                "this step needs a program that was started".to_owned(),
            ));
        };
        match supervisor.ask(order, within_ms + GRACE_MS, self.setting.cancel)? {
            Answer::Fault { message } => Err(StageError::Fault(message)),
            answer => Ok(answer),
        }
    }

    pub(super) fn look(&mut self, name: &str) -> Result<Seen, StageError> {
        match self.order(
            &Order::Look {
                name: name.to_owned(),
            },
            GRACE_MS,
        )? {
            Answer::Seen(seen) => Ok(*seen),
            other => Err(unexpected(&other)),
        }
    }

    /// What is left, as an order's answer.
    pub(super) fn left(&mut self, order: &Order) -> Result<Vec<Leftover>, StageError> {
        match self.order(order, GRACE_MS)? {
            Answer::Left { left } => Ok(without_others(left)),
            other => Err(unexpected(&other)),
        }
    }

    /// Has the supervisor end everything; what was left. From then on the arena is ours alone again, which a
    /// supervisor removes otherwise when its line ends.
    pub(super) fn finish(&mut self) -> Result<Vec<Leftover>, StageError> {
        let left = self.left(&Order::Finish)?;
        match self.order(&Order::Release, GRACE_MS)? {
            Answer::Done => Ok(left),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) fn owns(&mut self, name: &str, pid: i32) -> Result<bool, StageError> {
        match self.order(
            &Order::Owns {
                name: name.to_owned(),
                pid,
            },
            GRACE_MS,
        )? {
            Answer::Owned { yes } => Ok(yes),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) fn remember_cpu(&mut self) -> Result<(), StageError> {
        for name in self.cpu_before.keys().cloned().collect::<Vec<_>>() {
            let order = Order::CpuTime { name: name.clone() };
            if let Answer::CpuTime { ms } = self.order(&order, GRACE_MS)? {
                self.cpu_before.insert(name, ms);
            }
        }
        Ok(())
    }

    pub(super) fn collect_events(&mut self) -> Result<(), StageError> {
        let Answer::Events { events } = self.order(&Order::Events, GRACE_MS)? else {
            return Ok(());
        };
        let began = self.began_us;
        self.timeline.extend(events.into_iter().map(|event| Event {
            at_us: event.at_us.saturating_sub(began),
            ..event
        }));
        Ok(())
    }
}

/// Without what other programs of the same user have open, or have removed: that is theirs.
fn without_others(mut left: Vec<Left>) -> Vec<Leftover> {
    if left.iter().any(|one| one.unless_open.is_some()) {
        let there: Vec<Object> = posix_objects::list().collect();
        let ours = process::descendants(std::process::id() as i32);
        let others: Vec<i32> = process::all().filter(|pid| !ours.contains(pid)).collect();
        let left_there = |Bytes(path): &Bytes| {
            let mut there = there.iter();
            there
                .find(|object| object.path.as_os_str().as_bytes() == path)
                .is_some_and(|object| !others.iter().any(|pid| object.is_open_in(*pid)))
        };
        left.retain(|one| one.unless_open.as_ref().is_none_or(left_there));
    }
    left.into_iter().map(|one| one.leftover).collect()
}

pub(super) fn unexpected(answer: &Answer) -> StageError {
    StageError::Fault(format!("the supervisor answered {answer:?}"))
}

pub(super) fn path_bytes(text: &OsStr) -> Bytes {
    Bytes(text.as_bytes().to_vec())
}
