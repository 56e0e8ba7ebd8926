//! Draws `probe creds`: who a process is to its peers, a live run, or what a socket recorded.

mod live;
mod parts;
mod process;
mod socket;

use crate::probe::creds::Creds;
use crate::render::markdown::paragraph;
use crate::render::text::{Role, Text};

pub(super) fn draw(seen: &Creds, width: usize) -> Text {
    let mut text = Text::new();
    if let Some(identity) = &seen.process {
        text.append(process::draw(identity, width));
    }
    if let Some(live) = &seen.live {
        text.blank();
        text.append(live::draw(live, width));
    }
    if let Some(why) = &seen.live_problem {
        text.blank();
        let words = format!("The mechanisms could not be tried live: {why}.");
        text.append(paragraph(Role::Warning, &words, width));
    }
    if let Some(socket) = &seen.socket {
        text.append(socket::draw(socket, &seen.viewer, width));
    }
    if seen.viewer.in_user_namespace {
        text.blank();
        let words = "This is a user namespace: an id that is not mapped into it is told as 65534, \
            so 65534 may be anybody outside.";
        text.append(paragraph(Role::Warning, words, width));
    }
    text
}

#[cfg(test)]
mod tests;
