//! Bytes that come from outside, and the one way to print them.
//!
//! Socket names, paths, environment values, process names and program output are chosen by
//! other people. [`Untrusted`] is the only type that may hold them on their way to a terminal:
//! its only `Display` replaces every byte that could move the cursor, hide text or forge a row.
//! What is printed can be turned back into the bytes: escapes are `\xNN`, one per byte.
//!
//! It does not decide how much is shown, and it does not quote; renderers do.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Deserializer, Serialize};

/// Bytes from outside. Printing escapes C0, C1, DEL, bidirectional controls, zero-width and other
/// format characters, line separators, backslash, both quotes and whatever is not UTF-8.
///
/// Cloning copies no bytes: one name is often shown in several places.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Untrusted(Arc<[u8]>);

/// Bytes that print themselves wherever they stand.
const HARMLESS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        table[byte as usize] = !matches!(byte, b'\\' | b'"' | b'\'');
        byte += 1;
    }
    table
};

impl Untrusted {
    /// Wraps bytes from outside.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into().into())
    }

    /// The bytes themselves: for comparing, opening and sending, never for printing.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as a path, for the file system.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// True when there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The printable form when nothing had to be escaped, else `None`.
    pub fn as_plain(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.0).ok()?;
        // Most names are ASCII, and there are many.
        let plain = self.0.iter().all(|&byte| HARMLESS[usize::from(byte)])
            || !text.chars().any(needs_escape);
        plain.then_some(text)
    }

    /// The printable form, keeping line feeds and turning tabs into spaces: for whole program
    /// output, which is shown line by line.
    pub fn lines(&self) -> Vec<String> {
        self.0
            .split(|&byte| byte == b'\n')
            .map(|line| {
                let mut out = String::new();
                for piece in line.split_inclusive(|&byte| byte == b'\t') {
                    match piece.strip_suffix(b"\t") {
                        Some(rest) => {
                            escape_into(rest, Keep::BackslashAndQuotes, &mut out);
                            out.push_str("    ");
                        }
                        None => escape_into(piece, Keep::BackslashAndQuotes, &mut out),
                    }
                }
                out
            })
            .collect()
    }
}

impl From<&[u8]> for Untrusted {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl From<OsString> for Untrusted {
    fn from(text: OsString) -> Self {
        Self(text.into_vec().into())
    }
}

impl From<&OsStr> for Untrusted {
    fn from(text: &OsStr) -> Self {
        Self(text.as_bytes().into())
    }
}

impl From<&Path> for Untrusted {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().into())
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_plain() {
            Some(text) => f.pad(text),
            None => {
                let mut out = String::new();
                escape_into(&self.0, Keep::Nothing, &mut out);
                f.pad(&out)
            }
        }
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// JSON is always valid: `text` is what would be printed; `hex` is there when the bytes are not
/// UTF-8 or had to be escaped, and then it is the truth.
impl Serialize for Untrusted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let plain = self.as_plain();
        let mut object = serializer.serialize_struct("Untrusted", 2)?;
        object.serialize_field("text", &self.to_string())?;
        if plain.is_none() {
            let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
            object.serialize_field("hex", &hex)?;
        } else {
            object.skip_field("hex")?;
        }
        object.end()
    }
}

/// What [`Serialize`] writes, by hand as that is.
impl JsonSchema for Untrusted {
    fn schema_name() -> Cow<'static, str> {
        "Untrusted".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Bytes from outside. `text` is safe to print; `hex` is there when the \
                            bytes are not UTF-8 or had to be escaped, and then it is the truth.",
            "type": "object",
            "properties": {
                "text": { "type": "string" },
                "hex": { "type": "string", "pattern": "^([0-9a-f]{2})*$" },
            },
            "required": ["text"],
        })
    }
}

impl<'de> Deserialize<'de> for Untrusted {
    /// Takes what serializing gave: the bytes of `hex` when it is there, else those of `text`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            text: String,
            hex: Option<String>,
        }
        let written = Written::deserialize(deserializer)?;
        let Some(hex) = written.hex else {
            return Ok(written.text.into());
        };
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let bytes: Option<Vec<u8>> = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some((digit(*high)? * 16 + digit(*low)?) as u8),
                _ => None,
            })
            .collect();
        bytes
            .map(Self::new)
            .ok_or_else(|| D::Error::custom("`hex` holds no pairs of hexadecimal digits"))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Keep {
    Nothing,
    BackslashAndQuotes,
}

