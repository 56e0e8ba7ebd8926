//! Lines about sockets: what a program that lists sockets printed about one of ours, and how that
//! differs from what it must be. Bytes in, plain data out; and the kernel's own table, to tell how
//! far the program has read in it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::curriculum::expression::{self, ExpressionError};

/// Bytes that are no ASCII ride through templates as characters of their own: the last of the
/// private use plane, which no author writes.
const RIDE: u32 = 0x10_FF00;

/// Bytes as characters of a template's context.
pub fn as_characters(bytes: &[u8]) -> String {
    let character = |byte: &u8| match byte {
        0..=0x7f => char::from(*byte),
        _ => char::from_u32(RIDE + u32::from(*byte)).unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    bytes.iter().map(character).collect()
}

/// Fills a template over `socket`, whose name may be any bytes.
///
/// # Errors
/// What is wrong with the template.
pub fn fill(template: &str, context: &impl Serialize) -> Result<Vec<u8>, ExpressionError> {
    let filled = expression::fill(template, context)?;
    let mut bytes = Vec::new();
    for character in filled.chars() {
        match u32::from(character).checked_sub(RIDE) {
            Some(byte) => bytes.push(byte as u8),
            None => bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(bytes)
}

/// What a program printed, line by line.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a>(pub &'a [u8]);

/// How a line that must be there was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// As it must be.
    Right,
    /// A line with the same first word is different.
    Different(&'a [u8]),
    /// No line has that first word.
    Missing,
}

impl<'a> Listing<'a> {
    /// Whole lines, without their line feeds.
    pub fn lines(self) -> impl Iterator<Item = &'a [u8]> {
        self.0
            .split_inclusive(|&byte| byte == b'\n')
            .filter_map(|line| line.strip_suffix(b"\n"))
    }

    /// Looks for a line. All that begin with its first word must be it.
    pub fn find(self, wanted: &[u8]) -> Found<'a> {
        let key = first_word(wanted);
        let mut found = Found::Missing;
        for line in self.lines().filter(|line| first_word(line) == key) {
            if line != wanted {
                return Found::Different(line);
            }
            found = Found::Right;
        }
        found
    }

    /// The first line that has something in it.
    pub fn containing(self, part: &[u8]) -> Option<&'a [u8]> {
        let contains = |line: &&[u8]| line.windows(part.len().max(1)).any(|found| found == part);
        self.lines().find(contains)
    }
}

fn first_word(line: &[u8]) -> &[u8] {
    line.split(|&byte| byte == b' ').next().unwrap_or_default()
}

/// Where a line that is a beginning of the wanted one stops: at a `blank`, a `control` character, a
/// `byte` that is no ASCII, or another `character`; empty where it is no beginning.
pub fn cut_at(wanted: &[u8], got: &[u8]) -> &'static str {
    let next = wanted.strip_prefix(got).and_then(|rest| rest.first());
    match next {
        None => "",
        Some(b' ' | b'\t') => "blank",
        Some(0..=0x1f | 0x7f) => "control",
        Some(0x80..) => "byte",
        Some(_) => "character",
    }
}

/// Whether two lines are the same but for blanks and tabs.
pub fn only_blanks_differ(wanted: &[u8], got: &[u8]) -> bool {
    let solid = |line: &[u8]| -> Vec<u8> {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        line.iter().copied().filter(|byte| !blank(byte)).collect()
    };
    wanted != got && solid(wanted) == solid(got)
}

/// What follows the second blank of a line.
pub fn third_part(line: &[u8]) -> &[u8] {
    line.splitn(3, |&byte| byte == b' ')
        .nth(2)
        .unwrap_or_default()
}

/// The kernel's table of Unix sockets, and how far a program's lines about ours reach in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableState {
    /// Its length in bytes, as the checker read it.
    pub bytes: usize,
    /// Sockets of the stage that belong in a list of those that can be reached by name.
    pub ours: usize,
    /// How many of those have a line.
    pub ours_listed: usize,
    /// Whether these are the first of them in the order of the table: some sockets have lines, of ours not
    /// all, and all that have one, whosever they are, come before all of ours that have none.
    pub ours_beginning: bool,
    /// Whether the table has any socket that has a line.
    #[serde(skip)]
    known_listed: bool,
}

impl TableState {
    /// Compares the table with what was printed about the sockets of these inodes.
    pub fn compare(table: &[u8], listing: Listing<'_>, ours: &BTreeSet<Vec<u8>>) -> Self {
        let listed: BTreeSet<&[u8]> = listing.lines().map(first_word).collect();
        let inodes: Vec<&[u8]> = Listing(table).lines().filter_map(inode).collect();
        let found: Vec<bool> = inodes
            .iter()
            .filter(|inode| ours.contains(**inode))
            .map(|inode| listed.contains(inode))
            .collect();
        let last_listed = inodes.iter().rposition(|inode| listed.contains(inode));
        let first_left_out = inodes
            .iter()
            .position(|inode| ours.contains(*inode) && !listed.contains(inode));
        Self {
            bytes: table.len(),
            ours: found.len(),
            ours_listed: found.iter().filter(|listed| **listed).count(),
            known_listed: last_listed.is_some(),
            ours_beginning: match (last_listed, first_left_out) {
                (Some(listed), Some(left_out)) => listed < left_out,
                _ => false,
            },
        }
    }
}

