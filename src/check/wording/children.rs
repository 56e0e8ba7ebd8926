//! Words about the processes that a program has started.

use super::count;
use crate::check::protocol::ChildrenSeen;
use crate::curriculum::scenario::Children;

pub(super) fn wanted(children: &Children) -> String {
    let mut words = match children.count {
        1 => "one child".to_owned(),
        count => format!("{count} children"),
    };
    let mut each = Vec::new();
    if children.others {
        each.push("another one than before".to_owned());
    }
    if let Some(descriptors) = children.descriptors {
        each.push(format!("with {} open", count(descriptors, "descriptor")));
    }
    if let Some(most) = children.at_most {
        each.push(format!("with at most {} open", count(most, "descriptor")));
    }
    match children.variables.as_deref() {
        Some([]) => each.push("with an empty environment".to_owned()),
        Some(names) => each.push(format!("with no variables but {}", names.join(", "))),
        None => {}
    }
    if children.no_new_privs {
        each.push("with no_new_privs".to_owned());
    }
    if children.seccomp {
        each.push("with a seccomp filter of its own".to_owned());
    }
    for one in each {
        words = format!("{words}, {one}");
    }
    words
}

pub(super) fn found(seen: &ChildrenSeen) -> String {
    let child = format!("child {}", seen.pid);
    match seen.wrong.as_str() {
        "ended" => format!("{child} has ended, and its parent has not waited for it"),
        "count" if seen.count == 1 => "one child".to_owned(),
        "count" if seen.count == 0 => "no child".to_owned(),
        "count" => format!("{} children", seen.count),
        "same" => format!("{child} was there before"),
        "descriptors" => format!("{child} has {} open", count(seen.descriptors, "descriptor")),
        "variables" => format!(
            "{child} has these variables too: {}",
            seen.variables.join(", ")
        ),
        "no-new-privs" => format!("{child} is without no_new_privs"),
        _ => format!("{child} has no seccomp filter of its own"),
    }
}
