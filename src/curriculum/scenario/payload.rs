//! Bytes, as an author writes them: characters, bytes drawn from the seed, and what is made of
//! other bytes. Reading is here; drawing is [`crate::check`]'s.

use serde::{Deserialize, Serialize};

use super::Who;
use crate::curriculum::reader::Reader;

/// No payload, and no part of one, is larger: 64 MiB.
pub const MOST: u64 = 64 << 20;

/// Bytes to send, or to expect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Payload {
    /// These characters.
    Text(String),
    /// These bytes.
    Hex(Vec<u8>),
    /// So many bytes drawn from the seed; every byte value occurs in 256 and more.
    Random(Drawn),
    /// So many ASCII letters drawn from the seed.
    Letters(Drawn),
    /// A user's number, in decimal digits: who that is, only a check knows.
    Uid(Who),
    /// The same, last byte first.
    Reversed(Box<Payload>),
    /// The same, with ASCII letters in upper case.
    Upper(Box<Payload>),
    /// The length as four bytes, most significant first, then the bytes.
    Frame(Box<Payload>),
    /// One after the other.
    Join(Vec<Payload>),
    /// The same, so many times.
    Repeat {
        /// What.
        of: Box<Payload>,
        /// How often.
        times: u64,
    },
    /// A part of it.
    Part {
        /// Of what.
        of: Box<Payload>,
        /// Bytes left out at the beginning.
        from: u64,
        /// Bytes at most.
        bytes: u64,
    },
}

/// How many bytes are drawn, and which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// How many.
    pub bytes: u64,
    /// Payloads of a stage with the same id are the same bytes; without one, every payload has
    /// bytes of its own.
    pub id: Option<String>,
}

impl Payload {
    /// So many bytes of its own.
    pub fn random(bytes: u64) -> Self {
        Self::Random(Drawn { bytes, id: None })
    }

    /// The same with the digits of users' numbers.
    pub fn with_uids(self, digits: &impl Fn(Who) -> String) -> Self {
        let inner = |of: Box<Self>| Box::new(of.with_uids(digits));
        match self {
            Self::Uid(who) => Self::Text(digits(who)),
            Self::Reversed(of) => Self::Reversed(inner(of)),
            Self::Upper(of) => Self::Upper(inner(of)),
            Self::Frame(of) => Self::Frame(inner(of)),
            Self::Join(parts) => {
                let parts = parts.into_iter().map(|part| part.with_uids(digits));
                Self::Join(parts.collect())
            }
            Self::Repeat { of, times } => Self::Repeat {
                of: inner(of),
                times,
            },
            Self::Part { of, from, bytes } => Self::Part {
                of: inner(of),
                from,
                bytes,
            },
            Self::Text(_) | Self::Hex(_) | Self::Random(_) | Self::Letters(_) => self,
        }
    }

    /// Whether its length is the same in every check.
    pub fn has_known_length(&self) -> bool {
        match self {
            Self::Uid(_) => false,
            Self::Reversed(of) | Self::Upper(of) | Self::Frame(of) => of.has_known_length(),
            Self::Repeat { of, .. } | Self::Part { of, .. } => of.has_known_length(),
            Self::Join(parts) => parts.iter().all(Self::has_known_length),
            Self::Text(_) | Self::Hex(_) | Self::Random(_) | Self::Letters(_) => true,
        }
    }

    /// Its length in bytes; of a user's number, the most that it can be.
    pub fn length(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Hex(bytes) => bytes.len() as u64,
            Self::Random(drawn) | Self::Letters(drawn) => drawn.bytes,
            Self::Uid(_) => 10,
            Self::Reversed(of) | Self::Upper(of) => of.length(),
            Self::Frame(of) => of.length() + 4,
            Self::Join(parts) => parts.iter().map(Self::length).sum(),
            Self::Repeat { of, times } => of.length().saturating_mul(*times),
            Self::Part { of, from, bytes } => of.length().saturating_sub(*from).min(*bytes),
        }
    }

    /// The payload that a table must have under this key.
    pub(super) fn read(table: &mut Reader<'_>, key: &'static str) -> Self {
        Self::optional(table, key).unwrap_or_else(|| {
            if !table.has(key) {
                table.missing(key);
            }
            Self::random(1)
        })
    }

    /// The payload that a table may have under this key.
    pub(super) fn optional(table: &mut Reader<'_>, key: &'static str) -> Option<Self> {
        table.table(key, "a payload", read_table)
    }
}

