//! Draws `probe creds`.

use crate::probe::creds::Creds;
use crate::render::text::{Line, Role, Text};

pub(super) fn draw(seen: &Creds, _width: usize) -> Text {
    let mut text = Text::new();
    let process = format!(" {} ({})", seen.pid, seen.comm);
    text.line(Line::of(Role::Heading, "Credentials of process").with(Role::Plain, process));
    text
}
