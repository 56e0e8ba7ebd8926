//! Runs of text to lines of a width: breaks at spaces and beside wide characters, and inside a word
//! only when the word alone is wider than the line.

use unicode_width::UnicodeWidthChar;

use super::{Inline, InlineCode};
use crate::render::text::{Line, Role, Span};

/// Code inside a sentence that is no wider than this stays on one line. Columns.
const UNBROKEN_CODE: usize = 16;

/// A line with the links that appear on it, as indices into the document's targets.
#[derive(Clone, Debug, Default)]
pub(super) struct Filled {
    pub(super) line: Line,
    pub(super) links: Vec<usize>,
    width: usize,
}

/// What holds for a whole document.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms {
    /// The number of each of its targets.
    pub(super) numbers: Vec<usize>,
    pub(super) inline_code: InlineCode,
}

#[derive(Clone, Debug, Default)]
struct Word {
    pieces: Vec<(Span, Option<usize>)>,
    width: usize,
    /// Whether a space stands before it, and in which role.
    space: Option<Role>,
}

enum Token {
    Word(Word),
    Break,
}

/// Columns of a character. Sums of these are never less than the width of the whole text.
pub(super) fn columns(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// Columns of a text, counted by character.
pub(super) fn text_columns(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// Columns that the widest line of these inlines takes when nothing is wrapped.
pub(super) fn natural_width(inlines: &[Inline], terms: &Terms) -> usize {
    fill(inlines, usize::MAX, terms)
        .iter()
        .map(|filled| filled.width)
        .max()
        .unwrap_or(0)
}

/// Columns of the widest word.
pub(super) fn widest_word(inlines: &[Inline], terms: &Terms) -> usize {
    tokens(inlines, terms)
        .iter()
        .map(|token| match token {
            Token::Word(word) => word.width,
            Token::Break => 0,
        })
        .max()
        .unwrap_or(0)
}

/// Fills lines of `width` columns. `terms` are those of the whole document.
pub(super) fn fill(inlines: &[Inline], width: usize, terms: &Terms) -> Vec<Filled> {
    let mut lines = Vec::new();
    let mut line = Filled::default();
    for token in tokens(inlines, terms) {
        let mut word = match token {
            Token::Break => {
                lines.push(std::mem::take(&mut line));
                continue;
            }
            Token::Word(word) => word,
        };
        let space = usize::from(word.space.is_some() && line.width > 0);
        if line.width + space + word.width <= width {
            line.take(word, space);
            continue;
        }
        if line.width > 0 {
            lines.push(std::mem::take(&mut line));
        }
        while word.width > width {
            let rest = word.split_off(width);
            line.take(word, 0);
            lines.push(std::mem::take(&mut line));
            word = rest;
        }
        line.take(word, 0);
    }
    if line.width > 0 || !line.line.spans.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

impl Filled {
    fn take(&mut self, word: Word, space: usize) {
        if space > 0 {
            // A space between two pieces of one role belongs to them, so that underlines join.
            let same = self.line.spans.last().map(|span| span.role);
            let next = word.pieces.first().map(|(span, _)| span.role);
            let role = match word.space {
                Some(role) if same == next && next == Some(role) => role,
                _ => Role::Plain,
            };
            self.line.push(role, " ");
        }
        self.width += space + word.width;
        for (span, link) in word.pieces {
            self.links.extend(link);
            self.line.push(span.role, span.text);
        }
    }
}

impl Word {
    fn push(&mut self, role: Role, character: char, link: Option<usize>) {
        self.width += columns(character);
        match self.pieces.last_mut() {
            Some((span, known)) if span.role == role && *known == link => span.text.push(character),
            _ => self.pieces.push((Span::new(role, character), link)),
        }
    }

    /// Keeps what fits into `width` columns, at least one character, and returns the rest. Paths
    /// and addresses are cut behind a slash when that wastes less than half of the line.
    fn split_off(&mut self, width: usize) -> Word {
        let mut fits = 0;
        let mut slash = 0;
        let mut used = 0;
        let characters = self.pieces.iter().flat_map(|(span, _)| span.text.chars());
        for (index, character) in characters.enumerate() {
            used += columns(character);
            if used > width && index > 0 {
                break;
            }
            fits = index + 1;
            if character == '/' && used * 2 > width {
                slash = fits;
            }
        }
        let keep = if slash > 0 { slash } else { fits };
        let mut head = Word {
            space: self.space,
            ..Word::default()
        };
        let mut rest = Word::default();
        let mut index = 0;
        for (span, link) in std::mem::take(&mut self.pieces) {
            for character in span.text.chars() {
                let part = if index < keep { &mut head } else { &mut rest };
                part.push(span.role, character, link);
                index += 1;
            }
        }
        *self = head;
        rest
    }
}

fn tokens(inlines: &[Inline], terms: &Terms) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word = Word::default();
    let end = |word: &mut Word, tokens: &mut Vec<Token>| {
        if !word.pieces.is_empty() {
            tokens.push(Token::Word(std::mem::take(word)));
        }
    };
    for inline in inlines {
        match inline {
            Inline::Break => {
                end(&mut word, &mut tokens);
                word.space = None;
                tokens.push(Token::Break);
            }
            Inline::LinkNumber(link) => {
                // Glued to the last word of the link, so that no line starts with a number.
                for character in format!("\u{a0}[{}]", terms.numbers[*link]).chars() {
                    word.push(Role::Link, visible(character), Some(*link));
                }
            }
            Inline::Run { role, text, link } => {
                let quoted = *role == Role::Code && terms.inline_code == InlineCode::Backticks;
                let quote = if quoted { "`" } else { "" };
                let glued = *role == Role::Code && text_columns(text) <= UNBROKEN_CODE;
                let mut before = None;
                for character in quote.chars().chain(text.chars()).chain(quote.chars()) {
                    // In code a second space in a row is part of what is shown.
                    let shown = glued || *role == Role::Code && before == Some(' ');
                    before = Some(character);
                    if matches!(character, ' ' | '\n') && !shown {
                        end(&mut word, &mut tokens);
                        word.space = Some(*role);
                    } else if columns(character) > 1 {
                        end(&mut word, &mut tokens);
                        word.push(*role, character, *link);
                    } else {
                        let after_wide = word.pieces.last().is_some_and(|(span, _)| {
                            span.text
                                .chars()
                                .next_back()
                                .is_some_and(|c| columns(c) > 1)
                        });
                        if after_wide && columns(character) > 0 && character.is_alphanumeric() {
                            end(&mut word, &mut tokens);
                        }
                        word.push(*role, visible(character), *link);
                    }
                }
            }
        }
    }
    end(&mut word, &mut tokens);
    tokens
}

/// A space that must not break is still a space.
fn visible(character: char) -> char {
    if character == '\u{a0}' {
        ' '
    } else {
        character
    }
}
