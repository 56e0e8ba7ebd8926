//! Small pieces that the pictures of the model share: bytes between quotes, counts, joined words.

use crate::model::address::Name;
use crate::render::markdown::columns;
use crate::untrusted::Untrusted;

/// How many bytes of data are shown.
pub const SHOWN: usize = 24;

/// Bytes between quotes, printable.
pub fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", Untrusted::from(bytes))
}

/// Data between quotes; the end of long data is left out, as strace(1) does it.
pub fn shortened(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN) {
        Some(start) if bytes.len() > SHOWN => format!("{}...", quoted(start)),
        _ => quoted(bytes),
    }
}

/// `1 byte`, `2 bytes`.
pub fn count(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    }
}

/// `a, b and c`.
pub fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A name as a reader knows it: `"dir/s"`, or `@"name"` for an abstract one.
pub fn named(name: &Name) -> String {
    match name.as_path() {
        Some(path) => quoted(path),
        None => format!("@{}", quoted(name.bytes.get(1..).unwrap_or_default())),
    }
}

/// Text with blanks behind it, up to so many columns.
pub fn padded(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(columns(text));
    format!("{text}{}", " ".repeat(blanks))
}
