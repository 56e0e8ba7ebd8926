//! Cuts a line into tokens: runs without blanks, where what stands between quotes may hold some.
//!
//! What a token means is not known here.

use super::Mistake;

/// A piece of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub text: &'a str,
    /// The byte of the line where it starts.
    pub start: usize,
}

impl Token<'_> {
    /// The byte of the line behind it.
    pub fn end(self) -> usize {
        self.start + self.text.len()
    }
}

/// All tokens of a line.
pub(super) fn cut(number: usize, line: &str) -> Result<Vec<Token<'_>>, Mistake> {
    let mut tokens = Vec::new();
    let mut start = None;
    let mut quoted = None;
    let mut escaped = false;
    for (at, character) in line.char_indices() {
        if let Some(open) = quoted {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = None,
                _ => quoted = Some(open),
            }
        } else if character.is_whitespace() {
            tokens.extend(start.take().map(|start| Token {
                text: &line[start..at],
                start,
            }));
        } else {
            start.get_or_insert(at);
            if character == '"' {
                quoted = Some(at);
            }
        }
    }
    if let Some(open) = quoted {
        let mistake = Mistake::new(number, open..line.len(), "this quote is never closed");
        return Err(mistake.with_help("A quote inside a text is written `\\\"`."));
    }
    tokens.extend(start.map(|start| Token {
        text: &line[start..],
        start,
    }));
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<&str> {
        cut(1, line)
            .unwrap()
            .iter()
            .map(|token| token.text)
            .collect()
    }

    #[test]
    fn blanks_part_tokens_but_not_between_quotes() {
        assert_eq!(texts("  a  b\tc "), ["a", "b", "c"]);
        assert_eq!(texts(r#"send "a b"x3 c"#), ["send", r#""a b"x3"#, "c"]);
        assert_eq!(texts(r#"to=path:"a \" b" c"#), [r#"to=path:"a \" b""#, "c"]);
    }

    #[test]
    fn an_open_quote_is_a_mistake_where_it_opens() {
        let mistake = cut(7, r#"send 3 "abc"#).unwrap_err();
        assert_eq!((mistake.line, mistake.columns), (7, 7..11));
    }
}
