//! Draws what probes saw: text with roles, for the command line, lessons and the screen.
//!
//! One file a probe, beside the table they share. Everything that came from outside is printed
//! through `Untrusted`; nothing is asked of the machine here.

pub mod changes;
mod creds;
pub mod detail;
mod env;
mod fds;
pub mod list;
mod runtime_dir;
pub mod section;
mod sockets;
mod table;
mod words;

use super::text::{Kept, Sink, Text};
use crate::probe::Probed;

/// Draws a picture for this many columns.
pub fn draw(probed: &Probed, width: usize) -> Text {
    let mut kept = Kept::default();
    draw_on(probed, width, &mut kept);
    kept.into_text()
}

/// Draws a picture for this many columns, and keeps nothing of it: there may be a hundred thousand
/// sockets.
pub fn draw_on(probed: &Probed, width: usize, out: &mut dyn Sink) {
    match probed {
        Probed::RuntimeDir(seen) => out.text(&runtime_dir::draw(seen, width)),
        Probed::Sockets(seen) => sockets::draw_on(seen, width, out),
        Probed::Creds(seen) => out.text(&creds::draw(seen, width)),
        Probed::Env(seen) => out.text(&env::draw(seen, width)),
        Probed::Fds(seen) => out.text(&fds::draw(seen, width)),
    }
}

#[cfg(test)]
mod tests {
    /// The transcript in a file's own documentation.
    pub(super) fn transcript(source: &str) -> String {
        transcripts(source).remove(0)
    }

    /// All of them, in their order.
    pub(super) fn transcripts(source: &str) -> Vec<String> {
        let mut all = Vec::new();
        let mut lines = source.lines();
        while lines.any(|line| line == "//! ```text") {
            let block = lines.by_ref().take_while(|line| *line != "//! ```");
            let text = |line: &str| {
                let line = line.trim_start_matches("//!");
                format!("{}\n", line.strip_prefix(' ').unwrap_or(""))
            };
            all.push(block.map(text).collect());
        }
        all
    }
}
