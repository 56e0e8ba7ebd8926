//! Markdown for terminals, in two pure steps: [`Document::parse`] reads it once, and
//! [`Document::layout`] sets it for a width as often as the window changes.
//!
//! What comes out never holds a control character and, except for code when it is asked for whole,
//! no line is wider than the width. Raw HTML is shown as the text it is. Opening links and scrolling
//! are the reader's business; colours are the theme's.

mod layout;
mod parse;
mod table;
mod wrap;

use super::highlight::Highlighter;
use super::text::{Line, Role, Text};

/// Markdown that has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    blocks: Vec<Block>,
    footnotes: Vec<Footnote>,
    /// Targets of its links, each once, in the order of the text.
    targets: Vec<String>,
}

/// How a document is to be set.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    width: usize,
    code: CodeLines,
    first_link: usize,
    known: &'a [Link],
    inline_code: InlineCode,
    highlighter: Option<&'a Highlighter>,
}

/// What happens to lines of code that are wider than the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeLines {
    /// They are cut, with a `›` where something is missing at the right. `from` columns are left
    /// out at the left of every listing, with a `‹` there.
    Cut {
        /// Columns scrolled away.
        from: usize,
    },
    /// They stay whole and may be wider than the page.
    Whole,
}

/// How code inside a sentence is told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InlineCode {
    /// By its look alone: for a page with colours or bold.
    #[default]
    ByRole,
    /// By backticks as well: for a page of characters only.
    Backticks,
}

/// A document set for a width.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The lines.
    pub text: Text,
    /// Links, by number.
    pub links: Vec<Link>,
    /// Headings, from top to bottom.
    pub headings: Vec<Heading>,
    /// The widest line of code, in columns of the page: how far scrolling sideways makes sense.
    pub code_width: usize,
}

/// A link of a page; `[number]` stands behind its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub number: usize,
    /// Where it leads: printable text.
    pub target: String,
    /// The line of the page on which it first appears, counted from 0.
    pub line: usize,
}

/// A heading of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// 1 for the title, to 6.
    pub level: u8,
    /// Its words.
    pub text: String,
    /// Its first line on the page, counted from 0.
    pub line: usize,
}

impl<'a> Layout<'a> {
    /// Sets for this many columns; code is cut, links start at 1, code is plain.
    pub fn new(width: usize) -> Self {
        Self {
            width: width.max(MINIMUM),
            code: CodeLines::Cut { from: 0 },
            first_link: 1,
            known: &[],
            inline_code: InlineCode::ByRole,
            highlighter: None,
        }
    }

    /// What happens to wide code.
    #[must_use]
    pub fn code(self, code: CodeLines) -> Self {
        Self { code, ..self }
    }

    /// The number of the first link: for text that goes on from another page.
    #[must_use]
    pub fn links_from(self, first_link: usize) -> Self {
        Self { first_link, ..self }
    }

    /// Goes on numbering after these links: for text that follows another page. A target that is
    /// among them keeps its number.
    #[must_use]
    pub fn links_after(self, known: &'a [Link]) -> Self {
        Self { known, ..self }
    }

    /// How code inside a sentence is told apart.
    #[must_use]
    pub fn inline_code(self, inline_code: InlineCode) -> Self {
        Self {
            inline_code,
            ..self
        }
    }

    /// The same for a page that is this much narrower, in columns: what stands beside a mark.
    #[must_use]
    pub fn narrower(self, by: usize) -> Self {
        Self {
            width: self.width.saturating_sub(by).max(MINIMUM),
            ..self
        }
    }

    /// Colours code, once there is a highlighter.
    #[must_use]
    pub fn highlighted(self, highlighter: Option<&'a Highlighter>) -> Self {
        Self {
            highlighter,
            ..self
        }
    }

    /// Columns of the page.
    pub fn width(&self) -> usize {
        self.width
    }
}

