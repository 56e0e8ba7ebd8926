//! The little language in which `services.toml` writes addresses.
//!
//! `@` at the beginning: an abstract name. `{runtime}` at the beginning: a runtime directory,
//! `/run/user/UID` or the one in use. `{home}` at the beginning: a home directory. `{n}`: one or
//! more digits. `*`: one or more bytes that are no slash. `**`: one or more bytes, slashes too.
//! Everything else stands for itself.
//! `/var/run` is `/run`. Pure; bytes in, yes or no out.

use std::str::FromStr;

use serde::{Serialize, Serializer};
use thiserror::Error;

/// A pattern over addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    source: String,
    namespace: Namespace,
    base: Base,
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Namespace {
    Path,
    Abstract,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Root,
    Runtime,
    Home,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Literal(Vec<u8>),
    Digits,
    Segment,
    Anything,
}

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// A placeholder nobody knows.
    #[error("`{{{0}}}` is not known in an address")]
    Placeholder(String),
    /// A base that is not at the beginning.
    #[error("`{{{0}}}` may only begin an address")]
    NotFirst(String),
    /// A brace that is never closed.
    #[error("a `{{` has no `}}`")]
    Open,
    /// Nothing says where the address begins.
    #[error("an address must begin with `/`, `@`, `{{runtime}}/` or `{{home}}/`")]
    Relative,
}

impl PatternError {
    /// What may be written: a sentence.
    pub fn hint(&self) -> String {
        "Known are {runtime} and {home} at the beginning, {n} for digits, * for a part of a name and ** for any path."
            .to_owned()
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(source: &str) -> Result<Self, PatternError> {
        let (namespace, rest) = match source.strip_prefix('@') {
            Some(rest) => (Namespace::Abstract, rest),
            None => (Namespace::Path, source),
        };
        let (base, rest) = if let Some(rest) = rest.strip_prefix("{runtime}/") {
            (Base::Runtime, rest)
        } else if let Some(rest) = rest.strip_prefix("{home}/") {
            (Base::Home, rest)
        } else {
            (Base::Root, rest)
        };
        if base == Base::Root && namespace == Namespace::Path && !rest.starts_with('/') {
            return Err(PatternError::Relative);
        }
        Ok(Self {
            source: source.to_owned(),
            namespace,
            base,
            tokens: tokens(rest)?,
        })
    }
}

fn tokens(mut text: &str) -> Result<Vec<Token>, PatternError> {
    let mut tokens = Vec::new();
    while let Some(at) = text.find(['{', '*']) {
        if at > 0 {
            tokens.push(Token::Literal(text.as_bytes()[..at].to_vec()));
        }
        text = &text[at..];
        if let Some(rest) = text.strip_prefix("**") {
            tokens.push(Token::Anything);
            text = rest;
            continue;
        }
        if let Some(rest) = text.strip_prefix('*') {
            tokens.push(Token::Segment);
            text = rest;
            continue;
        }
        let (name, rest) = text[1..].split_once('}').ok_or(PatternError::Open)?;
        match name {
            "n" => tokens.push(Token::Digits),
            "runtime" | "home" => return Err(PatternError::NotFirst(name.to_owned())),
            other => return Err(PatternError::Placeholder(other.to_owned())),
        }
        text = rest;
    }
    if !text.is_empty() {
        tokens.push(Token::Literal(text.as_bytes().to_vec()));
    }
    Ok(tokens)
}

impl Pattern {
    /// Whether an address fits.
    pub fn matches(&self, address: &Address<'_>) -> bool {
        if self.namespace != address.namespace {
            return false;
        }
        let text = match self.base {
            Base::Root => Some(address.whole),
            Base::Runtime => address.in_runtime,
            Base::Home => address.in_home,
        };
        text.is_some_and(|text| fits(&self.tokens, text))
    }
}

fn fits(tokens: &[Token], text: &[u8]) -> bool {
    let Some((first, rest)) = tokens.split_first() else {
        return text.is_empty();
    };
    let accepts: fn(u8) -> bool = match first {
        Token::Literal(literal) => {
            return text
                .strip_prefix(literal.as_slice())
                .is_some_and(|text| fits(rest, text));
        }
        Token::Digits => |byte| byte.is_ascii_digit(),
        Token::Segment => |byte| byte != b'/',
        Token::Anything => |_| true,
    };
    let longest = text.iter().take_while(|&&byte| accepts(byte)).count();
    (1..=longest)
        .rev()
        .any(|length| fits(rest, &text[length..]))
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

/// The directories of this session, besides the usual ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The runtime directory in use.
    pub runtime: Option<Vec<u8>>,
    /// The user's home directory.
    pub home: Option<Vec<u8>>,
}

/// An address, seen from every base a pattern may have.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    namespace: Namespace,
    whole: &'a [u8],
    in_runtime: Option<&'a [u8]>,
    in_home: Option<&'a [u8]>,
}

