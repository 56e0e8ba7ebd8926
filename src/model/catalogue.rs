//! Rows of the catalogue as scripts: what Linux is known to do, each with calls that show it.
//!
//! ```text
//! ### J24 a queue that goes takes its descriptors with it
//! pipe nonblock
//! = fds 3 4
//! ```

use super::row::{Row, row};
use super::script::{Mistake, Script};

/// A row that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which it is.
    pub row: Row,
    /// What it says, in a few words.
    pub title: String,
    /// What shows it.
    pub script: Script,
}

/// What begins a row.
const HEAD: &str = "### ";

/// Reads the rows of a file.
///
/// # Errors
/// The first mistake, with its line in the file.
pub fn read(text: &str) -> Result<Vec<Entry>, Mistake> {
    let lines: Vec<&str> = text.lines().collect();
    let heads: Vec<usize> = (0..lines.len())
        .filter(|at| lines[*at].starts_with(HEAD))
        .collect();
    let mut entries = Vec::new();
    for (place, head) in heads.iter().enumerate() {
        let end = heads.get(place + 1).copied().unwrap_or(lines.len());
        let (name, title) = lines[*head][HEAD.len()..]
            .split_once(' ')
            .unwrap_or_default();
        let Some(row) = parsed(name) else {
            let message = format!("`{}` names no row", lines[*head]);
            return Err(Mistake::at(head + 1, message));
        };
        let script = Script::parse(&lines[head + 1..end].join("\n"));
        let script = script.map_err(|mistake| mistake.moved(head + 1))?;
        entries.push(Entry {
            row,
            title: title.to_owned(),
            script,
        });
    }
    Ok(entries)
}

fn parsed(name: &str) -> Option<Row> {
    match name.as_bytes() {
        [b'A'..=b'Z', b'0'..=b'9', b'0'..=b'9'] => Some(row(name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_a_row_is_told_with_the_line_of_the_file() {
        let text = "### A01 one\nclose 3\n= -1 EBADF\n### A02 two\nclosed 3\n";
        assert_eq!(read(text).unwrap_err().line, 5);
        assert_eq!(read("### one\n").unwrap_err().line, 1);
        let entries = read(&text.replace("closed", "close")).unwrap();
        assert_eq!(entries[1].row, row("A02"));
        assert_eq!(entries[1].title, "two");
    }
}
