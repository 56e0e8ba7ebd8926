//! Markdown events to blocks. All text is made harmless here, once: whatever could move the cursor
//! or hide something is escaped, line feeds survive in code only.

use pulldown_cmark::{
    Alignment, BlockQuoteKind, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd,
};

use super::{Alert, Block, Document, Footnote, Inline, Item, Side, Table};
use crate::render::text::Role;
use crate::untrusted::readable;

/// Quotes and lists nested deeper than this are set as if they were this deep: no terminal is wide
/// enough, and no stack deep enough, for all that can be written.
const DEEPEST: usize = 24;

pub(super) fn parse(markdown: &str) -> Document {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_GFM
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_STRIKETHROUGH;
    let mut builder = Builder::default();
    for event in Parser::new_ext(markdown, options) {
        builder.event(event);
    }
    builder.flush();
    while let Some(container) = builder.containers.pop() {
        builder.close(container);
    }
    builder.document
}

#[derive(Default)]
struct Builder {
    document: Document,
    /// Open quotes, lists, items and footnotes, outermost first.
    containers: Vec<Container>,
    /// Containers that were too deep to open.
    too_deep: usize,
    inlines: Vec<Inline>,
    roles: Vec<Role>,
    links: Vec<usize>,
    /// A listing or raw HTML being gathered: its language, its text.
    listing: Option<(String, String)>,
    table: Option<Table>,
    row: Vec<Vec<Inline>>,
}

enum Container {
    Quote(Option<Alert>, Vec<Block>),
    List {
        start: Option<u64>,
        tight: bool,
        items: Vec<Item>,
    },
    Item(Item),
    Footnote(Footnote),
}

