//! Draws `probe sockets`: as tables, as who talks to whom, or one socket in sentences.

mod detail;
mod listing;
mod tree;

pub(super) use detail::facts;

use super::words;
use crate::probe::holders::Known;
use crate::probe::sockets::{Sockets, View};
use crate::render::markdown::paragraph;
use crate::render::text::{Role, Sink, Text};

/// What it means that a socket has no process, by the word that stands in its place.
const HOMELESS: &[(Known, &str)] = &[
    (
        Known::None,
        "A process of - means that no process holds the socket, and that no descriptor is on its \
         way: it is the kernel's own.",
    ),
    (
        Known::InFlight,
        "In flight: no process holds the socket, and descriptors wait in messages that nobody has \
         received. It may be one of them.",
    ),
    (
        Known::Gone,
        "Gone: the socket was closed while this was looked at.",
    ),
];

pub(super) fn draw_on(seen: &Sockets, width: usize, out: &mut dyn Sink) {
    match (seen.view, seen.sockets.as_slice()) {
        (View::Table, [only]) if !seen.filter.is_empty() => {
            out.text(&detail::draw(seen, only, width));
        }
        (View::Table, _) => listing::draw(seen, width, out),
        (View::Tree(grouping), _) => out.text(&tree::draw(seen, grouping, width)),
    }
}

/// How many sockets there are, and what could not be seen.
fn head(seen: &Sockets, width: usize) -> Text {
    let mut text = Text::new();
    let number = match (seen.sockets.len(), seen.filter.is_empty()) {
        (all, true) => format!(": {all}"),
        (shown, false) => format!(": {shown} of {}", seen.total),
    };
    let title = "AF_UNIX sockets of this network namespace";
    text.append(words::heading(title, &number, width));
    if let Some(problem) = &seen.problem {
        let words = format!("The kernel did not list them: {problem}.");
        text.append(paragraph(Role::Warning, &words, width));
    }
    if let Some(words) = words::blind_spots(&seen.visibility) {
        text.append(paragraph(Role::Warning, &words, width));
    }
    text
}

#[cfg(test)]
mod tests;
