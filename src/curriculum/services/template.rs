//! Text with placeholders, and the two ways to use it: to take a value apart, and to put an address
//! together. Pure. What the placeholders mean is told at the top of [`super::variable`].

use serde::Serialize;

/// Text with placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    source: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Text(String),
    Slot(Slot),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    Path,
    Name,
    Digits,
    Rest,
    Runtime,
    Home,
    Uid,
    User,
}

const SLOTS: &[(&str, Slot)] = &[
    ("path", Slot::Path),
    ("name", Slot::Name),
    ("n", Slot::Digits),
    ("rest", Slot::Rest),
    ("runtime", Slot::Runtime),
    ("home", Slot::Home),
    ("uid", Slot::Uid),
    ("user", Slot::User),
];

impl Serialize for Template {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

/// The places that addresses are relative to: those of the environment a variable is from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bases {
    /// `XDG_RUNTIME_DIR`, if set and not empty.
    pub runtime: Option<Vec<u8>>,
    /// `HOME`.
    pub home: Option<Vec<u8>>,
    /// The user id.
    pub uid: u32,
    /// The user's name.
    pub user: Option<Vec<u8>>,
}

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file name.
    Path(Vec<u8>),
    /// An abstract socket name, without its first NUL.
    Abstract(Vec<u8>),
    /// A process id.
    Process(u32),
    /// It is relative to a place that this environment does not name: `{runtime}` or `{home}`.
    NoBase(&'static str),
    /// Not on this machine, or no endpoint at all.
    Elsewhere,
    /// No form fits.
    Unreadable,
}

impl Slot {
    pub(super) fn word(self) -> &'static str {
        SLOTS
            .iter()
            .find(|(_, slot)| *slot == self)
            .map_or("", |(word, _)| word)
    }

    /// Whether it stands for a place of the environment and not for a part of the value.
    pub(super) fn is_place(self) -> bool {
        matches!(self, Self::Runtime | Self::Home | Self::Uid | Self::User)
    }
}

/// What the placeholders of a form caught.
#[derive(Clone, Debug, Default)]
pub(super) struct Caught<'a>(Vec<(Slot, &'a [u8])>);

impl<'a> Caught<'a> {
    pub(super) fn has(&self, slot: Slot) -> bool {
        self.0.iter().any(|(caught, _)| *caught == slot)
    }

    pub(super) fn get(&self, slot: Slot) -> &'a [u8] {
        self.0
            .iter()
            .find(|(caught, _)| *caught == slot)
            .map_or(&[], |(_, text)| text)
    }
}

