//! Which socket is meant: by number, by name, by path.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::probe::ProbeError;
use crate::probe::sockets::{Condition, Row};
use crate::sys::netns;
use crate::sys::proc_scan::Holdings;
use crate::sys::sock_diag::{self, FileId, Name};
use crate::untrusted::Untrusted;

/// How a socket is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// `inode:N`: as in `/proc/PID/fd`.
    Inode(u32),
    /// `cookie:N`.
    Cookie(u64),
    /// `@name`.
    Abstract(Vec<u8>),
    /// Anything else.
    Path(Vec<u8>),
}

/// The socket that is meant. A listener, or a bound socket, before connections that carry its name.
pub(super) fn find<'a>(
    which: &Which,
    rows: &'a [Row],
    holdings: &Holdings,
) -> Result<&'a Row, ProbeError> {
    let mut found: Vec<&Row> = Vec::new();
    match which {
        Which::Inode(inode) => found.extend(rows.iter().filter(|row| row.inode == *inode)),
        Which::Cookie(cookie) => found.extend(rows.iter().filter(|row| row.cookie == *cookie)),
        Which::Abstract(name) => {
            let named = |name: &[u8]| {
                let name = Name::Abstract(Untrusted::from(name));
                rows.iter()
                    .filter(move |row| row.name.as_ref() == Some(&name))
            };
            found.extend(named(name));
            if found.is_empty() {
                found.extend(named(&unescape(name)));
            }
        }
        Which::Path(path) => {
            for path in [path.clone(), unescape(path)] {
                if found.is_empty() {
                    found = by_path(&path, rows);
                }
            }
        }
    }
    let whole = found.clone();
    let carries = |row: &&Row| matches!(row.condition, Condition::Listening | Condition::Bound);
    if found.iter().any(carries) {
        found.retain(carries);
    }
    match found.as_slice() {
        [] => Err(nowhere(which, holdings)),
        [one] => Ok(one),
        _ => Err(ProbeError::SeveralSockets {
            name: said(which),
            sockets: whole
                .iter()
                .map(|row| {
                    format!(
                        "inode:{} ({}, {})",
                        row.inode,
                        row.kind.word(),
                        row.condition.words()
                    )
                })
                .collect(),
        }),
    }
}

/// Why there is no socket with this path: nobody has it, the file is stale, or its server is in
/// another network namespace, whose sockets are not listed in ours.
fn nowhere(which: &Which, holdings: &Holdings) -> ProbeError {
    let name = said(which);
    let Which::Path(path) = which else {
        return ProbeError::NoSuchSocket { name, file: false };
    };
    let path = Untrusted::from(path.as_slice());
    let Ok(status) = std::fs::metadata(path.as_path()) else {
        return ProbeError::NoSuchSocket { name, file: false };
    };
    let file = FileId::from_stat(status.dev(), status.ino());
    let foreign = netns::elsewhere()
        .into_iter()
        .find(|foreign| match foreign.file {
            Some(bound) => bound == file,
            None => foreign.path == path.bytes(),
        });
    match foreign {
        Some(foreign) => ProbeError::ForeignSocket {
            name,
            inode: foreign.inode,
            holder: holdings.of_socket(foreign.inode).first().map(|one| one.pid),
        },
        None => ProbeError::NoSuchSocket { name, file: true },
    }
}

/// By the file first: a name may be relative, or lead through links. A file that is gone, or was
/// replaced, leaves the name that was bound.
fn by_path<'a>(path: &[u8], rows: &'a [Row]) -> Vec<&'a Row> {
    let bytes = Untrusted::from(path);
    let path: &Path = bytes.as_path();
    if let Ok(Some(bound)) = sock_diag::bound_at(path) {
        let found: Vec<&Row> = rows.iter().filter(|row| row.inode == bound.inode).collect();
        if !found.is_empty() {
            return found;
        }
    }
    let name = Name::Path(bytes);
    rows.iter()
        .filter(|row| row.name.as_ref() == Some(&name))
        .collect()
}

/// What was asked for, printable.
fn said(which: &Which) -> String {
    match which {
        Which::Inode(inode) => format!("inode:{inode}"),
        Which::Cookie(cookie) => format!("cookie:{cookie}"),
        Which::Abstract(name) => format!("@{}", Untrusted::from(name.as_slice())),
        Which::Path(path) => Untrusted::from(path.as_slice()).to_string(),
    }
}

/// The bytes that probes print as `\xNN`.
fn unescape(text: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = match rest {
            [b'\\', b'x', high, low, ..] => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                out.push((high * 16 + low) as u8);
                rest = &rest[4..];
            }
            None => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_probes_print_can_be_given_back() {
        assert_eq!(unescape(br"a\x1b\x0a\xff"), b"a\x1b\n\xff");
        assert_eq!(unescape(br"back\slash \x4"), br"back\slash \x4");
    }
}
