//! Words for a shell: what is printed as a command must be one command, whatever a value holds.

use crate::untrusted::Untrusted;

/// A word that a POSIX shell reads back as these bytes, printable: plain where it can be, in single
/// quotes where that is enough, else in `$'…'` (POSIX.1-2024; bash, zsh, ksh, busybox, not dash).
pub(super) fn quoted(word: &[u8]) -> String {
    let safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./:=,@%+".contains(byte);
    let first = word.first();
    if !word.is_empty() && word.iter().all(safe) && first != Some(&b'=') {
        return String::from_utf8_lossy(word).into_owned();
    }
    let printable = std::str::from_utf8(word).is_ok_and(|text| {
        text.chars()
            .all(|c| Untrusted::from(c.to_string()).as_plain().is_some() || "\\\"'".contains(c))
    });
    if printable {
        let text = String::from_utf8_lossy(word).replace('\'', "'\\''");
        return format!("'{text}'");
    }
    let mut out = String::from("$'");
    for &byte in word {
        match byte {
            b'\\' | b'\'' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            // Three octal digits end by themselves: no digit after it is taken for one of them.
            0x20..0x7f => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\{byte:03o}")),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::process::Command;

    #[test]
    fn plain_words_stay_and_others_are_quoted() {
        assert_eq!(quoted(b"/run/user/1000/bus"), "/run/user/1000/bus");
        assert_eq!(quoted(b""), "''");
        assert_eq!(quoted(b"a b;c"), "'a b;c'");
        assert_eq!(quoted(b"it's"), r"'it'\''s'");
        assert_eq!(quoted(b"\x1b[2J\n1"), r"$'\033[2J\0121'");
        assert_eq!(quoted(b"$0"), "'$0'");
        assert_eq!(quoted(b"~"), "'~'");
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for word in [
            &b"a b"[..],
            b"it's \\",
            b"\x1b\n\xff\\'\"$(x)`y`",
            b"\x01234",
            b"!x #",
        ] {
            let script = format!("printf %s {}", quoted(word));
            let output = Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(
                OsString::from_vec(output.stdout),
                OsString::from_vec(word.to_vec())
            );
        }
    }

    proptest! {
        #[test]
        fn no_word_leaves_its_line(bytes in any::<Vec<u8>>()) {
            assert!(!quoted(&bytes).chars().any(char::is_control));
        }
    }
}