impl Places {
    /// The address of a socket bound to a path, or the path of another file.
    pub fn path<'a>(&self, path: &'a [u8]) -> Address<'a> {
        self.address(Namespace::Path, path)
    }

    /// The address of a socket with an abstract name, given without its first NUL.
    pub fn abstract_name<'a>(&self, name: &'a [u8]) -> Address<'a> {
        self.address(Namespace::Abstract, name)
    }

    fn address<'a>(&self, namespace: Namespace, text: &'a [u8]) -> Address<'a> {
        let whole = match text.strip_prefix(b"/var") {
            Some(rest) if rest.starts_with(b"/run/") => rest,
            _ => text,
        };
        let beneath = |directory: &Option<Vec<u8>>| {
            let rest = whole.strip_prefix(directory.as_deref()?)?;
            rest.strip_prefix(b"/")
        };
        Address {
            namespace,
            whole,
            in_runtime: beneath(&self.runtime).or_else(|| after_digits(whole)),
            in_home: beneath(&self.home).or_else(|| after_home(whole)),
        }
    }
}

/// What follows `/run/user/UID/`.
fn after_digits(path: &[u8]) -> Option<&[u8]> {
    let rest = path.strip_prefix(b"/run/user/")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| rest[digits..].strip_prefix(b"/"))?
}

/// What follows `/home/NAME/` or `/root/`.
fn after_home(path: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = path.strip_prefix(b"/root/") {
        return Some(rest);
    }
    let rest = path.strip_prefix(b"/home/")?;
    let name = rest.iter().position(|&byte| byte == b'/')?;
    Some(&rest[name + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    fn matches(pattern: &str, path: &str) -> bool {
        let pattern: Pattern = pattern.parse().unwrap();
        pattern.matches(&Places::default().path(path.as_bytes()))
    }

    #[test]
    fn a_star_stays_within_one_part_of_a_path() {
        assert!(matches("/tmp/ssh-*/agent.{n}", "/tmp/ssh-XX/agent.12"));
        assert!(!matches("/tmp/ssh-*/agent.{n}", "/tmp/ssh-X/Y/agent.12"));
        assert!(!matches("/tmp/ssh-*/agent.{n}", "/tmp/ssh-/agent.12"));
        assert!(!matches("/tmp/ssh-*/agent.{n}", "/tmp/ssh-XX/agent.1x"));
        assert!(!matches("/tmp/a", "/tmp/ab"));
    }

    #[test]
    fn a_double_star_crosses_slashes() {
        assert!(matches("/**/S.gpg-agent", "/tmp/a/b/S.gpg-agent"));
        assert!(!matches("/**/S.gpg-agent", "/tmp/a/b/XS.gpg-agent"));
    }

    #[test]
    fn two_stars_find_a_way_if_there_is_one() {
        assert!(matches("/x/*-*.sock", "/x/a-b-c.sock"));
        assert!(matches("/x/*{n}", "/x/wayland-12"));
    }

    #[test]
    fn a_runtime_directory_is_the_usual_one_or_the_one_in_use() {
        let pattern: Pattern = "{runtime}/bus".parse().unwrap();
        let places = Places {
            runtime: Some(b"/x".to_vec()),
            home: None,
        };
        assert!(pattern.matches(&places.path(b"/x/bus")));
        assert!(pattern.matches(&places.path(b"/run/user/0/bus")));
        assert!(!pattern.matches(&places.path(b"/run/user/me/bus")));
        assert!(!pattern.matches(&places.path(b"/xx/bus")));
    }

    #[test]
    fn a_wrong_pattern_says_what_is_wrong() {
        let error = |text: &str| text.parse::<Pattern>().unwrap_err().to_string();
        assert_eq!(error("bus"), PatternError::Relative.to_string());
        assert_eq!(error("/a/{uid"), PatternError::Open.to_string());
        assert_eq!(error("/a/{pid}"), "`{pid}` is not known in an address");
        assert_eq!(
            error("/a/{runtime}"),
            "`{runtime}` may only begin an address"
        );
    }

    proptest! {
        #[test]
        fn any_name_is_judged(bytes in any::<Vec<u8>>()) {
            let pattern: Pattern = "/*-{n}/*".parse().unwrap();
            let _ = pattern.matches(&Places::default().path(&bytes));
        }
    }
}
