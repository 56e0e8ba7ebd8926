//! What an activated program is given: descriptors from 3 on, each with a name (sd_listen_fds(3)).
//! What they are is read here; making them is [`crate::check`]'s.

use serde::{Deserialize, Serialize};

use super::socket::TYPES;
use super::{At, SocketType};
use crate::curriculum::reader::Reader;
use crate::sys::spawn::MOST_OTHERS;

/// A descriptor that a program is started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Passed {
    /// What LISTEN_FDNAMES calls it.
    pub name: String,
    /// What it is.
    pub state: PassedState,
    /// The address it is bound to, when it is bound.
    pub at: At,
    /// Its type, when it is bound.
    pub kind: SocketType,
    /// Whether calls on it wait.
    pub waits: Waits,
}

/// What is behind such a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PassedState {
    /// A socket that listens at an address; of datagrams, one that is bound there.
    Listening,
    /// One end of a connection, as `Accept=yes` gives it (systemd.socket(5)).
    Connected,
    /// A regular file, open for reading.
    File,
}

/// Whether calls on a descriptor wait until they can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waits {
    /// They do.
    Yes,
    /// Never: O_NONBLOCK, which belongs to the open file description.
    No,
}

const STATES: &[(&str, PassedState)] = &[
    ("listening", PassedState::Listening),
    ("connected", PassedState::Connected),
    ("file", PassedState::File),
];

const PLACES: &[(&str, At)] = &[("socket", At::Socket), ("other", At::Other)];

impl Passed {
    /// What systemd passes when a unit says nothing more than where: one listening socket.
    pub fn usual() -> Self {
        Self {
            name: "socket".to_owned(),
            state: PassedState::Listening,
            at: At::Socket,
            kind: SocketType::Stream,
            waits: Waits::Yes,
        }
    }

    /// Reads `pass`; `None` where it is left out.
    pub(super) fn read_all(table: &mut Reader<'_>) -> Option<Vec<Self>> {
        let said = table.has("pass");
        let all = table.tables("pass", "a descriptor", |one| {
            let usual = Self::usual();
            let name = one.optional_text("name");
            Self {
                name: name.map_or(usual.name, |name| name.value),
                state: one.optional_choice("state", STATES).unwrap_or(usual.state),
                at: one.optional_choice("at", PLACES).unwrap_or(usual.at),
                kind: one.optional_choice("type", TYPES).unwrap_or(usual.kind),
                waits: if one.flag("nonblocking") {
                    Waits::No
                } else {
                    usual.waits
                },
            }
        });
        if all.len() > MOST_OTHERS {
            let message = format!("more than {MOST_OTHERS} descriptors are given");
            table.problem(table.span(), message, None);
        }
        said.then_some(all)
    }
}