impl Template {
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut text = String::new();
        let mut rest = source;
        while let Some(first) = rest.chars().next() {
            if let Some(tail) = rest.strip_prefix("{{") {
                text.push('{');
                rest = tail;
            } else if first == '{' {
                let (word, tail) = rest[1..]
                    .split_once('}')
                    .ok_or_else(|| "a `{` has no `}`".to_owned())?;
                let known = SLOTS.iter().find(|(known, _)| *known == word);
                let &(_, slot) = known.ok_or_else(|| format!("`{{{word}}}` is not known here"))?;
                if tokens.contains(&Token::Slot(slot)) && !slot.is_place() {
                    return Err(format!("`{{{word}}}` is there twice"));
                }
                if !text.is_empty() {
                    tokens.push(Token::Text(std::mem::take(&mut text)));
                }
                tokens.push(Token::Slot(slot));
                rest = tail;
            } else {
                text.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        if !text.is_empty() {
            tokens.push(Token::Text(text));
        }
        Ok(Self {
            source: source.to_owned(),
            tokens,
        })
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.tokens.iter().filter_map(|token| match token {
            Token::Slot(slot) => Some(*slot),
            Token::Text(_) => None,
        })
    }

    pub(super) fn catch<'a>(&self, text: &'a [u8]) -> Option<Caught<'a>> {
        let mut caught = Vec::new();
        catch(&self.tokens, text, &mut caught).then_some(Caught(caught))
    }

    /// What this template of an address caught from an address, the places being known.
    pub(super) fn catch_address<'a>(
        &self,
        target: &'a Target,
        bases: &Bases,
    ) -> Option<Caught<'a>> {
        let (mark, text) = match target {
            Target::Path(path) => (false, path),
            Target::Abstract(name) => (true, name),
            _ => return None,
        };
        let mut tokens = self.tokens.clone();
        let marked = match tokens.first_mut() {
            Some(Token::Text(first)) if first.starts_with('@') => {
                first.remove(0);
                true
            }
            _ => false,
        };
        if mark != marked {
            return None;
        }
        let literal = |path: &Option<Vec<u8>>| {
            let path = trimmed(path.as_ref()?);
            Some(Token::Text(String::from_utf8(path.to_vec()).ok()?))
        };
        for token in &mut tokens {
            *token = match token {
                Token::Slot(Slot::Runtime) => literal(&bases.runtime)?,
                Token::Slot(Slot::Home) => literal(&bases.home)?,
                Token::Slot(Slot::User) => literal(&bases.user)?,
                Token::Slot(Slot::Uid) => Token::Text(bases.uid.to_string()),
                Token::Slot(_) | Token::Text(_) => continue,
            };
        }
        let mut caught = Vec::new();
        catch(&tokens, text, &mut caught).then_some(Caught(caught))
    }

    pub(super) fn fill(&self, caught: &Caught<'_>, bases: &Bases) -> Target {
        let mut tokens = self.tokens.as_slice();
        let mut out = Vec::new();
        let mut is_abstract = false;
        if let Some(Token::Text(text)) = tokens.first()
            && let Some(rest) = text.strip_prefix('@')
        {
            is_abstract = true;
            out.extend(rest.as_bytes());
            tokens = &tokens[1..];
        }
        for token in tokens {
            match token {
                Token::Text(text) => out.extend(text.as_bytes()),
                Token::Slot(Slot::Runtime) => match &bases.runtime {
                    Some(path) => out.extend(trimmed(path)),
                    None => return Target::NoBase("XDG_RUNTIME_DIR"),
                },
                Token::Slot(Slot::Home) => match &bases.home {
                    Some(path) => out.extend(trimmed(path)),
                    None => return Target::NoBase("HOME"),
                },
                Token::Slot(Slot::Uid) => out.extend(bases.uid.to_string().as_bytes()),
                Token::Slot(Slot::User) => match &bases.user {
                    Some(name) => out.extend(name),
                    None => return Target::NoBase("USER"),
                },
                Token::Slot(slot) => out.extend(caught.get(*slot)),
            }
        }
        if is_abstract {
            Target::Abstract(out)
        } else {
            Target::Path(out)
        }
    }
}

/// A path without slashes at its end.
fn trimmed(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|&byte| byte != b'/');
    end.map_or(&[], |end| &path[..=end])
}

fn catch<'a>(tokens: &[Token], text: &'a [u8], caught: &mut Vec<(Slot, &'a [u8])>) -> bool {
    let Some((first, rest)) = tokens.split_first() else {
        return text.is_empty();
    };
    let (slot, least, longest) = match first {
        Token::Text(literal) => {
            return text
                .strip_prefix(literal.as_bytes())
                .is_some_and(|text| catch(rest, text, caught));
        }
        Token::Slot(slot @ Slot::Path) => {
            let longest = if text.first() == Some(&b'/') {
                text.len()
            } else {
                0
            };
            (*slot, 1, longest)
        }
        Token::Slot(slot @ Slot::Name) => {
            let end = text.iter().position(|&byte| byte == b'/');
            (*slot, 1, end.unwrap_or(text.len()))
        }
        Token::Slot(slot @ Slot::Digits) => {
            let end = text.iter().position(|byte| !byte.is_ascii_digit());
            (*slot, 1, end.unwrap_or(text.len()))
        }
        Token::Slot(slot) => (*slot, 0, text.len()),
    };
    if rest.is_empty() {
        let fits = longest == text.len() && longest >= least;
        if fits {
            caught.push((slot, text));
        }
        return fits;
    }
    for length in (least..=longest).rev() {
        let before = caught.len();
        caught.push((slot, &text[..length]));
        if catch(rest, &text[length..], caught) {
            return true;
        }
        caught.truncate(before);
    }
    false
}