impl Builder {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.listing {
                Some((_, listing)) => listing.push_str(&text),
                None => self.text(self.role(), &text),
            },
            Event::Html(text) => match &mut self.listing {
                Some((_, html)) => html.push_str(&text),
                None => self.text(Role::Plain, &text),
            },
            Event::InlineHtml(text) => self.text(self.role(), &text),
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text(Role::Code, &text);
            }
            Event::FootnoteReference(label) => self.text(Role::Link, &format!("[^{label}]")),
            Event::SoftBreak => self.text(self.role(), " "),
            Event::HardBreak => self.inlines.push(Inline::Break),
            Event::Rule => {
                self.flush();
                self.add(Block::Rule);
            }
            Event::TaskListMarker(done) => {
                if let Some(Container::Item(item)) = self.containers.last_mut() {
                    item.done = Some(done);
                }
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => {
                self.flush();
                let depth = self.containers.len();
                if let [.., Container::List { tight, .. }, Container::Item(_)] =
                    &mut self.containers[..depth]
                {
                    *tight = false;
                }
            }
            Tag::Heading { .. } | Tag::HtmlBlock => {
                self.flush();
                if matches!(tag, Tag::HtmlBlock) {
                    self.listing = Some(Default::default());
                }
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                let language = match kind {
                    CodeBlockKind::Fenced(info) => {
                        let word = info.split([' ', ',', '\t']).next().unwrap_or_default();
                        readable(word).into_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                self.listing = Some((language, String::new()));
            }
            Tag::BlockQuote(kind) => self.open(Container::Quote(kind.map(alert), Vec::new())),
            Tag::List(start) => self.open(Container::List {
                start,
                tight: true,
                items: Vec::new(),
            }),
            Tag::Item => self.open(Container::Item(Item::default())),
            Tag::FootnoteDefinition(label) => self.open(Container::Footnote(Footnote {
                label: readable(&label).into_owned(),
                blocks: Vec::new(),
            })),
            Tag::Table(alignments) => {
                self.flush();
                self.table = Some(Table {
                    sides: alignments.into_iter().map(side).collect(),
                    ..Table::default()
                });
            }
            Tag::Emphasis => self.roles.push(Role::Emphasis),
            Tag::Strong => self.roles.push(Role::Strong),
            Tag::Strikethrough => self.roles.push(Role::Dim),
            Tag::Link { dest_url, .. } => {
                let link = self.target(&dest_url);
                self.links.push(link);
                self.roles.push(Role::Link);
            }
            Tag::Image { dest_url, .. } => {
                let link = self.target(&dest_url);
                self.text(Role::Dim, "picture: ");
                self.links.push(link);
                self.roles.push(Role::Link);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                let inlines = std::mem::take(&mut self.inlines);
                self.add(Block::Heading {
                    level: number(level),
                    inlines,
                });
            }
            TagEnd::CodeBlock => {
                let (language, text) = self.listing.take().unwrap_or_default();
                self.add(Block::Code {
                    language,
                    text: clean_lines(&text),
                });
            }
            TagEnd::HtmlBlock => {
                let (_, text) = self.listing.take().unwrap_or_default();
                if !text.trim().is_empty() {
                    self.add(Block::Verbatim(clean_lines(&text)));
                }
            }
            TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item | TagEnd::FootnoteDefinition => {
                self.flush();
                if self.too_deep > 0 {
                    self.too_deep -= 1;
                } else if let Some(container) = self.containers.pop() {
                    self.close(container);
                }
            }
            TagEnd::TableCell => self.row.push(std::mem::take(&mut self.inlines)),
            TagEnd::TableHead => {
                let row = std::mem::take(&mut self.row);
                if let Some(table) = &mut self.table {
                    table.head = row;
                }
            }
            TagEnd::TableRow => {
                let row = std::mem::take(&mut self.row);
                if let Some(table) = &mut self.table {
                    table.rows.push(row);
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.add(Block::Table(table));
                }
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.roles.pop();
            }
            TagEnd::Link | TagEnd::Image => {
                self.roles.pop();
                if let Some(link) = self.links.pop() {
                    self.inlines.push(Inline::LinkNumber(link));
                }
            }
            _ => self.flush(),
        }
    }

    /// The innermost role; a link outweighs emphasis inside it.
    fn role(&self) -> Role {
        if self.links.is_empty() {
            self.roles.last().copied().unwrap_or_default()
        } else {
            Role::Link
        }
    }

    fn text(&mut self, role: Role, text: &str) {
        let flat = text.replace(['\n', '\r', '\t'], " ");
        let link = self.links.last().copied();
        self.inlines.push(Inline::Run {
            role,
            text: readable(&flat).into_owned(),
            link,
        });
    }

    fn target(&mut self, url: &str) -> usize {
        let url = readable(url).into_owned();
        let targets = &mut self.document.targets;
        targets
            .iter()
            .position(|known| *known == url)
            .unwrap_or_else(|| {
                targets.push(url);
                targets.len() - 1
            })
    }

    fn open(&mut self, container: Container) {
        self.flush();
        if self.containers.len() >= DEEPEST || self.too_deep > 0 {
            self.too_deep += 1;
        } else {
            self.containers.push(container);
        }
    }

    fn close(&mut self, container: Container) {
        match container {
            Container::Quote(alert, blocks) => self.add(Block::Quote { alert, blocks }),
            Container::List {
                start,
                tight,
                items,
            } => self.add(Block::List {
                start,
                tight,
                items,
            }),
            Container::Item(item) => match self.containers.last_mut() {
                Some(Container::List { items, .. }) => items.push(item),
                _ => item.blocks.into_iter().for_each(|block| self.add(block)),
            },
            Container::Footnote(footnote) => self.document.footnotes.push(footnote),
        }
    }

    /// Ends the paragraph that a tight item or a stray text began.
    fn flush(&mut self) {
        if self.table.is_none() && !self.inlines.is_empty() {
            let inlines = std::mem::take(&mut self.inlines);
            self.add(Block::Paragraph(inlines));
        }
    }

    fn add(&mut self, block: Block) {
        match self.containers.last_mut() {
            None => self.document.blocks.push(block),
            Some(Container::Quote(_, blocks)) => blocks.push(block),
            Some(Container::Item(item)) => item.blocks.push(block),
            Some(Container::Footnote(footnote)) => footnote.blocks.push(block),
            // Only when an item was too deep to open.
            Some(Container::List { items, .. }) => items.push(Item {
                done: None,
                blocks: vec![block],
            }),
        }
    }
}

/// Lines of a listing: tabs become four spaces, everything else that is no character is escaped.
fn clean_lines(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        out.push_str(&readable(&line.replace('\t', "    ")));
        out.push('\n');
    }
    out
}

fn alert(kind: BlockQuoteKind) -> Alert {
    match kind {
        BlockQuoteKind::Note => Alert::Note,
        BlockQuoteKind::Tip => Alert::Tip,
        BlockQuoteKind::Important => Alert::Important,
        BlockQuoteKind::Warning => Alert::Warning,
        BlockQuoteKind::Caution => Alert::Caution,
    }
}

fn side(alignment: Alignment) -> Side {
    match alignment {
        Alignment::None | Alignment::Left => Side::Left,
        Alignment::Center => Side::Center,
        Alignment::Right => Side::Right,
    }
}

fn number(level: HeadingLevel) -> u8 {
    level as u8
}
