//! What a datagram says to the journal: fields of the native protocol
//! (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>), and whether they are those that must be there.
//! Nothing is received here.

use std::fmt::Write;

use serde::Serialize;

use crate::untrusted::Untrusted;

/// The longest name of a field (systemd: `journal_field_valid`).
const LONGEST_NAME: usize = 64;
/// Bytes of a value that are shown.
const SHOWN: usize = 200;

/// A field: its name and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Capitals, digits and underscores.
    pub name: String,
    /// Any bytes.
    pub value: Vec<u8>,
}

/// What is wrong with a datagram, as journald would see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The last field does not end with a line feed.
    LineFeed,
    /// A name is none that journald takes from a client: capitals, digits and underscores, the
    /// first of them a capital.
    Name,
    /// The length of a value is not that of what follows.
    Length,
}

impl Malformed {
    /// The word that diagnoses use.
    pub fn word(self) -> &'static str {
        match self {
            Self::LineFeed => "no-line-feed",
            Self::Name => "name",
            Self::Length => "length",
        }
    }
}

/// The fields of one entry. A name and a value stand on a line with `=` between them; or the name
/// alone, then the length in eight bytes, least significant first, the value, and a line feed.
pub fn fields(datagram: &[u8]) -> Result<Vec<Field>, Malformed> {
    let mut found = Vec::new();
    let mut rest = datagram;
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n');
        let end = end.ok_or(Malformed::LineFeed)?;
        let (line, behind) = (&rest[..end], &rest[end + 1..]);
        let (name, value) = match line.iter().position(|&byte| byte == b'=') {
            Some(at) => {
                rest = behind;
                (&line[..at], line[at + 1..].to_vec())
            }
            None => {
                let (length, behind) = behind.split_at_checked(8).ok_or(Malformed::Length)?;
                let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
                let length = usize::try_from(length).map_err(|_| Malformed::Length)?;
                let (value, behind) = behind.split_at_checked(length).ok_or(Malformed::Length)?;
                rest = behind.strip_prefix(b"\n").ok_or(Malformed::Length)?;
                (line, value.to_vec())
            }
        };
        let name = name_of(name).ok_or(Malformed::Name)?;
        found.push(Field { name, value });
    }
    Ok(found)
}

fn name_of(name: &[u8]) -> Option<String> {
    let known = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let valid =
        name.first()?.is_ascii_uppercase() && name.iter().all(known) && name.len() <= LONGEST_NAME;
    valid.then(|| String::from_utf8_lossy(name).into_owned())
}

/// What came of an entry that was waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EntryState {
    /// Whether one came at all.
    pub came: bool,
    /// `no-line-feed`, `name`, `length`, or empty.
    pub malformed: &'static str,
    /// The field that is not as it must be, or empty.
    pub field: String,
    /// What it must hold, printable.
    pub wanted: String,
    /// What it holds, printable; of several fields of that name, of the last.
    pub got: String,
    /// The names of all fields, with a blank between them.
    pub fields: String,
}

/// What is wrong with an entry, as the outcome of a step, and all about it; `None`: nothing is.
pub fn compare(
    datagram: &[u8],
    wanted: &[Field],
    without: &[String],
) -> Option<(&'static str, EntryState)> {
    let mut state = EntryState {
        came: true,
        ..EntryState::default()
    };
    let fields = match fields(datagram) {
        Ok(fields) => fields,
        Err(malformed) => {
            state.malformed = malformed.word();
            state.got = shown(datagram);
            return Some(("entry-malformed", state));
        }
    };
    for field in &fields {
        let blank = if state.fields.is_empty() { "" } else { " " };
        let _ = write!(state.fields, "{blank}{}", field.name);
    }
    for one in wanted {
        let mut all = fields.iter().filter(|field| field.name == one.name);
        let (first, last) = (all.clone().next(), all.next_back());
        if first.is_some_and(|first| first.value == one.value) && first == last {
            continue;
        }
        state.field.clone_from(&one.name);
        state.wanted = shown(&one.value);
        let Some(last) = last else {
            return Some(("field-missing", state));
        };
        state.got = shown(&last.value);
        return Some(("field-different", state));
    }
    let there = fields.iter().find(|field| without.contains(&field.name))?;
    state.field.clone_from(&there.name);
    state.got = shown(&there.value);
    Some(("field-there", state))
}

fn shown(bytes: &[u8]) -> String {
    Untrusted::from(&bytes[..bytes.len().min(SHOWN)]).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &[u8]) -> Field {
        Field {
            name: name.to_owned(),
            value: value.to_vec(),
        }
    }

    fn long(name: &str, value: &[u8]) -> Vec<u8> {
        let length = (value.len() as u64).to_le_bytes();
        [name.as_bytes(), b"\n", &length, value, b"\n"].concat()
    }

    #[test]
    fn both_forms_of_a_field_are_read() {
        let datagram = [&b"PRIORITY=6\n"[..], &long("MESSAGE", b"a\nPRIORITY=0")].concat();
        let wanted = [field("PRIORITY", b"6"), field("MESSAGE", b"a\nPRIORITY=0")];
        assert_eq!(fields(&datagram).unwrap(), wanted);
        assert_eq!(compare(&datagram, &wanted, &[]), None);
    }

    #[test]
    fn a_text_with_a_line_feed_in_the_short_form_makes_a_field_of_its_own() {
        let forged = b"PRIORITY=6\nMESSAGE=a\nPRIORITY=0\n";
        let (outcome, state) = compare(forged, &[field("PRIORITY", b"6")], &[]).unwrap();
        assert_eq!((outcome, state.got.as_str()), ("field-different", "0"));
        let (outcome, state) = compare(forged, &[field("MESSAGE", b"a\nPRIORITY=0")], &[]).unwrap();
        assert_eq!((outcome, state.got.as_str()), ("field-different", "a"));
        let without = ["PRIORITY".to_owned()];
        let (outcome, state) = compare(forged, &[], &without).unwrap();
        assert_eq!((outcome, state.field.as_str()), ("field-there", "PRIORITY"));
    }

    #[test]
    fn what_journald_would_not_take_is_told() {
        assert_eq!(fields(b"MESSAGE=a"), Err(Malformed::LineFeed));
        assert_eq!(fields(b"_UID=0\n"), Err(Malformed::Name));
        assert_eq!(fields(b"message=a\n"), Err(Malformed::Name));
        assert_eq!(fields(b"=a\n"), Err(Malformed::Name));
        let whole = long("MESSAGE", b"abc");
        assert_eq!(fields(&whole[..whole.len() - 1]), Err(Malformed::Length));
        assert_eq!(fields(b"MESSAGE\n\x02\0\0\0\0\0\0"), Err(Malformed::Length));
        let endless = [&b"MESSAGE\n"[..], &[0xff; 8], b"abc\n"].concat();
        assert_eq!(fields(&endless), Err(Malformed::Length));
    }
}
