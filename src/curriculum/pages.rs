//! Pages to look things up in: the quick reference, the glossary and the corrections. Loads them and
//! checks what they say of lessons and exercises.
//!
//! They are not part of [`Curriculum`], which every subcommand loads: only who reads a page, or
//! checks all files, needs them. A pack without a quick reference or a glossary has those that are
//! built in; corrections name claims of lessons, so a pack has its own or none.

use serde::Serialize;

use super::correction::{Correction, Corrections, Home};
use super::glossary::Term;
use super::load::{Curriculum, LoadError, Loader};
use super::problem::{Problem, did_you_mean};
use super::quick_reference::QuickReference;
use super::reader::Located;
use super::source::Source;

/// Every page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Pages {
    /// Calls, traces and the kernel's functions.
    pub quick_reference: QuickReference,
    /// Words and their meaning.
    pub glossary: Vec<Term>,
    /// Beliefs and facts.
    pub corrections: Corrections,
}

/// A page, by the name that `read` knows it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// `quick-reference`.
    QuickReference,
    /// `glossary`.
    Glossary,
    /// `corrections`.
    Corrections,
}

impl Name {
    /// Every page.
    pub const ALL: [Self; 3] = [Self::QuickReference, Self::Glossary, Self::Corrections];

    /// How it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QuickReference => "quick-reference",
            Self::Glossary => "glossary",
            Self::Corrections => "corrections",
        }
    }

    /// The page with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|page| page.as_str() == name)
    }

    fn file(self) -> String {
        format!("curriculum/{}.toml", self.as_str())
    }
}

impl Pages {
    /// Loads and checks every page, against a curriculum that was loaded from the same files.
    ///
    /// # Errors
    /// When the files cannot be read, or with every mistake found in the pages.
    pub fn load(source: &Source, curriculum: &Curriculum) -> Result<Self, LoadError> {
        Loader::all_right(source, |loader| {
            loader.complete(&Name::QuickReference.file());
            loader.complete(&Name::Glossary.file());
            let corrections = Name::Corrections.file();
            let pages = Self {
                quick_reference: loader.read(&Name::QuickReference.file(), QuickReference::read),
                glossary: loader.read(&Name::Glossary.file(), Term::read_all),
                corrections: match loader.has(&corrections) {
                    true => loader.read(&corrections, Corrections::read),
                    false => Corrections::default(),
                },
            };
            // A page that is built in may name lessons that a pack does not have.
            if matches!(source, Source::Embedded) || loader.has(&corrections) {
                pages.check(loader, curriculum);
            }
            pages
        })
    }

    /// The mistakes of all pages; none when the files cannot be read, which others tell.
    pub fn problems(source: &Source, curriculum: &Curriculum) -> Vec<Problem> {
        match Self::load(source, curriculum) {
            Err(LoadError::Problems(problems)) => problems.0,
            Ok(_) | Err(LoadError::Source(_)) => Vec::new(),
        }
    }

    fn check(&self, loader: &mut Loader, curriculum: &Curriculum) {
        let lessons: Vec<&str> = curriculum.lessons().map(|it| it.slug.as_str()).collect();
        let named = |lesson: &Option<Located<String>>| lesson.iter().cloned().collect::<Vec<_>>();
        for term in &self.glossary {
            let file = Name::Glossary.file();
            loader.known(&file, "lesson", &named(&term.lesson), &lessons);
        }
        for call in &self.quick_reference.calls {
            let file = Name::QuickReference.file();
            loader.known(&file, "lesson", &named(&call.lesson), &lessons);
        }
        let file = Name::Corrections.file();
        let later: Vec<&str> = self
            .corrections
            .later
            .iter()
            .map(|it| it.name.value.as_str())
            .collect();
        let corrections = &self.corrections.corrections;
        let ids = corrections.iter().map(|it| (file.clone(), &it.id));
        loader.unique("correction", ids);
        for correction in corrections {
            check_home(loader, &file, correction, curriculum, &lessons, &later);
            if let Home::Trace(trace) = &correction.home {
                let traces = self.quick_reference.traces.iter();
                let ids: Vec<&str> = traces.map(|it| it.id.value.as_str()).collect();
                loader.known(&file, "trace", std::slice::from_ref(trace), &ids);
            }
        }
        let names = self.corrections.later.iter();
        loader.unique("later lesson", names.map(|it| (file.clone(), &it.name)));
        for later in &self.corrections.later {
            let name = &later.name;
            let waits =
                |it: &Correction| matches!(&it.home, Home::Later(of) if of.value == name.value);
            if curriculum.lesson(&name.value).is_some() {
                let message = format!("the lesson `{}` is written", name.value);
                let help = "Give its corrections `lesson` and `claims` instead of `later`.";
                loader.add(&file, name.span.clone(), message, Some(help.to_owned()));
            } else if !corrections.iter().any(waits) {
                let message = format!("no correction waits for `{}`", name.value);
                let help = "Remove this table.".to_owned();
                loader.add(&file, name.span.clone(), message, Some(help));
            }
        }
    }
}

fn check_home(
    loader: &mut Loader,
    file: &str,
    correction: &Correction,
    curriculum: &Curriculum,
    lessons: &[&str],
    later: &[&str],
) {
    match &correction.home {
        Home::Lesson { lesson, claims } => {
            loader.known(file, "lesson", std::slice::from_ref(lesson), lessons);
            let Some(known) = curriculum.lesson(&lesson.value) else {
                return;
            };
            let ids: Vec<&str> = known.claims.iter().map(|it| it.id.value.as_str()).collect();
            for claim in claims {
                if ids.contains(&claim.value.as_str()) {
                    continue;
                }
                let owner = curriculum
                    .lessons()
                    .find(|it| it.claims.iter().any(|own| own.id.value == claim.value));
                let help = match owner {
                    Some(owner) => Some(format!("The lesson `{}` has it.", owner.slug)),
                    None => did_you_mean(&claim.value, ids.iter().copied()),
                };
                let all = || {
                    format!(
                        "`ipc-mastery try --all` names the claims of `{}`.",
                        known.slug
                    )
                };
                let message = format!("the lesson `{}` has no claim `{}`", known.slug, claim.value);
                loader.add(
                    file,
                    claim.span.clone(),
                    message,
                    help.or_else(|| Some(all())),
                );
            }
        }
        Home::Exercise {
            exercise,
            diagnosis,
        } => {
            let slugs: Vec<&str> = curriculum
                .exercises
                .iter()
                .map(|it| it.slug.as_str())
                .collect();
            loader.known(file, "exercise", std::slice::from_ref(exercise), &slugs);
            let known = curriculum
                .exercises
                .iter()
                .find(|it| it.slug == exercise.value);
            if let (Some(known), Some(diagnosis)) = (known, diagnosis) {
                let all = known.diagnoses.iter().chain(&curriculum.common.diagnoses);
                let ids: Vec<&str> = all.map(|it| it.id.value.as_str()).collect();
                loader.known(file, "diagnosis", std::slice::from_ref(diagnosis), &ids);
            }
        }
        Home::Trace(_) => {}
        Home::Later(name) => {
            if !name.value.is_empty() {
                loader.known(file, "later lesson", std::slice::from_ref(name), later);
            }
        }
    }
}
