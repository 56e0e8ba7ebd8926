//! What `serve-frames` may say: which fault a filter of frames has, and how it answers. What the
//! faults do is [`crate::check`]'s.

use serde::{Deserialize, Serialize};

use crate::curriculum::reader::Reader;

/// What is wrong with a filter of length-prefixed frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrameFault {
    /// Nothing.
    None,
    /// Sends payloads back as they came.
    NoUpper,
    /// Clears bit 5 of every byte, letter or not.
    ClearsBitFive,
    /// Reads and writes lengths with the least significant byte first.
    HostOrder,
    /// Writes lengths that count the header as well.
    LengthCountsHeader,
    /// Takes a NUL for the end of a payload.
    StopsAtNul,
    /// Ends when one read returns a part of a header.
    OneReadHeader,
    /// Takes what one read returned of a small payload for all of it.
    OneReadPayload,
    /// Loses what was read behind a frame.
    DropsReadAhead,
    /// Answers two frames with both headers first, then both payloads.
    Interleaves,
    /// Takes an empty frame for the end.
    StopsAtEmpty,
    /// Refuses the largest payload.
    RefusesLargest,
    /// Keeps 16 bits of a length.
    SixteenBitLength,
    /// Answers frames that are too long.
    AcceptsOversize,
    /// Takes lengths from 2147483648 for negative, and answers them.
    SignedLength,
    /// Answers what came of a payload when the stream ended inside it.
    ShortPayloadAccepted,
    /// Answers when the stream ended inside a header.
    ShortHeaderAccepted,
}

impl FrameFault {
    /// Every fault, with its word.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("no-upper", Self::NoUpper),
        ("clears-bit-five", Self::ClearsBitFive),
        ("host-order", Self::HostOrder),
        ("length-counts-header", Self::LengthCountsHeader),
        ("stops-at-nul", Self::StopsAtNul),
        ("one-read-header", Self::OneReadHeader),
        ("one-read-payload", Self::OneReadPayload),
        ("drops-read-ahead", Self::DropsReadAhead),
        ("interleaves", Self::Interleaves),
        ("stops-at-empty", Self::StopsAtEmpty),
        ("refuses-largest", Self::RefusesLargest),
        ("sixteen-bit-length", Self::SixteenBitLength),
        ("accepts-oversize", Self::AcceptsOversize),
        ("signed-length", Self::SignedLength),
        ("short-payload-accepted", Self::ShortPayloadAccepted),
        ("short-header-accepted", Self::ShortHeaderAccepted),
    ];
}

/// How answers are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// As they are.
    Whole,
    /// Three bytes, four bytes and the rest, each when the one before has been read.
    InPieces,
}

/// The filters behind the connections to a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Filters {
    /// Their fault.
    pub fault: FrameFault,
    /// How they answer.
    pub delivery: Delivery,
    /// How long the first answer of all is held back, in milliseconds.
    pub delay: u64,
    /// The fault in words, for diagnoses.
    pub what: String,
}

impl Filters {
    pub(super) fn read(table: &mut Reader<'_>) -> Self {
        Self {
            fault: table.choice("fault", FrameFault::WORDS),
            delivery: table
                .optional_choice(
                    "answers",
                    &[
                        ("whole", Delivery::Whole),
                        ("in-pieces", Delivery::InPieces),
                    ],
                )
                .unwrap_or(Delivery::Whole),
            delay: table.optional_integer("delay", 0..60_001).unwrap_or(0) as u64,
            what: table.text("what"),
        }
    }
}
