//! Makes a list of calls that shows a difference as short and as plain as it can be. How calls are run,
//! and what a difference is, is the caller's.

use crate::model::call::{Call, Payload};
use crate::model::id::Pid;

/// Something that a list of calls shows.
pub trait Shown {
    /// The calls, up to the one that shows it.
    fn calls(&self) -> &[(Pid, Call)];
}

/// Leaves out whatever can be left out while `run` still finds something.
pub fn shrink<S: Shown>(found: S, mut run: impl FnMut(&[(Pid, Call)]) -> Option<S>) -> S {
    let mut best = found;
    loop {
        let mut shorter = false;
        // Long stretches first: most of a sequence has nothing to do with it.
        let mut stretch = (best.calls().len() / 2).max(1);
        loop {
            let mut at = 0;
            while at < best.calls().len() {
                let end = (at + stretch).min(best.calls().len());
                let rest = [&best.calls()[..at], &best.calls()[end..]].concat();
                match run(&rest) {
                    Some(shown) if shown.calls().len() < best.calls().len() => {
                        best = shown;
                        shorter = true;
                    }
                    _ => at += stretch,
                }
            }
            if stretch == 1 {
                break;
            }
            stretch /= 2;
        }
        if !shorter {
            return plainer(best, run);
        }
    }
}

/// Makes what is sent as plain as it can be: the letter a, once if that is enough.
fn plainer<S: Shown>(found: S, mut run: impl FnMut(&[(Pid, Call)]) -> Option<S>) -> S {
    let mut best = found;
    for at in 0..best.calls().len() {
        let (Call::Send { payload, .. } | Call::Write { payload, .. }) = &best.calls()[at].1 else {
            continue;
        };
        for len in [1, payload.len] {
            let mut calls = best.calls().to_vec();
            if let Call::Send { payload, .. } | Call::Write { payload, .. } = &mut calls[at].1 {
                *payload = Payload {
                    unit: b"a".to_vec(),
                    len,
                };
            }
            if let Some(shown) = run(&calls)
                && shown.calls().len() == best.calls().len()
            {
                best = shown;
                break;
            }
        }
    }
    best
}
