//! Which calls are drawn: all of them, or those of a step of somebody who writes a kernel and has come so
//! far. What is drawn within them is [`super::generator`]'s.

use serde::{Deserialize, Serialize};

use crate::model::address::{Address, Family};
use crate::model::call::{Ancillary, Asked, Call, Flags, Set, Whom};

/// The largest number of bytes that is sent at once where buffers must not fill up.
const MOST: usize = 64;
/// The most calls that a sequence opens with where buffers must not fill up.
const MOST_TO_OPEN: usize = 40;

/// What calls are about; each has those of the ones before it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// Descriptors and what they share.
    Descriptors,
    /// Bytes through a pair of sockets.
    Bytes,
    /// How a stream ends.
    Endings,
    /// Listening, connecting, accepting.
    Connections,
    /// Paths, abstract names, names that the kernel draws.
    Names,
    /// Messages that keep their ends.
    Datagrams,
    /// Descriptors in messages.
    Rights,
    /// What poll(2) says.
    Readiness,
    /// Who is at the other end.
    Credentials,
    /// All that can be drawn.
    Everything,
}

impl Topic {
    /// Every topic with its name, from the first to the last.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("descriptors", Self::Descriptors),
        ("bytes", Self::Bytes),
        ("endings", Self::Endings),
        ("connections", Self::Connections),
        ("names", Self::Names),
        ("datagrams", Self::Datagrams),
        ("rights", Self::Rights),
        ("readiness", Self::Readiness),
        ("credentials", Self::Credentials),
        ("everything", Self::Everything),
    ];

    /// Whether a sequence may open so: by many sends a buffer would fill.
    pub fn has_opening(self, calls: &[Call]) -> bool {
        let few = self == Self::Everything || calls.len() <= MOST_TO_OPEN;
        few && calls.iter().all(|call| self.has(call))
    }

    /// Whether a call belongs to it.
    pub fn has(self, call: &Call) -> bool {
        let from = |first: Self| self >= first;
        match call {
            _ if self == Self::Everything => true,
            Call::Socket { ty, .. } | Call::Socketpair { ty, .. } => {
                // Whoever asks for SOCK_RAW gets datagrams.
                let messages = matches!(ty, 2 | 3 | 5);
                !messages || self == Self::Descriptors || from(Self::Datagrams)
            }
            Call::Dup { .. }
            | Call::GetNonblock { .. }
            | Call::SetCloexec { .. }
            | Call::GetCloexec { .. }
            | Call::LimitFiles { .. } => true,
            Call::SetNonblock { .. } => self == Self::Descriptors,
            // What closing does to the other end is told under endings.
            Call::Close { .. } | Call::Dup2 { .. } => {
                self == Self::Descriptors || from(Self::Endings)
            }
            Call::Getsockopt { option, .. } => match option {
                Asked::Type | Asked::Domain | Asked::Protocol | Asked::AcceptConn => true,
                Asked::Error => from(Self::Endings),
                Asked::PeerCred | Asked::PassCred => from(Self::Credentials),
                Asked::SndBuf => false,
            },
            Call::Send {
                payload,
                flags,
                to,
                control,
                ..
            } => {
                from(Self::Bytes)
                    && payload.len <= MOST
                    && *flags == Flags::NOSIGNAL
                    && to
                        .as_ref()
                        .is_none_or(|to| from(Self::Datagrams) && self.has_address(to))
                    && control.iter().all(|control| self.has_control(control))
            }
            Call::Receive { flags, control, .. } => {
                let mut known = Flags::PEEK;
                if from(Self::Datagrams) {
                    known |= Flags::TRUNC;
                }
                if from(Self::Rights) {
                    known |= Flags::CMSG_CLOEXEC;
                }
                from(Self::Bytes)
                    && flags.without(known) == Flags::default()
                    && (control.is_none() || from(Self::Rights))
            }
            Call::Write { payload, .. } => from(Self::Bytes) && payload.len <= MOST,
            Call::Read { .. } | Call::Inq { .. } => from(Self::Bytes),
            Call::Shutdown { .. } => from(Self::Endings),
            Call::Bind { address, .. } | Call::Connect { address, .. } => {
                from(Self::Connections) && self.has_address(address)
            }
            Call::Listen { .. } | Call::Accept { .. } | Call::Getpeername { .. } => {
                from(Self::Connections)
            }
            Call::Getsockname { .. } | Call::Unlink { .. } => from(Self::Names),
            Call::Open { path, .. } | Call::Create { path } => from(Self::Rights) && path == "f",
            Call::Seek { .. } => from(Self::Rights),
            Call::Poll { .. } => from(Self::Readiness),
            Call::Setsockopt { option, .. } => {
                matches!(option, Set::PassCred(_)) && from(Self::Credentials)
            }
            _ => false,
        }
    }

    fn has_address(self, address: &Address) -> bool {
        let plain = address.family == Family::Unix && address.path.first() == Some(&0);
        plain || self >= Self::Names
    }

    fn has_control(self, control: &Ancillary) -> bool {
        match control {
            Ancillary::Rights { spare, .. } => self >= Self::Rights && *spare == 0,
            Ancillary::Credentials(claimed) => {
                self >= Self::Credentials && claimed.pid == Whom::Caller && claimed.spare == 0
            }
            Ancillary::Short | Ancillary::Unknown | Ancillary::OtherLevel => false,
        }
    }
}
