//! Draws what probes saw: text with roles, for the command line, lessons and the screen.
//!
//! One file a probe, beside the table they share. Everything that came from outside is printed
//! through `Untrusted`; nothing is asked of the machine here.

pub mod changes;
mod creds;
mod env;
mod fds;
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
        source
            .lines()
            .skip_while(|line| *line != "//! ```text")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| {
                format!(
                    "{}\n",
                    line.trim_start_matches("//!")
                        .strip_prefix(' ')
                        .unwrap_or("")
                )
            })
            .collect()
    }
}
