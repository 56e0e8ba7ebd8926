//! Pages to look things up in, as markdown: the same text for a terminal and for the book, but for
//! the links.

mod corrections;
mod glossary;
mod project;
mod quick_reference;

pub use corrections::corrections;
pub use glossary::{glossary, term};
pub use project::{Standing, project};
pub use quick_reference::{area, call, quick_reference, trace};

use crate::curriculum::Curriculum;
use crate::experiment::judgement::ident_url;

/// Where a page is read.
#[derive(Clone, Copy, Debug)]
pub enum Medium<'a> {
    /// On a terminal of a machine that runs this kernel release.
    Terminal {
        /// As `uname -r` prints it.
        release: &'a str,
    },
    /// On the full screen, where a key opens a lesson.
    Screen,
    /// In the book, on any machine.
    Book,
}

impl Medium<'_> {
    /// How to search a page there.
    fn search(self) -> &'static str {
        match self {
            Self::Terminal { .. } => " In the pager, `/` searches.",
            Self::Screen | Self::Book => "",
        }
    }

    /// A manual page, `unix(7)`: as code, or with a link to its text.
    pub fn page(self, page: &str) -> String {
        let parts = page
            .split_once('(')
            .map(|(name, rest)| (name, rest.split(')').next().unwrap_or(rest)));
        match (self, parts) {
            (Self::Book, Some((name, section))) => {
                format!("[{page}](https://manpages.debian.org/{name}.{section})")
            }
            (Self::Terminal { .. } | Self::Screen, Some((name, section))) => {
                format!("`man {section} {name}`")
            }
            (_, None) => page.to_owned(),
        }
    }

    /// A name in the kernel's source: as code, or with a link to where it is defined and used.
    pub fn ident(self, name: &str) -> String {
        match self {
            Self::Terminal { .. } | Self::Screen => format!("`{name}`"),
            Self::Book => format!("[`{name}`]({})", ident_url(name, None)),
        }
    }

    /// A lesson by its slug: how to read it here. Nothing when there is no such lesson.
    fn lesson(self, slug: &str, curriculum: &Curriculum) -> Option<String> {
        let lesson = curriculum.lesson(slug)?;
        Some(match self {
            Self::Terminal { .. } => format!("`ipc-mastery read {slug}`"),
            Self::Screen => format!("lesson “{}”", lesson.title),
            Self::Book => format!("lesson [{}](lessons/{slug}.md)", lesson.title),
        })
    }
}
