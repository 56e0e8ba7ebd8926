//! Draws `probe fds`.

use crate::probe::fds::Fds;
use crate::render::text::{Line, Role, Text};

pub(super) fn draw(seen: &Fds, _width: usize) -> Text {
    let mut text = Text::new();
    let process = format!(" {} ({})", seen.pid, seen.comm);
    text.line(Line::of(Role::Heading, "Descriptors of process").with(Role::Plain, process));
    match &seen.descriptors {
        None => {
            text.line(Line::of(Role::Warning, "They may not be read."));
        }
        Some(descriptors) => {
            for descriptor in descriptors {
                let line = format!("{:>4}  {}", descriptor.fd, descriptor.target);
                text.line(Line::of(Role::Plain, line));
            }
        }
    }
    text
}
