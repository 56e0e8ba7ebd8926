//! Takes the tokens of a line one after the other, as numbers, texts, addresses and words.
//!
//! Which arguments a call has is not known here; see [`super::calls`] and [`super::outcomes`].

use std::ops::{Range, RangeInclusive};

use super::Mistake;
use super::token::Token;
use super::words;
use crate::model::address::{Address, Family};
use crate::model::call::{Fd, Payload};
use crate::model::id::Pid;

/// The longest payload, in bytes: what is sent is kept in memory.
const LONGEST: usize = 16 << 20;

/// Tokens of a line, and how many of them were taken.
pub(super) struct Reader<'a> {
    line: usize,
    tokens: &'a [Token<'a>],
    /// Where the line ends.
    end: usize,
    /// What the whole must look like, for whoever wrote too little or too much.
    usage: &'static str,
}

/// A word at the end of a call: `nonblock`, `to=path:s`.
#[derive(Clone, Copy)]
pub(super) struct Choice<'a> {
    pub token: Token<'a>,
    pub name: &'a str,
    pub value: &'a str,
}

impl<'a> Reader<'a> {
    /// Reads these tokens; `end` is where they end if there are none.
    pub fn new(line: usize, tokens: &'a [Token<'a>], end: usize, usage: &'static str) -> Self {
        let end = tokens.last().map_or(end, |token| token.end());
        Self {
            line,
            tokens,
            end,
            usage,
        }
    }

    /// A mistake at these columns.
    pub fn mistake(&self, columns: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake::new(self.line, columns, message)
    }

    /// A mistake at this token.
    pub fn wrong(&self, token: Token<'_>, message: impl Into<String>) -> Mistake {
        self.mistake(token.start..token.end(), message)
    }

    /// The next token; `what` it must be is said when there is none.
    pub fn next(&mut self, what: &str) -> Result<Token<'a>, Mistake> {
        let Some((first, rest)) = self.tokens.split_first() else {
            let missing = self.mistake(self.end..self.end + 1, format!("{what} is missing"));
            return Err(missing.with_help(format!("It is written `{}`.", self.usage)));
        };
        self.tokens = rest;
        Ok(*first)
    }

    /// The next token, if there is one that passes.
    pub fn next_if(&mut self, passes: impl Fn(&str) -> bool) -> Option<Token<'a>> {
        let (first, rest) = self.tokens.split_first()?;
        passes(first.text).then(|| {
            self.tokens = rest;
            *first
        })
    }

    /// Nothing may follow.
    pub fn finish(&self) -> Result<(), Mistake> {
        match self.tokens.first() {
            None => Ok(()),
            Some(first) => {
                let mistake = self.mistake(first.start..self.end, "nothing more belongs here");
                Err(mistake.with_help(format!("It is written `{}`.", self.usage)))
            }
        }
    }

    /// All that is left, as words of which these are known; one that ends with `=` has a value.
    /// Those in `again` may stand more than once.
    pub fn choices(&mut self, known: &[&str], again: &[&str]) -> Result<Vec<Choice<'a>>, Mistake> {
        let mut choices: Vec<Choice<'a>> = Vec::new();
        while let Some((token, rest)) = self.tokens.split_first() {
            self.tokens = rest;
            let (name, value) = match token.text.find('=') {
                Some(at) => token.text.split_at(at + 1),
                None => (token.text, ""),
            };
            if !known.contains(&name) && !again.contains(&name) {
                let all = [known, again].concat();
                let message = match all.contains(&format!("{name}=").as_str()) {
                    true => format!("`{name}` wants a value"),
                    false => format!("`{name}` means nothing here"),
                };
                let help = match all.is_empty() {
                    true => format!("It is written `{}`.", self.usage),
                    false => words::advice(name, &all),
                };
                return Err(self.wrong(*token, message).with_help(help));
            }
            if !again.contains(&name) && choices.iter().any(|choice| choice.name == name) {
                return Err(self.wrong(*token, format!("`{name}` stands here twice")));
            }
            choices.push(Choice {
                token: *token,
                name,
                value,
            });
        }
        Ok(choices)
    }

    /// A whole number in a range, from a token or from what stands behind its `=`.
    pub fn parse_number<T: TryFrom<i64>>(
        &self,
        token: Token<'_>,
        text: &str,
        range: RangeInclusive<i64>,
    ) -> Result<T, Mistake> {
        let number = text.parse::<i64>().ok();
        let number = number.filter(|number| range.contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| {
                let (least, most) = (range.start(), range.end());
                self.wrong(
                    token,
                    format!("`{text}` is no number from {least} to {most}"),
                )
            })
    }

    pub fn number<T: TryFrom<i64>>(
        &mut self,
        what: &str,
        range: RangeInclusive<i64>,
    ) -> Result<T, Mistake> {
        let token = self.next(what)?;
        self.parse_number(token, token.text, range)
    }

    pub fn fd(&mut self) -> Result<Fd, Mistake> {
        self.number("a descriptor", i64::from(i32::MIN)..=i64::from(i32::MAX))
    }

    /// How many bytes to receive.
    pub fn length(&mut self) -> Result<usize, Mistake> {
        self.number("a length", 0..=i64::from(i32::MAX))
    }

    pub fn user(&mut self, what: &str) -> Result<u32, Mistake> {
        self.number(what, 0..=i64::from(u32::MAX))
    }

    /// Permission bits, octal.
    pub fn mode(&mut self) -> Result<u32, Mistake> {
        let token = self.next("a mode")?;
        let mode = u32::from_str_radix(token.text, 8).ok();
        mode.filter(|mode| *mode <= 0o7777).ok_or_else(|| {
            let message = format!("`{}` is no mode", token.text);
            let mistake = self.wrong(token, message);
            mistake.with_help("A mode is octal, such as 0600.")
        })
    }

    /// One of the words of a table.
    pub fn one_of<T: Copy>(
        &mut self,
        what: &str,
        table: &[(&'static str, T)],
    ) -> Result<T, Mistake> {
        let token = self.next(what)?;
        words::value(table, token.text).ok_or_else(|| {
            let mistake = self.wrong(token, format!("`{}` is not {what}", token.text));
            mistake.with_help(words::advice(token.text, &words::names(table)))
        })
    }

    pub fn on_or_off(&mut self) -> Result<bool, Mistake> {
        self.one_of("`on` or `off`", &[("on", true), ("off", false)])
    }

    /// Numbers with commas between them; nothing is no number.
    pub fn fds(&self, token: Token<'_>, text: &str) -> Result<Vec<Fd>, Mistake> {
        let numbers = text.split(',').filter(|_| !text.is_empty());
        let range = i64::from(i32::MIN)..=i64::from(i32::MAX);
        let numbers = numbers.map(|number| self.parse_number(token, number, range.clone()));
        numbers.collect()
    }

    /// `A`, where a process is meant.
    pub fn process(&self, token: Token<'_>, name: &str) -> Result<Pid, Mistake> {
        words::process_named(name).ok_or_else(|| {
            let mistake = self.wrong(token, format!("`{name}` is no process"));
            mistake.with_help("Processes are called by one capital letter, A to Z.")
        })
    }

    pub fn payload(&mut self) -> Result<Payload, Mistake> {
        let token = self.next("what to send")?;
        self.parse_payload(token)
    }

    /// `"text"` or `"text"x300`.
    pub fn parse_payload(&self, token: Token<'_>) -> Result<Payload, Mistake> {
        let (unit, rest) = self.quoted(token, token.text)?;
        let len = match rest.strip_prefix('x') {
            None if rest.is_empty() => unit.len(),
            Some(len) => self.parse_number(token, len, 0..=LONGEST as i64)?,
            None if rest.starts_with('\u{2026}') => {
                let mistake = self.wrong(token, "this says only how the bytes begin");
                return Err(mistake.with_help("Write them all, or `\"ab\"x300` if they repeat."));
            }
            None => {
                let mistake = self.wrong(token, format!("`{rest}` means nothing behind a text"));
                return Err(mistake.with_help("`\"ab\"x300` is ab over and over, 300 bytes."));
            }
        };
        if unit.is_empty() && len > 0 {
            return Err(self.wrong(token, "nothing can be repeated only to nothing"));
        }
        Ok(Payload { unit, len })
    }

    /// A quoted text at the start of this, and what follows it.
    fn quoted<'t>(&self, token: Token<'_>, text: &'t str) -> Result<(Vec<u8>, &'t str), Mistake> {
        let Some(mut rest) = text.strip_prefix('"') else {
            let mistake = self.wrong(token, format!("`{text}` is not between quotes"));
            return Err(mistake.with_help("Bytes are written `\"text\"`."));
        };
        let mut bytes = Vec::new();
        loop {
            let Some(at) = rest.find(['"', '\\']) else {
                return Err(self.wrong(token, "this quote is never closed"));
            };
            bytes.extend_from_slice(&rest.as_bytes()[..at]);
            if rest.as_bytes()[at] == b'"' {
                return Ok((bytes, &rest[at + 1..]));
            }
            let escape = &rest[at + 1..];
            let (byte, len) = match escape.as_bytes() {
                [b'n', ..] => (b'\n', 1),
                [b't', ..] => (b'\t', 1),
                [b'0', ..] => (0, 1),
                [byte @ (b'\\' | b'"'), ..] => (*byte, 1),
                [b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default();
                    ((digit(*high) * 16 + digit(*low)) as u8, 3)
                }
                _ => {
                    let mistake = self.wrong(token, "this text has an unknown escape");
                    let help = "Known: `\\n`, `\\t`, `\\0`, `\\\\`, `\\\"`, and `\\xHH` with two \
                                hexadecimal digits.";
                    return Err(mistake.with_help(help));
                }
            };
            bytes.push(byte);
            rest = &escape[len..];
        }
    }

    /// A name: bare, or a quoted text.
    fn name(&self, token: Token<'_>, text: &str) -> Result<Vec<u8>, Mistake> {
        if text.starts_with('"') {
            let (bytes, rest) = self.quoted(token, text)?;
            return match rest {
                "" => Ok(bytes),
                _ => Err(self.wrong(token, format!("`{rest}` means nothing behind a name"))),
            };
        }
        match text {
            "" => Err(self
                .wrong(token, "a name is missing")
                .with_help("The empty name is written `\"\"`.")),
            _ if text.contains('"') => Err(self.wrong(token, "a quote in the middle of a name")),
            _ => Ok(text.as_bytes().to_vec()),
        }
    }

    /// A path of the model's file system.
    pub fn path(&mut self, what: &str) -> Result<String, Mistake> {
        let token = self.next(what)?;
        let bytes = self.name(token, token.text)?;
        let path = String::from_utf8(bytes).ok();
        let path = path.filter(|path| !path.contains('\0'));
        path.ok_or_else(|| self.wrong(token, "this is no path: it is not UTF-8, or holds a zero"))
    }

    pub fn address(&mut self) -> Result<Address, Mistake> {
        let token = self.next("an address")?;
        self.parse_address(token, token.text)
    }

    /// An address, in a token or behind its `=`.
    pub fn parse_address(&self, token: Token<'_>, text: &str) -> Result<Address, Mistake> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "path" => {
                let path = self.name(token, rest)?;
                Ok(Address {
                    family: Family::Unix,
                    len: crate::model::address::HEADER + path.len() as i32 + 1,
                    path,
                })
            }
            "abstract" => Ok(Address::abstract_name(&self.name(token, rest)?)),
            "raw" => self.raw_address(token, rest),
            _ if !rest.is_empty() => Err(self.unknown_address(token, kind)),
            "unnamed" => Ok(Address::only(Family::Unix)),
            "unspec" => Ok(Address::only(Family::Unspec)),
            "inet" => Ok(Address::only(Family::Inet)),
            _ => Err(self.unknown_address(token, kind)),
        }
    }

    fn unknown_address(&self, token: Token<'_>, kind: &str) -> Mistake {
        let mistake = self.wrong(token, format!("`{kind}` is no kind of address"));
        let known = [
            "path:NAME",
            "abstract:NAME",
            "unnamed",
            "unspec",
            "inet",
            "raw:FAMILY:\"bytes\":LEN",
        ];
        mistake.with_help(words::advice(kind, &known))
    }

    /// `FAMILY:"bytes":LEN`.
    fn raw_address(&self, token: Token<'_>, text: &str) -> Result<Address, Mistake> {
        let usage = "A raw address is written `raw:unix:\"bytes\":LEN`.";
        let (family, rest) = text.split_once(':').unwrap_or((text, ""));
        let family = words::value(words::FAMILIES, family).ok_or_else(|| {
            let mistake = self.wrong(token, format!("`{family}` is no family"));
            mistake.with_help(words::advice(family, &words::names(words::FAMILIES)))
        })?;
        let (path, rest) = self.quoted(token, rest)?;
        let Some(len) = rest.strip_prefix(':') else {
            return Err(self.wrong(token, "a length is missing").with_help(usage));
        };
        let len = self.parse_number(token, len, i64::from(i32::MIN)..=i64::from(i32::MAX))?;
        Ok(Address { family, path, len })
    }
}