/// Narrower than this nothing is set: such a page would hold no words.
const MINIMUM: usize = 10;

impl Document {
    /// Reads markdown: CommonMark with tables, footnotes, task lists, strikethrough and the notes
    /// (`> [!NOTE]`) of GitHub.
    pub fn parse(markdown: &str) -> Self {
        parse::parse(markdown)
    }

    /// Sets it.
    pub fn layout(&self, layout: Layout<'_>) -> Page {
        layout::layout(self, layout)
    }

    /// The same without its title, when it begins with one: for a reader that shows the title
    /// itself.
    #[must_use]
    pub fn without_title(mut self) -> Self {
        if let Some(Block::Heading { level: 1, .. }) = self.blocks.first() {
            self.blocks.remove(0);
        }
        self
    }

    /// Whether it holds a listing: then highlighting matters.
    pub fn has_code(&self) -> bool {
        fn any(blocks: &[Block]) -> bool {
            blocks.iter().any(|block| match block {
                Block::Code { .. } => true,
                Block::Quote { blocks, .. } => any(blocks),
                Block::List { items, .. } => items.iter().any(|item| any(&item.blocks)),
                _ => false,
            })
        }
        any(&self.blocks) || self.footnotes.iter().any(|note| any(&note.blocks))
    }
}

/// Columns that a text takes, counted by character: never less than what a terminal uses.
pub fn columns(text: &str) -> usize {
    wrap::text_columns(text)
}

/// Sets plain words for a width, in one role: a paragraph that is no markdown.
pub fn paragraph(role: Role, words: &str, width: usize) -> Text {
    // Only what may break: a no-break space stays where it is.
    let words: Vec<&str> = words
        .split([' ', '\n', '\t', '\r'])
        .filter(|word| !word.is_empty())
        .collect();
    let inlines = [Inline::Run {
        role,
        text: crate::untrusted::readable(&words.join(" ")).into_owned(),
        link: None,
    }];
    let lines = wrap::fill(&inlines, width.max(MINIMUM), &wrap::Terms::default());
    Text {
        lines: lines.into_iter().map(|filled| filled.line).collect(),
    }
}

/// The list of targets that the numbers stand for; empty without links.
pub fn link_list(links: &[Link], width: usize) -> Text {
    let mut text = Text::new();
    for link in links {
        let mark = format!("[{}] ", link.number);
        let indent = mark.len();
        let room = width.max(MINIMUM).saturating_sub(indent).max(MINIMUM);
        for (index, line) in paragraph(Role::Plain, &link.target, room)
            .lines
            .into_iter()
            .enumerate()
        {
            let mut out = if index == 0 {
                Line::of(Role::Link, mark.clone())
            } else {
                Line::of(Role::Plain, " ".repeat(indent))
            };
            out.spans.extend(line.spans);
            text.line(out);
        }
    }
    text
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Block {
    Heading {
        level: u8,
        inlines: Vec<Inline>,
    },
    Paragraph(Vec<Inline>),
    /// Lines that keep their breaks: raw HTML.
    Verbatim(String),
    Code {
        language: String,
        text: String,
    },
    Quote {
        alert: Option<Alert>,
        blocks: Vec<Block>,
    },
    List {
        start: Option<u64>,
        tight: bool,
        items: Vec<Item>,
    },
    Table(Table),
    Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alert {
    Note,
    Tip,
    Important,
    Warning,
    Caution,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Item {
    done: Option<bool>,
    blocks: Vec<Block>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Footnote {
    label: String,
    blocks: Vec<Block>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Table {
    sides: Vec<Side>,
    head: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
}

type Cell = Vec<Inline>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Center,
    Right,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Inline {
    /// Characters of one role; `link` is an index into the document's targets.
    Run {
        role: Role,
        text: String,
        link: Option<usize>,
    },
    /// The number of a link, behind its words.
    LinkNumber(usize),
    /// A line break that the author asked for.
    Break,
}