/// What makes a payload: exactly one of these keys.
const KINDS: &[&str] = &[
    "text", "hex", "random", "letters", "uid", "reversed", "upper", "frame", "join", "repeat",
    "part",
];

fn read_table(table: &mut Reader<'_>) -> Payload {
    let given: Vec<&'static str> = KINDS
        .iter()
        .copied()
        .filter(|kind| table.has(kind))
        .collect();
    let payload = match given.as_slice() {
        // No characters at all are a payload too.
        ["text"] => Payload::Text(
            table
                .optional_text("text")
                .map_or_else(String::new, |it| it.value),
        ),
        ["hex"] => Payload::Hex(read_hex(table)),
        ["random"] => Payload::Random(read_drawn(table, "random")),
        ["letters"] => Payload::Letters(read_drawn(table, "letters")),
        ["uid"] => Payload::Uid(table.choice("uid", super::read::USERS)),
        ["reversed"] => Payload::Reversed(read_inner(table, "reversed")),
        ["upper"] => Payload::Upper(read_inner(table, "upper")),
        ["frame"] => Payload::Frame(read_inner(table, "frame")),
        ["join"] => Payload::Join(table.tables("join", "a payload", read_table)),
        ["repeat"] => Payload::Repeat {
            of: read_inner(table, "repeat"),
            times: table.integer("times", 1..MOST as i64) as u64,
        },
        ["part"] => Payload::Part {
            of: read_inner(table, "part"),
            from: table.optional_integer("from", 0..MOST as i64).unwrap_or(0) as u64,
            bytes: table
                .optional_integer("bytes", 1..MOST as i64 + 1)
                .map_or(MOST, |bytes| bytes as u64),
        },
        _ => {
            let message = format!("a payload has exactly one of `{}`", KINDS.join("`, `"));
            table.problem(table.span(), message, None);
            return Payload::random(1);
        }
    };
    if payload.length() > MOST {
        table.problem(table.span(), "this payload is larger than 64 MiB", None);
        return Payload::random(1);
    }
    payload
}

fn read_inner(table: &mut Reader<'_>, key: &'static str) -> Box<Payload> {
    Box::new(
        table
            .table(key, "a payload", read_table)
            .unwrap_or_else(|| Payload::random(1)),
    )
}

fn read_drawn(table: &mut Reader<'_>, key: &'static str) -> Drawn {
    Drawn {
        bytes: table.integer(key, 1..MOST as i64 + 1) as u64,
        id: table.optional_text("id").map(|id| id.value),
    }
}

/// Pairs of hexadecimal digits, with blanks where one likes.
fn read_hex(table: &mut Reader<'_>) -> Vec<u8> {
    let text = table.located_text("hex");
    let digits: Vec<u8> = text.value.bytes().filter(|byte| *byte != b' ').collect();
    let pair = |pair: &[u8]| {
        let [high, low] = pair else { return None };
        let digit = |byte: u8| (byte as char).to_digit(16);
        Some((digit(*high)? * 16 + digit(*low)?) as u8)
    };
    digits
        .chunks(2)
        .map(pair)
        .collect::<Option<Vec<u8>>>()
        .unwrap_or_else(|| {
            let help = Some("Write two digits for each byte, as in \"00ff 10\".".to_owned());
            table.problem(text.span, "this is not hexadecimal", help);
            Vec::new()
        })
}