fn escape_into(bytes: &[u8], keep: Keep, out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            let plain = !needs_escape(character)
                || (keep == Keep::BackslashAndQuotes && matches!(character, '\\' | '"' | '\''));
            if plain {
                out.push(character);
            } else {
                push_escaped(character.encode_utf8(&mut [0; 4]).as_bytes(), out);
            }
        }
        push_escaped(chunk.invalid(), out);
    }
}

fn push_escaped(bytes: &[u8], out: &mut String) {
    use fmt::Write;
    for byte in bytes {
        write!(out, "\\x{byte:02x}").expect("writing to a String cannot fail");
    }
}

/// Whether a character may not be printed as it is.
fn needs_escape(character: char) -> bool {
    matches!(character, '\\' | '"' | '\'')
        || character.is_control()
        || matches!(character,
            // soft hyphen, Arabic letter mark, Mongolian vowel separator, combining grapheme joiner
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}'
            // fillers that look like nothing
            | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
            // zero width, bidirectional marks, embeddings, overrides and isolates, separators
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            // variation selectors, byte order mark, interlinear annotation
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
            // tags and supplementary variation selectors
            | '\u{e0000}'..='\u{e0fff}')
}

/// The printable form of text from outside, borrowed when nothing had to change.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(needs_escape) {
        Cow::Owned(Untrusted::from(text).to_string())
    } else {
        Cow::Borrowed(text)
    }
}

/// Text that is meant to be read, such as a lesson, with what could move the cursor or hide text
/// escaped as in [`printable`]; backslashes and quotes stay, so it cannot be turned back.
pub fn readable(text: &str) -> Cow<'_, str> {
    let quoting = |character| matches!(character, '\\' | '"' | '\'');
    if text.chars().any(|c| needs_escape(c) && !quoting(c)) {
        let mut out = String::new();
        escape_into(text.as_bytes(), Keep::BackslashAndQuotes, &mut out);
        Cow::Owned(out)
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    #[test]
    fn escapes_what_could_move_the_cursor_or_forge_a_row() {
        let name = Untrusted::from(&b"/run/\x1b[2J\nu_str\x7f\xc2\x9b\xff"[..]);
        assert_eq!(name.to_string(), r"/run/\x1b[2J\x0au_str\x7f\xc2\x9b\xff");
    }

    #[test]
    fn escapes_bidirectional_and_zero_width_characters() {
        assert_eq!(
            Untrusted::from("a\u{202e}b\u{200b}").to_string(),
            r"a\xe2\x80\xaeb\xe2\x80\x8b"
        );
    }

    #[test]
    fn keeps_ordinary_text_as_it_is() {
        assert_eq!(
            Untrusted::from("/run/user/1000/büs ☃").to_string(),
            "/run/user/1000/büs ☃"
        );
    }

    #[test]
    fn a_backslash_cannot_pass_for_an_escape() {
        assert_eq!(Untrusted::from(r"\x41").to_string(), r"\x5cx41");
    }

    #[test]
    fn json_carries_the_bytes_when_the_text_does_not() {
        let json = serde_json::to_string(&Untrusted::from(&b"a\xff"[..])).unwrap();
        assert_eq!(json, r#"{"text":"a\\xff","hex":"61ff"}"#);
    }

    fn unescape(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            if first == b'\\' {
                let hex = std::str::from_utf8(&tail[1..3]).unwrap();
                out.push(u8::from_str_radix(hex, 16).unwrap());
                rest = &tail[3..];
            } else {
                out.push(first);
                rest = tail;
            }
        }
        out
    }

    proptest! {
        #[test]
        fn printing_is_safe_and_reversible(bytes in any::<Vec<u8>>()) {
            let shown = Untrusted::new(bytes.clone()).to_string();
            assert!(!shown.chars().any(|c| c.is_control()));
            assert_eq!(unescape(&shown), bytes);
        }

        #[test]
        fn what_is_plain_is_shown_as_it_is_and_nothing_else_is_plain(text in any::<String>()) {
            let shown = Untrusted::from(text.as_str()).to_string();
            assert_eq!(Untrusted::from(text.as_str()).as_plain().is_some(), shown == text);
        }

        #[test]
        fn lines_hold_no_control_characters(bytes in any::<Vec<u8>>()) {
            for line in Untrusted::new(bytes.clone()).lines() {
                assert!(!line.chars().any(|c| c.is_control()));
            }
        }
    }

    #[test]
    fn bytes_survive_serializing() {
        for bytes in [&b"plain"[..], b"a\x1b[31m\xff\0", b""] {
            let json = serde_json::to_string(&Untrusted::new(bytes)).unwrap();
            assert_eq!(
                serde_json::from_str::<Untrusted>(&json).unwrap().bytes(),
                bytes
            );
        }
    }
}
