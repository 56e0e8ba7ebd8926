//! Blocks to lines: prefixes of quotes and lists, gaps between blocks, headings, listings.
//!
//! Every line goes through [`Writer::emit`], which puts the prefixes of the open quotes and list
//! items before it; a first line carries the item's mark, the others hang below its text.

use super::wrap::{self, Filled, Terms};
use super::{
    Alert, Block, CodeLines, Document, Heading, Inline, Item, Layout, Link, Page, paragraph, table,
};
use crate::render::highlight;
use crate::render::text::{Line, Role, Text};

/// Text is not set narrower than this; marks and bars give way first. Columns.
const NARROWEST: usize = 10;

/// Columns that listings are moved to the right.
const CODE_INDENT: usize = 2;

pub(super) fn layout(document: &Document, layout: Layout<'_>) -> Page {
    let mut writer = Writer {
        layout,
        terms: Terms {
            numbers: numbers(&document.targets, layout),
            inline_code: layout.inline_code,
        },
        lines: Vec::new(),
        places: vec![None; document.targets.len()],
        headings: Vec::new(),
        prefixes: Vec::new(),
        gap: None,
        code_width: 0,
    };
    writer.blocks(&document.blocks, Spacing::Loose);
    if !document.footnotes.is_empty() {
        writer.gap();
        for footnote in &document.footnotes {
            let mark = Line::of(Role::Link, format!("[^{}] ", footnote.label));
            writer.hanging(mark, |writer| {
                writer.blocks(&footnote.blocks, Spacing::Loose)
            });
        }
    }
    let links = document.targets.iter().zip(&writer.places).enumerate();
    Page {
        links: links
            .map(|(index, (target, place))| Link {
                number: writer.terms.numbers[index],
                target: target.clone(),
                line: place.unwrap_or_default(),
            })
            .collect(),
        text: Text {
            lines: writer.lines,
        },
        headings: writer.headings,
        code_width: writer.code_width,
    }
}

/// A target that is known keeps its number; the others go on counting.
fn numbers(targets: &[String], layout: Layout<'_>) -> Vec<usize> {
    let known = layout.known;
    let last = known.iter().map(|link| link.number).max().unwrap_or(0);
    let mut next = last.max(layout.first_link.saturating_sub(1));
    let number = |target: &String| match known.iter().find(|link| link.target == *target) {
        Some(link) => link.number,
        None => {
            next += 1;
            next
        }
    };
    targets.iter().map(number).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Spacing {
    Tight,
    Loose,
}

struct Prefix {
    /// What stands before the first line, until that has been written.
    first: Option<Line>,
    rest: Line,
}

struct Writer<'a> {
    layout: Layout<'a>,
    terms: Terms,
    lines: Vec<Line>,
    /// The first line of each link.
    places: Vec<Option<usize>>,
    headings: Vec<Heading>,
    prefixes: Vec<Prefix>,
    /// An empty line that is due, below this many prefixes.
    gap: Option<usize>,
    code_width: usize,
}

