//! An environment: the strings a process was given at execve(2), or has now.
//!
//! Owns reading and taking apart. `/proc/PID/environ` is the memory that execve(2) filled
//! (`env_start` to `env_end` in `mm_struct`): what the process changes later with setenv(3) or
//! `export` is elsewhere in its memory and not seen; what it overwrites in place is.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;

use crate::curriculum::services::Bases;
use crate::sys::users::Users;

/// Variables in the order in which they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Environment(Vec<(Vec<u8>, Vec<u8>)>);

impl Environment {
    /// What this process has now.
    pub(super) fn of_this_process() -> Self {
        let all = std::env::vars_os();
        Self(
            all.map(|(name, value)| (name.into_vec(), value.into_vec()))
                .collect(),
        )
    }

    /// What a process was started with.
    ///
    /// # Errors
    /// `ENOENT` or `ESRCH` when there is no such process; `EACCES` when it may not be read:
    /// `PTRACE_MODE_READ` of ptrace(2) is asked for.
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        Ok(Self::parse(&fs::read(format!("/proc/{pid}/environ"))?))
    }

    /// Takes `NAME=value` strings apart that are ended by NUL. Strings without `=` are no variables.
    pub(super) fn parse(text: &[u8]) -> Self {
        let variables = text.split(|&byte| byte == 0).filter_map(|string| {
            let at = string.iter().position(|&byte| byte == b'=')?;
            Some((string[..at].to_vec(), string[at + 1..].to_vec()))
        });
        Self(variables.collect())
    }

    pub(super) fn made_of(variables: Vec<(Vec<u8>, Vec<u8>)>) -> Self {
        Self(variables)
    }

    /// As getenv(3): the first of this name.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|(known, _)| known == name.as_bytes())
            .map(|(_, value)| value.as_slice())
    }

    /// All, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// A copy in which a variable has another value.
    pub(super) fn with(&self, name: &str, value: &[u8]) -> Self {
        let mut variables = self.0.clone();
        variables.retain(|(known, _)| known != name.as_bytes());
        variables.push((name.as_bytes().to_vec(), value.to_vec()));
        Self(variables)
    }

    /// The places that its own values are relative to.
    pub(super) fn bases(&self, uid: u32, users: &Users) -> Bases {
        let set = |name| {
            self.get(name)
                .filter(|value| !value.is_empty())
                .map(<[u8]>::to_vec)
        };
        Bases {
            runtime: set("XDG_RUNTIME_DIR"),
            home: set("HOME"),
            uid,
            user: users.name(uid).map(|name| name.bytes().to_vec()),
        }
    }
}

/// Whether a name sounds like that of a secret.
pub(super) fn sounds_secret(name: &[u8]) -> bool {
    let upper = name.to_ascii_uppercase();
    let holds = |word: &[u8]| upper.windows(word.len()).any(|window| window == word);
    SECRETS.iter().any(|word| holds(word.as_bytes()))
}

const SECRETS: &[&str] = &[
    "TOKEN",
    "SECRET",
    "PASS",
    "KEY",
    "CREDENTIAL",
    "COOKIE",
    "AUTH_",
    "APIKEY",
    "PRIVATE",
    "_PIN",
    "PWD_",
    "DSN",
    "SIGNATURE",
    "BEARER",
];

/// A value with what may be a password replaced: the part before an `@` of a URL, or of anything
/// that is no path. The second says whether something was replaced.
pub(super) fn masked(value: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    let mut hidden = false;
    while let Some(at) = find(rest, b"://") {
        let (scheme, tail) = rest.split_at(at + 3);
        out.extend(scheme);
        let end = tail
            .iter()
            .position(|&byte| byte == b'/' || byte.is_ascii_whitespace())
            .unwrap_or(tail.len());
        let host = tail[..end].iter().rposition(|&byte| byte == b'@');
        rest = match host {
            Some(host) => {
                out.extend(MASK.as_bytes());
                hidden = true;
                &tail[host..]
            }
            None => tail,
        };
    }
    out.extend(rest);
    (out, hidden)
}

/// What stands for what is not shown.
pub(super) const MASK: &str = "(hidden)";

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_name_counts_and_what_has_no_sign_is_none() {
        let environment = Environment::parse(b"A=1\0A=2\0odd\0=x\0B=a=b\0");
        assert_eq!(environment.get("A"), Some(&b"1"[..]));
        assert_eq!(environment.get("B"), Some(&b"a=b"[..]));
        assert_eq!(environment.get("odd"), None);
        assert_eq!(environment.iter().count(), 4);
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "GITHUB_TOKEN",
            "aws_secret_access_key",
            "PGPASSWORD",
            "X_CREDENTIALS",
        ] {
            assert!(sounds_secret(name.as_bytes()), "{name}");
        }
        for name in ["PATH", "HOME", "LANG", "SHELL", "EDITOR"] {
            assert!(!sounds_secret(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_replaced() {
        let text = |value: &str| String::from_utf8(masked(value.as_bytes()).0).unwrap();
        assert_eq!(text("ssh://me:pw@host/x"), "ssh://(hidden)@host/x");
        assert_eq!(
            text("http://a@b http://p:q@r@c"),
            "http://(hidden)@b http://(hidden)@c"
        );
        assert_eq!(text("unix:///run/a@b"), "unix:///run/a@b");
        assert!(!masked(b"/run/x").1);
    }
}
