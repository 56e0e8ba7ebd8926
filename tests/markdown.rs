//! Markdown on a page: a rich document at two widths, and what holds for any text at any width.

use ipc_mastery::experiment::judgement::escape;
use ipc_mastery::render::highlight::Highlighter;
use ipc_mastery::render::markdown::{CodeLines, Document, Layout, Link, Page, link_list};
use proptest::prelude::{Just, ProptestConfig, any, prop, prop_assert, prop_assert_eq, prop_oneof};
use proptest::prelude::{Strategy, proptest};

const RICH: &str = include_str!("fixtures/rich.md");

fn rich(width: usize) -> Page {
    Document::parse(RICH).layout(Layout::new(width))
}

#[test]
fn a_rich_document_at_80_columns() {
    insta::assert_snapshot!(rich(80).text.plain());
}

#[test]
fn a_rich_document_at_40_columns() {
    insta::assert_snapshot!(rich(40).text.plain());
}

#[test]
fn a_rich_document_at_20_columns() {
    insta::assert_snapshot!(rich(20).text.plain());
}

#[test]
fn links_are_numbered_once_and_listed_with_their_lines() {
    let page = rich(80);
    let numbers: Vec<usize> = page.links.iter().map(|link| link.number).collect();
    assert_eq!(numbers, [1, 2]);
    for link in &page.links {
        let mark = format!("[{}]", link.number);
        assert!(page.text.lines[link.line].plain().contains(&mark));
    }
    let listed = link_list(&page.links, 80).plain();
    assert!(listed.starts_with("[1] https://man7.org/"), "{listed}");
    let known = [
        &page.links[1..],
        &[Link {
            number: 7,
            target: "/x".into(),
            line: 0,
        }],
    ]
    .concat();
    let later = Document::parse(RICH).layout(Layout::new(80).links_after(&known));
    let numbers: Vec<usize> = later.links.iter().map(|link| link.number).collect();
    assert_eq!(numbers, [8, 2]);
    assert!(later.text.plain().contains("manual page [8]"));
}

#[test]
fn headings_know_their_lines() {
    let page = rich(40);
    let found: Vec<(u8, &str, String)> = page
        .headings
        .iter()
        .map(|heading| {
            let line = page.text.lines[heading.line].plain();
            (heading.level, heading.text.as_str(), line)
        })
        .collect();
    assert_eq!(
        found,
        [
            (1, "What a page can hold", "What a page can hold".to_owned()),
            (2, "Lists", "Lists".to_owned()),
            (3, "A listing", "A listing".to_owned()),
        ]
    );
}

#[test]
fn wide_code_is_cut_with_a_mark_scrolled_or_whole() {
    let code = "```\n0123456789012345678901234567890\nshort\n```\n";
    let set = |code_lines| {
        let page = Document::parse(code).layout(Layout::new(20).code(code_lines));
        assert_eq!(page.code_width, 33);
        page.text.plain()
    };
    let cut = set(CodeLines::Cut { from: 0 });
    assert_eq!(cut, "  01234567890123456›\n  short\n");
    let scrolled = set(CodeLines::Cut { from: 13 });
    assert_eq!(scrolled, "  ‹45678901234567890\n  ‹\n");
    let whole = set(CodeLines::Whole);
    assert_eq!(whole, "  0123456789012345678901234567890\n  short\n");
}

#[test]
fn colouring_a_listing_changes_no_character() {
    let document = Document::parse(RICH);
    let plain = document.layout(Layout::new(80));
    let coloured = document.layout(Layout::new(80).highlighted(Some(Highlighter::wait())));
    assert_eq!(plain.text.plain(), coloured.text.plain());
    assert_ne!(plain.text, coloured.text);
}

#[test]
fn text_that_could_move_the_cursor_is_shown_escaped() {
    let text = "a \x1b[2J b \u{202e}c\n\n```\n\x1b]0;title\x07\n```\n[x](http://a/\u{9b}1m)\n";
    let page = Document::parse(text).layout(Layout::new(60));
    let shown = page.text.plain();
    assert!(shown.contains(r"\x1b[2J b \xe2\x80\xaec"), "{shown}");
    assert!(shown.contains(r"\x1b]0;title\x07"), "{shown}");
    assert_eq!(page.links[0].target, r"http://a/\xc2\x9b1m");
}

#[test]
fn a_value_in_a_slot_cannot_become_markdown() {
    let value = "*a* [b](c) `d` <e> # \\ | & _f_";
    let page = Document::parse(&format!("x {} y", escape(value))).layout(Layout::new(200));
    assert_eq!(page.text.plain(), format!("x {value} y\n"));
    assert!(page.links.is_empty());
    assert_eq!(page.text.lines[0].spans.len(), 1);
}