impl Writer<'_> {
    /// Columns left of the text.
    fn indent(&self) -> usize {
        let width = |prefix: &Prefix| wrap::text_columns(&prefix.rest.plain());
        self.prefixes.iter().map(width).sum()
    }

    /// Columns for text.
    fn room(&self) -> usize {
        self.layout.width.saturating_sub(self.indent())
    }

    /// Asks for an empty line before whatever comes next.
    fn gap(&mut self) {
        if !self.lines.is_empty() {
            self.gap = Some(self.prefixes.len());
        }
    }

    fn settle_gap(&mut self) {
        if let Some(depth) = self.gap.take() {
            let mut blank = Line::empty();
            for prefix in self.prefixes.iter().take(depth) {
                blank.spans.extend(prefix.rest.spans.clone());
            }
            trim_end(&mut blank);
            self.lines.push(blank);
        }
    }

    fn emit(&mut self, line: Line) {
        self.settle_gap();
        let mut out = Line::empty();
        for prefix in &mut self.prefixes {
            let piece = prefix.first.take().unwrap_or_else(|| prefix.rest.clone());
            for span in piece.spans {
                out.push(span.role, span.text);
            }
        }
        for span in line.spans {
            out.push(span.role, span.text);
        }
        trim_end(&mut out);
        self.lines.push(out);
    }

    fn emit_filled(&mut self, filled: Filled) {
        self.settle_gap();
        for link in filled.links {
            self.places[link].get_or_insert(self.lines.len());
        }
        self.emit(filled.line);
    }

    fn fill(&mut self, inlines: &[Inline]) {
        for filled in wrap::fill(inlines, self.room(), &self.terms) {
            self.emit_filled(filled);
        }
    }

    /// Writes something behind a mark. Where that leaves no room, the mark gets its own line.
    fn hanging(&mut self, mark: Line, write: impl FnOnce(&mut Self)) {
        let width = wrap::text_columns(&mark.plain());
        if self.room() >= width + NARROWEST {
            self.prefixes.push(Prefix {
                first: Some(mark),
                rest: Line::of(Role::Plain, " ".repeat(width)),
            });
            write(self);
            if self
                .prefixes
                .last()
                .is_some_and(|prefix| prefix.first.is_some())
            {
                self.emit(Line::empty());
            }
            self.prefixes.pop();
        } else {
            for line in paragraph(Role::Plain, &mark.plain(), self.room()).lines {
                self.emit(line);
            }
            write(self);
        }
    }

    fn blocks(&mut self, blocks: &[Block], spacing: Spacing) {
        for (index, block) in blocks.iter().enumerate() {
            // The rule below a heading sets it apart already; lines are few on a small screen.
            let ruled =
                index > 0 && matches!(blocks[index - 1], Block::Heading { level: ..=2, .. });
            if index > 0 && spacing == Spacing::Loose && !ruled {
                self.gap();
            }
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading { level, inlines } => self.heading(*level, inlines),
            Block::Paragraph(inlines) => self.fill(inlines),
            Block::Verbatim(text) => {
                for line in text.lines() {
                    self.fill(&[Inline::Run {
                        role: Role::Plain,
                        text: line.to_owned(),
                        link: None,
                    }]);
                }
            }
            Block::Code { language, text } => self.listing(language, text),
            Block::Quote { alert, blocks } => self.quote(*alert, blocks),
            Block::List {
                start,
                tight,
                items,
            } => self.list(*start, *tight, items),
            Block::Table(table) => {
                for filled in table::set(table, self.room(), &self.terms) {
                    self.emit_filled(filled);
                }
            }
            Block::Rule => self.emit(Line::of(Role::Dim, "─".repeat(self.room()))),
        }
    }

    fn heading(&mut self, level: u8, inlines: &[Inline]) {
        let role = if level <= 2 {
            Role::Heading
        } else {
            Role::Subheading
        };
        let inlines = retitled(inlines, role);
        self.settle_gap();
        let line = self.lines.len();
        let filled = wrap::fill(&inlines, self.room(), &self.terms);
        let text: Vec<String> = filled.iter().map(|filled| filled.line.plain()).collect();
        let width = text.iter().map(|text| wrap::text_columns(text)).max();
        self.headings.push(Heading {
            level,
            text: text.join(" "),
            line,
        });
        for filled in filled {
            self.emit_filled(filled);
        }
        let rule = match level {
            1 => "═",
            2 => "─",
            _ => return,
        };
        self.emit(Line::of(Role::Dim, rule.repeat(width.unwrap_or(0))));
    }

    fn listing(&mut self, language: &str, text: &str) {
        let lines = match self.layout.highlighter {
            Some(highlighter) => highlighter.lines(language, text),
            None => highlight::plain_lines(text),
        };
        let room = self.room().saturating_sub(CODE_INDENT).max(1);
        for line in lines {
            let width = wrap::text_columns(&line.plain());
            let indent = self.indent() + CODE_INDENT;
            self.code_width = self.code_width.max(indent + width);
            let shown = match self.layout.code {
                CodeLines::Whole => line,
                CodeLines::Cut { from } => cut(line, from, room),
            };
            let mut out = Line::of(Role::Plain, " ".repeat(CODE_INDENT));
            out.spans.extend(shown.spans);
            self.emit(out);
        }
    }

    fn quote(&mut self, alert: Option<Alert>, blocks: &[Block]) {
        let (role, word) = match alert {
            None => (Role::Dim, None),
            Some(Alert::Note) => (Role::Note, Some("Note")),
            Some(Alert::Tip) => (Role::Note, Some("Tip")),
            Some(Alert::Important) => (Role::Note, Some("Important")),
            Some(Alert::Warning) => (Role::Warning, Some("Warning")),
            Some(Alert::Caution) => (Role::Warning, Some("Caution")),
        };
        let bar = self.room() >= 2 + NARROWEST;
        if bar {
            // The gap before a quote lies outside it.
            self.settle_gap();
            self.prefixes.push(Prefix {
                first: None,
                rest: Line::of(role, "│ "),
            });
        }
        if let Some(word) = word {
            self.emit(Line::of(role, word));
        }
        self.blocks(blocks, Spacing::Loose);
        if bar {
            self.prefixes.pop();
        }
    }

    fn list(&mut self, start: Option<u64>, tight: bool, items: &[Item]) {
        let last = start.map(|start| start.saturating_add(items.len().saturating_sub(1) as u64));
        let digits = last.map_or(0, |last| last.to_string().len());
        let spacing = if tight {
            Spacing::Tight
        } else {
            Spacing::Loose
        };
        for (index, item) in items.iter().enumerate() {
            if index > 0 && spacing == Spacing::Loose {
                self.gap();
            }
            let mark = match (item.done, start) {
                (Some(true), _) => "[x] ".to_owned(),
                (Some(false), _) => "[ ] ".to_owned(),
                (None, Some(start)) => {
                    let number = start.saturating_add(index as u64);
                    format!("{number:>digits$}. ")
                }
                (None, None) => "• ".to_owned(),
            };
            self.hanging(Line::of(Role::Plain, mark), |writer| {
                writer.blocks(&item.blocks, spacing);
            });
        }
    }
}

