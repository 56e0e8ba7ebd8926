//! What the reference pages say, entry by entry. The words are those of [`crate::render::pages`], as
//! `read` and the book have them.

use crate::curriculum::Curriculum;
use crate::curriculum::correction::Home;
use crate::curriculum::pages::Pages;
use crate::render::pages::{self, Medium};

/// A reference page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tab {
    /// Calls, traces and the kernel's functions.
    QuickReference,
    /// Words.
    Glossary,
    /// Beliefs behind wrong answers.
    Misconceptions,
    /// What is often said, and what is so.
    Corrections,
}

impl Tab {
    /// All, from left to right.
    pub const ALL: [Tab; 4] = [
        Self::QuickReference,
        Self::Glossary,
        Self::Misconceptions,
        Self::Corrections,
    ];

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::QuickReference => "Quick reference",
            Self::Glossary => "Glossary",
            Self::Misconceptions => "Misconceptions",
            Self::Corrections => "Corrections",
        }
    }

    /// What an entry of it is called.
    pub fn kind(self) -> &'static str {
        match self {
            Self::QuickReference => "quick reference",
            Self::Glossary => "glossary",
            Self::Misconceptions => "misconception",
            Self::Corrections => "correction",
        }
    }
}

/// An entry of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is found by.
    pub title: String,
    /// The heading that it stands under; empty where there is none.
    pub section: String,
    /// What it says.
    pub markdown: String,
    /// The slug of the lesson that teaches it.
    pub lesson: Option<String>,
}

/// The entries of a page.
pub fn of(tab: Tab, pages: &Pages, curriculum: &Curriculum) -> Vec<Entry> {
    let medium = Medium::Screen;
    let known = |slug: &str| curriculum.lesson(slug).map(|lesson| lesson.slug.clone());
    let mut entries = match tab {
        Tab::QuickReference => quick_reference(pages, curriculum, medium),
        Tab::Glossary => pages
            .glossary
            .iter()
            .map(|term| Entry {
                title: term.name.value.clone(),
                section: String::new(),
                markdown: pages::term(term, curriculum, medium),
                lesson: term.lesson.as_ref().map(|slug| slug.value.clone()),
            })
            .collect(),
        Tab::Misconceptions => misconceptions(curriculum),
        Tab::Corrections => corrections(pages, medium),
    };
    for entry in &mut entries {
        entry.lesson = entry.lesson.take().and_then(|slug| known(&slug));
    }
    entries
}

fn quick_reference(pages: &Pages, curriculum: &Curriculum, medium: Medium<'_>) -> Vec<Entry> {
    let reference = &pages.quick_reference;
    let calls = reference.calls.iter().map(|call| Entry {
        title: call.title.clone(),
        section: "Calls".to_owned(),
        markdown: pages::call(call, curriculum, medium),
        lesson: call.lesson.as_ref().map(|slug| slug.value.clone()),
    });
    let traces = reference.traces.iter().map(|trace| Entry {
        title: trace.title.clone(),
        section: "Traces".to_owned(),
        markdown: pages::trace(trace),
        lesson: None,
    });
    let areas = reference.areas.iter().map(|area| Entry {
        title: area.title.clone(),
        section: "The kernel's source".to_owned(),
        markdown: pages::area(area, medium),
        lesson: None,
    });
    calls.chain(traces).chain(areas).collect()
}

fn misconceptions(curriculum: &Curriculum) -> Vec<Entry> {
    let refutes = |id: &str| {
        let mut lessons = curriculum.lessons();
        lessons.find(|lesson| lesson.refutes.iter().any(|one| one.value == id))
    };
    let beliefs = curriculum.misconceptions.iter();
    beliefs
        .map(|one| {
            let lesson = refutes(&one.id.value);
            let shown = lesson.map_or(String::new(), |lesson| {
                format!("  \nThe lesson “{}” shows it.", lesson.title)
            });
            Entry {
                title: one.belief.clone(),
                section: String::new(),
                markdown: format!(
                    "**Often believed:** {}  \n**In fact:** {}{shown}",
                    one.belief.trim(),
                    one.fact.trim()
                ),
                lesson: lesson.map(|lesson| lesson.slug.clone()),
            }
        })
        .collect()
}

fn corrections(pages: &Pages, medium: Medium<'_>) -> Vec<Entry> {
    let all = pages.corrections.corrections.iter();
    all.map(|one| {
        let read_on = match &one.reference {
            Some(page) => format!("  \nRead {}.", medium.page(page)),
            None => String::new(),
        };
        Entry {
            title: one.believed.clone(),
            section: String::new(),
            markdown: format!(
                "**Often said:** {}  \n**In fact:** {}{read_on}",
                one.believed.trim(),
                one.fact.trim()
            ),
            lesson: match &one.home {
                Home::Lesson { lesson, .. } => Some(lesson.value.clone()),
                _ => None,
            },
        }
    })
    .collect()
}
