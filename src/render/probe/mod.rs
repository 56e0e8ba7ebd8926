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
mod sockets;
mod table;
mod words;

use super::text::Text;
use crate::probe::Probed;

/// Draws a picture for this many columns.
pub fn draw(probed: &Probed, width: usize) -> Text {
    match probed {
        Probed::RuntimeDir(seen) => runtime_dir::draw(seen, width),
        Probed::Sockets(seen) => sockets::draw(seen, width),
        Probed::Creds(seen) => creds::draw(seen, width),
        Probed::Env(seen) => env::draw(seen, width),
        Probed::Fds(seen) => fds::draw(seen, width),
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