impl TableState {
    /// What several runs of a program show together, the first for the numbers. Whether the lines stop
    /// early cannot be told of a run whose sockets are all gone from the table; of the others each must.
    pub fn of_runs(runs: impl Iterator<Item = Self>) -> Self {
        let runs: Vec<Self> = runs.collect();
        let mut known = runs.iter().filter(|run| run.known_listed).peekable();
        Self {
            ours_beginning: known.peek().is_some() && known.all(|run| run.ours_beginning),
            ..runs.first().copied().unwrap_or_default()
        }
    }
}

/// The column Inode of a line of the table.
fn inode(line: &[u8]) -> Option<&[u8]> {
    let mut columns = line
        .split(|&byte| byte == b' ')
        .filter(|column| !column.is_empty());
    columns.nth(6)
}

/// The table as it is now; empty where it cannot be read.
pub fn read_table() -> Vec<u8> {
    std::fs::read("/proc/net/unix").unwrap_or_default()
}

/// What a template about a socket may name.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SocketContext {
    /// Its inode.
    pub inode: u64,
    /// `stream`, `dgram` or `seqpacket`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its name as the kernel shows it, by [`as_characters`].
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_of_any_bytes_passes_through_a_template() {
        let name: Vec<u8> = (1..=255).collect();
        let context = json!({ "socket": { "name": as_characters(&name) } });
        let filled = fill("7 é {{ socket.name }}", &context).unwrap();
        assert_eq!(filled, [b"7 \xc3\xa9 ", &name[..]].concat());
    }

    #[test]
    fn a_line_is_found_by_its_first_word_and_must_be_whole() {
        let listing = Listing(b"12 stream /a\n123 stream /b c\n9 dgram /half");
        assert_eq!(listing.find(b"12 stream /a"), Found::Right);
        let cut = Found::Different(b"123 stream /b c");
        assert_eq!(listing.find(b"123 stream /b c d"), cut);
        assert_eq!(listing.find(b"9 dgram /half"), Found::Missing);
        assert_eq!(listing.containing(b"/b"), Some(&b"123 stream /b c"[..]));
    }

    #[test]
    fn lines_stop_early_when_they_do_in_every_run_of_which_that_can_be_told() {
        let row = |inode: u32| format!("0000: 2 0 10000 0001 01 {inode} /x\n");
        let table = [1, 2, 3, 4].map(row).concat();
        let ours: BTreeSet<Vec<u8>> = [b"3".to_vec(), b"4".to_vec()].into();
        let run = |lines: &[u8]| TableState::compare(table.as_bytes(), Listing(lines), &ours);
        let early = run(b"1 stream /x\n3 stream /x\n");
        let late = run(b"4 stream /x\n");
        // Whatever it lists is not there any more.
        let unknown = run(b"77 stream /x\n");
        let stop_early =
            |runs: &[TableState]| TableState::of_runs(runs.iter().copied()).ours_beginning;
        assert!(stop_early(&[early]));
        assert!(stop_early(&[unknown, early, early]));
        assert!(!stop_early(&[early, late]));
        assert!(!stop_early(&[unknown, unknown]));
        assert_eq!(
            TableState::of_runs([early, late].into_iter()).ours_listed,
            1
        );
    }

    #[test]
    fn the_place_of_a_cut_is_named() {
        assert_eq!(cut_at(b"1 stream /a b", b"1 stream /a"), "blank");
        assert_eq!(cut_at(b"1 stream /a\rb", b"1 stream /a"), "control");
        assert_eq!(cut_at(b"1 stream /a\xff", b"1 stream /a"), "byte");
        assert_eq!(cut_at(b"1 stream /a", b"1 stream /"), "character");
        assert_eq!(cut_at(b"1 stream /a", b"1 dgram /a"), "");
        assert_eq!(cut_at(b"1 stream /a", b"1 stream /a"), "");
    }

    #[test]
    fn a_program_that_stopped_after_a_page_is_told_by_its_lines() {
        let row = |inode: u32| {
            format!("0000000000000000: 00000002 00000000 00010000 0001 01 {inode:5} /run/{inode}\n")
        };
        let table: String = std::iter::once("Num RefCount\n".to_owned())
            .chain((100..200).map(row))
            .collect();
        let ours = (110..200)
            .map(|inode| inode.to_string().into_bytes())
            .collect();
        let line = |inode: u32| format!("{inode} stream /run/{inode}\n");
        let state = |printed: String| {
            TableState::compare(table.as_bytes(), Listing(printed.as_bytes()), &ours)
        };
        let beginning = state((100..150).map(line).collect());
        assert_eq!((beginning.ours, beginning.ours_listed), (90, 40));
        assert!(beginning.ours_beginning);
        assert!(
            !state(
                (100..200)
                    .filter(|inode| inode % 2 == 0)
                    .map(line)
                    .collect()
            )
            .ours_beginning
        );
        assert!(!state((100..200).map(line).collect()).ours_beginning);
        // Where others fill the first page, none of ours is in it.
        let none = state((100..105).map(line).collect());
        assert_eq!((none.ours_listed, none.ours_beginning), (0, true));
        assert!(!state((100..105).chain([199]).map(line).collect()).ours_beginning);
        assert!(!state(String::new()).ours_beginning);
    }
}
