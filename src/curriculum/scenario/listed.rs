//! Lines about sockets that a program prints, or must not print. Looking at what it printed is
//! [`crate::check`]'s.

use serde::Serialize;

use crate::curriculum::reader::Reader;

/// Lines that must be there. All lines that begin with the same word must be the same.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// The instance.
    pub name: String,
    /// The sockets, as `make-socket` calls them.
    pub sockets: Vec<String>,
    /// The line: a template over `socket` (`inode`, `type`, `name`).
    pub text: String,
}

impl Listed {
    pub(super) fn read(name: String, table: &mut Reader<'_>) -> Self {
        Self {
            name,
            sockets: sockets(table),
            text: table.text("text"),
        }
    }
}

/// Lines that must not be there. Both are templates over `socket`, as in [`Listed`].
#[derive(Clone, Debug, Serialize)]
pub struct Unlisted {
    /// The instance.
    pub name: String,
    /// The sockets, as `make-socket` calls them.
    pub sockets: Vec<String>,
    /// How the line begins.
    pub starts: String,
    /// How it ends.
    pub ends: String,
}

impl Unlisted {
    pub(super) fn read(name: String, table: &mut Reader<'_>) -> Self {
        let text = |table: &mut Reader<'_>, key| {
            let text = table.optional_text(key);
            text.map_or_else(String::new, |text| text.value)
        };
        let unlisted = Self {
            name,
            sockets: sockets(table),
            starts: text(table, "starts"),
            ends: text(table, "ends"),
        };
        if unlisted.starts.is_empty() && unlisted.ends.is_empty() {
            let message = "this step lacks `starts` or `ends`: every line would be meant";
            table.problem(table.span(), message, None);
        }
        unlisted
    }
}

/// Names of sockets, of which there must be some.
fn sockets(table: &mut Reader<'_>) -> Vec<String> {
    let named = table.needed_texts("sockets");
    if named.is_empty() {
        let help = Some("Give the names that `make-socket` gave.".to_owned());
        table.problem(table.span(), "this step lacks `sockets`", help);
    }
    named.into_iter().map(|name| name.value).collect()
}
