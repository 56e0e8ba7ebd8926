//! A mistake in a file that somebody wrote: what it is, where it is, what would mend it.
//!
//! Loading collects all mistakes of all files; it never stops at the first. Drawing them with
//! carets is [`crate::render::problem`]'s work.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A file of the curriculum, with the text that spans point into.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name as the author knows it: relative to the pack, with `/`.
    pub name: String,
    /// Its whole text.
    pub text: String,
}

/// One mistake.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The file it is in.
    pub file: Arc<SourceFile>,
    /// Where, as byte offsets into the file's text; `None` when it concerns the file as a whole.
    pub span: Option<Range<usize>>,
    /// What is wrong: lower-case, without a full stop.
    pub message: String,
    /// What would mend it: a sentence.
    pub help: Option<String>,
}

impl Problem {
    /// The line of its first byte, counted from 1.
    pub fn line(&self) -> Option<usize> {
        let start = self.span.as_ref()?.start.min(self.file.text.len());
        Some(
            self.file.text.as_bytes()[..start]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count()
                + 1,
        )
    }
}

/// Every mistake that was found.
#[derive(Clone, Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            f.write_str(&problem.file.name)?;
            if let Some(line) = problem.line() {
                write!(f, ":{line}")?;
            }
            write!(f, ": {}", problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The candidate closest to what was written, if any is close enough to be meant.
pub fn did_you_mean<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    candidates
        .into_iter()
        .map(|candidate| (distance(written, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!("Did you mean `{candidate}`?"))
}

/// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_a_near_word_and_nothing_for_a_far_one() {
        let keys = ["title", "summary", "level"];
        assert_eq!(
            did_you_mean("titel", keys).as_deref(),
            Some("Did you mean `title`?")
        );
        assert_eq!(did_you_mean("colour", keys), None);
    }

    #[test]
    fn a_problem_knows_its_line() {
        let file = Arc::new(SourceFile {
            name: "a.toml".into(),
            text: "x = 1\ny = 2\n".into(),
        });
        let problem = Problem {
            file,
            span: Some(6..7),
            message: "m".into(),
            help: None,
        };
        assert_eq!(problem.line(), Some(2));
    }
}