/// The words of a title: emphasis inside it has nothing left to stress.
pub(super) fn retitled(inlines: &[Inline], title: Role) -> Vec<Inline> {
    let retitle = |inline: &Inline| match inline {
        Inline::Run {
            role: Role::Plain | Role::Strong | Role::Emphasis,
            text,
            link,
        } => Inline::Run {
            role: title,
            text: text.clone(),
            link: *link,
        },
        other => other.clone(),
    };
    inlines.iter().map(retitle).collect()
}

fn trim_end(line: &mut Line) {
    while let Some(last) = line.spans.last_mut() {
        last.text.truncate(last.text.trim_end_matches(' ').len());
        if !last.text.is_empty() {
            return;
        }
        line.spans.pop();
    }
}

/// The part of a line from column `from`, `room` columns wide, with `‹` and `›` where something is
/// missing.
fn cut(line: Line, from: usize, room: usize) -> Line {
    let width = wrap::text_columns(&line.plain());
    if from == 0 && width <= room || width == 0 {
        return line;
    }
    let more_left = from > 0;
    let more_right = width.saturating_sub(from) > room;
    let begin = from + usize::from(more_left);
    let end = from + room - usize::from(more_right);
    let mut out = Line::empty();
    if more_left {
        out.push(Role::Dim, "‹");
    }
    let mut column = 0;
    let mut written = begin;
    for span in &line.spans {
        for character in span.text.chars() {
            let next = column + wrap::columns(character);
            if column >= begin && next <= end {
                // Half of a wide character cannot be shown: a space stands for it.
                out.push(Role::Plain, " ".repeat(column.saturating_sub(written)));
                out.push(span.role, character);
                written = next;
            }
            column = next;
        }
    }
    if more_right {
        out.push(Role::Plain, " ".repeat(end.saturating_sub(written)));
        out.push(Role::Dim, "›");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::cut;
    use crate::render::text::{Line, Role};

    fn shown(text: &str, from: usize, room: usize) -> String {
        cut(Line::of(Role::Plain, text), from, room).plain()
    }

    #[test]
    fn what_is_cut_leaves_a_mark_on_its_side() {
        assert_eq!(shown("abcdef", 0, 6), "abcdef");
        assert_eq!(shown("abcdefg", 0, 6), "abcde›");
        assert_eq!(shown("abcdefg", 1, 6), "‹cdefg");
        assert_eq!(shown("abcdefgh", 1, 6), "‹cdef›");
        assert_eq!(shown("ab", 4, 6), "‹");
        assert_eq!(shown("", 4, 6), "");
    }

    #[test]
    fn half_a_wide_character_is_a_space() {
        assert_eq!(shown("ab中中", 0, 5), "ab中›");
        assert_eq!(shown("a中中中", 0, 5), "a中 ›");
    }
}