#[test]
fn quotes_nested_without_end_are_set_and_do_not_overflow_the_stack() {
    let deep = format!("{}word", ">".repeat(20_000));
    let page = Document::parse(&deep).layout(Layout::new(40));
    assert!(page.text.plain().contains("word"));
    let list = format!("{}word", "- ".repeat(5_000));
    let page = Document::parse(&list).layout(Layout::new(40));
    assert!(page.text.plain().contains("word"));
}

/// Pieces that make markdown's constructs meet each other.
fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-zA-Z]{1,12}",
        1 => "[a-z/]{30,90}",
        3 => "[ \n]",
        1 => Just("\n\n".to_owned()),
        4 => prop::sample::select(vec![
            "# ", "## ", "- ", "1. ", "999999999. ", "> ", "> [!NOTE]\n> ", "    ", "\t", "**", "*",
            "_", "`", "```\n", "```c\n", "\n| a | b |\n|---|:-:|\n| ", " | ", " |\n", "[", "](/x)",
            "![", "[^1]", "\n\n[^1]: ", "<div>", "<b>", "\\", "\n---\n", "- [x] ", "~~", "&amp;",
            "中文字", "é", "e\u{301}", "\u{1f468}\u{200d}\u{1f469}", "\x1b[2J", "\u{9b}", "\u{a0}",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_line_is_wider_than_the_page(text in markdown(), width in 20_usize..200, from in 0_usize..9) {
        let layout = Layout::new(width).code(CodeLines::Cut { from });
        let page = Document::parse(&text).layout(layout);
        for line in &page.text.lines {
            prop_assert!(line.width() <= width, "{} > {width}: {:?}", line.width(), line.plain());
        }
        for line in link_list(&page.links, width).lines {
            prop_assert!(line.width() <= width);
        }
    }

    #[test]
    fn no_control_character_reaches_the_terminal(text in markdown(), width in 20_usize..200) {
        let page = Document::parse(&text).layout(Layout::new(width));
        for line in page.text.lines.iter().chain(&link_list(&page.links, width).lines) {
            for span in &line.spans {
                prop_assert!(!span.text.chars().any(char::is_control), "{:?}", span.text);
            }
        }
    }

    /// Whatever the width, the same letters come out: wrapping, cutting tables into records and
    /// narrow lists lose nothing. (Letters, because signs are also drawn by the layout itself.)
    #[test]
    fn nothing_is_lost_at_any_width(text in markdown(), width in 20_usize..200) {
        let letters = |width| {
            let layout = Layout::new(width).code(CodeLines::Whole);
            let page = Document::parse(&text).layout(layout);
            let mut letters: Vec<char> =
                page.text.plain().chars().filter(|c| c.is_alphabetic()).collect();
            letters.sort_unstable();
            letters
        };
        let (mut narrow, mut wide) = (letters(width), letters(100_000));
        // A table set as records repeats its head in every row; there, only what is there at all
        // can be compared.
        if text.contains('|') {
            narrow.dedup();
            wide.dedup();
        }
        prop_assert_eq!(narrow, wide);
    }

    /// Words in paragraphs, lists, quotes, headings and listings come out in their order.
    #[test]
    fn every_word_appears_in_order(
        words in prop::collection::vec("[a-z]{1,60}", 1..40),
        marks in prop::collection::vec(
            prop::sample::select(vec![" ", "\n", "\n\n", "\n\n- ", "\n\n1. ", "\n\n> ", "\n\n# ", " **", "** ", " `", "` ", "\n\n```\n"]),
            40,
        ),
        width in 20_usize..200,
    ) {
        let text: String = words.iter().zip(&marks).map(|(word, mark)| format!("{word}{mark}")).collect();
        let page = Document::parse(&text).layout(Layout::new(width).code(CodeLines::Whole));
        let squeeze = |text: &str| text.chars().filter(char::is_ascii_lowercase).collect::<String>();
        prop_assert_eq!(squeeze(&page.text.plain()), words.concat());
    }

    #[test]
    fn an_escaped_value_is_shown_as_it_is(value in "[ -~]{0,40}") {
        let page = Document::parse(&format!("x{}x", escape(&value))).layout(Layout::new(200));
        let squeezed = |text: &str| text.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(squeezed(page.text.plain().trim_end()), squeezed(&format!("x{value}x")));
    }
}
