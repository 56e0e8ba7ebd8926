//! The glossary: words of manual pages and of the kernel, each with one sentence and where it is
//! written. Reads `glossary.toml`.

use serde::Serialize;

use super::claim::optional_page;
use super::correction::sentence;
use super::reader::{Located, Reader};

/// A word, and what it means.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Term {
    /// The word, as it is written within a sentence.
    pub name: Located<String>,
    /// What it means: one sentence.
    pub says: String,
    /// A manual page with its section: `unix(7)`.
    pub reference: Option<String>,
    /// A kernel identifier to look up.
    pub ident: Option<String>,
    /// The lesson that teaches it, by slug.
    pub lesson: Option<Located<String>>,
}

impl Term {
    /// Reads all terms. They are in the order of the alphabet, each once.
    pub(super) fn read_all(top: &mut Reader<'_>) -> Vec<Self> {
        top.format();
        let terms = top.tables("term", "a term", Self::read);
        for pair in terms.windows(2) {
            let (before, after) = (pair[0].key(), pair[1].key());
            let (message, help) = match before.cmp(&after) {
                std::cmp::Ordering::Less => continue,
                std::cmp::Ordering::Equal => {
                    let message = format!("term `{}` occurs twice", pair[1].name.value);
                    (message, "Keep one of the two.".to_owned())
                }
                std::cmp::Ordering::Greater => {
                    let (first, second) = (&pair[1].name.value, &pair[0].name.value);
                    let message = format!("`{first}` stands after `{second}`");
                    (
                        message,
                        "Terms are in the order of the alphabet.".to_owned(),
                    )
                }
            };
            top.problem(pair[1].name.span.clone(), message, Some(help));
        }
        terms
    }

    fn read(table: &mut Reader<'_>) -> Self {
        let name = table.located_text("name");
        let reference = optional_page(table, "reference");
        let ident = table.optional_text("ident");
        let lesson = table.optional_text("lesson");
        if reference.is_none() && ident.is_none() && lesson.is_none() {
            let help =
                "Add `reference`, a manual page; or `ident`, a kernel identifier; or `lesson`."
                    .to_owned();
            let message = "nothing says where this term is explained".to_owned();
            table.problem(name.span.clone(), message, Some(help));
        }
        Self {
            says: sentence(table, "says"),
            reference: reference.map(|page| page.value),
            ident: ident.map(|ident| ident.value),
            lesson,
            name,
        }
    }

    /// By what it is sorted: letters and digits, small.
    fn key(&self) -> String {
        let kept = self.name.value.chars().filter(|c| c.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::curriculum::problem::SourceFile;
    use crate::curriculum::reader::{Report, read_file};

    fn mistakes(terms: &[(&str, &str)]) -> Vec<String> {
        let mut text = "format = 1\n".to_owned();
        for (name, rest) in terms {
            text += &format!("[[term]]\nname = \"{name}\"\nsays = \"It is.\"\n{rest}\n");
        }
        let file = Arc::new(SourceFile {
            name: "glossary.toml".into(),
            text,
        });
        let report = Report::new(file);
        read_file(&report, Term::read_all);
        let problems = report.finish().into_iter();
        problems
            .map(|problem| {
                let line = problem.line().unwrap_or(0);
                assert!(problem.help.is_some(), "{}", problem.message);
                format!("{line}: {}", problem.message)
            })
            .collect()
    }

    #[test]
    fn terms_are_sorted_without_case_and_signs() {
        let page = "reference = \"unix(7)\"";
        let ident = "ident = \"unix_bind\"";
        let sound = [("/proc", page), ("Socket", ident), ("tmpfs", page)];
        assert_eq!(mistakes(&sound), [""; 0]);
        assert_eq!(
            mistakes(&[("socket", page), ("backlog", page)]),
            ["7: `backlog` stands after `socket`"]
        );
        assert_eq!(
            mistakes(&[("socket", page), ("Socket", page)]),
            ["7: term `Socket` occurs twice"]
        );
    }

    #[test]
    fn a_term_says_where_it_is_written() {
        assert_eq!(
            mistakes(&[("socket", "")]),
            ["3: nothing says where this term is explained"]
        );
        assert_eq!(
            mistakes(&[("socket", "reference = \"a book\"")]),
            ["5: `a book` is no manual page"]
        );
    }
}
