//! Processes that the program starts: how many there must be, and what they may have. Looking at
//! them is [`crate::check`]'s.

use serde::{Deserialize, Serialize};

use crate::curriculum::reader::Reader;

/// What the children of an instance must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Children {
    /// How many.
    pub count: u64,
    /// How many descriptors each must have open; `None`: any number.
    pub descriptors: Option<u64>,
    /// How many each may have open; `None`: any number.
    pub at_most: Option<u64>,
    /// Whether exec(2) may give them no more privileges (PR_SET_NO_NEW_PRIVS).
    pub no_new_privs: bool,
    /// Whether each has a filter of system calls that the instance itself lacks (seccomp(2)).
    pub seccomp: bool,
    /// The only names their environment may have; `None`: any.
    pub variables: Option<Vec<String>>,
    /// Whether none of them may be one that was noted.
    pub others: bool,
}

/// No program of an exercise has more children, or descriptors.
const MOST: i64 = 1025;

impl Children {
    pub(super) fn read(table: &mut Reader<'_>) -> Self {
        let mut number = |key| {
            let number = table.optional_integer(key, 0..MOST);
            number.map(|number| number as u64)
        };
        let count = number("count");
        let descriptors = number("descriptors");
        let at_most = number("at_most");
        Self {
            count: count.unwrap_or(1),
            descriptors,
            at_most,
            no_new_privs: table.flag("no_new_privs"),
            seccomp: table.flag("seccomp"),
            variables: table.has("variables").then(|| {
                let names = table.texts("variables");
                names.into_iter().map(|name| name.value).collect()
            }),
            others: table.flag("others"),
        }
    }
}
