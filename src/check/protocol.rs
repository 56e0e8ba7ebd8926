//! What the grader and its two kinds of helper process say to each other: one JSON object a line.
//!
//! The *supervisor* owns the learner's program and is given orders (`protocol/order`); a *peer*
//! carries traffic with it and is given deeds (`protocol/deed`), which have an outcome
//! (`protocol/outcome`). Times are microseconds on
//! CLOCK_MONOTONIC, waits are milliseconds. Carrying out is [`super::supervisor`]'s and
//! [`super::peer`]'s, asking is [`super::stage`]'s.

mod deed;
mod order;
mod outcome;

use serde::{Deserialize, Serialize};

pub use self::deed::{Bound, Deed, Due, Making, Persona, SocketAddress};
pub use self::order::{
    Answer, ChildrenSeen, Connecting, First, Inherited, Left, Order, Seen, StdinKind, StdoutKind,
};
pub use self::outcome::{
    AskedSeen, Credentials, CutSeen, DeedResult, DescriptorSeen, FiltersSeen, Made, MessageSeen,
    Outcome, Queue,
};
use crate::untrusted::Untrusted;

/// Bytes in JSON: hexadecimal, since names and output need not be UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&hex)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        let digits = |pair: &[u8]| {
            let text = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(text, 16).ok()
        };
        let bytes = hex
            .as_bytes()
            .chunks(2)
            .map(digits)
            .collect::<Option<Vec<u8>>>();
        bytes
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not hexadecimal"))
    }
}

impl From<&Bytes> for Untrusted {
    fn from(bytes: &Bytes) -> Self {
        Self::new(bytes.0.clone())
    }
}

/// A payload to draw: see [`super::payload::bytes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// What.
    pub payload: crate::curriculum::scenario::Payload,
    /// The seed.
    pub seed: u64,
    /// Which payload of the stage.
    pub place: u64,
}
