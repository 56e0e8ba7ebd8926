//! What is known of a descriptor.

use super::Page;
use crate::probe::fds::{Descriptor, Fds};
use crate::render::text::{Line, Role};

pub(super) fn tell(page: &mut Page<'_>, seen: &Fds, found: &Descriptor) {
    let of = format!("   of {} ({})", seen.comm, seen.pid);
    let title = Line::of(Role::Heading, format!("Descriptor {}", found.fd));
    page.title(title.with(Role::Plain, of));
    page.fact("Target", &found.target.to_string());
    if let Some(inode) = socket(found) {
        page.socket("it is", inode);
    }
}

/// The inode of the socket that it is, if it is one.
fn socket(found: &Descriptor) -> Option<u32> {
    let text = found.target.as_plain()?;
    text.strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}
