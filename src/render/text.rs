//! Text with meaning: what a piece *is*, not what colour it has.
//!
//! Every renderer returns [`Text`]; the command line turns it into escape sequences
//! ([`super::ansi`]) and the screen into cells (`tui`). Widths are terminal columns.
//! This file knows no colours and no terminal.

use unicode_width::UnicodeWidthStr;

/// What a piece of text is. A theme gives each role its look; without colour, roles that must be
/// told apart are told apart by words or signs in the text itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Running text.
    #[default]
    Plain,
    /// Stressed words.
    Strong,
    /// Words in italics: a new term.
    Emphasis,
    /// A title, or a heading of a section.
    Heading,
    /// A heading below the first two levels, or a column title.
    Subheading,
    /// What may be passed over: rules, hints at keys, units.
    Dim,
    /// Code inside a sentence: an identifier, a path, an errno.
    Code,
    /// The target of a link, or its number.
    Link,
    /// Something that holds: a passed stage, a live socket.
    Good,
    /// Something that fails.
    Bad,
    /// Something to look at.
    Warning,
    /// A note set apart from the text.
    Note,
    /// A value read from this machine.
    Value,
    /// A key to press.
    Key,
    /// In code: a keyword.
    CodeKeyword,
    /// In code: a type name.
    CodeType,
    /// In code: a function name.
    CodeFunction,
    /// In code: a string or character literal.
    CodeString,
    /// In code: a number or other constant.
    CodeNumber,
    /// In code: a comment.
    CodeComment,
}

/// A run of characters with one role. Holds no control characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub role: Role,
    /// The characters; no line feeds, nothing that moves the cursor.
    pub text: String,
}

/// One line on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Its pieces, left to right.
    pub spans: Vec<Span>,
}

/// Lines, top to bottom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The lines.
    pub lines: Vec<Line>,
}

/// Takes what is drawn piece by piece: for pictures that are too large to be kept whole.
pub trait Sink {
    /// Adds a piece to the line that is being drawn. As in a [`Span`], no control characters.
    fn piece(&mut self, role: Role, text: &str);

    /// Ends the line.
    fn end_line(&mut self);

    /// Adds all lines of a text.
    fn text(&mut self, text: &Text) {
        for line in &text.lines {
            for span in &line.spans {
                self.piece(span.role, &span.text);
            }
            self.end_line();
        }
    }
}

/// Keeps what is drawn.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    text: Text,
    line: Line,
}

impl Kept {
    /// The lines that were ended.
    pub fn into_text(self) -> Text {
        self.text
    }
}

impl Sink for Kept {
    fn piece(&mut self, role: Role, text: &str) {
        self.line.push(role, text);
    }

    fn end_line(&mut self) {
        self.text.line(std::mem::take(&mut self.line));
    }
}

impl Span {
    /// A piece with a role.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            text: text.into(),
        }
    }

    /// Columns it takes.
    pub fn width(&self) -> usize {
        self.text.width()
    }
}

impl Line {
    /// An empty line.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A line of one piece.
    pub fn of(role: Role, text: impl Into<String>) -> Self {
        Self {
            spans: vec![Span::new(role, text)],
        }
    }

    /// Adds a piece at the end.
    pub fn push(&mut self, role: Role, text: impl Into<String>) -> &mut Self {
        let text = text.into();
        if text.is_empty() {
            return self;
        }
        match self.spans.last_mut() {
            Some(last) if last.role == role => last.text.push_str(&text),
            _ => self.spans.push(Span { role, text }),
        }
        self
    }

    /// Adds a piece and returns the line: for building one in an expression.
    pub fn with(mut self, role: Role, text: impl Into<String>) -> Self {
        self.push(role, text);
        self
    }

    /// Columns it takes.
    pub fn width(&self) -> usize {
        self.spans.iter().map(Span::width).sum()
    }

    /// The characters without their roles.
    pub fn plain(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

impl Text {
    /// No lines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line.
    pub fn line(&mut self, line: Line) -> &mut Self {
        self.lines.push(line);
        self
    }

    /// Adds an empty line.
    pub fn blank(&mut self) -> &mut Self {
        self.lines.push(Line::empty());
        self
    }

    /// The text with an empty line above it.
    pub fn apart(mut self) -> Self {
        self.lines.insert(0, Line::empty());
        self
    }

    /// Adds all lines of another text.
    pub fn append(&mut self, other: Text) -> &mut Self {
        self.lines.extend(other.lines);
        self
    }

    /// The lines without their roles, each ended by a line feed.
    pub fn plain(&self) -> String {
        self.lines.iter().map(|line| line.plain() + "\n").collect()
    }
}
