//! Experiments once more, in situations that parameters make: other sizes, other roles, another
//! order. A lesson's variant draws the parameters, the learner predicts, and the kernel judges.
//!
//! Each routine here has one part, `a`, and makes the few calls that its questions are about. A
//! parameter that is left out has the value that the lesson's own run has. Nothing depends on who is
//! faster: every call that could wait for somebody is made after that somebody is done.

mod access_list;
mod arrivals;
mod descriptors;
mod endings;
mod handed;
mod letters;
mod memory;
mod names;
mod peers;
mod places;
mod standing;
mod twins;

use std::fmt::Display;

use serde::Deserialize;

pub(super) use access_list::access_list;
pub(super) use arrivals::{bytes, listen, queue, types};
pub(super) use descriptors::{read_descriptors, sent_file};
pub(super) use endings::endings;
pub(super) use handed::{broker, listen_fds, lost};
pub(super) use letters::{arrives, capsule, copied, filters};
pub(super) use memory::{full, locks, memory};
pub(super) use names::{atlas, moved, names, who_lives_there};
pub(super) use peers::{handoff, per_message};
pub(super) use places::{made_by, scope};
pub(super) use standing::{own, policy, refused, reuse, sessions, which_uid};
pub(super) use twins::twin_calls;

use super::Failure;
use super::order::{Kind, Outcome};

/// A type of socket, as a parameter says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    Stream,
    Seqpacket,
    Datagram,
}

impl Type {
    fn kind(self) -> Kind {
        match self {
            Self::Stream => Kind::Stream,
            Self::Seqpacket => Kind::Seqpacket,
            Self::Datagram => Kind::Datagram,
        }
    }
}

/// Refuses a number that is out of its range.
fn within<T: PartialOrd + Display>(
    name: &str,
    value: T,
    (least, most): (T, T),
) -> Result<(), Failure> {
    if value < least || value > most {
        let message = format!("`{name}` is {value}; it is from {least} to {most}");
        return Err(Failure::Parameters(message));
    }
    Ok(())
}

/// So many letters.
fn letters(count: usize) -> String {
    ('a'..='z').cycle().take(count).collect()
}

/// What a receive gave: `data`, `0`, or the name of the error.
fn received(outcome: &Outcome) -> String {
    match outcome.bytes() {
        Ok(bytes) if bytes.is_empty() => "0".to_owned(),
        Ok(_) => "data".to_owned(),
        Err(_) => outcome.name(),
    }
}

/// How many bytes a receive gave; none when it failed.
fn length(outcome: &Outcome) -> usize {
    outcome.bytes().map_or(0, |bytes| bytes.len())
}
