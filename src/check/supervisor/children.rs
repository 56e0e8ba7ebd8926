//! The processes that an instance has started: how many there are and what they may do, as /proc
//! shows it (proc(5)).

use super::instance::Instance;
use crate::check::protocol::ChildrenSeen;
use crate::curriculum::scenario::Children;
use crate::sys::confinement::{self, Confinement};
use crate::sys::process;

impl Instance {
    /// Remembers which children it has.
    pub(super) fn note_children(&mut self) {
        self.children_noted = process::children(self.program()).into_iter().collect();
    }

    /// How its children are not as they must be; `None`: they are.
    pub(super) fn children_other_than(&self, wanted: &Children) -> Option<ChildrenSeen> {
        let parent = self.program();
        let children = process::children(parent);
        let count = children.len() as u64;
        let other = |wrong: &str, pid: i32| ChildrenSeen {
            wrong: wrong.to_owned(),
            count,
            pid,
            ..ChildrenSeen::default()
        };
        // One that has ended is gone when its parent has waited for it.
        let ended = |pid: &&i32| process::stat(**pid).is_none_or(|stat| stat.ending);
        if let Some(&ended) = children.iter().find(ended) {
            return Some(other("ended", ended));
        }
        if count != wanted.count {
            let first = children.first().copied().unwrap_or(0);
            return Some(other("count", first));
        }
        let of_parent = confinement::of(parent).unwrap_or_default();
        children.into_iter().find_map(|pid| {
            let descriptors = process::descriptors(pid).len() as u64;
            let confined = confinement::of(pid).unwrap_or_default();
            let variables = too_many(pid, wanted);
            let exactly = wanted
                .descriptors
                .is_none_or(|wanted| wanted == descriptors);
            let few = wanted.at_most.is_none_or(|most| descriptors <= most);
            let wrong = if wanted.others && self.children_noted.contains(&pid) {
                "same"
            } else if !exactly || !few {
                "descriptors"
            } else if !variables.is_empty() {
                "variables"
            } else {
                unconfined(wanted, of_parent, confined)?
            };
            Some(ChildrenSeen {
                descriptors,
                variables,
                ..other(wrong, pid)
            })
        })
    }
}

fn unconfined(wanted: &Children, parent: Confinement, child: Confinement) -> Option<&'static str> {
    if wanted.no_new_privs && !child.no_new_privs {
        return Some("no-new-privs");
    }
    (wanted.seccomp && child.filters <= parent.filters).then_some("seccomp")
}

/// Names in a child's environment that may not be there, in order.
fn too_many(pid: i32, wanted: &Children) -> Vec<String> {
    let Some(known) = &wanted.variables else {
        return Vec::new();
    };
    let mut names: Vec<String> = process::variables(pid)
        .into_iter()
        .map(|name| name.to_string())
        .filter(|name| !known.contains(name))
        .collect();
    names.sort();
    names.dedup();
    names
}
