//! Well-known endpoints: which service a socket's name or its program gives away. Reads
//! `services.toml`. Looking at this machine is [`crate::probe`]'s.

use serde::Serialize;

use super::reader::Reader;

/// A service that programs on a desktop or a server talk to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Service {
    /// A slug: `dbus-session`.
    pub id: String,
    /// Its name: `D-Bus session bus`.
    pub name: String,
    /// Where its endpoints are: patterns over the address. `{runtime}` is the runtime directory,
    /// `{uid}` a user id, `{n}` digits, `*` anything but a slash, a leading `@` an abstract name.
    pub addresses: Vec<String>,
    /// What is spoken there.
    pub protocol: String,
    /// Environment variables that announce it.
    pub variables: Vec<String>,
    /// What it is for: a sentence.
    pub meaning: String,
}

impl Service {
    pub(super) fn read_all(top: &mut Reader<'_>) -> Vec<Self> {
        top.format();
        top.tables("service", "a service", |table| {
            let words = |list: Vec<super::reader::Located<String>>| {
                list.into_iter().map(|word| word.value).collect()
            };
            Self {
                id: table.text("id"),
                name: table.text("name"),
                addresses: words(table.texts("addresses")),
                protocol: table.text("protocol"),
                variables: words(table.texts("variables")),
                meaning: table.text("meaning"),
            }
        })
    }
}
