//! Ctrl-C and its kin, turned into a call: for programs that must clean up before they go.

use std::io;
use std::thread;

use nix::sys::signal::{SigSet, Signal};

/// From now on the first SIGINT, SIGTERM or SIGHUP calls `then` on a thread of its own; the next
/// one ends the process as usual (signal(7), sigwait(3)).
///
/// To be called before other threads are started, since they inherit the mask.
///
/// # Errors
/// When the mask cannot be set or no thread can be started.
pub fn on_interrupt(then: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        signals.add(signal);
    }
    signals.thread_block()?;
    thread::Builder::new()
        .name("interrupt".to_owned())
        .spawn(move || {
            if signals.wait().is_ok() {
                // A second one takes its default action, on this thread.
                let _ = signals.thread_unblock();
                then();
                loop {
                    thread::park();
                }
            }
        })?;
    Ok(())
}
